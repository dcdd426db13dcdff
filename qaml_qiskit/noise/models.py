"""Named noise with strengths, turned into Aer noise models on the native gates of compiled circuits.

Aer applies noise only to the gates that a model names and is silent about all others, so the models here name the
native gates of IBM's devices, and :func:`check_touches` refuses a model that would leave a circuit untouched.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import (
    NoiseModel,
    QuantumError,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
)

from qaml_qiskit.errors import ConfigurationError

#: The gates that IBM's devices execute. RZ is a change of frame: it takes no time and has no noise.
ONE_QUBIT_GATES = ("sx", "x")
TWO_QUBIT_GATES = ("cz", "cx", "ecr")
BASIS_GATES = ("rz", "sx", "x", "cz")

Probability = Annotated[float, Field(ge=0, le=1)]


class Depolarizing(BaseModel):
    """Strength p of E(ρ) = (1 − p)ρ + p·1/2ᵏ after each gate on k qubits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    one_qubit: Probability = 0.0
    two_qubit: Probability = 0.0


class Readout(BaseModel):
    """Probabilities of reading the wrong bit: ``p10`` reads 1 where the qubit was 0, ``p01`` reads 0 where it was 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    p10: Probability = 0.0
    p01: Probability = 0.0


class NoiseSpec(BaseModel):
    """Which noise, how strong. Every channel follows every native gate; several are applied one after the other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    depolarizing: Depolarizing = Depolarizing()
    amplitude_damping: Probability = 0.0
    """Probability γ that |1⟩ decays to |0⟩, on each qubit of each gate."""
    bit_flip: Probability = 0.0
    """Probability of an X, on each qubit of each gate."""
    readout: Readout = Readout()

    def build(self) -> NoiseModel:
        """The Aer noise model, on :data:`ONE_QUBIT_GATES` and :data:`TWO_QUBIT_GATES`."""
        model = NoiseModel(basis_gates=list(BASIS_GATES))
        local = self._one_qubit_channels()
        for strength, gates, width in (
            (self.depolarizing.one_qubit, ONE_QUBIT_GATES, 1),
            (self.depolarizing.two_qubit, TWO_QUBIT_GATES, 2),
        ):
            channels = [_on_each_qubit(channel, width) for channel in local]
            if strength:
                channels.insert(0, depolarizing_error(strength, width))
            if channels:
                model.add_all_qubit_quantum_error(_compose(channels), list(gates))
        if self.readout.p10 or self.readout.p01:
            p10, p01 = self.readout.p10, self.readout.p01
            model.add_all_qubit_readout_error(ReadoutError([[1 - p10, p10], [p01, 1 - p01]]))
        return model

    def _one_qubit_channels(self) -> list[QuantumError]:
        channels = []
        if self.amplitude_damping:
            channels.append(amplitude_damping_error(self.amplitude_damping))
        if self.bit_flip:
            channels.append(pauli_error([("X", self.bit_flip), ("I", 1 - self.bit_flip)]))
        return channels


def check_touches(model: NoiseModel, circuit: QuantumCircuit) -> None:
    """Raise ConfigurationError when ``model`` is not ideal but names no instruction of ``circuit``.

    Aer would run such a circuit without any noise and say nothing.
    """
    used = {instruction.operation.name for instruction in circuit.data}
    if not model.is_ideal() and not used & set(model.noise_instructions):
        raise ConfigurationError(
            "the noise model touches no gate of the circuit",
            got=f"noise on {', '.join(sorted(model.noise_instructions))}; gates {', '.join(sorted(used))}",
            expected="noise on at least one gate that the compiled circuit uses",
            remedy=f"compile the circuit to {', '.join(BASIS_GATES)} first",
        )


def _on_each_qubit(channel: QuantumError, width: int) -> QuantumError:
    return channel if width == 1 else channel.tensor(channel)


def _compose(channels: list[QuantumError]) -> QuantumError:
    total, *rest = channels
    for channel in rest:
        total = total.compose(channel)
    return total
