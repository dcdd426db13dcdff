"""From a circuit and a noise model to channels in time order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from qiskit import QiskitError
from qiskit.circuit import CircuitInstruction, ControlledGate, Delay, Operation, QuantumCircuit
from qiskit.circuit.library import XGate

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation.heisenberg.channels import Channel, ComplexArray, FloatArray, split, unitary_transfer
from qaml_qiskit.simulation.heisenberg.free import FreeGates
from qaml_qiskit.simulation.heisenberg.instructions import instruction_transfer
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.readings import Reading, qubits_of

#: Aer gives no noise to instructions that are channels themselves.
_CHANNELS = frozenset({"kraus", "superop", "quantum_channel"})
#: What Aer looks up by name, whatever its label.
_BY_NAME = frozenset({"reset", "initialize"})
#: What is no standard gate and is followed as one instruction nevertheless, with the error of that name.
#: Standard gates that Aer does not run by itself: they are carried out in parts, each with its noise.
IN_PARTS = frozenset(
    [
        *("c3sx", "ccz", "ch", "crx", "cry", "crz", "cs", "csdg", "cswap", "csx", "cu", "cu3", "dcx", "iswap"),
        *("rcccx", "rccx", "xx_minus_yy", "xx_plus_yy"),
    ]
)
_WHOLE = _CHANNELS | _BY_NAME | {"unitary", "pauli", "diagonal", "barrier", "delay", "measure"}


@dataclass(frozen=True, eq=False)
class NoisyCircuit:
    """A circuit with its noise.

    Attributes:
        num_qubits: the number of qubits.
        channels: gates and errors in time order.
        read: the qubits that are read out, in the order of the classes.
        readout: what reading each of them measures, coefficients of I, X, Z, Y, one row of shape (4,) for each.
    """

    num_qubits: int
    channels: tuple[Channel, ...]
    read: tuple[int, ...]
    readout: tuple[FloatArray, ...]


def lower(
    circuit: QuantumCircuit,
    table: NoiseTable,
    qubits: Sequence[int] | None,
    free: FreeGates | None = None,
    *,
    check_noise: bool = True,
) -> NoisyCircuit:
    """Attach the model's errors to the circuit's instructions as Aer does.

    A composite gate is taken apart into what it is made of, because the noise is that of the gates inside; unless the
    model has an error for the composite itself.

    Args:
        circuit: measured at most at its end.
        table: the errors of the noise model; one table may serve several circuits of the same instructions.
        qubits: the qubits to read out. If None, those that the circuit measures, in the order of its classical bits,
            or all where it measures none.
        free: gathers the gates that depend on parameters; without it, all parameters must be bound.
        check_noise: refuse a model that touches no gate; parts of a circuit, or one that calibrates, may have none.

    Raises:
        ConfigurationError: for an instruction that cannot be simulated, or a model that touches none of them.
        InputError: for qubits that the circuit does not have, or an angle that is no finite number.
    """
    circuit = _taken_apart(circuit, table)
    with_delays = table.passes is not None and any(isinstance(each.operation, Delay) for each in circuit.data)
    if with_delays:
        circuit = table.passes.run(circuit)  # noise that depends on a delay's duration, as Aer inserts it
    walk = _Walk(circuit, table, free)
    measured = tuple(walk.read[bit] for bit in sorted(walk.read))
    read = tuple(qubits) if qubits is not None else measured or tuple(range(circuit.num_qubits))
    check_qubits(read, circuit.num_qubits)
    for qubit in sorted({*read} - {*measured}):
        walk.measure(qubit)
    if check_noise and not with_delays:
        _check_touched(table, circuit)
    readout = tuple(table.readout(qubit) for qubit in read)
    return NoisyCircuit(circuit.num_qubits, tuple(_channels(walk.parts)), read, readout)


def _taken_apart(circuit: QuantumCircuit, table: NoiseTable) -> QuantumCircuit:
    """The circuit with every composite instruction replaced by its definition."""
    composite = [_is_composite(instruction, table) for instruction in circuit.data]
    if not any(composite):
        return circuit
    flat = circuit.copy_empty_like()
    for instruction, is_composite in zip(circuit.data, composite, strict=True):
        if is_composite:
            inner = _taken_apart(instruction.operation.definition, table)
            flat.compose(inner, qubits=instruction.qubits, inplace=True)
        else:
            flat.append(instruction)
    return flat


def _is_composite(instruction: CircuitInstruction, table: NoiseTable) -> bool:
    """Whether Aer would want the instruction taken apart first, and can have it so."""
    operation = instruction.operation
    if instruction.clbits or instruction.is_control_flow():
        return False
    # Without noise there is nothing to lose inside a gate that can be followed whole.
    in_parts = operation.name in IN_PARTS and (bool(table.instructions) or operation.num_qubits > 2)
    if instruction.is_standard_gate() and not in_parts:
        return False
    if operation.name in _WHOLE or _key(operation) in table.instructions:
        return False
    # A gate with a control on 0 is followed as Aer writes it.
    is_open = isinstance(operation, ControlledGate) and operation.ctrl_state == 0
    try:
        return not is_open and getattr(operation, "definition", None) is not None
    except (QiskitError, TypeError) as error:
        if not instruction.is_parameterized():
            raise
        raise _refusal(operation.name, (), "a gate that is not defined while its parameters have no value") from error


class _Unitary(NamedTuple):
    """A gate before it becomes a channel: one-qubit gates are converted all at once."""

    qubits: tuple[int, ...]
    matrix: ComplexArray


class _Walk:
    """Goes through the circuit once, and collects gates and errors in time order."""

    def __init__(self, circuit: QuantumCircuit, table: NoiseTable, free: FreeGates | None) -> None:
        self.parts: list[_Unitary | Channel] = []
        self.read: dict[int, int] = {}  # classical bit to qubit
        self._circuit = circuit
        self._table = table
        self._free = free
        self._done: set[int] = set()  # qubits that were measured
        self._delayed: set[int] = set()  # qubits whose last instruction was a delay
        place = {bit: index for index, bit in enumerate(circuit.qubits)}
        for instruction in circuit.data:
            self._instruction(instruction, tuple(place[bit] for bit in instruction.qubits))

    def measure(self, qubit: int) -> None:
        """Attach the quantum error of a measurement, which comes before it."""
        self.parts += self._table.channels("measure", (qubit,))

    def _instruction(self, instruction: CircuitInstruction, qubits: tuple[int, ...]) -> None:
        name = instruction.name
        if name == "barrier" or not qubits:
            return
        if not self._done.isdisjoint(qubits):
            if name != "delay":
                raise _refusal(name, qubits, "an operation on a qubit that was already measured")
        elif name == "measure":
            self.measure(qubits[0])
            self._done.update(qubits)
            self.read[self._circuit.find_bit(instruction.clbits[0]).index] = qubits[0]
        elif instruction.is_control_flow() or instruction.clbits:
            raise _refusal(name, qubits, "an operation that depends on classical bits or writes them")
        elif instruction.is_parameterized() and (self._free is None or name == "delay"):
            raise _refusal(name, qubits, "a parameter without a value")
        elif any(isinstance(value, float) and not math.isfinite(value) for value in instruction.params):
            raise InputError(
                f"cannot follow the instruction '{name}' on qubits {list(qubits)}",
                got=f"the angles {list(instruction.params)}",
                expected="finite angles",
                remedy="check the values of the circuit's parameters",
            )
        elif len(qubits) > 2:
            raise _refusal(name, qubits, f"an operation on {len(qubits)} qubits")
        else:
            self._operation(instruction, qubits)

    def _operation(self, instruction: CircuitInstruction, qubits: tuple[int, ...]) -> None:
        operation = instruction.operation
        if isinstance(operation, ControlledGate) and operation.ctrl_state == 0:
            # Aer writes a control on 0 as X, control, X, and gives noise to all three.
            flip = CircuitInstruction(XGate(label=operation.label), instruction.qubits[:1])
            closed = operation.to_mutable()
            closed.ctrl_state = None
            for each, places in ((flip, qubits[:1]), (instruction.replace(closed), qubits), (flip, qubits[:1])):
                self._operation(each, places)
            return
        matrix = instruction.matrix
        if self._free is not None and instruction.is_parameterized():
            leaf = self._free.add(instruction)
            self.parts.append(Channel(qubits, leaf.samples[0], leaf))
        elif matrix is not None:
            self.parts.append(_Unitary(qubits, matrix))
        else:
            # Aer's passes put the noise of a delay behind it.
            is_noise = operation.name in _CHANNELS and self._delayed.issuperset(qubits)
            own = _channel(instruction, qubits)
            self.parts.append(own._replace(source=("delay", qubits)) if is_noise else own)
        self._delayed.difference_update(qubits)
        if operation.name == "delay" and self._table.passes is not None:
            self._delayed.update(qubits)
        if operation.name not in _CHANNELS:
            self.parts += self._table.channels(_key(operation), qubits)


def _key(operation: Operation) -> str:
    """Under which word Aer looks for the operation's error."""
    if operation.name == "pauli":
        return operation.params[0]  # the string, as Aer 0.17 and 0.18 do
    label = None if operation.name in _BY_NAME else operation.label
    return label or operation.name


