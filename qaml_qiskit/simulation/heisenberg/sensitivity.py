"""What the error of every gate does to what is read: derivatives by the scale of each error.

The error that follows a gate g is a channel with the transfer matrix R. Let λ_g scale it, R_λ = 1 + λ(R − 1), in all
uses of the gate together. What is read is linear in every single R, so at λ = 1

    d⟨P⟩/dλ_g = Σ over the uses of g of ⟨O_behind| (R − 1) |ρ_before⟩,

with the state ρ_before in front of the error and the observable O_behind carried back to behind it. All that a place of
the circuit must know of the two is their 16×16 overlap Γ_ij = Σ_rest O_behind[i, rest]·ρ_before[j, rest] on its pair of
qubits, so one pass forwards and one backwards serve all gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit_aer.noise import NoiseModel
from torch import Tensor

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.simulation.heisenberg.channels import Channel, FloatArray, PhysicalGate, on_pair, on_sorted
from qaml_qiskit.simulation.heisenberg.lowering import lower
from qaml_qiskit.simulation.heisenberg.memory import check_dtype, check_fits
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.prepared import PreparedCircuit
from qaml_qiskit.simulation.heisenberg.propagation import Progress, light_cone
from qaml_qiskit.simulation.heisenberg.readout import expectation, observables_at, zero_state
from qaml_qiskit.simulation.heisenberg.rows import check_rows
from qaml_qiskit.simulation.heisenberg.vectors import products
from qaml_qiskit.simulation.readings import Reading, qubits_of

_PRECISIONS = (torch.float32, torch.float64)
_PERFECT = np.array([0.0, 0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class GateSensitivities:
    """What scaling the error of each gate does to what is read.

    Attributes:
        gates: G gates that have an error, sorted: the name, and the qubits of the circuit in the gate's order. Reading
            a qubit is ``("measure", (q,))``, idling where the model has noise for it is ``("delay", (q,))``.
        derivatives: shape (N, m, G), d⟨P_s⟩/dλ_g at λ = 1, readout errors included. Their sum over g is the derivative
            by the scale of all noise at once.
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
        dtype: float32 or float64.
        memory_limit: bytes that may be needed at once; the free memory if None.
        progress: called with the runs that are done and all runs.

    Raises:
        ConfigurationError: as for :class:`PreparedCircuit`, or a circuit without noise.
        InputError: as for :class:`PreparedCircuit`.
    """
    check_dtype(dtype, _PRECISIONS)
    read = None if readings is None else tuple(dict.fromkeys(q for each in readings for q in qubits_of(each)))
    prepared = PreparedCircuit(circuit, noise_model, read, dtype=dtype)
    values = check_rows(values, circuit.num_parameters)
    readings = prepared.qubits if readings is None else tuple(readings)
    table = NoiseTable(noise_model, is_split=False)
    found = []
    for done, row in enumerate(values, start=1):
        found.append(_row(circuit.assign_parameters(row), table, prepared.qubits, readings, dtype, memory_limit))
        if progress is not None:
            progress(done, len(values))
    gates = tuple(sorted({gate for by_gate, _ in found for gate in by_gate}))
    if not gates:
        raise ConfigurationError(
            "no gate of the circuit can be blamed",
            got="a circuit without noise",
            expected="a noise model with an error for a gate or a measurement of the circuit",
            remedy="choose a target or a noise model with errors",
        )
    nothing = np.zeros(len(readings))
    derivatives = [np.stack([by_gate.get(gate, nothing) for gate in gates], axis=1) for by_gate, _ in found]
    uses = [max(count.get(gate, 0) for _, count in found) for gate in gates]
    return GateSensitivities(gates, np.stack(derivatives), tuple(uses))


@dataclass(eq=False)
class _Place:
    """All that happens on a pair of digits before something else happens to one of them.

    Attributes:
        pair: the lower and the higher digit.
        parts: matrices on the pair in time order, and the gate whose error each is.
    """

    pair: tuple[int, int]
    parts: list[tuple[FloatArray, PhysicalGate | None]] = field(default_factory=list)

    def add(self, channel: Channel) -> None:
        """Append a channel on one or both of the digits."""
        if len(channel.qubits) == 2:
            _, matrix = on_sorted(channel.qubits, channel.transfer)
        elif channel.qubits[0] == self.pair[0]:
            matrix = on_pair(np.eye(4), channel.transfer)
        else:
            matrix = on_pair(channel.transfer, np.eye(4))
        self.parts.append((matrix, channel.source))

    @property
    def matrix(self) -> FloatArray:
        """The whole place, shape (16, 16)."""
        total = np.eye(16)
        for matrix, _ in self.parts:
            total = matrix @ total
        return total

    def slopes(self) -> list[tuple[PhysicalGate, FloatArray]]:
        """For every error, what takes its part as R − 1 makes of the whole place, shape (16, 16)."""
        behind = [np.eye(16)]
        for matrix, _ in reversed(self.parts):
            behind.append(behind[-1] @ matrix)
        before, found = np.eye(16), []
        for position, (matrix, source) in enumerate(self.parts, start=1):
            if source is not None:
                found.append((source, behind[len(self.parts) - position] @ (matrix @ before - before)))
            before = matrix @ before
        return found


def _places(channels: Iterable[Channel], num_digits: int) -> list[_Place]:
    """Channels gathered by pairs, in time order."""
    places: list[_Place] = []
    last: list[_Place | None] = [None] * num_digits
    waiting: list[list[Channel]] = [[] for _ in range(num_digits)]

    def open_place(low: int, high: int) -> _Place:
        place = _Place((low, high))
        for digit in (low, high):
            last[digit] = place
            for channel in waiting[digit]:
                place.add(channel)
            waiting[digit].clear()
        places.append(place)
        return place

    for channel in channels:
        low, high = min(channel.qubits), max(channel.qubits)
        place = last[low]
        if low == high:
            if place is None:
                waiting[low].append(channel)
            else:
                place.add(channel)
        else:
            if place is None or place is not last[high]:
                place = open_place(low, high)
            place.add(channel)
    for digit in range(num_digits):
        if waiting[digit]:
            other = digit + 1 if digit + 1 < num_digits else digit - 1
            open_place(min(digit, other), max(digit, other))
    return places


def _row(
    circuit: QuantumCircuit,
    table: NoiseTable,
    qubits: Sequence[int],
    readings: Sequence[Reading],
    dtype: torch.dtype,
    limit: int | None,
) -> tuple[dict[PhysicalGate, FloatArray], dict[PhysicalGate, int]]:
    """Of one run: derivatives of shape (m,) by gate, and how often each gate is used."""
    noisy = lower(circuit, table, qubits)
    cone = light_cone(noisy, ())
    places = _places(cone.channels, cone.num_digits)
    size, width = 4**cone.num_digits, len(readings)
    check_fits((len(places) + 3 * width + 3) * size * dtype.itemsize, limit, cone.num_digits, torch.device("cpu"))
    states = [products(torch.from_numpy(zero_state(cone.num_digits))).to(dtype)]
    for place in places:
        states.append(_applied(place.matrix, states[-1], place.pair, cone.num_digits))
    readout = dict(zip(noisy.read, noisy.readout, strict=True))
    factors = observables_at(readings, cone.digit, readout, cone.num_digits)
    behind = products(torch.from_numpy(factors)).to(dtype)
    derivatives: dict[PhysicalGate, FloatArray] = {}
    uses: dict[PhysicalGate, int] = {}
    for place, before in zip(reversed(places), reversed(states[:-1]), strict=True):
        overlap = _overlap(behind, before, place.pair, cone.num_digits)
        for gate, matrix in place.slopes():
            derivatives[gate] = derivatives.get(gate, np.zeros(width)) + np.einsum("mij,ij->m", overlap, matrix)
            uses[gate] = uses.get(gate, 0) + 1
        behind = _applied(place.matrix.T, behind, place.pair, cone.num_digits)
    strides = [4**digit for digit in range(cone.num_digits)]
    for qubit, read in readout.items():
        if not np.array_equal(read, _PERFECT):
            slope = observables_at(readings, cone.digit, {**readout, qubit: read - _PERFECT}, cone.num_digits)
            touched = [qubit in qubits_of(reading) for reading in readings]
            found = [float(expectation(states[-1][0], strides, each)) for each in slope]
            gate = ("measure", (qubit,))
            derivatives[gate] = derivatives.get(gate, np.zeros(width)) + np.where(touched, found, 0.0)
            uses[gate] = 1
    return derivatives, uses


def _by_pair(vectors: Tensor, pair: tuple[int, int], num_digits: int) -> Tensor:
    """Shape (B, 16, 4^(D−2)): the strings on the pair first, the higher digit the more significant."""
    low, high = pair
    shape = (len(vectors), 4 ** (num_digits - high - 1), 4, 4 ** (high - low - 1), 4, 4**low)
    return vectors.view(shape).permute(0, 2, 4, 1, 3, 5).reshape(len(vectors), 16, -1)


def _from_pair(vectors: Tensor, pair: tuple[int, int], num_digits: int) -> Tensor:
    """Undo :func:`_by_pair`."""
    low, high = pair
    shape = (len(vectors), 4, 4, 4 ** (num_digits - high - 1), 4 ** (high - low - 1), 4**low)
    return vectors.view(shape).permute(0, 3, 1, 4, 2, 5).reshape(len(vectors), -1)


def _applied(matrix: FloatArray, vectors: Tensor, pair: tuple[int, int], num_digits: int) -> Tensor:
    images = torch.from_numpy(matrix).to(vectors) @ _by_pair(vectors, pair, num_digits)
    return _from_pair(images, pair, num_digits)


def _overlap(behind: Tensor, before: Tensor, pair: tuple[int, int], num_digits: int) -> FloatArray:
    """Γ, shape (m, 16, 16)."""
    observables, state = (_by_pair(vectors, pair, num_digits) for vectors in (behind, before))
    return (observables @ state[0].T).double().numpy()
