"""What runs after the encoding: ansatz, readout, gate counts. Qiskit only, pure functions."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.circuits.ansatz import layer_bonds as layer_bonds
    from qaml_qiskit.circuits.ansatz import qvc_ansatz as qvc_ansatz
    from qaml_qiskit.circuits.ansatz import qvc_parameter_count as qvc_parameter_count
    from qaml_qiskit.circuits.classifier import GateCounts as GateCounts
    from qaml_qiskit.circuits.classifier import check_classes as check_classes
    from qaml_qiskit.circuits.classifier import classifier_circuit as classifier_circuit
    from qaml_qiskit.circuits.classifier import gate_counts as gate_counts
    from qaml_qiskit.circuits.names import Ansatz as Ansatz

load_lazily(__name__)
