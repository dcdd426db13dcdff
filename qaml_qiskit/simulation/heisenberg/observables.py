"""The noisy observables of a circuit, and logits from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.forms import quadratic_forms, takes_halves
from qaml_qiskit.simulation.heisenberg.lowering import NoisyCircuit, check_qubits, checked_readings, lower
from qaml_qiskit.simulation.heisenberg.memory import check_dtype, check_fits, memory_needed
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.prepared import PreparedCircuit
from qaml_qiskit.simulation.heisenberg.propagation import Cone, Progress, light_cone, propagate
from qaml_qiskit.simulation.heisenberg.readout import observables_at
from qaml_qiskit.simulation.panels import Panels, kernel_for
from qaml_qiskit.simulation.readings import Reading, qubits_of

#: Bytes up to which the matrices are kept a second time, in the order in which the kernel reads them.
_LARGEST_PANELS = 2**28
_PRECISIONS = (torch.float32, torch.float64, torch.complex64, torch.complex128)


@dataclass(frozen=True, eq=False)
class NoisyObservables:
    """Observables on the input of a noisy circuit: the circuit, its noise and its readout errors are folded in.

    Attributes:
        readings: what is read, in order: Z of a qubit of the circuit, or the product of Z of several.
        matrices: shape (m, 2^k, 2^k), M_k with ⟨Z_k⟩ = x†M_k x for the input x: Hermitian, or for real inputs only
            the real part, which is symmetric.
    """

    readings: tuple[Reading, ...]
    matrices: Tensor

    @property
    def memory(self) -> int:
        """Bytes of the matrices."""
        return self.matrices.nbytes

    def expectations(self, states: Tensor) -> Tensor:
        """What is read on average, for inputs of norm 1; for norm r it is r² times that.

        Args:
            states: shape (N, 2^k), amplitudes of the precision of the matrices, real unless those are complex. Bit j
                of the index is the j-th input qubit. Differentiable; with gradients on, N·m·2^k numbers are kept.

        Returns:
            Shape (N, m), real.

        Raises:
            InputError: for states that do not fit the matrices.
        """
        states = as_tensor(states, "the states")
        self._check(states)
        return quadratic_forms(states, self.matrices, self._panels(states))

    def _panels(self, states: Tensor) -> Panels | None:
        """The matrices as the kernel multiplies by them, kept; None where torch must, or they are too large."""
        kernel = None if takes_halves(states) else kernel_for(states)
        if kernel is None or not len(states) or not 0 < self.memory <= _LARGEST_PANELS:
            return None
        known = self.__dict__.get("_known_panels")
        if known is None or known.kernel != kernel:
            size = self.matrices.shape[1]
            known = self.__dict__["_known_panels"] = Panels.of(kernel, self.matrices.transpose(0, 1).reshape(size, -1))
        return known

    def __getstate__(self) -> dict[str, object]:
        """The observables, without what only spares work."""
        return {name: value for name, value in self.__dict__.items() if name != "_known_panels"}

    def standard_errors(self, states: Tensor, shots: int) -> Tensor:
        """Standard errors √((1 − z²)/shots) of the averages over so many shots, each +1 or −1 with the mean z.

        Args:
            states: as for :meth:`expectations`, of norm 1.
            shots: at least 1.

        Returns:
            Shape (N, m), real.

        Raises:
            InputError: for states that do not fit the matrices, or no shots.
        """
        if shots < 1:
            raise InputError(
                "cannot estimate from these shots",
                got=str(shots),
                expected="at least 1",
                remedy="give a positive number of shots",
            )
        return ((1 - self.expectations(states) ** 2).clamp(min=0) / shots).sqrt()

    def _check(self, states: Tensor) -> None:
        size = self.matrices.shape[1]
        fits = states.dim() == 2 and states.shape[1] == size
        if not fits or states.dtype != self.matrices.dtype or states.device != self.matrices.device:
            raise InputError(
                "the states do not fit the observables",
                got=f"shape {tuple(states.shape)}, {states.dtype}, on {states.device}",
                expected=f"shape (N, {size}), {self.matrices.dtype}, on {self.matrices.device}",
                remedy="flatten, pad and convert the states, or compute the observables in the states' dtype",
            )


def noisy_observables(
    circuit: QuantumCircuit,
    noise_model: NoiseModel | None,
    qubits: Sequence[Reading] | None = None,
    *,
    inputs: Sequence[int] | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> NoisyObservables:
    """Propagate what is read backwards through a noisy circuit, exactly, for all inputs at once.

    Noise means what it means to Aer: errors follow the instructions that the model names, by label or name, and those
    of particular qubits replace those of all. What is read includes the model's readout errors, and errors on
    ``measure``, whether the circuit measures the qubit or not. Qubits that cannot influence the result cost nothing.

    Args:
        circuit: gates, resets and channels on one or two qubits, parameters bound, measured at most at its end.
        noise_model: an Aer noise model; None for no noise.
        qubits: what to read: qubits, or tuples of them for products of Z (the covariance of the averages of Z_j and Z_k
            over the same shots is (⟨Z_jZ_k⟩ − ⟨Z_j⟩⟨Z_k⟩)/shots). If None, the measured qubits in the order of their
            classical bits, or all qubits where nothing is measured.
        inputs: the qubits on which the input state enters, the least significant bit first; all others start in |0⟩.
            All qubits in their order if None.
        dtype: float32 or float64 for real input states, complex64 or complex128 for any.
        device: where to compute.
        memory_limit: bytes that may be needed at once; the device's free memory if None.
        progress: called with the turns that are done and all turns.

    Raises:
        ConfigurationError: for an instruction that cannot be followed, a model that touches none of them or has readout
            errors of several qubits, or too little memory for the qubits.
        InputError: for qubits that the circuit does not have, or another dtype.
    """
    check_dtype(dtype, _PRECISIONS)
    entering = range(circuit.num_qubits) if inputs is None else inputs
    check_qubits(entering, circuit.num_qubits)
    noisy, readings, cone = _prepare(circuit, NoiseTable(noise_model), qubits, entering)
    place, real = torch.device(device), dtype.to_real() if dtype.is_complex else dtype
    needed = memory_needed(len(cone.digit), len(readings), dtype, num_inputs=len(entering), device=place)
    check_fits(needed, memory_limit, len(cone.digit), place)
    readout = dict(zip(noisy.read, noisy.readout, strict=True))
    factors = observables_at(readings, cone.digit, readout, cone.num_digits)
    digits = [cone.digit[qubit] for qubit in entering]
    size = 2 ** len(entering)
    matrices, done = torch.empty(len(readings), size, size, dtype=dtype, device=place), 0
    for vectors in propagate(cone, factors, backwards=True, dtype=real, device=place, progress=progress):
        for index in range(len(vectors.numbers)):
            matrices[done] = vectors.matrix(index, digits, is_hermitian=dtype.is_complex)
            done += 1
    return NoisyObservables(readings, matrices)


def noisy_expectations(
    circuit: QuantumCircuit,
    noise_model: NoiseModel | None,
    qubits: Sequence[Reading] | None = None,
    *,
    values: FloatArray | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> Tensor:
    """What a noisy circuit reads on average that starts in |0…0⟩, for example one that prepares its image itself.

    It propagates the state forwards, at the cost of one observable whatever is read.

    Args:
        circuit: as for :func:`noisy_observables`; its parameters may be free where ``values`` are given.
        noise_model: as for :func:`noisy_observables`.
        qubits: as for :func:`noisy_observables`.
        values: shape (N, P), the values of the circuit's parameters in N runs of it. The noise is read only once.
        dtype: float32 or float64.
        device: where to compute.
        memory_limit: bytes that may be needed at once; the device's free memory if None.
        progress: called with the runs that are done and all runs.

    Returns:
        Shape (m,), or (N, m) where there are ``values``; real.

    Raises:
        ConfigurationError: as for :func:`noisy_observables`.
        InputError: as for :func:`noisy_observables`, or values of another shape or that are not finite.
    """
    qubits = None if qubits is None else checked_readings(qubits, circuit.num_qubits)
    wanted = None if qubits is None else list(dict.fromkeys(qubit for each in qubits for qubit in qubits_of(each)))
    if values is None and circuit.num_parameters:
        # Refused by the name of the instruction.
        lower(circuit, NoiseTable(noise_model), wanted)
    prepared = PreparedCircuit(circuit, noise_model, wanted, dtype=dtype, device=device, memory_limit=memory_limit)
    if values is None:
        return prepared.expectations(np.zeros((1, 0)), qubits, progress)[0]
    return prepared.expectations(values, qubits, progress)


def _prepare(
    circuit: QuantumCircuit, table: NoiseTable, qubits: Sequence[Reading] | None, inputs: Sequence[int]
) -> tuple[NoisyCircuit, tuple[Reading, ...], Cone]:
    single = None
    if qubits is not None:
        qubits = checked_readings(qubits, circuit.num_qubits)
        single = list(dict.fromkeys(qubit for reading in qubits for qubit in qubits_of(reading)))
    noisy = lower(circuit, table, single)
    readings = noisy.read if qubits is None else tuple(qubits)
    return noisy, readings, light_cone(noisy, inputs)
