"""Attacks from what a user asks for: names, strengths, and parameters that not every attack has."""

import json
from collections.abc import Sequence
from typing import Any

from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.registry import ATTACKS, make_attack
from qaml_qiskit.errors import ConfigurationError, perhaps

#: Parameters that have options of their own.
_RESERVED = ("name", "eps", "seed")


def attack_grid(
    names: Sequence[str],
    eps: Sequence[float] | None,
    *,
    seed: int,
    steps: int | None = None,
    restarts: int | None = None,
    param: Sequence[str] = (),
) -> list[Attack]:
    """Every attack at every strength above 0.

    Args:
        names: of registered attacks.
        eps: strengths; None for each attack's own default: 0.1, and no bound for those that find the smallest change.
        seed: of all attacks.
        steps: of the attacks that have steps.
        restarts: of the attacks that have restarts.
        param: further ``key=value``, for the attacks that have them; ``attack.key=value`` for one attack.

    Raises:
        ConfigurationError: an unknown attack, a strength out of range, a parameter that none of the attacks has, or a
            value that it cannot have.
    """
    kinds = {name: ATTACKS[name] for name in names}
    wanted = {"steps": steps, "restarts": restarts, **_parsed(param)}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    for key in wanted:
        _check_known(key, names)
    strengths: list[dict[str, float]] = [{}] if eps is None else [{"eps": value} for value in eps if value != 0]
    attacks = []
    for name, kind in kinds.items():
        own = {key: value for key, value in wanted.items() if key in kind.model_fields}
        own |= {key.removeprefix(f"{name}."): v for key, v in wanted.items() if key.startswith(f"{name}.")}
        # Where there is only strength 0, the parameters are checked all the same.
        made = [make_attack(name, seed=seed, **own, **strength) for strength in strengths or [{}]]
        attacks += made if strengths else []
    return attacks


def _parsed(param: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in param:
        key, equals, text = word.partition("=")
        if not equals or not key or key.rpartition(".")[2] in _RESERVED or key in found:
            raise ConfigurationError(
                "--param does not fit",
                got=repr(word),
                expected=f"key=value, each key once, none of {', '.join(_RESERVED)}",
                remedy="write for example --param step_size=0.01",
            )
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def _check_known(key: str, names: Sequence[str]) -> None:
    attack, dot, field = key.rpartition(".")
    if dot and attack in names:
        _check_known(field, [attack])
        return
    known = sorted({field for name in names for field in ATTACKS[name].model_fields} - set(_RESERVED))
    if key in known:
        return
    raise ConfigurationError(
        f"{' and '.join(names)} {'has' if len(names) == 1 else 'have'} no such parameter",
        got=key,
        expected=f"one of {', '.join(known)}" if known else "no parameters at all",
        remedy=perhaps(key, known, f"leave out {key}", count=1),
    )
