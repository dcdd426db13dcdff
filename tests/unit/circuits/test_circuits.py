from collections.abc import Iterator

import pytest
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits import (
    ANSAETZE,
    READOUTS,
    Ansatz,
    Brickwork,
    Ladder,
    QubitReadout,
    classifier_circuit,
    gate_counts,
)
from qaml_qiskit.circuits.ansatz import Angle
from qaml_qiskit.errors import ConfigurationError


@pytest.mark.parametrize(("layers", "parameters"), [(200, 6_000), (500, 15_000), (1000, 30_000)])
def test_parameter_counts_of_the_paper(layers: int, parameters: int) -> None:
    assert Ladder(10, layers).num_parameters == parameters


def test_a_layer_has_39_gates_and_30_parameters_on_ten_qubits() -> None:
    circuit = Ladder(10, 1).circuit()
    assert circuit.count_ops() == {"rz": 20, "ry": 10, "cz": 9}
    assert circuit.num_parameters == 30
    assert Ladder(10, 200).circuit().size() == 7_800


def test_layer_order_is_layer_qubit_rotation() -> None:
    circuit = Ladder(2, 2).circuit()
    used = [(op.operation.name, circuit.find_bit(op.qubits[0]).index, op.params) for op in circuit.data if op.params]
    for position, (name, qubit, (parameter,)) in enumerate(used):
        assert parameter.index == position
        assert name == ("rz", "ry", "rz")[position % 3]
        assert qubit == position // 3 % 2


def test_classifier_measures_the_class_qubits_in_order() -> None:
    circuit = classifier_circuit(QuantumCircuit(4), Ladder(4, 1).circuit(), QubitReadout(3, 4))
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
        QubitReadout(classes, 3)


def test_parts_of_different_width_do_not_join() -> None:
    with pytest.raises(ConfigurationError, match="2, 3 and 3 qubits"):
        classifier_circuit(QuantumCircuit(2), Ladder(3, 1).circuit(), QubitReadout(2, 3))


def gates(circuit: QuantumCircuit) -> list[tuple[object, ...]]:
    """Name, qubits and the place of the angle in θ, of every gate."""
    return [
        (each.name, *(circuit.find_bit(qubit).index for qubit in each.qubits), *(angle.index for angle in each.params))
        for each in circuit.data
    ]


@pytest.mark.parametrize("name", [*ANSAETZE])
def test_the_parts_are_the_circuit(name: str) -> None:
    ansatz = ANSAETZE[name](4, 3)
    parts = [*ansatz.layers(), ansatz.end()]
    assert len(parts) == 4
    assert [gate for part in parts for gate in gates(part)] == gates(ansatz.circuit())
    assert ansatz.circuit().num_parameters == ansatz.num_parameters
    assert ansatz.name == name
    marked = ansatz.circuit("here")
    ends = [place for place, each in enumerate(marked.data) if each.label == "here"]
    sizes = [part.size() for part in parts]
    assert ends == [sum(sizes[: count + 1]) + count for count in range(3)]
    for layer, part in enumerate(ansatz.layers()):
        pairs = [tuple(part.find_bit(qubit).index for qubit in each.qubits) for each in part.data]
        assert list(ansatz.bonds(layer)) == list(dict.fromkeys(pair for pair in pairs if len(pair) == 2))


def test_bonds_of_the_ladder_and_of_bricks() -> None:
    line = ((0, 1), (1, 2), (2, 3), (3, 4))
    assert Ladder(5, 2).bonds(1) == Ladder(5, 2).neighbours == line
    assert Brickwork(5, 2).bonds(0) == ((0, 1), (2, 3))
    assert Brickwork(5, 2).bonds(1) == ((1, 2), (3, 4))
    assert Brickwork(5, 1).neighbours == line
    assert Ladder(1, 1).neighbours == ()


class Miscounted(Ladder):
    """Adds nothing up."""

    name = "miscounted"

    def __init__(self, wrong: int) -> None:
        super().__init__(2, 2)
        self._wrong = wrong

    @property
    def num_parameters(self) -> int:
        return 12 + self._wrong


@pytest.mark.parametrize(("wrong", "taken"), [(-1, "more"), (1, "fewer")])
def test_an_ansatz_that_does_not_add_up_is_named(wrong: int, taken: str) -> None:
    with pytest.raises(ConfigurationError, match=f"ansatz miscounted does not add up: got {taken} angles"):
        Miscounted(wrong).circuit()


class Whole(Ansatz):
    """A circuit without layers."""

    name = "whole"
    layered = False

    @property
    def num_parameters(self) -> int:
        return 1

    def add_end(self, circuit: QuantumCircuit, angles: Iterator[Angle]) -> None:
        circuit.ry(next(angles), 0)
        circuit.cx(0, 2)


def test_a_circuit_without_layers_has_no_ends() -> None:
    ansatz = Whole(3, 5)
    assert ansatz.layers() == ()
    assert gates(ansatz.end()) == gates(ansatz.circuit()) == [("ry", 0, 0), ("cx", 0, 2)]
    assert ansatz.neighbours == ((0, 1), (0, 2), (1, 2))
    with pytest.raises(ConfigurationError, match="got the ansatz whole, which has none"):
        ansatz.circuit("here")


def test_readouts_are_registered() -> None:
    assert READOUTS["qubits"](3, 4).qubits == (0, 1, 2)
    with pytest.raises(ConfigurationError, match="no such readout"):
        READOUTS.check("qubit")


@pytest.mark.parametrize(("qubits", "layers"), [(0, 1), (2, 0)])
def test_empty_ansatz_is_refused(qubits: int, layers: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot build a QVC"):
        Ladder(qubits, layers).circuit()


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
