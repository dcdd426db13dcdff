"""A device without some of its instructions or qubits, all else as it is: the one place that writes targets anew."""

import math
from collections.abc import Callable, Collection, Sequence

from qiskit.transpiler import Target as ISATarget

Qubits = tuple[int, ...]
#: The angles of RZZ that devices have.
RZZ_ANGLES = (0.0, math.pi / 2)


def part_of(
    target: ISATarget,
    *,
    without: Collection[str] = (),
    keeps: Callable[[str, Qubits], bool] = lambda name, qubits: True,
    qubits: Sequence[int] | None = None,
) -> ISATarget:
    """A copy of a device with a part of what it can do.

    Args:
        target: the device.
        without: names of instructions that are left out everywhere.
        keeps: whether an instruction stays, by its name and qubits; one that stays nowhere is left out. Those that the
            device has wherever one likes stay.
        qubits: those that are kept, numbered anew in this order; all with their own numbers if None.
    """
    chosen = range(target.num_qubits or 0) if qubits is None else qubits
    place = {qubit: number for number, qubit in enumerate(chosen)}
    part = ISATarget(
        description=target.description,
        num_qubits=target.num_qubits if qubits is None else len(place),
        dt=target.dt,
        granularity=target.granularity,
        min_length=target.min_length,
        pulse_alignment=target.pulse_alignment,
        acquire_alignment=target.acquire_alignment,
        qubit_properties=target.qubit_properties and [target.qubit_properties[qubit] for qubit in chosen],
        concurrent_measurements=target.concurrent_measurements if qubits is None else None,
    )
    for name in target.operation_names:
        if name in without:
            continue
        operation, places, bounds = target.operation_from_name(name), target[name], _angle_bounds(target, name)
        if places is None or None in places:
            part.add_instruction(operation, name=name, angle_bounds=bounds)
            continue
        own = {
            tuple(place[qubit] for qubit in used): properties
            for used, properties in places.items()
            if place.keys() >= {*used} and keeps(name, used)
        }
        if own:
            part.add_instruction(operation, own, name=name, angle_bounds=bounds)
    return part


def _angle_bounds(target: ISATarget, name: str) -> list[tuple[float, float]] | None:
    """The angles that an instruction may have on a device; None for any."""
    return [RZZ_ANGLES] if name == "rzz" and target.gate_has_angle_bounds(name) else None
