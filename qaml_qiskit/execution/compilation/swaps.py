"""SWAPs brought next to the gates that they can be merged with."""

from qiskit.circuit import Gate
from qiskit.dagcircuit import DAGCircuit
from qiskit.transpiler.basepasses import TransformationPass


class SwapsBesideGates(TransformationPass):
    """Moves one-qubit gates through SWAPs, where that brings the SWAP next to a two-qubit gate on the same qubits.

    Routing puts a SWAP where two qubits have just interacted, or are about to. CZ and SWAP side by side are one gate of
    the iSWAP's class and cost two CZ instead of four. A one-qubit gate between them is no obstacle, because it goes
    through the SWAP onto the other qubit; but Qiskit merges gates by their matrices, and a gate with a free angle has
    none. So a circuit whose angles stay free keeps all of them unless its gates are moved first.

    It is meant to run after routing, while SWAPs are still SWAPs, and before the gates are translated. What it changes
    is the order of gates, never their number or the circuit's meaning.
    """

    def run(self, dag: DAGCircuit) -> DAGCircuit:
        """Move the gates between a two-qubit gate and a SWAP behind it, then those between a SWAP and a gate behind."""
        return _behind_swaps(_behind_swaps(dag).reverse_ops()).reverse_ops()


def _behind_swaps(dag: DAGCircuit) -> DAGCircuit:
    """One pass in the order of time; one-qubit gates wait until it is clear on which side of a SWAP they go."""
    moved = dag.copy_empty_like()
    waiting: dict[object, list[Gate]] = {qubit: [] for qubit in dag.qubits}
    #: The pair of the last two-qubit gate on every qubit; None after anything else.
    last: dict[object, frozenset[object] | None] = dict.fromkeys(dag.qubits)
    for node in dag.topological_op_nodes():
        if isinstance(node.op, Gate) and len(node.qargs) == 1:
            waiting[node.qargs[0]].append(node.op)
            continue
        pair = frozenset(node.qargs)
        if node.op.name == "swap" and all(last[qubit] == pair for qubit in pair):
            first, second = node.qargs
            waiting[first], waiting[second] = waiting[second], waiting[first]
        else:
            for qubit in node.qargs:
                for gate in waiting[qubit]:
                    moved.apply_operation_back(gate, [qubit])
                waiting[qubit] = []
        moved.apply_operation_back(node.op, node.qargs, node.cargs)
        for qubit in node.qargs:
            last[qubit] = pair if isinstance(node.op, Gate) and len(pair) == 2 else None
    for qubit, gates in waiting.items():
        for gate in gates:
            moved.apply_operation_back(gate, [qubit])
    return moved
