"""Aer's ways to ⟨Z_k⟩ of one image after the other, beside the exact engine that takes all images at once."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2
from torch import Tensor

from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.encodings import Encoding
from qaml_qiskit.execution.circuits import calibration_circuits
from qaml_qiskit.execution.mitigation import ReadoutCorrection, read_calibration, z_covariance, z_from_bits
from qaml_qiskit.execution.targets import DENSITY_MATRIX_QUBITS
from qaml_qiskit.simulation.heisenberg import noisy_expectations

Floats = NDArray[np.floating]
#: One thread, so that sums are always formed in the same order; fused from the first qubit on, see targets.
_OPTIONS = {"max_parallel_threads": 1, "fusion_threshold": 1}


def seed_of(*words: object) -> int:
    """A seed that depends on these words alone, below 2³⁰.

    Aer takes seed + i for the i-th trajectory: images with seeds in a row would share nearly all random numbers.
    """
    return int.from_bytes(hashlib.sha256(repr(words).encode()).digest()[:4], "little") >> 2


@dataclass(frozen=True)
class Reading:
    """⟨Z_k⟩ of N images.

    Attributes:
        z: with the readout errors in it, shape (N, m).
        covariance: of the estimates, shape (N, m, m); None for exact values.
        mitigated: without the readout errors, shape (N, m); None where they are inverted exactly.
        flips: the measured frequencies (p10, p01) behind ``mitigated``, shape (2, m).
    """

    z: Floats
    covariance: Floats | None = None
    mitigated: Floats | None = None
    flips: Floats | None = None


@dataclass(frozen=True)
class Inputs:
    """What enters a circuit: the images' states, shape (N, 2ⁿ), or the values of its parameters, shape (N, P)."""

    states: Floats | None = None
    values: Floats | None = None

    @classmethod
    def of(cls, encoding: Encoding, noisy: CircuitWithNoise, images: Tensor) -> "Inputs":
        """What enters a circuit for images of shape (N, C, H, W), by whether it prepares them itself."""
        if not noisy.inputs:
            return cls(values=encoding.angles(images).numpy()[:, noisy.columns])
        with torch.no_grad():
            return cls(states=encoding.state(images.double()).numpy())

    def circuits(self, noisy: CircuitWithNoise, *, mixed: bool) -> Iterator[QuantumCircuit]:
        """One circuit an image; a state enters as a density matrix if ``mixed``, else as a state vector."""
        if self.values is not None:
            yield from (noisy.circuit.assign_parameters(row) for row in self.values)
        for state in () if self.states is None else self.states:
            circuit = noisy.circuit.copy_empty_like()
            full = _spread(state, noisy.inputs, circuit.num_qubits)
            if mixed:
                circuit.set_density_matrix(np.outer(full, full.conj()))
            else:
                circuit.set_statevector(full)
            yield circuit.compose(noisy.circuit)


def _spread(state: Floats, qubits: tuple[int, ...], num_qubits: int) -> NDArray[np.complex128]:
    """A state of some qubits, all others in |0⟩."""
    indices = np.zeros(len(state), dtype=np.int64)
    for bit, qubit in enumerate(qubits):
        indices |= (np.arange(len(state)) >> bit & 1) << qubit
    full = np.zeros(2**num_qubits, dtype=np.complex128)
    wide = state.astype(np.complex128)
    full[indices] = wide / np.linalg.norm(wide)
    return full


def exact(noisy: CircuitWithNoise, inputs: Inputs) -> Reading:
    """Exact values of a circuit that prepares its images itself."""
    assert inputs.values is not None
    columns = np.asarray(inputs.values, dtype=np.float64)
    return Reading(noisy_expectations(noisy.circuit, noisy.noise, noisy.read, values=columns).numpy())


