"""Readout mitigation: our own calibration circuits, corrected by mthree (Nation et al., PRX Quantum 2, 040326)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mthree import M3Mitigation
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError


class Calibration(BaseModel):
    """Readout error of physical qubits, as measured.

    Attributes:
        target: where it was measured.
        created: when, ISO 8601 in UTC.
        shots: shots of each of the two circuits.
        qubits: physical qubits.
        p10: per qubit, the frequency of reading 1 after preparing |0⟩.
        p01: per qubit, the frequency of reading 0 after preparing |1⟩.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    created: str
    shots: int
    qubits: tuple[int, ...]
    p10: tuple[float, ...]
    p01: tuple[float, ...]


def calibration_circuits(num_physical: int, qubits: Sequence[int]) -> tuple[QuantumCircuit, QuantumCircuit]:
    """|0…0⟩ and |1…1⟩ on the given physical qubits, measured; already in device instructions (X and measure)."""
    circuits = []
    for excited in (False, True):
        circuit = QuantumCircuit(num_physical, name=f"readout-{int(excited)}")
        readout = ClassicalRegister(len(qubits), "meas")
        circuit.add_register(readout)
        if excited:
            circuit.x(list(qubits))
        circuit.barrier()
        circuit.measure(list(qubits), readout)
        circuits.append(circuit)
    return circuits[0], circuits[1]


def read_calibration(
    zeros: BitArray, ones: BitArray, *, target: str, created: str, qubits: Sequence[int]
) -> Calibration:
    """Turn the outcomes of :func:`calibration_circuits` into a record."""
    after_zero = _fraction_of_ones(zeros)
    after_one = _fraction_of_ones(ones)
    return Calibration(
        target=target,
        created=created,
        shots=zeros.num_shots,
        qubits=tuple(qubits),
        p10=tuple(after_zero.tolist()),
        p01=tuple((1 - after_one).tolist()),
    )


def z_from_bits(bits: BitArray) -> NDArray[np.float64]:
    """⟨Z_k⟩ of every classical bit for a broadcast PUB of N images: shape (N, m)."""
    # Outcomes are packed eight to a byte, bit 0 in the last place of the last byte.
    outcomes = np.unpackbits(bits.array, axis=-1)[..., ::-1][..., : bits.num_bits]
    return np.atleast_2d(1 - 2 * outcomes.mean(axis=-2))


@dataclass(frozen=True)
class ReadoutCorrection:
    """M3 fed with a calibration record; corrects any circuit that measures a subset of its qubits."""

    calibration: Calibration

    def z_from_bits(self, bits: BitArray, measured: Sequence[int]) -> NDArray[np.float64]:
        """⟨Z_k⟩ after M3: the readout errors of all qubits, inverted within the bitstrings that occurred.

        Args:
            bits: outcomes of a broadcast PUB of N images with m classical bits.
            measured: the physical qubit behind each classical bit.

        Returns:
            Shape (N, m). Values can leave [−1, 1] by shot noise; they are not clipped, because clipping biases.

        Raises:
            ConfigurationError: the calibration lacks a measured qubit, or a qubit's readout carries no information.
        """
        mitigation = self._m3(measured)
        counts = [bits.get_counts(i) for i in range(bits.size)]
        corrected = mitigation.apply_correction(counts, [list(measured)] * len(counts), distance=-1)
        width = bits.num_bits
        observables = ["I" * (width - 1 - k) + "Z" + "I" * k for k in range(width)]
        return np.array([[quasi.expval(observable) for observable in observables] for quasi in corrected])

    def _m3(self, measured: Sequence[int]) -> M3Mitigation:
        record = self.calibration
        missing = [qubit for qubit in measured if qubit not in record.qubits]
        if missing:
            raise ConfigurationError(
                "the readout calibration does not cover the circuit",
                got=f"qubits {list(record.qubits)}",
                expected=f"also qubits {missing}",
                remedy="calibrate again for this layout",
            )
        matrices: list[NDArray[np.float64] | None] = [None] * (max(record.qubits) + 1)
        for qubit, p10, p01 in zip(record.qubits, record.p10, record.p01, strict=True):
            if p10 + p01 >= 1 and qubit in measured:
                raise ConfigurationError(
                    f"qubit {qubit} cannot be corrected",
                    got=f"readout errors {p10:.3f} and {p01:.3f}",
                    expected="a sum below 1: above it the outcome says nothing about the qubit",
                    remedy="choose a layout without this qubit",
                )
            matrices[qubit] = np.array([[1 - p10, p01], [p10, 1 - p01]])
        mitigation = M3Mitigation()
        mitigation.cals_from_matrices(matrices)
        return mitigation


def _fraction_of_ones(bits: BitArray) -> NDArray[np.float64]:
    return (1 - z_from_bits(bits)[0]) / 2
