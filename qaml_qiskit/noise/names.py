"""What noises can be called and what their strengths mean; for requests, which do not wait for Aer."""

from typing import Annotated, Literal, get_args

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.noise.kinds import NoiseInfo
from qaml_qiskit.registry import Named, Registry

#: After every gate, or after every layer.
Placement = Literal["gate", "layer"]

_KINDS = "qaml_qiskit.noise.kinds"

#: The named noises.
NOISES: Registry[NoiseInfo] = Registry(
    "noise",
    {
        "depolarizing": (f"{_KINDS}:DEPOLARIZING", "a gate's qubits forget their state"),
        "amplitude-damping": (f"{_KINDS}:AMPLITUDE_DAMPING", "|1⟩ decays to |0⟩"),
        "bit-flip": (f"{_KINDS}:BIT_FLIP", "a random X"),
        "phase-damping": (f"{_KINDS}:PHASE_DAMPING", "coherence is lost"),
        "thermal-relaxation": (f"{_KINDS}:THERMAL_RELAXATION", "decay and loss of coherence together, T2 = T1"),
        "over-rotation": (f"{_KINDS}:OVER_ROTATION", "every gate turns too far, always by the same angle"),
        "crosstalk": (f"{_KINDS}:CROSSTALK", "gates turn their neighbours, by ZZ"),
        "readout": (f"{_KINDS}:READOUT", "the wrong bit is read"),
        "global-depolarizing": (f"{_KINDS}:GLOBAL_DEPOLARIZING", "the whole register forgets its state"),
    },
    base=f"{_KINDS}:NoiseInfo",
)

NoiseName = Annotated[str, Named(NOISES)]


def check_noise(name: str, strength: float, placement: str = "gate") -> None:
    """Raise ConfigurationError for an unknown noise or placement, or a strength out of its range."""
    info = NOISES[name]
    if placement not in get_args(Placement):
        raise unknown_name("there is no such placement", placement, get_args(Placement))
    if not 0 <= strength <= info.high:  # not a number fails this too
        raise out_of_range(name, strength, f"0 to {info.high:.4g} ({info.strength})")


def out_of_range(name: str, strength: float, expected: str) -> ConfigurationError:
    """A strength that a noise cannot have."""
    return ConfigurationError(
        f"{name} noise cannot have this strength",
        got=f"{strength:g}",
        expected=expected,
        remedy="choose a strength in this range",
    )