def density(noisy: CircuitWithNoise, inputs: Inputs) -> Reading:
    """Exact values by Aer's density matrix."""
    simulator = AerSimulator(method="density_matrix", noise_model=noisy.noise, **_OPTIONS)
    rows = []
    for circuit in inputs.circuits(noisy, mixed=True):
        _save(circuit, noisy.read, each_shot=False)
        data = simulator.run(circuit, shots=1).result().data()
        rows.append([data[f"z{k}"] for k in range(len(noisy.read))])
    return Reading(noisy.readout.read(np.array(rows)))


def trajectories(noisy: CircuitWithNoise, inputs: Inputs, count: int, seed: int) -> Reading:
    """Means over so many random state vectors an image, with the covariance of these means."""
    simulator = AerSimulator(method="statevector", noise_model=noisy.noise, **_OPTIONS)
    means, covariances, readout = [], [], noisy.readout
    for index, circuit in enumerate(inputs.circuits(noisy, mixed=False)):
        _save(circuit, noisy.read, each_shot=True)
        data = simulator.run(circuit, shots=count, seed_simulator=seed_of(seed, index)).result().data()
        runs = np.array([data[f"z{k}"] for k in range(len(noisy.read))])
        # Without noise Aer computes the one trajectory that there is.
        spread = np.cov(runs) / runs.shape[1] if runs.shape[1] > 1 else np.zeros((len(runs), len(runs)))
        means.append(runs.mean(axis=1))
        covariances.append(spread * np.outer(readout.contrast, readout.contrast))
    return Reading(readout.read(np.array(means)), np.array(covariances))


def sampled(
    noisy: CircuitWithNoise,
    inputs: Inputs,
    shots: int,
    seed: int,
    *,
    method: Literal["readout", "m3"] | None,
    case_seed: int,
) -> Reading:
    """Frequencies from shots that Aer's SamplerV2 draws, all classes from the same shots.

    Args:
        noisy: the circuit and its noise.
        inputs: what enters.
        shots: an image, and of each of the two calibration circuits.
        seed: of the images' shots.
        method: how the readout is corrected after it was calibrated, see
            :class:`~qaml_qiskit.execution.ReadoutCorrection`; None leaves it as it is.
        case_seed: of the calibration, which all images under the same noise share.
    """
    small = noisy.circuit.num_qubits <= DENSITY_MATRIX_QUBITS
    backend = {"method": "density_matrix" if small else "statevector", "noise_model": noisy.noise, **_OPTIONS}
    circuits = [_measured(circuit, noisy.read) for circuit in inputs.circuits(noisy, mixed=small)]
    bits = _bits(circuits, shots, seed, backend)
    z, covariance = z_from_bits(bits), z_covariance(bits)
    if method is None:
        return Reading(z, covariance)
    answers = _bits(calibration_circuits(noisy.circuit.num_qubits, noisy.read), shots, case_seed, backend)
    calibration = read_calibration(answers, target="aer", created="", qubits=noisy.read)
    corrected = ReadoutCorrection(calibration, method).z_from_bits(bits, noisy.read)
    readout = calibration.readout(noisy.read)
    return Reading(z, covariance, corrected, np.array([readout.p10, readout.p01]))


def _save(circuit: QuantumCircuit, read: tuple[int, ...], *, each_shot: bool) -> None:
    for k, qubit in enumerate(read):
        circuit.save_expectation_value(SparsePauliOp("Z"), [qubit], label=f"z{k}", pershot=each_shot)


def _measured(circuit: QuantumCircuit, read: tuple[int, ...]) -> QuantumCircuit:
    readout = ClassicalRegister(len(read), "meas")
    circuit.add_register(readout)
    circuit.measure(list(read), readout)
    return circuit


def _bits(circuits: Sequence[QuantumCircuit], shots: int, seed: int, backend: dict[str, Any]) -> BitArray:
    """The outcomes of several measured circuits as one array of shape (N,)."""
    answers = []
    for index, circuit in enumerate(circuits):
        sampler = SamplerV2(default_shots=shots, seed=seed_of(seed, index), options={"backend_options": backend})
        answers.append(sampler.run([circuit]).result()[0].data.meas)
    return BitArray(np.stack([bits.array for bits in answers]), answers[0].num_bits)
