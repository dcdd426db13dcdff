"""Attacks from what a user asks for: names, strengths, and parameters that not every attack has."""

from collections.abc import Sequence

from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.registry import ATTACKS, make_attack
from qaml_qiskit.settings import read_settings, settings_of_each

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
    wanted = {"steps": steps, "restarts": restarts, **read_settings(param, _RESERVED)}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    settings = settings_of_each(wanted, kinds, _RESERVED)
    strengths: list[dict[str, float]] = [{}] if eps is None else [{"eps": value} for value in eps if value != 0]
    attacks = []
    for name, own in settings.items():
        # Where there is only strength 0, the parameters are checked all the same.
        made = [make_attack(name, seed=seed, **own, **strength) for strength in strengths or [{}]]
        attacks += made if strengths else []
    return attacks
