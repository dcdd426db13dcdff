"""Settings of parts by name: words of ``key=value``, and parts with some settings changed from their defaults."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from qaml_qiskit.errors import ConfigurationError, perhaps
from qaml_qiskit.formats import first_problem

Part = TypeVar("Part", bound=BaseModel)


def configured(part: str, kind: type[Part], given: Mapping[str, object], fixed: Sequence[str] = ()) -> Part:
    """A part with some settings changed from their defaults.

    Args:
        part: what it is, such as ``the attack pgd``.
        kind: its class, whose fields are the settings.
        given: the changed ones.
        fixed: fields that are no settings.

    Raises:
        ConfigurationError: an unknown setting, or a value out of range.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first, _ = first_problem(error)
        field = ".".join(map(str, first["loc"]))
        known = [known for known in kind.model_fields if known not in fixed]
        otherwise = f"correct or leave out {field}"
        raise ConfigurationError(
            f"{part} cannot have these parameters",
            got=f"{field}={first['input']!r} ({first['msg']})",
            expected=f"values for {', '.join(known)}" if known else "no parameters at all",
            remedy=otherwise if field in known else perhaps(field, known, otherwise, count=1),
        ) from error


def read_settings(words: Sequence[str], reserved: Sequence[str] = ()) -> dict[str, Any]:
    """Settings as they are written in ``--param``: ``key=value`` with a JSON value, or text where it is none.

    Args:
        words: of a command line.
        reserved: settings that have options of their own.

    Raises:
        ConfigurationError: a word of another kind, a reserved setting, or one that is given twice.
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key or key.rpartition(".")[2] in reserved or key in found:
            raise ConfigurationError(
                "--param does not fit",
                got=repr(word),
                expected=f"key=value, each key once{', none of ' if reserved else ''}{', '.join(reserved)}",
                remedy="write for example --param step_size=0.01",
            )
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def settings_of_each(
    given: Mapping[str, Any], kinds: Mapping[str, type[BaseModel]], reserved: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Who takes which of these settings: ``key`` goes to all that have it, ``name.key`` to one.

    Args:
        given: by key, as :func:`read_settings` gives them.
        kinds: classes of the parts by their names.
        reserved: fields that are no settings.

    Raises:
        ConfigurationError: a setting that none of them has.
    """
    for key in given:
        _check_known(key, kinds, reserved)
    found = {}
    for name, kind in kinds.items():
        found[name] = {key: value for key, value in given.items() if key in kind.model_fields}
        own = {key: value for key, value in given.items() if key.startswith(f"{name}.")}
        found[name] |= {key.removeprefix(f"{name}."): value for key, value in own.items()}
    return found


def _check_known(key: str, kinds: Mapping[str, type[BaseModel]], reserved: Sequence[str]) -> None:
    part, dot, field = key.rpartition(".")
    if dot and part in kinds:
        _check_known(field, {part: kinds[part]}, reserved)
        return
    known = sorted({field for kind in kinds.values() for field in kind.model_fields} - set(reserved))
    if key in known:
        return
    raise ConfigurationError(
        f"{' and '.join(kinds)} {'has' if len(kinds) == 1 else 'have'} no such parameter",
        got=key,
        expected=f"one of {', '.join(known)}" if known else "no parameters at all",
        remedy=perhaps(key, known, f"leave out {key}", count=1),
    )
