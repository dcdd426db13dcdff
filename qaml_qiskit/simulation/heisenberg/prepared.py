"""A circuit and its noise, prepared once for many rows of parameter values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.lowering import check_qubits, lower
from qaml_qiskit.simulation.heisenberg.memory import check_dtype, check_fits, memory_needed
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.propagation import Progress, light_cone, propagate
from qaml_qiskit.simulation.heisenberg.readout import (
    bitstring_frequencies,
    expectation,
    observables_at,
    zero_state,
)
from qaml_qiskit.simulation.heisenberg.rows import check_rows
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors
from qaml_qiskit.simulation.readings import Reading, qubits_of

_PRECISIONS = (torch.float32, torch.float64)


class PreparedCircuit:
    """A circuit that starts in |0…0⟩ and has free parameters, with its noise: what many rows of values share.

    Args:
        circuit: gates, resets and channels on one or two qubits, measured at most at its end.
        noise_model: an Aer noise model, which means what it means to Aer; None for no noise.
        qubits: those that are read, each once; if None, the measured qubits in the order of their classical bits, or
            all qubits where nothing is measured.
        dtype: float32 or float64.
        device: where to compute.
        memory_limit: bytes that may be needed at once; the device's free memory if None.
        check_noise: refuse a model that touches no gate of the circuit.

    Raises:
        ConfigurationError: as for :func:`noisy_observables`.
        InputError: for qubits that the circuit does not have, or another dtype.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        noise_model: NoiseModel | None,
        qubits: Sequence[int] | None = None,
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
        memory_limit: int | None = None,
        check_noise: bool = True,
    ) -> None:
        check_dtype(dtype, _PRECISIONS)
        self._circuit, self._table = circuit, NoiseTable(noise_model)
        self._dtype, self._device, self._limit = dtype, torch.device(device), memory_limit
        self._check_noise = check_noise
        if qubits is None:
            measured = {
                circuit.find_bit(each.clbits[0]).index: circuit.find_bit(each.qubits[0]).index
                for each in circuit.data
                if each.name == "measure"
            }
            qubits = [measured[bit] for bit in sorted(measured)] or list(range(circuit.num_qubits))
        check_qubits(qubits, circuit.num_qubits, at_least=1)
        #: The qubits that are read, in order.
        self.qubits = tuple(qubits)

    def expectations(
        self, values: FloatArray, readings: Sequence[Reading] | None = None, progress: Progress | None = None
    ) -> Tensor:
        """What is read on average, readout errors included.

        Args:
            values: shape (N, P), a row a run, in the order of the circuit's parameters.
            readings: qubits of the circuit, or tuples of them for products of Z; :attr:`qubits` if None.
            progress: called with the runs that are done and all runs.

        Returns:
            Shape (N, m), real.

        Raises:
            InputError: values of another shape or that are not finite, or readings of qubits that are not read.
        """
        readings = self.qubits if readings is None else tuple(readings)
        for reading in readings:
            check_qubits(qubits_of(reading), self._circuit.num_qubits, at_least=1)
        rows = []
        for vectors, digit, readout in self._states(values, progress):
            factors = observables_at(readings, digit, readout, len(vectors.strides))
            rows.append(torch.stack([expectation(vectors.numbers[0], vectors.strides, each) for each in factors]))
        return torch.stack(rows)

    def frequencies(self, values: FloatArray, progress: Progress | None = None) -> Tensor:
        """How often every bitstring of :attr:`qubits` is read, readout errors included.

        The 2^k Z-strings of the propagated state are the Walsh–Hadamard transform of its distribution.

        Args:
            values: as for :meth:`expectations`.
            progress: as for :meth:`expectations`.

        Returns:
            Shape (N, 2^k), the first qubit in the lowest bit; at least 0, and every row sums to 1.

        Raises:
            InputError: as for :meth:`expectations`.
        """
        rows = []
        for vectors, digit, readout in self._states(values, progress):
            digits, read = [digit[qubit] for qubit in self.qubits], [readout[qubit] for qubit in self.qubits]
            rows.append(bitstring_frequencies(vectors, digits, read))
        return torch.cat(rows)

    def _states(
        self, values: FloatArray, progress: Progress | None
    ) -> Iterator[tuple[PauliVectors, dict[int, int], dict[int, FloatArray]]]:
        """The state behind every run, the digit of each qubit, and what reading each qubit measures."""
        values = check_rows(values, self._circuit.num_parameters)
        for done, row in enumerate(values, start=1):
            bound = self._circuit.assign_parameters(row)
            noisy = lower(bound, self._table, self.qubits, check_noise=self._check_noise)
            cone = light_cone(noisy, ())
            needed = memory_needed(len(cone.digit), 0, self._dtype, num_inputs=0, device=self._device)
            check_fits(needed, self._limit, len(cone.digit), self._device)
            start, place = zero_state(cone.num_digits), self._device
            (vectors,) = propagate(cone, start, backwards=False, dtype=self._dtype, device=place, progress=None)
            yield vectors, cone.digit, dict(zip(noisy.read, noisy.readout, strict=True))
            if progress is not None:
                progress(done, len(values))
