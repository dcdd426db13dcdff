"""From a Qiskit circuit to the normal form."""

from __future__ import annotations

from collections.abc import Sequence

from qiskit.circuit import ControlFlowOp, ControlledGate, Gate, Instruction, Operation, Parameter, QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.simulation.angles import AngleReader
from qaml_qiskit.simulation.gates import LOWERINGS
from qaml_qiskit.simulation.normal_form import NormalForm
from qaml_qiskit.simulation.program import Program

_IGNORED = frozenset({"barrier", "delay", "id"})
_NOT_UNITARY = frozenset({"reset", "initialize", "store", "set_statevector", "kraus", "superop"})


def compile_circuit(circuit: QuantumCircuit, parameters: Sequence[Parameter] | None = None) -> Program:
    """Compile a unitary circuit to alternating RY walls and diagonals.

    Rotations, Paulis, Clifford+T and arbitrary fixed gates of one qubit, controlled rotations and Paulis, RZZ, RXX,
    RYY, RZX, SWAP and iSWAP are taken as they are; every other gate through its ``definition``. Barriers, delays,
    identities and measurements at the end of the circuit are dropped. Angles may be any parameter expressions.

    Args:
        circuit: the circuit, its parameters unbound. Qubit 0 is the least significant bit of the amplitude index.
        parameters: the order of the weight vector; ``circuit.parameters`` (sorted by name) if None. It may list
            parameters that the circuit does not contain.

    Returns:
        The program, for :func:`evolve` and its relatives.

    Raises:
        ConfigurationError: if the circuit has no qubits, if it contains something that is not unitary or that has no
            definition (measurement before the end, reset, initialize, control flow, opaque gates), or if
            ``parameters`` lacks one of its parameters or repeats one.
    """
    order = tuple(circuit.parameters) if parameters is None else tuple(parameters)
    _check(circuit, order)
    reader = AngleReader(order)
    sink = NormalForm(circuit.num_qubits)
    _Lowerer(reader, sink).circuit(circuit, range(circuit.num_qubits), outermost=True)
    return sink.program(order, reader.expressions)


def _check(circuit: QuantumCircuit, order: tuple[Parameter, ...]) -> None:
    if circuit.num_qubits == 0:
        raise ConfigurationError(
            "cannot compile this circuit", got="no qubits", expected="at least one qubit", remedy="add a qubit"
        )
    missing = set(circuit.parameters) - set(order)
    if missing or len(set(order)) != len(order):
        names = sorted(parameter.name for parameter in missing)
        raise ConfigurationError(
            "the order of the weights does not fit the circuit",
            got=f"no place for {names}" if missing else "a parameter listed more than once",
            expected="each parameter of the circuit exactly once",
            remedy="list all free parameters of the circuit, or bind those that are not weights",
        )


class _Lowerer:
    """Walks a circuit and its definitions and writes what it finds to the sink."""

    def __init__(self, reader: AngleReader, sink: NormalForm) -> None:
        self._reader = reader
        self._sink = sink
        self._measured: set[int] = set()

    def circuit(self, circuit: QuantumCircuit, qubits: Sequence[int], *, outermost: bool = False) -> None:
        """Lower every instruction; ``qubits`` are the outermost circuit's qubits that this circuit acts on."""
        position = {bit: qubits[index] for index, bit in enumerate(circuit.qubits)}
        self._sink.phase(self._reader.read(circuit.global_phase, "the global phase"))
        for instruction in circuit.data:
            operation = instruction.operation
            places = [position[bit] for bit in instruction.qubits]
            if operation.name in _IGNORED:
                continue
            if operation.name == "measure" and outermost:
                self._measured.update(places)
                continue
            if not self._measured.isdisjoint(places):
                raise _refusal(operation, places, "an operation on a qubit that was already measured")
            self._operation(operation, places)

    def _operation(self, operation: Operation, places: list[int]) -> None:
        if (
            isinstance(operation, ControlFlowOp)
            or operation.name in _NOT_UNITARY
            or not isinstance(operation, Instruction)
        ):
            raise _refusal(operation, places, "an operation that is not a plain unitary gate")
        lowering = LOWERINGS.get(operation.base_class)
        if lowering is not None and not _open_controlled(operation):
            angles = [self._reader.read(value, operation.name) for value in operation.params]
            lowering(self._sink, angles, places)
        elif _is_fixed_matrix(operation):
            (a, b), (c, d) = operation.to_matrix().tolist()
            self._sink.matrix(places[0], (a, b, c, d))
        elif operation.definition is not None and operation.name != "measure":
            self.circuit(operation.definition, places)
        else:
            raise _refusal(operation, places, "a gate without a definition")


def _is_fixed_matrix(operation: Instruction) -> bool:
    """Whether the instruction is a one-qubit gate that knows its matrix."""
    known = isinstance(operation, Gate) and operation.num_qubits == 1 and hasattr(operation, "__array__")
    return known and not operation.is_parameterized()


def _open_controlled(operation: Instruction) -> bool:
    """Whether some control of the gate fires on 0."""
    return isinstance(operation, ControlledGate) and operation.ctrl_state != 2**operation.num_ctrl_qubits - 1


def _refusal(operation: Operation, places: Sequence[int], kind: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot compile the instruction '{operation.name}' on qubits {list(places)}",
        got=kind,
        expected="a unitary circuit of gates that Qiskit can define by one- and two-qubit gates, measured at most at "
        "its end",
        remedy="remove the instruction, or transpile the circuit to supported gates such as rz, ry, h and cz",
    )
