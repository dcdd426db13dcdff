"""What of a device does not work, kept from the transpiler and from the search for a line of qubits."""

from collections.abc import Iterator

from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.execution.compilation.device_parts import Qubits, part_of
from qaml_qiskit.execution.readings.calibration import LEAST_CONTRAST

#: Of a measurement, (p10 + p01)/2: above it, less than :data:`LEAST_CONTRAST` is left of ⟨Z⟩.
_DEAD_READOUT = (1 - LEAST_CONTRAST) / 2


def without_faulty(target: ISATarget, num_qubits: int) -> tuple[ISATarget, tuple[str, ...]]:
    """The device without the gates and qubits that do not work.

    A gate that always fails (error 1), or has no error where the same gate has one elsewhere, is faulty. A qubit is
    faulty when one of its one-qubit gates is, or when its readout says next to nothing of it. The transpiler weighs
    errors, but takes such parts all the same where its search ends early.

    Args:
        target: the device as it describes itself.
        num_qubits: width of the circuits to come.

    Returns:
        The device without them, or as it is where nothing is faulty or too little would be left to connect so many
        qubits; and what a user should know of it, in sentences without their full stop.
    """
    faulty = dict(_faulty(target))
    if not faulty:
        return target, ()
    dead = {qubits[0] for places in faulty.values() for qubits in places if len(qubits) == 1}
    pairs = {tuple(sorted(qubits)) for places in faulty.values() for qubits in places if len(qubits) == 2}
    named = " and ".join(
        f"{len(found)} {word}{'' if len(found) == 1 else 's'}"
        for word, found in (("pair", pairs), ("qubit", dead))
        if found
    )
    kept = _without(target, faulty, dead)
    if _connected(kept) >= num_qubits:
        return kept, ()
    return target, (
        f"{named} of the device do not work by its own calibration, and without them it does not connect {num_qubits} "
        "qubits: they are used all the same, so expect nothing of the results",
    )


def _faulty(target: ISATarget) -> Iterator[tuple[str, set[Qubits]]]:
    """Where each instruction does not work, for those that have such places."""
    for name in target.operation_names:
        places = target[name]
        if places is None or None in places or name in ("delay", "id", "reset"):
            continue
        errors = {qubits: getattr(properties, "error", None) for qubits, properties in places.items()}
        limit = _DEAD_READOUT if name == "measure" else 1.0
        known = any(error is not None for error in errors.values())
        found = {qubits for qubits, error in errors.items() if (known if error is None else not 0 <= error < limit)}
        if found:
            yield name, found


def _without(target: ISATarget, faulty: dict[str, set[Qubits]], dead: set[int]) -> ISATarget:
    def works(name: str, qubits: Qubits) -> bool:
        return qubits not in faulty.get(name, ()) and dead.isdisjoint(qubits)

    return part_of(target, keeps=works)


def _connected(target: ISATarget) -> int:
    """How many qubits its gates connect, at most."""
    places = target.qargs or ()
    neighbours: dict[int, set[int]] = {qubits[0]: set() for qubits in places if len(qubits) == 1}
    for first, second in (qubits for qubits in places if len(qubits) == 2):
        neighbours[first].add(second)
        neighbours[second].add(first)
    largest, left = 0, set(neighbours)
    while left:
        reached: set[int] = set()
        ahead = [next(iter(left))]
        while ahead:
            qubit = ahead.pop()
            if qubit not in reached:
                reached.add(qubit)
                ahead += neighbours[qubit]
        largest, left = max(largest, len(reached)), left - reached
    return largest
