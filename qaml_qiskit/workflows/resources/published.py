"""The papers' own gate counts, with our count of the same circuit beside them."""

from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.circuits import Ladder, gate_counts
from qaml_qiskit.encodings import MultiplexedEncoding

_SOURCE = "West et al., Phys. Rev. Research 5, 023186 (2023)"
#: The paper's benchmark for 28×28 images.
_QUBITS, _LAYERS = 10, 200


def published_rows() -> list[Row]:
    """Gates of QVC200 on ten qubits, before compilation: published, and counted here."""
    layer, ansatz = Ladder(_QUBITS, 1).circuit(), Ladder(_QUBITS, _LAYERS).circuit()
    encoding = MultiplexedEncoding(_QUBITS).circuit
    return [
        _row("one layer", "39", layer, "rotations and CZ"),
        _row("QVC200, layers", "7,800", ansatz, "200 layers of 39; the paper gives the two factors"),
        _row("amplitude encoding", "a few thousand", encoding, "here: multiplexed, exact"),
        _row("QVC200, whole", "10^3 to 10^4", encoding.compose(ansatz), "here: multiplexed encoding and layers"),
    ]


def _row(circuit: str, published: str, ours: QuantumCircuit, remark: str) -> Row:
    counts = gate_counts(ours)
    return {
        "circuit": f"{circuit}, {_QUBITS} qubits",
        "published_gates": published,
        "our_gates": counts.one_qubit_gates + counts.two_qubit_gates,
        "our_two_qubit_gates": counts.two_qubit_gates,
        "our_depth": counts.depth,
        "remark": remark,
        "source": _SOURCE,
    }
