"""What a target asks of the Runtime primitive beside shots: error suppression, timing, limits."""

import platform
from importlib.util import find_spec
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.errors import ConfigurationError

#: What is made of counts: nothing, or each qubit's readout errors inverted, or those of all qubits by M3.
CountsMitigation = Literal["none", "readout", "m3"]
#: The first three sample bitstrings; ``trex`` and ``zne`` let the Estimator mitigate.
Mitigation = Literal["none", "readout", "m3", "trex", "zne"]
#: Those that correct counts with a readout calibration, measured by a job of its own.
CALIBRATED: tuple[Mitigation, ...] = ("readout", "m3")
#: Those for which the Estimator answers in place of the Sampler.
ESTIMATED: tuple[Mitigation, ...] = ("trex", "zne")
DEFAULT_MITIGATION: Mitigation = "readout"
Mode = Literal["job", "batch", "session"]
#: What simulates a target: shots from exact distributions, or Aer.
Engine = Literal["exact", "aer"]


def missing_mitigations() -> dict[str, str]:
    """The mitigations that cannot be had here, and why, as the end of a sentence; empty where all can."""
    return {} if find_spec("mthree") else {"m3": "mthree is not installed; it has no wheels for Python 3.13 and later"}


def check_mitigation(mitigation: Mitigation) -> None:
    """Refuse a mitigation that cannot be had here, before anything is computed. Nothing heavy is imported for it.

    Raises:
        ConfigurationError: M3 without mthree.
    """
    if mitigation in missing_mitigations():
        raise needs_mthree(f"no package mthree for Python {platform.python_version()}")


def needs_mthree(got: str) -> ConfigurationError:
    """The refusal of M3 where mthree cannot be had."""
    return ConfigurationError(
        "the mitigation m3 cannot be had here",
        got=got,
        expected="mthree, of which there are wheels for Python 3.11 and 3.12 only",
        remedy="choose the mitigation readout, which needs no mthree: it inverts every qubit by itself and has no "
        "bias at few shots, where m3 inverts within the bitstrings that occurred; or install mthree",
    )


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DynamicalDecoupling(_Options):
    """Pulses that refocus idle qubits."""

    sequence: Literal["XX", "XpXm", "XY4"] = "XX"


class Twirling(_Options):
    """Random Pauli gates, undone in the circuit or the outcome, that turn coherent errors into stochastic ones."""

    gates: bool = False
    measure: bool = False
    randomizations: Annotated[int, Field(ge=1)] | None = None


class PrimitiveOptions(_Options):
    """The ``options`` of an entry of backends.yaml.

    Attributes:
        dynamical_decoupling: None leaves idle qubits alone.
        twirling: None twirls nothing.
        rep_delay: seconds between a measurement and the next circuit; None takes the device's default.
        max_execution_time: seconds of QPU time after which the service stops a job.
    """

    dynamical_decoupling: DynamicalDecoupling | None = None
    twirling: Twirling | None = None
    rep_delay: Annotated[float, Field(gt=0)] | None = None
    max_execution_time: Annotated[int, Field(ge=1)] | None = None

    def for_calibration(self) -> "PrimitiveOptions":
        """Those of the circuits that calibrate the readout: read as the classifier is, their gates left alone.

        Twirled gates would turn |1…1⟩ into other states where a circuit has no two-qubit gates to twirl around; twirled
        measurements have another readout error, so they stay.
        """
        twirling = None
        if self.twirling is not None and self.twirls_measurements:
            twirling = self.twirling.model_copy(update={"gates": False})
        return self.model_copy(update={"dynamical_decoupling": None, "twirling": twirling})

    @property
    def twirls_measurements(self) -> bool:
        """Whether |0⟩ and |1⟩ are exchanged at random before they are read, which makes both readout errors equal."""
        return self.twirling is not None and self.twirling.measure

    def not_applied_locally(self) -> tuple[str, ...]:
        """The options that are set but mean nothing to a simulator: it has no idle time and no queue."""
        names = ("dynamical_decoupling", "rep_delay", "max_execution_time")
        return tuple(name for name in names if getattr(self, name) is not None)
