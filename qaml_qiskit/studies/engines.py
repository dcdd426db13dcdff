"""Aer's ways to ⟨P_s⟩ of one image after the other, beside the exact engine that takes all images at once."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
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

from qaml_qiskit.compute import Compute
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.encodings import Encoding
from qaml_qiskit.evaluation import Products, ZString
from qaml_qiskit.execution.circuits import calibration_circuits
from qaml_qiskit.execution.readings.calibration import read_calibration
from qaml_qiskit.execution.readings.counts import average_covariance, averages
from qaml_qiskit.execution.readings.mitigation import ReadoutCorrection
from qaml_qiskit.execution.targets import DENSITY_MATRIX_QUBITS
from qaml_qiskit.progress import ignore
from qaml_qiskit.studies.averages import Averages

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
    """⟨P_s⟩ of N images, for S products of Z.

    Attributes:
        z: with the readout errors in them, shape (N, S).
        covariance: of the estimates, as :attr:`.Estimates.covariance`, shape (N, S, S); None for exact values.
        mitigated: without the readout errors, shape (N, S); None where they are inverted exactly.
        flips: the measured frequencies (p10, p01) behind ``mitigated``, shape (2, n).
        partials: see :attr:`.Correction.partials`; None without ``flips``, and for single qubits, where they are 1.
        overlaps: see :class:`.Averages`; None where shots are drawn.
        bare: see :class:`.Averages`.
    """

    z: Floats
    covariance: Floats | None = None
    mitigated: Floats | None = None
    flips: Floats | None = None
    partials: Floats | None = None
    overlaps: Floats | None = None
    bare: Floats | None = None

    @classmethod
    def of(cls, averages: Averages, covariance: Floats | None = None) -> "Reading":
        """What is exact, or a mean over trajectories."""
        return cls(averages.read, covariance, overlaps=averages.overlaps, bare=averages.bare)


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


def exact(noisy: CircuitWithNoise, inputs: Inputs, strings: Sequence[ZString], readout_errors: bool) -> Floats:
    """Exact averages of products of Z, shape (N, K), of a circuit that prepares its images itself."""
    assert inputs.values is not None
    columns = np.asarray(inputs.values, dtype=np.float64)
    double = Compute(precision="double")
    return noisy.expectations(columns, strings, double, ignore, readout_errors=readout_errors).numpy()


def density(noisy: CircuitWithNoise, inputs: Inputs, *, bare: bool = False) -> Reading:
    """Exact values by Aer's density matrix; also those without readout errors, if asked for."""
    simulator = AerSimulator(method="density_matrix", noise_model=noisy.noise, **_OPTIONS)
    kept = noisy.products.below
    rows = []
    for circuit in inputs.circuits(noisy, mixed=True):
        _save(circuit, noisy.sets(kept), each_shot=False)
        data = simulator.run(circuit, shots=1).result().data()
        rows.append([data[f"z{k}"] for k in range(len(kept))])
    found = dict(zip(kept, np.array(rows).T, strict=True))
    return Reading.of(Averages.asked(noisy.products, lambda *asked: _of_bare(noisy, found, *asked), bare=bare))


def trajectories(noisy: CircuitWithNoise, inputs: Inputs, count: int, seed: int, *, bare: bool = False) -> Reading:
    """Means over so many random state vectors an image, with the covariance of these means."""
    simulator = AerSimulator(method="statevector", noise_model=noisy.noise, **_OPTIONS)
    products, readout, kept = noisy.products, noisy.readout, noisy.products.below
    found, covariances = [], []
    for index, circuit in enumerate(inputs.circuits(noisy, mixed=False)):
        _save(circuit, noisy.sets(kept), each_shot=True)
        data = simulator.run(circuit, shots=count, seed_simulator=seed_of(seed, index)).result().data()
        runs = {string: np.array(data[f"z{k}"]) for k, string in enumerate(kept)}
        means = {string: run.mean(keepdims=True) for string, run in runs.items()}
        found.append(Averages.asked(products, partial(_of_bare, noisy, means), bare=bare).arrays())
        if bare or products.are_single:
            # Of what is read of single qubits, too: their offsets have no part in it.
            rows, scale = np.array([runs[string] for string in products.strings]), products.contrast(readout)
        else:
            rows, scale = _of_bare(noisy, runs, products.strings, True).T, np.ones(len(products.strings))
        # Without noise Aer computes the one trajectory that there is.
        spread = np.atleast_2d(np.cov(rows)) / rows.shape[1] if rows.shape[1] > 1 else np.zeros((len(rows), len(rows)))
        covariances.append(spread * np.outer(scale, scale))
    return Reading.of(Averages.joined(found), np.array(covariances))


def _of_bare(
    noisy: CircuitWithNoise, found: dict[ZString, Floats], strings: Sequence[ZString], readout_errors: bool
) -> Floats:
    """Averages of products, shape (N, K), from those without readout errors of all that lie below them."""
    if readout_errors:
        return Products(tuple(strings), noisy.products.num_bits).read(found, noisy.readout)
    return np.stack([found[string] for string in strings], axis=1)


def sampled(
    noisy: CircuitWithNoise,
    inputs: Inputs,
    shots: int,
    seed: int,
    *,
    method: Literal["readout", "m3"] | None,
    case_seed: int,
) -> Reading:
    """Averages over shots that Aer's SamplerV2 draws, all products from the same shots.

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
    z = averages(bits, noisy.products)
    if method is None:
        return Reading(z, average_covariance(bits, noisy.products))
    answers = _bits(calibration_circuits(noisy.circuit.num_qubits, noisy.read), shots, case_seed, backend)
    calibration = read_calibration(answers, target="aer", created="", qubits=noisy.read)
    found = ReadoutCorrection(calibration, method).estimates(bits, noisy.read, noisy.products)
    assert found.correction is not None
    readout = calibration.readout(noisy.read)
    flips = np.array([readout.p10, readout.p01])
    partials = None if noisy.products.are_single else found.correction.partials
    return Reading(z, found.covariance, found.values, flips, partials)


def _save(circuit: QuantumCircuit, sets: Sequence[tuple[int, ...]], *, each_shot: bool) -> None:
    for k, qubits in enumerate(sets):
        circuit.save_expectation_value(SparsePauliOp("Z" * len(qubits)), qubits, label=f"z{k}", pershot=each_shot)


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
