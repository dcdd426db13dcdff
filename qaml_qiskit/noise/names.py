"""The named noises: one strength each, for sweeps."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import ValidationError

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.models import NoiseSpec, Placement

NoiseName = Literal[
    "depolarizing",
    "amplitude-damping",
    "bit-flip",
    "phase-damping",
    "thermal-relaxation",
    "over-rotation",
    "crosstalk",
    "readout",
    "global-depolarizing",
]

#: T1 of the named thermal relaxation, in seconds. Only the gate time in units of it matters.
_T1 = 1e-4


@dataclass(frozen=True)
class NoiseInfo:
    """What a named noise is.

    Attributes:
        strength: what the strength means.
        high: the largest strength; the smallest is 0, which is no noise.
        formula: the channel, one use of it.
        where: where it acts, for noise placed by gate and by layer.
    """

    strength: str
    high: float
    formula: str
    where: str


_EACH_QUBIT = "each qubit of every SX, X, CZ, CX, ECR; or each qubit after every layer"

#: The named noises.
NOISES: Mapping[NoiseName, NoiseInfo] = MappingProxyType(
    {
        "depolarizing": NoiseInfo(
            "p, weight of the maximally mixed state",
            1.0,
            "ρ → (1 − p)ρ + p·1/2ᵏ",
            "all k qubits of every SX, X, CZ, CX, ECR together; or each qubit after every layer",
        ),
        "amplitude-damping": NoiseInfo(
            "γ, probability that |1⟩ decays to |0⟩", 1.0, "⟨Z⟩ → γ + (1 − γ)⟨Z⟩; ⟨X⟩, ⟨Y⟩ times √(1 − γ)", _EACH_QUBIT
        ),
        "bit-flip": NoiseInfo("p, probability of an X", 1.0, "ρ → (1 − p)ρ + p·XρX", _EACH_QUBIT),
        "phase-damping": NoiseInfo("λ", 1.0, "⟨X⟩, ⟨Y⟩ times √(1 − λ); ⟨Z⟩ stays", _EACH_QUBIT),
        "thermal-relaxation": NoiseInfo(
            "t/T1, time of a gate (or layer) in units of T1, with T2 = T1",
            100.0,
            "⟨Z⟩ → 1 − e^(−t/T1)·(1 − ⟨Z⟩); ⟨X⟩, ⟨Y⟩ times e^(−t/T2)",
            _EACH_QUBIT,
        ),
        "over-rotation": NoiseInfo(
            "θ, radians turned too far",
            pi,
            "RX(θ) after SX and X; phase θ on |11⟩ after CZ",
            "the qubits of every SX, X, CZ, CX, ECR; or RX(θ) on each qubit after every layer",
        ),
        "crosstalk": NoiseInfo(
            "θ, angle of the ZZ rotation in radians",
            pi,
            "exp(−iθ/2·Z⊗Z) on two neighbours",
            "after every CZ, CX, ECR, between each of its qubits and that qubit's other neighbours; or on every "
            "neighbouring pair after every layer",
        ),
        "readout": NoiseInfo(
            "p, probability of reading the wrong bit, either way", 1.0, "⟨Z⟩ → (1 − 2p)⟨Z⟩", "every measurement"
        ),
        "global-depolarizing": NoiseInfo(
            "p, weight of the maximally mixed state of the whole register",
            1.0,
            "every ⟨Z_k⟩ times (1 − p)^uses",
            "before the readout, with one use for every SX, X, CZ, CX, ECR; or one for every layer",
        ),
    }
)


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
        raise _out_of_range(name, strength, error.errors()[0]["msg"].removeprefix("Value error, ")) from error


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
            near = difflib.get_close_matches(str(value), known, n=1)
            raise ConfigurationError(
                f"unknown {what}",
                got=repr(value),
                expected=f"one of {', '.join(known)}",
                remedy=f"did you mean {near[0]}?" if near else "choose one of them",
            )
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