def _channel(instruction: CircuitInstruction, qubits: tuple[int, ...]) -> Channel:
    """A reset, a channel or a gate that knows no matrix."""
    try:
        return Channel(qubits, instruction_transfer(instruction))
    except (QiskitError, AttributeError, TypeError) as error:
        raise _refusal(instruction.name, qubits, "an operation that Qiskit cannot write as a channel") from error


def _channels(parts: Iterable[_Unitary | Channel]) -> Iterator[Channel]:
    parts = list(parts)
    small = [part.matrix for part in parts if isinstance(part, _Unitary) and len(part.qubits) == 1]
    transfers = iter(unitary_transfer(np.array(small, dtype=np.complex128).reshape(-1, 2, 2)))
    known: dict[bytes, list[Channel]] = {}
    for part in parts:
        if isinstance(part, Channel):
            yield part
        elif len(part.qubits) == 1:
            yield Channel(part.qubits, next(transfers))
        else:
            key = part.matrix.tobytes()
            if key not in known:
                known[key] = split(Channel((0, 1), unitary_transfer(part.matrix)))
            yield from (piece.on(part.qubits) for piece in known[key])


def check_qubits(qubits: Sequence[int], num_qubits: int, *, at_least: int = 0) -> None:
    """Raise InputError where one of the qubits does not exist or is named twice, or where there are too few."""
    if not set(qubits) <= set(range(num_qubits)) or not at_least <= len(set(qubits)) == len(qubits):
        raise InputError(
            "cannot use these qubits",
            got=str(list(qubits)),
            expected=f"at least {at_least} of the qubits from 0 to {num_qubits - 1}, each once",
            remedy="choose qubits of the circuit",
        )


