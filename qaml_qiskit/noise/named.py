"""The named noises: one strength each, for sweeps."""

from typing import Any, get_args

from pydantic import ValidationError

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.formats import first_problem
from qaml_qiskit.noise.models import NoiseSpec
from qaml_qiskit.noise.names import NOISES, NoiseName, Placement

#: T1 of the named thermal relaxation, in seconds. Only the gate time in units of it matters.
_T1 = 1e-4


def named_noise(name: NoiseName, strength: float, placement: Placement = "gate") -> NoiseSpec:
    """One noise of one strength; :data:`NOISES` says what the strength means and where the noise acts.

    Args:
        name: a key of :data:`NOISES`.
        strength: from 0, which is no noise, to the noise's largest.
        placement: after every gate or after every layer. Readout errors are the same in both.

    Raises:
        ConfigurationError: an unknown name or placement, or a strength out of range.
    """
    _check(name, strength, placement)
    if not strength:
        return NoiseSpec(placement=placement)
    try:
        return NoiseSpec.model_validate({"placement": placement, **_fields(name, float(strength), placement)})
    except ValidationError as error:
        raise _out_of_range(name, strength, first_problem(error)[1]) from error


def _fields(name: NoiseName, strength: float, placement: Placement) -> dict[str, Any]:
    widths = ("one_qubit", "two_qubit") if placement == "gate" else ("one_qubit",)
    match name:
        case "depolarizing":
            return {"depolarizing": dict.fromkeys(widths, strength)}
        case "over-rotation":
            return {"over_rotation": dict.fromkeys(widths, strength)}
        case "thermal-relaxation":
            places = widths if placement == "gate" else ("layer",)
            return {"thermal_relaxation": {"t1": _T1, "t2": _T1, **dict.fromkeys(places, strength * _T1)}}
        case "readout":
            return {"readout": {"p10": strength, "p01": strength}}
        case _:
            return {name.replace("-", "_"): strength}


def _check(name: str, strength: float, placement: str) -> None:
    for what, value, known in (("noise", name, tuple(NOISES)), ("placement", placement, get_args(Placement))):
        if value not in known:
            raise unknown_name(f"there is no such {what}", value, known)
    info = next(info for known_name, info in NOISES.items() if known_name == name)
    if not 0 <= strength <= info.high:  # not a number fails this too
        raise _out_of_range(name, strength, f"0 to {info.high:.4g} ({info.strength})")


def _out_of_range(name: str, strength: float, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} noise cannot have this strength",
        got=f"{strength:g}",
        expected=expected,
        remedy="choose a strength in this range",
    )
