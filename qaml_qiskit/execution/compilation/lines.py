"""Lines of a device's qubits that share none of them: room for several copies of a circuit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.compilation.layout import (
    LineCosts,
    LineUsage,
    best_line,
    line_costs,
    line_survival,
    search_line,
)

#: Prices on the room that a line takes from others, see :func:`.search_line`. Taking the best line first leaves pieces
#: that are too short; a price from one of these on, the same devices hold one to three lines of ten qubits more.
_PRICES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class PlacedLine:
    """A line of a device's qubits for a circuit.

    Attributes:
        qubits: n physical qubits; the i-th carries qubit i.
        survival: ∏(1 − error) over the gates and measurements of the circuit, as :func:`.line_usage` counts them.
    """

    qubits: tuple[int, ...]
    survival: float


def best_lines(target: ISATarget, usage: LineUsage, most: int | None = None, gap: int = 0) -> tuple[PlacedLine, ...]:
    """Lines that share no qubit, the best first.

    The best line is taken, then the best one of what it leaves, and so on: the first is that of :func:`.best_line`.
    Only where more lines are asked for than fit in this way, lines are chosen that leave more room, and of the choices
    that hold so many the one with the highest mean survival is taken.

    Args:
        target: the device, with its calibrated error rates.
        usage: of the circuit, see :func:`.line_usage`.
        most: so many, or fewer where no choice holds so many; None for as many as any choice holds.
        gap: idle qubits between two lines, at least, on every way along the couplings of the target.

    Raises:
        ConfigurationError: there is no line, as for :func:`.best_line`; a target that connects any two qubits, on which
            no line is better than another; or a gap below 0.
    """
    _check(target, gap)
    # Tells what is wrong where there is no line at all.
    best_line(target, usage)
    neighbours, costs = _neighbours(target), line_costs(target)
    found = _packed(costs, usage, most, gap, neighbours, 0.0)
    if len(found) == most:
        return found
    choices = [found, *(_packed(costs, usage, None, gap, neighbours, price) for price in _PRICES)]
    size = min(max(map(len, choices)), most or target.num_qubits or 0)
    # The first of equals.
    return max((each[:size] for each in choices if len(each) >= size), key=lambda lines: sum(x.survival for x in lines))


def _check(target: ISATarget, gap: int) -> None:
    if gap < 0:
        raise ConfigurationError(
            "tiles cannot be kept apart",
            got=f"a gap of {gap} qubits",
            expected="0 or more idle qubits between two tiles",
            remedy="correct --tile-gap, or leave it out",
        )
    if target.build_coupling_map() is None:
        raise ConfigurationError(
            "tiles need a device with lines of neighbouring qubits",
            got="a simulated target that connects any two qubits",
            expected="a target of kind fake, snapshot or ibm",
            remedy="leave --tiles out: another copy of the classifier would be no faster and no better here",
        )


def _packed(
    costs: LineCosts,
    usage: LineUsage,
    most: int | None,
    gap: int,
    neighbours: Mapping[int, set[int]],
    price: float,
) -> tuple[PlacedLine, ...]:
    """One line after the other until none is left, sorted by survival."""
    found: list[PlacedLine] = []
    taken: set[int] = set()
    while most is None or len(found) < most:
        line = search_line(costs, usage, taken, price)
        if line is None:
            break
        found.append(PlacedLine(line, line_survival(costs, usage, line)))
        taken |= _around(line, neighbours, gap)
    return tuple(sorted(found, key=lambda line: -line.survival))


def _neighbours(target: ISATarget) -> dict[int, set[int]]:
    neighbours: dict[int, set[int]] = {qubit: set() for qubit in range(target.num_qubits or 0)}
    for low, high in target.build_coupling_map().get_edges():
        neighbours[low].add(high)
        neighbours[high].add(low)
    return neighbours


def _around(line: Sequence[int], neighbours: Mapping[int, set[int]], gap: int) -> set[int]:
    """The qubits of a line, and all that are within ``gap`` couplings of one of them."""
    reached = set(line)
    for _ in range(gap):
        wider = reached.union(*(neighbours[qubit] for qubit in reached))
        if wider == reached:
            break
        reached = wider
    return reached