def checked_readings(readings: Sequence[Reading], num_qubits: int) -> tuple[Reading, ...]:
    """What is read, as it can be looked up.

    Raises:
        InputError: nothing is read, or qubits that do not exist, or one twice in a product.
    """
    several = readings if isinstance(readings, Iterable) else [readings]
    found = tuple(tuple(each) if isinstance(each, list) else each for each in several)
    for each in found or [()]:
        check_qubits(qubits_of(each), num_qubits, at_least=1)
    return found


def _check_touched(table: NoiseTable, circuit: QuantumCircuit) -> None:
    """Aer would run a circuit that its model does not touch without any noise and say nothing."""
    if table.instructions and not table.touched - {"measure"}:
        used = {instruction.name for instruction in circuit.data}
        raise ConfigurationError(
            "the noise model touches no gate of the circuit",
            got=f"noise on {', '.join(sorted(table.instructions))}; gates {', '.join(sorted(used)) or 'none'}",
            expected="noise on at least one gate and its qubits",
            remedy="compile the circuit to the gates that the model names first",
        )


def _refusal(name: str, qubits: Sequence[int], kind: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot follow the instruction '{name}'" + f" on qubits {list(qubits)}" * bool(qubits),
        got=kind,
        expected="gates and channels on one or two qubits with all parameters bound, measured at most at the end",
        remedy="remove the instruction, bind its parameters, or transpile the circuit to one- and two-qubit gates",
    )
