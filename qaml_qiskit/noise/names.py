"""What noises can be called and what their strengths mean; for requests, which do not wait for Aer."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from types import MappingProxyType
from typing import Literal

#: After every gate, or after every layer.
Placement = Literal["gate", "layer"]

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
