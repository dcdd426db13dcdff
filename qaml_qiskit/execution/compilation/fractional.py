"""Fractional gates: RX(θ), and RZZ(θ) with 0 ≤ θ ≤ π/2, each played as one pulse of the wanted strength."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from qiskit.circuit import Gate, Parameter, ParameterExpression, QuantumCircuit
from qiskit.circuit.library import CXGate, PhaseGate, RXGate, RZGate, RZZGate
from qiskit.dagcircuit import DAGCircuit, DAGOpNode
from qiskit.transpiler import InstructionProperties
from qiskit.transpiler import Target as ISATarget
from qiskit.transpiler.basepasses import TransformationPass

# Importing it tells Qiskit's transpiler how bound angles of RZZ are brought into the range.
from qiskit_ibm_runtime.utils import backend_converter as _folds_bound_angles  # noqa: F401

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.compilation.device_parts import RZZ_ANGLES, part_of

#: The gates, and the gate that each is assumed to be as good and as long as where a device does not say.
AS_GOOD_AS: Mapping[str, str] = {"rx": "sx", "rzz": "cz"}
#: What a device without fractional gates must have, so that nothing is lost when they are left alone.
_ELSE = ("cz", "cx", "ecr")
#: Below what an angle can tell; keeps the sign of zero from being zero.
_EDGE = 1e-12


def has_fractional(target: ISATarget) -> bool:
    """Whether a device has both gates."""
    return all(name in target.operation_names for name in AS_GOOD_AS)


def with_fractional(target: ISATarget) -> tuple[ISATarget, tuple[str, ...]]:
    """A device with fractional gates, as a model of one: RX is as good and as long as SX, RZZ as CZ, at every angle.

    Args:
        target: a device, with the gates or without.

    Returns:
        The device, as it is where it has the gates; and what was assumed, in sentences without their full stop.

    Raises:
        ConfigurationError: a device without SX or CZ, whose fractional gates nobody knows.
    """
    if has_fractional(target):
        return target, ()
    if missing := [name for name in AS_GOOD_AS.values() if name not in target.operation_names]:
        raise ConfigurationError(
            "the device has no fractional gates",
            got=f"a device without {' and '.join(name.upper() for name in missing)}",
            expected="a device of CZ and SX, as IBM's Heron is",
            remedy="leave out fractional, or choose a Heron device such as FakeFez",
        )
    made = part_of(target)
    bounds = {"rx": None, "rzz": [RZZ_ANGLES]}
    for name, gate in (("rx", RXGate(Parameter("theta"))), ("rzz", RZZGate(Parameter("theta")))):
        if name in made.operation_names:
            continue
        places = target[AS_GOOD_AS[name]]
        if places is None or None in places:
            made.add_instruction(gate, name=name, angle_bounds=bounds[name])
            continue
        like = {
            qubits: props and InstructionProperties(props.duration, props.error) for qubits, props in places.items()
        }
        made.add_instruction(gate, like, name=name, angle_bounds=bounds[name])
    return made, (
        "its fractional gates are an assumption: RX(θ) with the error and duration of the qubit's SX, RZZ(θ) with "
        "those of the pair's CZ, whatever θ is",
    )


def without_fractional(target: ISATarget) -> ISATarget:
    """A device whose fractional gates are left alone; as it is where it could not do without them."""
    names = set(target.operation_names)
    if not names & AS_GOOD_AS.keys() or "sx" not in names or not names & {*_ELSE}:
        return target
    return part_of(target, without=AS_GOOD_AS)


def check_fractional(target: ISATarget) -> None:
    """Refuse a recipe of fractional gates on a device that has none.

    Raises:
        ConfigurationError: the device has not both of them.
    """
    if has_fractional(target):
        return
    raise ConfigurationError(
        "the recipe asks for fractional gates, which the target does not have",
        got=f"gates {', '.join(sorted(target.operation_names))}",
        expected="RX and RZZ among them",
        remedy="add `fractional: true` to the target's entry in backends.yaml, where the device is a Heron, "
        "or choose the recipe line",
    )


class RZZBetweenCX(TransformationPass):
    """Writes CX · RZ(θ) · CX, as feature maps have it, as RZZ(θ); Qiskit does so for bound angles alone."""

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        """Replace every such triple."""
        wires = {qubit: list(dag.nodes_on_wire(qubit, only_ops=True)) for qubit in dag.qubits}
        behind = {qubit: dict(pairwise(node._node_id for node in nodes)) for qubit, nodes in wires.items()}
        done: set[int] = set()
        for qubit, nodes in wires.items():
            for first, turn, last in zip(nodes, nodes[1:], nodes[2:], strict=False):
                both = isinstance(first.op, CXGate) and isinstance(last.op, CXGate) and first.qargs == last.qargs
                if not both or first.qargs[1] != qubit or not isinstance(turn.op, RZGate | PhaseGate):
                    continue
                alone = behind[first.qargs[0]].get(first._node_id) == last._node_id
                if alone and not done & {first._node_id, last._node_id}:
                    done |= {first._node_id, last._node_id}
                    _as_rzz(dag, first, turn, last)
        return dag


def _as_rzz(dag: DAGCircuit, first: DAGOpNode, turn: DAGOpNode, last: DAGOpNode) -> None:
    angle = turn.op.params[0]
    if isinstance(turn.op, PhaseGate):
        dag.global_phase += angle / 2
    dag.remove_op_node(first)
    dag.remove_op_node(turn)
    dag.substitute_node(last, RZZGate(angle))


class FoldFreeAngles(TransformationPass):
    """Brings RZZ(θ) of free angles into the range of devices, whatever values the angles get.

    RZZ(θ) = RZ(c)⊗RZ(c) · RX(b)⊗1 · RZZ(a) · RX(b)⊗1 up to a phase, with a = |arctan(tan θ)|, b = 0 or π and
    c = 0 or π by the quadrant that θ is in. They are written as expressions of θ, so that one circuit serves all
    images, without another parameter. It costs two RX, which have no time to be merged; RZ is free. Bound angles are
    brought into the range by Qiskit's own pass.
    """

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        """Replace every RZZ of a free angle."""
        for node in dag.op_nodes(RZZGate):
            angle = node.op.params[0]
            if isinstance(angle, ParameterExpression) and angle.parameters:
                dag.substitute_node_with_dag(node, _folded(angle, node.qargs))
        return dag


def _folded(angle: ParameterExpression, qubits: tuple[Any, ...]) -> DAGCircuit:
    # The sign of cos θ says whether half a turn is taken out, that of what is left whether RZZ turns the other way.
    side = (angle.cos() + _EDGE).sign()
    way = (angle.sin() * side + _EDGE).sign()
    flip, frame = (1 - way) * (math.pi / 2), (1 - side) * (math.pi / 2)
    dag = DAGCircuit()
    dag.add_qubits(qubits)
    steps: list[tuple[Gate, tuple[Any, ...]]] = [(RZGate(frame), (qubit,)) for qubit in qubits]
    steps += [(RXGate(flip), qubits[:1]), (RZZGate(angle.tan().arctan().abs()), qubits), (RXGate(-flip), qubits[:1])]
    for gate, places in steps:
        dag.apply_operation_back(gate, places, check=False)
    return dag


def check_angles(circuit: QuantumCircuit) -> None:
    """Refuse a compiled circuit with an RZZ that devices do not have, before it is sent anywhere.

    Raises:
        ConfigurationError: a bound angle outside of the range.
    """
    for instruction in circuit.data:
        if instruction.operation.name != "rzz":
            continue
        angle = instruction.operation.params[0]
        free = isinstance(angle, ParameterExpression) and angle.parameters
        if not free and not RZZ_ANGLES[0] - _EDGE <= float(angle) <= RZZ_ANGLES[1] + 1e-10:
            raise ConfigurationError(
                "the compiled circuit has an RZZ that the device does not have",
                got=f"RZZ({float(angle):.4g})",
                expected="angles between 0 and π/2",
                remedy="compile it with a recipe, such as fractional",
            )
