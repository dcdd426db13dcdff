"""What a noisy circuit reads of given states, exactly, differentiable in its parameters and in the states."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.heisenberg.adjoint import Adjoint
from qaml_qiskit.simulation.heisenberg.free import FreeGates
from qaml_qiskit.simulation.heisenberg.lowering import check_qubits, checked_readings, lower
from qaml_qiskit.simulation.heisenberg.memory import check_dtype, check_fits, memory_needed
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.propagation import light_cone
from qaml_qiskit.simulation.heisenberg.readout import observables_at
from qaml_qiskit.simulation.heisenberg.rows import check_values
from qaml_qiskit.simulation.measurements import measured_qubits
from qaml_qiskit.simulation.native import Kernel
from qaml_qiskit.simulation.readings import Reading, qubits_of

_PRECISIONS = (torch.float32, torch.float64)


class TrainableCircuit:
    """A circuit with free parameters under noise, prepared once for all values of them.

    What it reads is exact, and so are its gradients: nothing is sampled. A value costs one sweep of 4^n numbers for
    each observable, a gradient some three more, whatever the number of states.

    Args:
        circuit: gates, resets and channels on one or two qubits; parameters in RX, RY, RZ, P, U, RXX, RYY, RZZ, RZX.
        noise_model: an Aer noise model, which means what it means to Aer; None for no noise. Readout errors are in it.
        readings: what is read: qubits, or tuples of them for products of Z; if None, the measured qubits, or all.
        inputs: the qubits on which the input state enters, the least significant bit first; all others start in |0⟩.
            All qubits in their order if None.
        dtype: float32 or float64.
        memory_limit: bytes that may be needed at once; the free memory if None.
        kept: bytes of observables that a gradient keeps on their way back. Where all would be more, it keeps every
            √-th and computes those between once more.

    Raises:
        ConfigurationError: as for :func:`noisy_observables`, or a parameter in another gate.
        InputError: as for :func:`noisy_observables`.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        noise_model: NoiseModel | None,
        readings: Sequence[Reading] | None = None,
        *,
        inputs: Sequence[int] | None = None,
        dtype: torch.dtype = torch.float32,
        memory_limit: int | None = None,
        kept: int = 2**30,
    ) -> None:
        check_dtype(dtype, _PRECISIONS)
        if readings is None:
            readings = measured_qubits(circuit) or range(circuit.num_qubits)
        #: What is read, in order.
        self.readings = checked_readings(readings, circuit.num_qubits)
        entering = tuple(range(circuit.num_qubits) if inputs is None else inputs)
        check_qubits(entering, circuit.num_qubits)
        #: Of the circuit's parameters, in their order.
        self.num_parameters = circuit.num_parameters
        self._dtype, self._num_inputs, self._kept = dtype, len(entering), kept
        single = list(dict.fromkeys(qubit for each in self.readings for qubit in qubits_of(each)))
        self._free = FreeGates(circuit.parameters)
        noisy = lower(circuit, NoiseTable(noise_model), single, self._free)
        self._cone = light_cone(noisy, entering)
        readout = dict(zip(noisy.read, noisy.readout, strict=True))
        self._factors = observables_at(self.readings, self._cone.digit, readout, self._cone.num_digits)
        self._digits = [self._cone.digit[qubit] for qubit in entering]
        size = len(self._cone.digit)
        check_fits(memory_needed(size, len(self.readings), dtype, num_inputs=len(entering)), memory_limit, size, _CPU)
        self._by_kernel: dict[Kernel | None, Adjoint] = {}
        check_fits(self.memory_needed, memory_limit, size, _CPU)

    @property
    def memory_needed(self) -> int:
        """An upper bound of the bytes that a value and its gradient take at once."""
        return self._adjoint.memory_needed()

    def matrices(self, values: Tensor) -> Tensor:
        """M_s with ⟨P_s⟩ = xᵀM_s x for real states x, shape (m, 2^k, 2^k), symmetric; differentiable in the values.

        Args:
            values: of the circuit's parameters, shape (P,).

        Raises:
            InputError: values of another shape.
        """
        values = check_values(values, self.num_parameters)
        adjoint = self._adjoint
        return adjoint.matrices(adjoint.run_matrices(values))

    def expectations(self, states: Tensor, values: Tensor) -> Tensor:
        """What is read on average, for inputs of norm 1; for norm r it is r² times that. Differentiable in both.

        Args:
            states: shape (N, 2^k), real amplitudes of the circuit's precision, bit j of the index for the j-th input.
            values: of the circuit's parameters, shape (P,).

        Returns:
            Shape (N, m).

        Raises:
            InputError: states or values of another shape, or states of another precision.
        """
        states = as_tensor(states, "the states")
        if states.dim() != 2 or states.shape[1] != 2**self._num_inputs or states.dtype != self._dtype:
            raise InputError(
                "the states do not fit the circuit",
                got=f"shape {tuple(states.shape)}, {states.dtype}",
                expected=f"shape (N, {2**self._num_inputs}), {self._dtype}",
                remedy="flatten, pad and convert the states, or prepare the circuit in their dtype",
            )
        images = torch.matmul(states, self.matrices(values))
        return (images * states).sum(2).T

    @property
    def _adjoint(self) -> Adjoint:
        """In the backend that is chosen now."""
        kernel = chosen_kernel()
        if kernel not in self._by_kernel:
            arguments = (self._cone, self._free, self._factors, self._digits, self._dtype, self._kept)
            self._by_kernel[kernel] = Adjoint(*arguments)
        return self._by_kernel[kernel]


_CPU = torch.device("cpu")
