"""A circuit and its noise, prepared once for many rows of parameter values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from threading import RLock
from typing import Any

import torch
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.errors import InputError
from qaml_qiskit.memory import free_memory
from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.free import FreeGates
from qaml_qiskit.simulation.heisenberg.lowering import NoisyCircuit, check_qubits, checked_readings, lower
from qaml_qiskit.simulation.heisenberg.memory import check_dtype, check_fits, cut_memory_needed, memory_needed
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.propagation import Cone, Progress, cut, light_cone
from qaml_qiskit.simulation.heisenberg.readout import (
    PERFECT_READOUT,
    bitstring_frequencies,
    observables_at,
    read_strings,
)
from qaml_qiskit.simulation.heisenberg.rows import check_rows
from qaml_qiskit.simulation.heisenberg.runs import CutRuns, Runs, cut_pays
from qaml_qiskit.simulation.measurements import measured_qubits
from qaml_qiskit.simulation.readings import Reading, qubits_of

_PRECISIONS = (torch.float32, torch.float64)


class PreparedCircuit:
    """A circuit that starts in |0…0⟩ and has free parameters, with its noise: what many rows of values share.

    Its noise, its structure and the order of its steps are worked out once, for all angles; a row costs the matrices of
    its free gates and a propagation. With the compiled kernel, what is read of a row is the same to the last bit
    whatever rows are beside it; torch may round otherwise in batches of another size. It can be pickled, without what
    it has worked out.

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
        self._circuit, self._noise_model = circuit, noise_model
        self._dtype, self._device, self._limit = dtype, torch.device(device), memory_limit
        self._check_noise = check_noise
        if qubits is None:
            qubits = measured_qubits(circuit) or range(circuit.num_qubits)
        check_qubits(qubits, circuit.num_qubits, at_least=1)
        #: The qubits that are read, in order.
        self.qubits = tuple(qubits)
        self._forget()
        _ = self._lowered  # what cannot be followed is refused here

    def expectations(
        self,
        values: FloatArray,
        readings: Sequence[Reading] | None = None,
        progress: Progress | None = None,
        *,
        rows: int | None = None,
        readout_errors: bool = True,
    ) -> Tensor:
        """What is read on average.

        Where there are many rows, what is read is carried back through all that no value influences, once; a row then
        ends where its values do.

        Args:
            values: shape (N, P), a row a run, in the order of the circuit's parameters.
            readings: qubits of the circuit, or tuples of them for products of Z; :attr:`qubits` if None.
            progress: called with the runs that are done and all runs.
            rows: how many rows are asked for in all, where they come in several calls: it decides whether the cut pays,
                and so how the last bits are rounded. N if None.
            readout_errors: whether they are in it.

        Returns:
            Shape (N, m), real.

        Raises:
            InputError: values of another shape or that are not finite, or readings of qubits that are not read.
            ConfigurationError: too little memory.
        """
        readings = self.qubits if readings is None else checked_readings(readings, self._circuit.num_qubits)
        for reading in readings:
            self._check_read(qubits_of(reading))
        values = check_rows(values, self._circuit.num_parameters)
        with self._lock, torch.no_grad():
            self._check_fits()
            _, back = self._parts
            if cut_pays(back, rows or len(values), len(readings)) and self._cut_fits(len(readings)):
                found = self._cut_runs.expectations(values, self._observables(readings, readout_errors))
            else:
                found = self._read_at_the_end(values, readings, readout_errors)
            return torch.cat(list(_told(found, len(values), progress)))

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
            ConfigurationError: as for :meth:`expectations`.
        """
        values = check_rows(values, self._circuit.num_parameters)
        with self._lock, torch.no_grad():
            self._check_fits()
            digits, readout = self._read(self.qubits, readout_errors=True)
            found = (bitstring_frequencies(states, digits, readout) for states in self._runs.states(values))
            return torch.cat(list(_told(found, len(values), progress)))

    @cached_property
    def _lowered(self) -> tuple[NoisyCircuit, Cone, FreeGates]:
        free = FreeGates(self._circuit.parameters)
        table = NoiseTable(self._noise_model)
        noisy = lower(self._circuit, table, self.qubits, free, check_noise=self._check_noise)
        return noisy, light_cone(noisy, ()), free

    @cached_property
    def _parts(self) -> tuple[Cone, Cone]:
        return cut(self._lowered[1])

    @property
    def _runs(self) -> Runs:
        """Through the whole circuit, in the backend that is chosen now."""
        _, cone, free = self._lowered
        kernel = chosen_kernel()
        if kernel not in self._whole:
            self._whole[kernel] = Runs(cone, free, self._dtype, self._device)
        return self._whole[kernel]

    @property
    def _cut_runs(self) -> CutRuns:
        kernel = chosen_kernel()
        if kernel not in self._in_two:
            self._in_two[kernel] = CutRuns(*self._parts, self._lowered[2], self._dtype, self._device)
        return self._in_two[kernel]

    def _observables(self, readings: tuple[Reading, ...], readout_errors: bool) -> Tensor:
        """What is read, carried back to the cut; that of the last call is kept."""
        key = chosen_kernel(), readings, readout_errors
        if key not in self._carried:
            cone = self._lowered[1]
            readout = dict(zip(self.qubits, self._read(self.qubits, readout_errors)[1], strict=True))
            factors = observables_at(readings, cone.digit, readout, cone.num_digits)
            self._carried.clear()
            self._carried[key] = self._cut_runs.observables(factors)
        return self._carried[key]

    def _read_at_the_end(
        self, values: FloatArray, readings: Sequence[Reading], readout_errors: bool
    ) -> Iterator[Tensor]:
        qubits = list(dict.fromkeys(qubit for reading in readings for qubit in qubits_of(reading)))
        digits, readout = self._read(qubits, readout_errors)
        bit = {qubit: 1 << place for place, qubit in enumerate(qubits)}
        columns = [sum(bit[qubit] for qubit in qubits_of(reading)) for reading in readings]
        for states in self._runs.states(values):
            yield read_strings(states, digits, readout)[:, columns]

    def _read(self, qubits: Sequence[int], readout_errors: bool) -> tuple[list[int], list[FloatArray]]:
        """Digits of qubits, and what reading them measures."""
        noisy, cone, _ = self._lowered
        readout = dict(zip(noisy.read, noisy.readout, strict=True)) if readout_errors else {}
        return [cone.digit[qubit] for qubit in qubits], [readout.get(qubit, PERFECT_READOUT) for qubit in qubits]

    def _check_read(self, qubits: Sequence[int]) -> None:
        if not set(qubits) <= set(self.qubits):
            raise InputError(
                "cannot read these qubits",
                got=str(list(qubits)),
                expected=f"qubits that the circuit is prepared to read, {list(self.qubits)}",
                remedy="prepare the circuit with all qubits that are to be read",
            )

    def _check_fits(self) -> None:
        size = len(self._lowered[1].digit)
        needed = memory_needed(size, 0, self._dtype, num_inputs=0, device=self._device)
        check_fits(needed, self._limit, size, self._device)

    def _cut_fits(self, num_readings: int) -> bool:
        limit = free_memory(self._device) if self._limit is None else self._limit
        needed = cut_memory_needed(self._lowered[1].num_digits, num_readings, self._dtype, self._device)
        return limit is None or needed <= limit

    def release(self) -> None:
        """Give memory back: states, and observables that were carried back. They are computed again when needed."""
        with self._lock:
            self._whole.clear()
            self._in_two.clear()
            self._carried.clear()

    def _forget(self) -> None:
        self._lock = RLock()
        self._whole: dict[Any, Runs] = {}
        self._in_two: dict[Any, CutRuns] = {}
        self._carried: dict[Any, Tensor] = {}

    def __getstate__(self) -> dict[str, Any]:
        left = {"_lock", "_whole", "_in_two", "_carried", "_lowered", "_parts"}
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()


def _told(parts: Iterator[Tensor], total: int, progress: Progress | None) -> Iterator[Tensor]:
    """The same parts, with a word on each run."""
    done = 0
    for part in parts:
        for _ in part:
            done += 1
            if progress is not None:
                progress(done, total)
        yield part
