"""When a circuit's gates are played, and what is done with the time between them."""

import math
from typing import Literal

from qiskit.circuit import Delay, Gate
from qiskit.circuit.library import RZGate, XGate
from qiskit.dagcircuit import DAGCircuit
from qiskit.transpiler import PassManager
from qiskit.transpiler import Target as ISATarget
from qiskit.transpiler.basepasses import TransformationPass
from qiskit.transpiler.passes import (
    ALAPScheduleAnalysis,
    ConstrainedReschedule,
    PadDelay,
    PadDynamicalDecoupling,
    TimeUnitConversion,
)

from qaml_qiskit.errors import ConfigurationError

DecouplingSequence = Literal["XX", "XpXm", "XY4"]


def scheduling(target: ISATarget, sequence: DecouplingSequence | None) -> PassManager:
    """The last stage of a compilation: gates as late as possible, idle times as delays or decoupling pulses.

    Args:
        target: with durations.
        sequence: of the pulses; None for delays alone. An idle time too short for the sequence stays a delay, and so
            does the time before a qubit's first gate.

    Raises:
        ConfigurationError: the target has no durations, or no X and RZ to make the pulses of.
    """
    if target.dt is None:
        raise ConfigurationError(
            "cannot schedule the circuit",
            got="a target without durations",
            expected="a target that says how long its gates take, such as a device or its snapshot",
            remedy="choose such a target, or a recipe without `schedule` and `dynamical_decoupling`",
        )
    if sequence is not None and not {"x", "rz"} <= set(target.operation_names):
        raise ConfigurationError(
            "cannot make decoupling pulses",
            got=f"a target with the gates {', '.join(sorted(target.operation_names))}",
            expected="X and RZ among its gates",
            remedy="choose another target, or a recipe without `dynamical_decoupling`",
        )
    passes = [TimeUnitConversion(target=target), ALAPScheduleAnalysis(target=target)]
    if target.pulse_alignment > 1 or target.acquire_alignment > 1:
        passes.append(ConstrainedReschedule(target.acquire_alignment, target.pulse_alignment, target=target))
    if sequence is None:
        passes.append(PadDelay(target=target))
    else:
        gates, spacing = _pulses(sequence)
        passes.append(PadDynamicalDecoupling(target=target, dd_sequence=gates, spacing=spacing))
    return PassManager([*passes, _OnUsedQubits()])


def _pulses(sequence: DecouplingSequence) -> tuple[list[Gate], list[float]]:
    """Gates of one sequence and the shares of the idle time before, between and after them.

    −X and Y are X between changes of frame: RZ takes no time, so nothing is left between it and its X.
    """
    match sequence:
        case "XX":
            return [XGate(), XGate()], [1 / 4, 1 / 2, 1 / 4]
        case "XpXm":
            return [XGate(), RZGate(math.pi), XGate(), RZGate(-math.pi)], [1 / 4, 1 / 2, 0, 0, 1 / 4]
        case "XY4":
            y = [RZGate(math.pi), XGate()]
            return [XGate(), *y, XGate(), *y], [1 / 8, 1 / 4, 0, 1 / 4, 1 / 4, 0, 1 / 8]


class _OnUsedQubits(TransformationPass):
    """Takes delays off the qubits that carry nothing else, so that they stay outside the circuit."""

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        used = {
            qubit
            for node in dag.op_nodes()
            if not isinstance(node.op, Delay) and node.op.name != "barrier"
            for qubit in node.qargs
        }
        for node in dag.op_nodes(Delay):
            if node.qargs[0] not in used:
                dag.remove_op_node(node)
        return dag
