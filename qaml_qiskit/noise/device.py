"""A device's own noise, from what its target says of its qubits and gates."""

from collections.abc import Sequence

from qiskit.providers import BackendV2, Options
from qiskit.transpiler import InstructionProperties, Target
from qiskit_aer.noise import NoiseModel

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.strengths import Repair


def device_noise(target: Target, qubits: Sequence[int] | None = None) -> NoiseModel:
    """Aer's model of a device: depolarising and relaxation after each gate, relaxation in delays, readout errors.

    The same as ``NoiseModel.from_backend`` on a backend with this target. Aer cuts T2 > 2·T1 to 2·T1 and says
    nothing; :func:`device_repairs` says for which qubits.

    Args:
        target: the device, with error rates, durations, T1 and T2.
        qubits: those to keep, relabelled 0, 1, … in the given order; None for all with their own numbers. A model of
            133 qubits costs Aer more to serialise than a small circuit costs to simulate.

    Raises:
        ConfigurationError: a qubit with a T1 or T2 that is not a positive time.
    """
    device_repairs(target, qubits)
    small = restrict(target, range(target.num_qubits or 0) if qubits is None else qubits)
    for qubit in _unread(small):
        # Aer cannot read a target that leaves it open.
        open_ended = small["measure"][(qubit,)]
        known = InstructionProperties(duration=open_ended.duration, error=0.0)
        small.update_instruction_properties("measure", (qubit,), known)
    return NoiseModel.from_backend(_TargetOnly(small))


def device_repairs(target: Target, qubits: Sequence[int] | None = None) -> tuple[Repair, ...]:
    """The qubits whose T2 is longer than 2·T1, with the T2 that the model has in its place.

    Args:
        target: the device.
        qubits: those to look at; None for all. The repairs name the device's own numbers.

    Raises:
        ConfigurationError: a qubit with a T1 or T2 that is not a positive time.
    """
    repairs = []
    chosen = range(target.num_qubits or 0) if qubits is None else qubits
    for qubit, properties in ((qubit, target.qubit_properties[qubit]) for qubit in chosen if target.qubit_properties):
        t1, t2 = (getattr(properties, name, None) for name in ("t1", "t2"))
        for name, time in (("T1", t1), ("T2", t2)):
            if time is not None and not time > 0:
                raise ConfigurationError(
                    f"qubit {qubit} of the device has no usable {name}",
                    got=f"{time} s",
                    expected="a positive time, or none",
                    remedy="take another snapshot of the device, or compile for other qubits",
                )
        if t1 is not None and t2 is not None and t2 > 2 * t1:
            repairs.append(Repair(t1, t2, qubit))
    return tuple(repairs)


def device_notes(target: Target, qubits: Sequence[int] | None = None) -> tuple[str, ...]:
    """What :func:`device_noise` repairs, in sentences that name the qubits; empty where it repairs nothing."""
    chosen = range(target.num_qubits or 0) if qubits is None else qubits
    notes = []
    if unread := [qubit for qubit in _unread(target) if qubit in chosen]:
        named = ", ".join(map(str, unread))
        notes.append(f"the device does not say how often qubits {named} are read wrongly: never, in its model")
    repairs = device_repairs(target, qubits)
    if len(repairs) < 2:
        return (*notes, *(str(repair) for repair in repairs))
    named = ", ".join(str(repair.qubit) for repair in repairs)
    return (*notes, f"T2 of qubits {named} is longer than 2·T1, which is impossible: 2·T1 taken for each")


def _unread(target: Target) -> list[int]:
    """The measured qubits without a readout error."""
    places = (target["measure"] or {}) if "measure" in target.operation_names else {}
    return [where[0] for where, properties in places.items() if where and properties and properties.error is None]


def restrict(target: Target, qubits: Sequence[int]) -> Target:
    """Some qubits of a device alone, relabelled 0, 1, … in the given order."""
    place = {qubit: index for index, qubit in enumerate(qubits)}
    properties = target.qubit_properties and [target.qubit_properties[qubit] for qubit in qubits]
    small = Target(num_qubits=len(place), dt=target.dt, qubit_properties=properties)
    for name in target.operation_names:
        instructions = target[name]
        if instructions is None or None in instructions:
            continue
        kept = {
            tuple(place[qubit] for qubit in where): value
            for where, value in instructions.items()
            if set(where) <= place.keys()
        }
        if kept:
            small.add_instruction(target.operation_from_name(name), kept, name=name)
    return small


class _TargetOnly(BackendV2):
    """The least backend that :meth:`NoiseModel.from_backend` reads a target from. It runs nothing."""

    def __init__(self, target: Target) -> None:
        super().__init__(name="restricted")
        self._target = target

    @property
    def target(self) -> Target:
        return self._target

    @property
    def max_circuits(self) -> None:
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options()

    def run(self, run_input: object, **options: object) -> None:
        raise TypeError("this backend only describes a device")
