"""A circuit of any gates as one of Qiskit's standard gates on one and two qubits, or the reason why it cannot be."""

from collections.abc import Sequence
from functools import cache

from qiskit.circuit import (
    CircuitInstruction,
    ControlFlowOp,
    Instruction,
    Operation,
    ParameterExpression,
    QuantumCircuit,
)
from qiskit.circuit.library import UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info.operators.predicates import is_unitary_matrix

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.text import printable

#: Definitions within definitions.
_DEEPEST = 100
#: A value of all parameters at once: one at which hardly any function that is real somewhere is complex.
_SOMEWHERE = 0.07
_UNITARY = "a circuit of gates, with nothing measured before its end"
#: What cannot be part of an ansatz, by name, and what would do instead.
_REFUSED = {
    "reset": "leave the qubit alone from there on, and use another one instead of the fresh one",
    "initialize": "take state_preparation, which is a gate, or leave the preparation to the encoding",
    "delay": "leave it out: a recipe schedules the circuit for its target",
}
#: The same, of control flow.
_UNCONDITIONAL = {
    "if_else": "control its gates by the qubit instead of by its measurement, such as cry for ry: the averages are the "
    "same, as in the ansatz qcnn",
    "switch_case": "control its gates by the qubits instead of by their measurement",
    "for_loop": "write its gates as often as it runs",
    "while_loop": "write a fixed number of turns, each controlled by the qubit instead of by its measurement",
    "box": "write its gates without the box",
}


def plain_gates(circuit: QuantumCircuit) -> QuantumCircuit:
    """The same unitary, on unnamed registers: gates that are not standard, or on more qubits, by their definitions.

    What has none and is a unitary all the same, such as a Clifford or an annotated gate, is synthesised by Qiskit.

    Barriers stay, with their labels; measurements at the end go, with all classical bits: a readout says what is
    measured.

    Args:
        circuit: parameters may be free.

    Raises:
        ConfigurationError: an instruction that is no gate, which is named with its position: a reset, a measurement
            before the end, control flow; or a gate that has no definition.
    """
    if circuit.num_vars or circuit.num_identifiers - circuit.num_vars:
        raise ConfigurationError(
            "this circuit cannot be an ansatz",
            got="variables of classical data",
            expected=_UNITARY,
            remedy="make what varies parameters of the circuit: in OpenQASM 3, `input float`",
        )
    plain = QuantumCircuit(circuit.num_qubits, global_phase=circuit.global_phase)
    measured: dict[int, str] = {}
    for position, instruction in enumerate(circuit.data):
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        place = f"'{printable(instruction.name)}', instruction {position}, on qubits {qubits}"
        if instruction.name == "measure":
            measured[qubits[0]] = place
            continue
        if instruction.name != "barrier" and (early := measured.keys() & set(qubits)):
            raise _refusal(
                f"{measured[min(early)]}, before {place}",
                "measure at the end alone; what depends on the result can be controlled by the qubit, as in the ansatz "
                "qcnn",
            )
        _take(plain, instruction, qubits, place)
    return plain


def _take(plain: QuantumCircuit, part: CircuitInstruction, qubits: Sequence[int], place: str, depth: int = 0) -> None:
    """Append an instruction, or what it is defined by, which lies this deep in others."""
    # Refused by its name alone: Qiskit cannot always make the operation of a delay that was read from a file.
    if part.name in (*_REFUSED, "measure"):
        inner = "" if place.startswith(f"'{part.name}'") else f", which holds '{part.name}'"
        remedy = _REFUSED.get(part.name, "measure at the end alone, outside of other instructions")
        raise _refusal(place + inner, remedy)
    operation = part.operation
    if operation.name == "barrier":
        plain.append(operation, qubits)
        return
    if isinstance(operation, ControlFlowOp):
        raise _refusal(f"{place}, which is control flow", _UNCONDITIONAL.get(operation.name, "write its gates out"))
    if isinstance(operation, UnitaryGate) and not is_unitary_matrix(operation.params[0]):
        raise _refusal(f"{place}, with a matrix that is not unitary", "correct the matrix")
    if isinstance(operation, Instruction) and len(qubits) <= 2 and operation.base_class in _standard():
        for angle in operation.params:
            if isinstance(angle, ParameterExpression) and not _is_real(angle):
                raise _refusal(f"{place}, with the complex angle {printable(str(angle))}", "make the angle real")
        plain.append(operation, qubits)
        return
    definition = _definition(operation, place)
    if depth == _DEEPEST:
        raise _refusal(
            f"{place}, whose definition is nested more than {_DEEPEST} deep", "define it without itself, or by gates"
        )
    plain.global_phase += definition.global_phase
    for inner_part in definition.data:
        within = [qubits[definition.find_bit(qubit).index] for qubit in inner_part.qubits]
        _take(plain, inner_part, within, place, depth + 1)


def _definition(operation: Operation, place: str) -> QuantumCircuit:
    try:
        definition = getattr(operation, "definition", None)
    except Exception as error:  # code of the user's
        fault = printable(f"{type(error).__name__}: {error}")
        raise _refusal(f"{place}, whose definition fails with {fault}", "mend the gate") from error
    if not isinstance(definition, QuantumCircuit):
        definition = _synthesised(operation)
    if definition is None:
        raise _refusal(f"{place}, which has no definition by gates", "transpile the circuit, or define the gate")
    return definition


def _synthesised(operation: Operation) -> QuantumCircuit | None:
    """What Qiskit makes of an operation that is not defined by gates; None where it cannot."""
    # Imported for the few circuits that need it.
    from qiskit.transpiler.passes import HighLevelSynthesis

    if operation.num_clbits:
        return None
    alone = QuantumCircuit(operation.num_qubits)
    alone.append(operation, range(operation.num_qubits))
    try:
        found: QuantumCircuit = HighLevelSynthesis()(alone)
    except Exception:  # of plug-ins and of the user's own code
        return None
    return None if operation.name in found.count_ops() else found


def _is_real(angle: ParameterExpression) -> bool:
    """Whether an angle is real where its parameters are; QPY would leave the imaginary unit out without a word."""
    try:
        value = complex(angle.bind(dict.fromkeys(angle.parameters, _SOMEWHERE)).numeric())
    except (RuntimeError, ZeroDivisionError, TypeError):
        return True  # it has no value there, which is for the engine to judge
    return abs(value.imag) <= abs(value) * 1e-12


@cache
def _standard() -> frozenset[type]:
    known = get_standard_gate_name_mapping().values()
    gates = {each.base_class for each in known if each.name not in ("measure", "reset", "delay", "global_phase")}
    return frozenset(gates | {UnitaryGate})


def _refusal(got: str, remedy: str) -> ConfigurationError:
    return ConfigurationError("this circuit cannot be an ansatz", got=got, expected=_UNITARY, remedy=remedy)
