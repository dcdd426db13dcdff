import pytest
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits import classifier_circuit, gate_counts, qvc_ansatz, qvc_parameter_count
from qaml_qiskit.errors import ConfigurationError


@pytest.mark.parametrize(("layers", "parameters"), [(200, 6_000), (500, 15_000), (1000, 30_000)])
def test_parameter_counts_of_the_paper(layers: int, parameters: int) -> None:
    assert qvc_parameter_count(10, layers) == parameters


def test_a_layer_has_39_gates_and_30_parameters_on_ten_qubits() -> None:
    circuit = qvc_ansatz(10, 1)
    assert circuit.count_ops() == {"rz": 20, "ry": 10, "cz": 9}
    assert circuit.num_parameters == 30
    assert qvc_ansatz(10, 200).size() == 7_800


def test_layer_order_is_layer_qubit_rotation() -> None:
    circuit = qvc_ansatz(2, 2)
    used = [(op.operation.name, circuit.find_bit(op.qubits[0]).index, op.params) for op in circuit.data if op.params]
    for position, (name, qubit, (parameter,)) in enumerate(used):
        assert parameter.index == position
        assert name == ("rz", "ry", "rz")[position % 3]
        assert qubit == position // 3 % 2


def test_classifier_measures_the_class_qubits_in_order() -> None:
    circuit = classifier_circuit(QuantumCircuit(4), qvc_ansatz(4, 1), 3)
    measured = [
        (circuit.find_bit(op.qubits[0]).index, circuit.find_bit(op.clbits[0]).index)
        for op in circuit.data
        if op.operation.name == "measure"
    ]
    assert measured == [(0, 0), (1, 1), (2, 2)]
    assert circuit.cregs[0].name == "meas"


@pytest.mark.parametrize("classes", [1, 4])
def test_classes_need_a_qubit_each(classes: int) -> None:
    with pytest.raises(ConfigurationError, match="one qubit each"):
        classifier_circuit(QuantumCircuit(3), qvc_ansatz(3, 1), classes)


def test_parts_of_different_width_do_not_join() -> None:
    with pytest.raises(ConfigurationError, match="2 and 3 qubits"):
        classifier_circuit(QuantumCircuit(2), qvc_ansatz(3, 1), 2)


@pytest.mark.parametrize(("qubits", "layers"), [(0, 1), (2, 0)])
def test_empty_ansatz_is_refused(qubits: int, layers: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot build a QVC"):
        qvc_ansatz(qubits, layers)


def test_gate_counts_leave_out_barriers_and_measurements() -> None:
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    circuit.barrier()
    circuit.cx(0, 1)
    circuit.cz(1, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    counts = gate_counts(circuit)
    assert counts.as_dict() == {"one_qubit_gates": 2, "two_qubit_gates": 2, "two_qubit_depth": 2, "depth": 3}
