"""What each named noise is: its strength, its formula and its fields. Needs neither Aer nor Qiskit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Kraus operators K_i of a channel ρ → Σ K_i ρ K_i† on one qubit, 2×2 each, Σ K_i† K_i = 1.
Kraus = Sequence[NDArray[np.complex128]]


@dataclass(frozen=True)
class NoiseInfo:
    """What a named noise is.

    It acts through ``fields`` or through ``kraus``: one of them must be given.

    Attributes:
        strength: what the strength means.
        high: the largest strength; the smallest is 0, which is no noise.
        formula: the channel, one use of it.
        acts_on: what, for noise placed by gate and by layer.
        fields: the fields of a :class:`~qaml_qiskit.noise.NoiseSpec` for a strength and a placement.
        kraus: of a channel of its own on one qubit, for a strength: it acts on each qubit of every SX, X, CZ, CX, ECR,
            or on each qubit after every layer.
    """

    strength: str
    high: float
    formula: str
    acts_on: str
    fields: Callable[[float, str], Mapping[str, Any]] | None = None
    kraus: Callable[[float], Kraus] | None = None

    def __post_init__(self) -> None:
        if (self.fields is None) == (self.kraus is None):
            raise ValueError("a noise has either fields or Kraus operators")


#: T1 of the named thermal relaxation, in seconds. Only the gate time in units of it matters.
_T1 = 1e-4
_EACH_QUBIT = "each qubit of every SX, X, CZ, CX, ECR; or each qubit after every layer"


def _plain(field: str) -> Callable[[float, str], Mapping[str, Any]]:
    return lambda strength, placement: {field: strength}


def _by_width(field: str) -> Callable[[float, str], Mapping[str, Any]]:
    return lambda strength, placement: {field: dict.fromkeys(_widths(placement), strength)}


def _widths(placement: str) -> tuple[str, ...]:
    return ("one_qubit", "two_qubit") if placement == "gate" else ("one_qubit",)


def _relaxation(strength: float, placement: str) -> Mapping[str, Any]:
    places = _widths(placement) if placement == "gate" else ("layer",)
    return {"thermal_relaxation": {"t1": _T1, "t2": _T1, **dict.fromkeys(places, strength * _T1)}}


DEPOLARIZING = NoiseInfo(
    "p, weight of the maximally mixed state",
    1.0,
    "ρ → (1 − p)ρ + p·1/2ᵏ",
    "all k qubits of every SX, X, CZ, CX, ECR together; or each qubit after every layer",
    _by_width("depolarizing"),
)
AMPLITUDE_DAMPING = NoiseInfo(
    "γ, probability that |1⟩ decays to |0⟩",
    1.0,
    "⟨Z⟩ → γ + (1 − γ)⟨Z⟩; ⟨X⟩, ⟨Y⟩ times √(1 − γ)",
    _EACH_QUBIT,
    _plain("amplitude_damping"),
)
BIT_FLIP = NoiseInfo("p, probability of an X", 1.0, "ρ → (1 − p)ρ + p·XρX", _EACH_QUBIT, _plain("bit_flip"))
PHASE_DAMPING = NoiseInfo("λ", 1.0, "⟨X⟩, ⟨Y⟩ times √(1 − λ); ⟨Z⟩ stays", _EACH_QUBIT, _plain("phase_damping"))
THERMAL_RELAXATION = NoiseInfo(
    "t/T1, time of a gate (or layer) in units of T1, with T2 = T1",
    100.0,
    "⟨Z⟩ → 1 − e^(−t/T1)·(1 − ⟨Z⟩); ⟨X⟩, ⟨Y⟩ times e^(−t/T2)",
    _EACH_QUBIT,
    _relaxation,
)
OVER_ROTATION = NoiseInfo(
    "θ, radians turned too far",
    pi,
    "RX(θ) after SX and X; phase θ on |11⟩ after CZ",
    "the qubits of every SX, X, CZ, CX, ECR; or RX(θ) on each qubit after every layer",
    _by_width("over_rotation"),
)
CROSSTALK = NoiseInfo(
    "θ, angle of the ZZ rotation in radians",
    pi,
    "exp(−iθ/2·Z⊗Z) on two neighbours",
    "after every CZ, CX, ECR, between each of its qubits and that qubit's other neighbours; or on every "
    "neighbouring pair after every layer",
    _plain("crosstalk"),
)
READOUT = NoiseInfo(
    "p, probability of reading the wrong bit, either way",
    1.0,
    "⟨Z⟩ → (1 − 2p)⟨Z⟩",
    "every measurement",
    lambda strength, placement: {"readout": {"p10": strength, "p01": strength}},
)
GLOBAL_DEPOLARIZING = NoiseInfo(
    "p, weight of the maximally mixed state of the whole register",
    1.0,
    "every ⟨Z_k⟩ times (1 − p)^uses",
    "before the readout, with one use for every SX, X, CZ, CX, ECR; or one for every layer",
    _plain("global_depolarizing"),
)
