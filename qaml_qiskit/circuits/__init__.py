"""What runs after the encoding: ansatz, readout, gate counts. Qiskit only, no state."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.circuits.ansatz import Ansatz as Ansatz
    from qaml_qiskit.circuits.ansatz import add_rotations as add_rotations
    from qaml_qiskit.circuits.ansatz import is_noise_angle as is_noise_angle
    from qaml_qiskit.circuits.brickwork import Brickwork as Brickwork
    from qaml_qiskit.circuits.circuit_files import named_circuit as named_circuit
    from qaml_qiskit.circuits.circuit_files import qasm_text as qasm_text
    from qaml_qiskit.circuits.circuit_files import read_circuit as read_circuit
    from qaml_qiskit.circuits.classifier import GateCounts as GateCounts
    from qaml_qiskit.circuits.classifier import classifier_circuit as classifier_circuit
    from qaml_qiskit.circuits.classifier import gate_counts as gate_counts
    from qaml_qiskit.circuits.cnot import Cnot as Cnot
    from qaml_qiskit.circuits.cnot import CnotRing as CnotRing
    from qaml_qiskit.circuits.ladder import Ladder as Ladder
    from qaml_qiskit.circuits.library import EfficientSU2 as EfficientSU2
    from qaml_qiskit.circuits.library import RealAmplitudes as RealAmplitudes
    from qaml_qiskit.circuits.names import ANSAETZE as ANSAETZE
    from qaml_qiskit.circuits.names import CIRCUIT_FILES as CIRCUIT_FILES
    from qaml_qiskit.circuits.names import CIRCUITS as CIRCUITS
    from qaml_qiskit.circuits.names import READOUTS as READOUTS
    from qaml_qiskit.circuits.names import ReadoutName as ReadoutName
    from qaml_qiskit.circuits.names import is_file as is_file
    from qaml_qiskit.circuits.names import is_own as is_own
    from qaml_qiskit.circuits.noise_layers import NOISE_ANGLES as NOISE_ANGLES
    from qaml_qiskit.circuits.noise_layers import NoiseLayerForm as NoiseLayerForm
    from qaml_qiskit.circuits.noise_layers import NoiseLayers as NoiseLayers
    from qaml_qiskit.circuits.noise_layers import noise_layer_label as noise_layer_label
    from qaml_qiskit.circuits.observables import read_observables as read_observables
    from qaml_qiskit.circuits.own_ansatz import OwnAnsatz as OwnAnsatz
    from qaml_qiskit.circuits.own_circuit import CIRCUIT_FILE as CIRCUIT_FILE
    from qaml_qiskit.circuits.own_circuit import OWN as OWN
    from qaml_qiskit.circuits.own_circuit import OwnCircuit as OwnCircuit
    from qaml_qiskit.circuits.qcnn import QCNN as QCNN
    from qaml_qiskit.circuits.qpy_files import circuit_bytes as circuit_bytes
    from qaml_qiskit.circuits.qubit_readout import QubitReadout as QubitReadout
    from qaml_qiskit.circuits.readout import Readout as Readout
    from qaml_qiskit.circuits.real import Real as Real
    from qaml_qiskit.evaluation import ZString as ZString

load_lazily(__name__)
