"""What the error of every gate does to what is read: derivatives by the scale of each error.

The error that follows a gate g is a channel with the transfer matrix R. Let λ_g scale it, R_λ = 1 + λ(R − 1), in all
uses of the gate together. What is read is linear in every single R, so at λ = 1

    d⟨P⟩/dλ_g = Σ over the uses of g of ⟨O_behind| (R − 1) |ρ_before⟩,

with the state ρ_before in front of the error and the observable O_behind carried back to behind it. All that a place of
the circuit must know of the two is their 16×16 overlap Γ_ij = Σ_rest O_behind[i, rest]·ρ_before[j, rest] on its pair of
qubits, so one pass forwards and one backwards serve all gates.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation.heisenberg.channels import FloatArray, PhysicalGate
from qaml_qiskit.simulation.heisenberg.lowering import checked_readings, lower
from qaml_qiskit.simulation.heisenberg.memory import check_dtype, check_fits
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.places import Place, applied, in_line, overlap, places_of
from qaml_qiskit.simulation.heisenberg.prepared import PreparedCircuit
from qaml_qiskit.simulation.heisenberg.propagation import Progress, light_cone
from qaml_qiskit.simulation.heisenberg.readout import PERFECT_READOUT, expectation, observables_at, zero_state
from qaml_qiskit.simulation.heisenberg.rows import check_rows
from qaml_qiskit.simulation.heisenberg.vectors import products
from qaml_qiskit.simulation.readings import Reading, qubits_of

_PRECISIONS = (torch.float32, torch.float64)
#: Bytes of states that are kept rather than computed twice.
_KEPT = 2**30


@dataclass(frozen=True, eq=False)
class GateSensitivities:
    """What scaling the error of each gate does to what is read.

    Attributes:
        gates: G gates that have an error, sorted: the name, and the qubits of the circuit in the gate's order. Reading
            a qubit is ``("measure", (q,))``, idling where the model has noise for it is ``("delay", (q,))``.
        derivatives: shape (N, m, G), d⟨P_s⟩/dλ_g at λ = 1, readout errors included; (N, c, G) of combinations. Their
            sum over g is the derivative by the scale of all noise at once.
        uses: shape (G,), how often the circuit uses each gate.
    """

    gates: tuple[PhysicalGate, ...]
    derivatives: FloatArray
    uses: tuple[int, ...]


def gate_sensitivities(
    circuit: QuantumCircuit,
    noise_model: NoiseModel | None,
    readings: Sequence[Reading] | None,
    values: FloatArray,
    *,
    combinations: FloatArray | None = None,
    dtype: torch.dtype = torch.float32,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> GateSensitivities:
    """Differentiate what a noisy circuit reads by the scale of every gate's error, exactly.

    Args:
        circuit: as for :class:`PreparedCircuit`; its parameters may be free.
        noise_model: as for :class:`PreparedCircuit`; it must have an error for something that the circuit does.
        readings: qubits of the circuit, or tuples of them for products of Z; the measured qubits if None.
        values: shape (N, P), a row a run, in the order of the circuit's parameters.
        combinations: shape (N, c, m): differentiate c sums of the readings with these weights instead, which may differ
            between runs, such as a margin between two classes. Time grows with c, not with m.
        dtype: float32 or float64.
        memory_limit: bytes that may be needed at once; the free memory if None.
        progress: called with the runs that are done and all runs.

    Raises:
        ConfigurationError: as for :class:`PreparedCircuit`, or a circuit without noise.
        InputError: as for :class:`PreparedCircuit`, or combinations of another shape.
    """
    check_dtype(dtype, _PRECISIONS)
    readings, qubits = _what_is_read(circuit, noise_model, readings)
    values = check_rows(values, circuit.num_parameters)
    if combinations is not None:
        _check_combinations(combinations, len(values), len(readings))
    table = NoiseTable(noise_model, is_split=False)
    uses = _Row.of(circuit.assign_parameters(values[0]), table, qubits).uses()
    _check_noisy(uses)
    found = []
    # Every row is lowered by itself: that is a twentieth of what its overlaps cost.
    for done, angles in enumerate(values, start=1):
        row = _Row.of(circuit.assign_parameters(angles), table, qubits)
        combination = None if combinations is None else combinations[done - 1]
        row.check_memory(len(readings if combination is None else combination), dtype.itemsize, memory_limit)
        found.append(_slopes(row, readings, combination, dtype))
        if progress is not None:
            progress(done, len(values))
    gates = tuple(sorted(uses))
    derivatives = [np.stack([by_gate[gate] for gate in gates], axis=1) for by_gate in found]
    return GateSensitivities(gates, np.stack(derivatives), tuple(uses[gate] for gate in gates))


def noisy_gates(
    circuit: QuantumCircuit, noise_model: NoiseModel | None, readings: Sequence[Reading] | None = None
) -> dict[PhysicalGate, int]:
    """The gates of :func:`gate_sensitivities` in their order, and how often the circuit uses each: no propagation.

    Raises:
        ConfigurationError: as :func:`gate_sensitivities`.
    """
    _, qubits = _what_is_read(circuit, noise_model, readings)
    bound = circuit.assign_parameters(np.zeros(circuit.num_parameters))
    uses = _Row.of(bound, NoiseTable(noise_model, is_split=False), qubits).uses()
    _check_noisy(uses)
    return {gate: uses[gate] for gate in sorted(uses)}


def _what_is_read(
    circuit: QuantumCircuit, noise_model: NoiseModel | None, readings: Sequence[Reading] | None
) -> tuple[tuple[Reading, ...], tuple[int, ...]]:
    """The readings, the measured qubits if None, and their qubits, of a circuit that can be followed."""
    if readings is None:
        qubits = PreparedCircuit(circuit, noise_model).qubits
        return qubits, qubits
    checked = checked_readings(readings, circuit.num_qubits)
    read = tuple(dict.fromkeys(qubit for each in checked for qubit in qubits_of(each)))
    return checked, PreparedCircuit(circuit, noise_model, read).qubits


def _check_noisy(uses: Mapping[PhysicalGate, int]) -> None:
    if not uses:
        raise ConfigurationError(
            "no gate of the circuit can be blamed",
            got="a circuit without noise",
            expected="a noise model with an error for a gate or a measurement of the circuit",
            remedy="choose a target or a noise model with errors",
        )


def _check_combinations(combinations: FloatArray, num_runs: int, num_readings: int) -> None:
    fits = combinations.ndim == 3 and combinations.shape[::2] == (num_runs, num_readings) and combinations.size
    if not fits or not np.isfinite(combinations).all():
        raise InputError(
            "the combinations do not fit the readings",
            got=f"shape {combinations.shape}{' with values that are not finite' if fits else ''}",
            expected=f"shape ({num_runs}, c, {num_readings}), c ≥ 1, finite numbers",
            remedy="give a row of weights for every sum of the readings",
        )


@dataclass(frozen=True, eq=False)
class _Row:
    """One run of the circuit, lowered.

    Attributes:
        places: what happens, in time order.
        digit: of each qubit.
        num_digits: D.
        readout: what reading each qubit measures.
    """

    places: Sequence[Place]
    digit: dict[int, int]
    num_digits: int
    readout: dict[int, FloatArray]

    @classmethod
    def of(cls, circuit: QuantumCircuit, table: NoiseTable, qubits: Sequence[int]) -> _Row:
        """Lower a bound circuit whose errors come as wholes."""
        noisy = lower(circuit, table, qubits)
        cone = in_line(light_cone(noisy, ()))
        readout = dict(zip(noisy.read, noisy.readout, strict=True))
        return cls(places_of(cone.channels, cone.num_digits), cone.digit, cone.num_digits, readout)

    def uses(self) -> Counter[PhysicalGate]:
        """How often each gate is used that has an error; a qubit is measured once, whatever happens to it then."""
        found = Counter(gate for place in self.places for _, gate in place.parts if gate is not None)
        for qubit, read in self.readout.items():
            if not np.array_equal(read, PERFECT_READOUT):
                found["measure", (qubit,)] = 1
        return found

    def stride(self, number: int) -> int:
        """How many places lie between two states that are kept: all are where they fit, else every √-th."""
        everything = len(self.places) * 4**self.num_digits * number
        return 1 if everything <= _KEPT else math.isqrt(max(1, len(self.places) - 1)) + 1

    def check_memory(self, width: int, number: int, limit: int | None) -> None:
        """Raise ConfigurationError where the vectors have no room."""
        stride = self.stride(number)
        kept = len(self.places) // stride + stride + 3 * width + 3
        check_fits(kept * 4**self.num_digits * number, limit, len(self.digit), torch.device("cpu"))

    def states(self, dtype: torch.dtype) -> Iterator[Tensor]:
        """The state behind the last place, and then in front of every place, the last one first."""
        stride = self.stride(dtype.itemsize)
        state = products(torch.from_numpy(zero_state(self.num_digits))).to(dtype)
        kept: list[Tensor] = []
        for index, place in enumerate(self.places):
            if index % stride == 0:
                kept.append(state)
            state = applied(place.matrix, state, place.pair, self.num_digits)
        yield state[0]
        for first in reversed(range(0, len(self.places), stride)):
            window = [kept.pop()]
            for place in self.places[first : first + stride][:-1]:
                window.append(applied(place.matrix, window[-1], place.pair, self.num_digits))
            while window:
                yield window.pop()[0]

    def observables(self, readings: Sequence[Reading]) -> Tensor:
        """What is read, shape (m, 4^D), in double precision."""
        return products(torch.from_numpy(observables_at(readings, self.digit, self.readout, self.num_digits)))

    def readout_slopes(self, state: Tensor, readings: Sequence[Reading]) -> Iterator[tuple[PhysicalGate, FloatArray]]:
        """Derivatives, shape (m,), by the scale of every qubit's readout error, from the state at the end."""
        strides = [4**digit for digit in range(self.num_digits)]
        for qubit, read in self.readout.items():
            if not np.array_equal(read, PERFECT_READOUT):
                changed = {**self.readout, qubit: read - PERFECT_READOUT}
                found = np.zeros(len(readings))
                for index, reading in enumerate(readings):
                    if qubit in qubits_of(reading):
                        (factors,) = observables_at([reading], self.digit, changed, self.num_digits)
                        found[index] = float(expectation(state, strides, factors))
                yield ("measure", (qubit,)), found


def _slopes(
    row: _Row, readings: Sequence[Reading], combination: FloatArray | None, dtype: torch.dtype
) -> dict[PhysicalGate, FloatArray]:
    """Of one run: derivatives of shape (m,) or (c,) by gate."""
    states, behind = row.states(dtype), row.observables(readings)
    weights = np.eye(len(readings)) if combination is None else combination
    if combination is not None:
        behind = torch.from_numpy(weights) @ behind
    behind = behind.to(dtype)
    derivatives: dict[PhysicalGate, FloatArray] = defaultdict(lambda: np.zeros(len(weights)))
    for gate, found in row.readout_slopes(next(states), readings):
        derivatives[gate] = weights @ found
    for place, before in zip(reversed(row.places), states, strict=True):
        slopes = place.slopes()
        if slopes:
            overlaps = overlap(behind, before, place.pair, row.num_digits).reshape(len(weights), -1)
            for gate, matrix in slopes:
                derivatives[gate] = derivatives[gate] + overlaps @ matrix.ravel()
        behind = applied(place.matrix.T, behind, place.pair, row.num_digits)
    return derivatives
