"""The strengths that several numbers describe, as fields of :class:`~qaml_qiskit.noise.NoiseSpec`."""

from dataclasses import dataclass
from math import pi
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qaml_qiskit.noise.kinds import Kraus
from qaml_qiskit.noise.names import NOISES, NoiseName

Probability = Annotated[float, Field(ge=0, le=1)]
Angle = Annotated[float, Field(ge=-pi, le=pi)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
GateTime = Annotated[float, Field(ge=0, allow_inf_nan=False)]

#: A gate time over a relaxation time outside these bounds comes from mixed units, not from a device.
_SMALLEST_RATIO, _LARGEST_RATIO = 1e-9, 1e3


class _Strengths(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Repair:
    """A T2 that no qubit can have, and what was taken in its place.

    Attributes:
        t1: in seconds.
        t2: as it was given, in seconds; more than 2·T1.
        qubit: whose it is; None for all.
    """

    t1: float
    t2: float
    qubit: int | None = None

    @property
    def used(self) -> float:
        """The T2 that the model has, in seconds: 2·T1, as Aer does it for devices."""
        return 2 * self.t1

    def __str__(self) -> str:
        whose = "" if self.qubit is None else f" of qubit {self.qubit}"
        return (
            f"T2{whose} is {self.t2 * 1e6:.4g} µs and 2·T1 is {self.used * 1e6:.4g} µs; a longer T2 than 2·T1 is "
            f"impossible: {self.used * 1e6:.4g} µs taken"
        )


class Depolarizing(_Strengths):
    """Strength p of E(ρ) = (1 − p)ρ + p·1/2ᵏ after each gate on k qubits."""

    one_qubit: Probability = 0.0
    two_qubit: Probability = 0.0


class ReadoutErrors(_Strengths):
    """Probabilities of reading the wrong bit: ``p10`` reads 1 where the qubit was 0, ``p01`` reads 0 where it was 1."""

    p10: Probability = 0.0
    p01: Probability = 0.0


class Other(_Strengths):
    """A channel that was registered with Kraus operators, on each qubit of each gate or after each layer."""

    name: NoiseName
    strength: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @property
    def kraus(self) -> Kraus:
        """Its Kraus operators on one qubit."""
        info = NOISES[self.name]
        assert info.kraus is not None, "checked by the field"
        return info.kraus(self.strength)

    @model_validator(mode="after")
    def _has_operators(self) -> "Other":
        info = NOISES[self.name]
        if info.kraus is None:
            raise ValueError(f"a noise with Kraus operators; {self.name} has a field of its own")
        if self.strength > info.high:
            raise ValueError(f"for {self.name} at most {info.high:.4g} ({info.strength})")
        return self


class OverRotation(_Strengths):
    """Every gate turns too far, always by the same angle: a unitary error.

    ``one_qubit`` and ``two_qubit`` are angles in radians; ``fraction`` adds that part of the gate's own angle, which is
    π/2 for SX and ECR and π for X, CZ and CX. SX and X turn about X; CZ and CX turn the phase of |11⟩, in the X basis
    of the target for CX; ECR turns about ZX.
    """

    one_qubit: Angle = 0.0
    two_qubit: Angle = 0.0
    fraction: Annotated[float, Field(ge=-1, le=1)] = 0.0


class ThermalRelaxation(_Strengths):
    """Relaxation and dephasing of each of a gate's qubits while the gate lasts. All times in seconds.

    Without ``t1`` the qubits only dephase; without ``t2`` they only relax, which is T2 = 2·T1. ``sx`` to ``ecr``
    replace the time of one gate. ``layer`` is the time of a whole layer, for noise that is placed by layers.
    """

    t1: Seconds | None = None
    t2: Seconds | None = None
    one_qubit: GateTime = 0.0
    two_qubit: GateTime = 0.0
    sx: GateTime | None = None
    x: GateTime | None = None
    cz: GateTime | None = None
    cx: GateTime | None = None
    ecr: GateTime | None = None
    layer: GateTime = 0.0
    excited_population: Probability = 0.0
    """Population of |1⟩ in equilibrium."""

    @property
    def repair(self) -> Repair | None:
        """What was repaired: T2 > 2·T1 is cut to 2·T1."""
        if self.t1 is None or self.t2 is None or self.t2 <= 2 * self.t1:
            return None
        return Repair(self.t1, self.t2)

    def time(self, gate: str, width: int) -> float:
        """How long a gate on so many qubits lasts, in seconds; RX as long as SX, RZZ as CZ."""
        own: float | None = getattr(self, {"rx": "sx", "rzz": "cz"}.get(gate, gate))
        if own is not None:
            return own
        return self.one_qubit if width == 1 else self.two_qubit

    @property
    def gate_times(self) -> tuple[float, ...]:
        """All times of gates that were given, in seconds."""
        own = (self.sx, self.x, self.cz, self.cx, self.ecr)
        return (self.one_qubit, self.two_qubit, *(time for time in own if time is not None))

    @model_validator(mode="after")
    def _sensible(self) -> "ThermalRelaxation":
        known = [time for time in (self.t1, self.t2) if time is not None]
        longest = max(*self.gate_times, self.layer)
        if bool(known) != bool(longest):
            raise ValueError("t1 or t2, together with at least one gate time or the time of a layer")
        if known and not _SMALLEST_RATIO <= longest / min(known) <= _LARGEST_RATIO:
            raise ValueError(
                f"all times in seconds: the longest gate takes {longest / min(known):.1e} of the shortest of T1 and "
                f"T2, and anything outside {_SMALLEST_RATIO:g} to {_LARGEST_RATIO:g} is a mix of units"
            )
        return self
