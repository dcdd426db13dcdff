"""Attacks from what a user asks for: names, strengths, and parameters that not every attack has."""

import json
import math
from collections.abc import Sequence
from typing import Any

from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.registry import ATTACKS, make_attack
from qaml_qiskit.errors import ConfigurationError, perhaps

DEFAULT_EPS = 0.1
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
        eps: strengths; None for 0.1 in l∞, and no bound for attacks that look for the smallest perturbation.
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
    attacks = []
    for name, kind in kinds.items():
        own = {key: value for key, value in wanted.items() if key in kind.model_fields}
        own |= {key.removeprefix(f"{name}."): v for key, v in wanted.items() if key.startswith(f"{name}.")}
        for strength in _strengths(kind, eps):
            if strength != 0:
                attacks.append(make_attack(name, eps=strength, seed=seed, **own))
        if not attacks or attacks[-1].name != name:
            # Only strength 0: the parameters are checked all the same.
            make_attack(name, seed=seed, **own)
    return attacks


def _strengths(kind: type[Attack], eps: Sequence[float] | None) -> Sequence[float | None]:
    minimal = kind.traits.minimal
    if eps is None:
        return [None] if minimal else [DEFAULT_EPS]
    for value in eps:
        if not 0 <= value <= (math.inf if kind.traits.norm == "l2" else 1) or math.isinf(value):
            raise ConfigurationError(
                "--eps does not fit",
                got=f"{value:g}",
                expected="a length of at least 0" if kind.traits.norm == "l2" else "strengths from 0 to 1",
                remedy="give strengths in units of the pixels, which lie in [0, 1]",
            )
    return list(eps)


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
