"""Which line of a device's qubits a circuit is put on: the one on which it most likely survives, or loses least."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import pairwise

from qiskit.circuit import Gate, QuantumCircuit
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import ConfigurationError

#: Device gates (SX) that a run of one-qubit gates becomes, at most: RZ·SX·RZ·SX·RZ is any rotation.
_GATES_A_RUN = 2
#: The search is given up after so many partial lines, about ten seconds. Twelve qubits of a heavy-hex device with 156
#: take some ten thousand.
MOST_STEPS = 3_000_000


@dataclass(frozen=True)
class LineUsage:
    """How often a circuit on n qubits uses each part of its line; or weights of the same parts, at least 0.

    Attributes:
        bonds: two-qubit gates on qubits i and i+1, n − 1 numbers. A gate on qubits further apart counts on every bond
            between them, because routing brings them together there.
        one_qubit: one-qubit gates that a device plays, n numbers: two for every unbroken run of them.
        readout: whether each qubit is measured, or the weight of its readout error.
    """

    bonds: tuple[float, ...]
    one_qubit: tuple[float, ...]
    readout: tuple[float, ...]


def line_usage(circuit: QuantumCircuit) -> LineUsage:
    """Count how often a circuit, before compilation, uses each part of the line of its qubits in order."""
    n = circuit.num_qubits
    bonds, runs, measured, running = [0] * (n - 1), [0] * n, [False] * n, [False] * n
    for instruction in circuit.data:
        qubits = sorted(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        if instruction.operation.name in ("barrier", "delay"):
            continue
        if instruction.operation.name == "measure":
            measured[qubits[0]] = True
        elif len(qubits) == 1:
            runs[qubits[0]] += not running[qubits[0]]
            running[qubits[0]] = True
        else:
            for bond in range(qubits[0], qubits[-1]):
                bonds[bond] += 1
            for qubit in qubits:
                running[qubit] = False
    return LineUsage(tuple(bonds), tuple(_GATES_A_RUN * count for count in runs), tuple(measured))


def best_line(target: ISATarget, usage: LineUsage) -> tuple[int, ...]:
    """The physical qubits of the line that maximises ∏(1 − error) over the gates and measurements of a circuit.

    With weights for counts it is ∏(1 − error)^weight.

    The search is exact: every simple path of n qubits in the coupling map is a candidate, in both directions, and a
    partial path is left only when it can no longer win. Of equally good lines the one with the smallest numbers is
    taken, so the same calibration gives the same line. A pair or qubit without an error rate, or with a rate of 1, is
    faulty and never used. Idle time is not weighed.

    Args:
        target: the device, with its calibrated error rates.
        usage: of the circuit, see :func:`line_usage`.

    Returns:
        n physical qubits; the i-th carries qubit i. On a target that connects any two qubits: 0, 1, … n − 1.

    Raises:
        ConfigurationError: no error rates, no such line, or more lines than can be searched.
    """
    n = len(usage.one_qubit)
    if target.build_coupling_map() is None:
        return tuple(range(n))
    best = _Search(line_costs(target), usage).run()
    if best is None:
        raise ConfigurationError(
            "the device has no line of good qubits for the circuit",
            got=f"{n} qubits, on a device of {target.num_qubits}",
            expected="a path of neighbours with calibrated errors below 1",
            remedy="choose another target, or a recipe without `layout: line`",
        )
    return best


def search_line(
    costs: "LineCosts", usage: LineUsage, taken: Set[int] = frozenset(), price: float = 0.0
) -> tuple[int, ...] | None:
    """As :func:`best_line`, on what is left of a device; None where there is no line.

    Args:
        costs: of the device, see :func:`line_costs`.
        usage: of the circuit.
        taken: qubits that are not to be used.
        price: what every coupling from a qubit of the line to one that is not taken costs, in units of −log(1 − error):
            a line that keeps to the edge of what is left leaves more room for others.
    """
    return _Search(costs.without(taken, price), usage).run()


def line_survival(costs: "LineCosts", usage: LineUsage, line: Sequence[int]) -> float:
    """∏(1 − error) over the gates and measurements of a circuit on a line, as :func:`best_line` weighs them."""
    total = sum(
        bond * costs.pairs[low].get(high, math.inf)
        for bond, (low, high) in zip(usage.bonds, pairwise(line), strict=True)
    )
    for place, qubit in enumerate(line):
        total += usage.one_qubit[place] * costs.one_qubit.get(qubit, math.inf)
        total += costs.readout.get(qubit, math.inf) if usage.readout[place] else 0.0
    return math.exp(-total)


@dataclass(frozen=True)
class LineCosts:
    """−log(1 − error) of everything that works on a device.

    Attributes:
        pairs: by qubit and neighbour.
        one_qubit: by qubit, of a one-qubit gate that is played.
        readout: by qubit, of its measurement.
        room: by qubit, what is charged for the room that it takes from other lines.
    """

    pairs: dict[int, dict[int, float]]
    one_qubit: dict[int, float]
    readout: dict[int, float]
    room: Mapping[int, float] = field(default_factory=dict)

    def without(self, taken: Set[int], price: float) -> "LineCosts":
        """The same device without some of its qubits, with a price on the room that a line takes from others."""
        pairs = {
            qubit: {other: cost for other, cost in costs.items() if other not in taken}
            for qubit, costs in self.pairs.items()
            if qubit not in taken
        }
        one_qubit = {qubit: cost for qubit, cost in self.one_qubit.items() if qubit not in taken}
        room = {qubit: price * len(others) for qubit, others in pairs.items()} if price else {}
        return replace(self, pairs=pairs, one_qubit=one_qubit, room=room)


def line_costs(target: ISATarget) -> LineCosts:
    """What lines of a device are made of, by its calibrated error rates.

    Raises:
        ConfigurationError: no pair has an error rate below 1.
    """
    one_qubit, two_qubit = ({}, {})  # type: tuple[dict[tuple[int, ...], float], dict[tuple[int, ...], float]]
    for name in target.operation_names:
        operation = target.operation_from_name(name)
        # RZZ of a free angle and its like are no gates that circuits here are compiled to. U2 is one pulse, as SX is,
        # on devices whose one-qubit gates are U1, U2 and U3; none of them is free of angles.
        plays = isinstance(operation, Gate) and (not operation.params or name == "u2") and name != "id"
        if plays and target[name]:
            kept = {1: one_qubit, 2: two_qubit}.get(operation.num_qubits, {})
            for qubits, properties in target[name].items():
                key = tuple(sorted(qubits))
                kept[key] = max(kept.get(key, 0.0), _cost(getattr(properties, "error", None)))
    readout = {
        qubits[0]: _cost(getattr(properties, "error", None))
        for qubits, properties in (target["measure"] if "measure" in target.operation_names else {}).items()
    }
    if all(cost == math.inf for cost in readout.values()):
        # The device says nothing of its readout, so no qubit's is better than another's.
        readout = dict.fromkeys(range(target.num_qubits or 0), 0.0)
    pairs: dict[int, dict[int, float]] = {qubit: {} for qubit in range(target.num_qubits or 0)}
    for (low, high), cost in sorted(two_qubit.items()):
        if cost < math.inf:
            pairs[low][high] = pairs[high][low] = cost
    if not any(pairs.values()):
        raise ConfigurationError(
            "cannot choose a line of good qubits",
            got="a device without calibrated two-qubit errors below 1",
            expected="an error rate for every pair that works",
            remedy="use a recipe without `layout: line`, such as level3",
        )
    good = {qubits[0]: cost for qubits, cost in one_qubit.items() if cost < math.inf}
    return LineCosts(pairs, good, readout)


def _cost(error: float | None) -> float:
    return math.inf if error is None or not 0 <= error < 1 else -math.log1p(-error)


class _Search:
    """Depth-first over all paths, with the cost of the best one so far as the limit."""

    def __init__(self, costs: LineCosts, usage: LineUsage) -> None:
        self._best: tuple[int, ...] | None = None
        self._costs = costs
        self._usage = usage
        self._limit = math.inf
        self._steps = 0
        self._rest = self._least_rest()

    def run(self) -> tuple[int, ...] | None:
        """The best line, or None when there is none."""
        for start in sorted(self._costs.one_qubit):
            self._extend((start,), self._qubit_cost(0, start))
        return self._best

    def _extend(self, path: tuple[int, ...], cost: float) -> None:
        placed = len(path)
        # Not below the limit: an equally good line does not replace an earlier one.
        if not cost + self._rest[placed] < self._limit:
            return
        if placed == len(self._rest) - 1:
            self._best, self._limit = path, cost
            return
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise ConfigurationError(
                "the search for the best line of qubits was given up",
                got=f"more than {MOST_STEPS:,} partial lines for {len(self._usage.one_qubit)} qubits",
                expected="a circuit on fewer qubits, or a device with fewer neighbours a qubit",
                remedy="use a recipe without `layout: line`, such as level3",
            )
        for neighbour, pair_cost in self._costs.pairs[path[-1]].items():
            if neighbour not in path and neighbour in self._costs.one_qubit:
                bond = self._usage.bonds[placed - 1] * pair_cost
                self._extend((*path, neighbour), cost + bond + self._qubit_cost(placed, neighbour))

    def _qubit_cost(self, place: int, qubit: int) -> float:
        weight = self._usage.readout[place]
        readout = weight * self._costs.readout.get(qubit, math.inf) if weight else 0.0
        room = self._costs.room.get(qubit, 0.0)
        return self._usage.one_qubit[place] * self._costs.one_qubit[qubit] + readout + room

    def _least_rest(self) -> list[float]:
        """The least that the qubits and bonds from place k on can cost, for k = 0 … n."""
        n = len(self._usage.one_qubit)
        pair = min((cost for costs in self._costs.pairs.values() for cost in costs.values()), default=0.0)
        rest = [0.0] * (n + 1)
        for place in reversed(range(n)):
            qubit = min((self._qubit_cost(place, each) for each in self._costs.one_qubit), default=0.0)
            rest[place] = rest[place + 1] + qubit + (self._usage.bonds[place - 1] * pair if place else 0.0)
        # Rounding must not turn the bound into one that cuts the best line.
        return [value * (1 - 1e-9) for value in rest]


def is_on_a_line(circuit: QuantumCircuit, line: Sequence[int]) -> bool:
    """Whether every two-qubit gate of a compiled circuit is on neighbours of a line."""
    bonds = {frozenset(pair) for pair in pairwise(line)}
    return all(
        frozenset(circuit.find_bit(qubit).index for qubit in instruction.qubits) in bonds
        for instruction in circuit.data
        if len(instruction.qubits) == 2 and instruction.operation.name != "barrier"
    )
