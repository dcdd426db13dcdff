"""Recipes: what they may say, which ship, and which of several compilations wins."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import XGate
from qiskit.transpiler import CouplingMap, InstructionProperties
from qiskit.transpiler import Target as ISATarget
from qiskit_ibm_runtime.fake_provider import FakeFez, FakeSherbrooke, FakeTorino

from qaml_qiskit.circuits import Ladder, QubitReadout, classifier_circuit, gate_counts
from qaml_qiskit.encodings import ApproximateEncoding
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Recipe, load_recipe, recipe_names, survival, to_isa
from qaml_qiskit.execution.compilation import recipes
from qaml_qiskit.execution.compilation.layout import is_on_a_line
from tests.tolerances import ROUNDED


def recipe(**change: object) -> Recipe:
    return Recipe.model_validate({"why": "test", "optimization_level": 3, "seeds": [1], **change})


def classifier(num_qubits: int) -> QuantumCircuit:
    angles = np.random.default_rng(1).uniform(-3, 3, 3 * num_qubits * 3)
    ansatz = Ladder(num_qubits, 3).circuit().assign_parameters(angles)
    return classifier_circuit(ApproximateEncoding(num_qubits, 2).circuit, ansatz, QubitReadout(num_qubits, num_qubits))


def test_shipped_recipes_say_why() -> None:
    assert {"exact-encoding", "level3", "line", "line-dd", "quick"} <= {*recipe_names()}
    for name in recipe_names():
        assert len(load_recipe(name).why) > 40


@pytest.mark.parametrize(
    "change",
    [
        {"layout": "ring"},
        {"layout": "line", "layout_method": "sabre"},
        {"layout": "line", "trials": 5},
        {"layout_method": "dense", "trials": 5},
        {"trials": 0},
        {"seeds": []},
        {"dynamical_decoupling": "CPMG"},
        {"schedule": "late"},
        {"optimization_level": 4},
    ],
)
def test_recipes_that_make_no_sense(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        recipe(**change)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("why: x\noptimization_level: 1\nseeds: [1]\ndynamic_decoupling: XX\n")
    with pytest.raises(ConfigurationError, match="dynamic_decoupling"):
        load_recipe(str(file))


def test_fewest_two_qubit_gates_then_their_depth_then_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four compilations of four seeds, each better than the last in what counts, or equal and better further on."""

    def circuit(bonds: list[tuple[int, int]], turns: int) -> QuantumCircuit:
        made = QuantumCircuit(4)
        for pair in bonds:
            made.cz(*pair)
        for _ in range(turns):
            made.sx(0)
        return made

    deep, flat = [(0, 1), (1, 2), (2, 3)], [(0, 1), (2, 3), (1, 2)]
    made = {1: circuit([*deep, (0, 1)], 0), 2: circuit(deep, 0), 3: circuit(flat, 2), 4: circuit(flat, 1)}
    monkeypatch.setattr(recipes, "_compile", lambda circuit, target, recipe, seed, line: made[seed])
    target = ISATarget.from_configuration(["sx", "rz", "cz"], 4, coupling_map=CouplingMap.from_line(4))
    for seeds, wanted in (([1, 2], 2), ([2, 3], 3), ([3, 4], 4), ([4, 3, 2, 1], 4)):
        assert to_isa(QuantumCircuit(4), target, recipe(seeds=seeds)) is made[wanted]


@pytest.mark.parametrize("device", [FakeTorino, FakeFez, FakeSherbrooke])
@pytest.mark.parametrize("num_qubits", [6, 10])
def test_a_circuit_on_a_line_gets_no_swaps(device: type, num_qubits: int) -> None:
    target, circuit = device().target, classifier(num_qubits)
    isa = to_isa(circuit, target, recipe(layout="line"))
    assert gate_counts(isa).two_qubit_gates == gate_counts(circuit).two_qubit_gates
    assert gate_counts(isa).two_qubit_depth == gate_counts(circuit).two_qubit_depth
    line = isa.layout.final_index_layout()
    assert line == isa.layout.initial_index_layout(filter_ancillas=True)
    assert is_on_a_line(isa, line)
    again = to_isa(circuit, target, recipe(layout="line"))
    assert again.layout.final_index_layout() == line


def test_the_line_survives_at_least_as_well_as_the_transpilers_choice() -> None:
    """Where the transpiler's search ends early: ten qubits of a device of 127, whose gates have directions."""
    target, circuit = FakeSherbrooke().target, classifier(10)
    chances = [
        np.prod(survival(to_isa(circuit, target, recipe(**change)), target)) for change in ({}, {"layout": "line"})
    ]
    assert chances[1] > chances[0]


@pytest.mark.parametrize("error", [1.0, float("nan"), float("inf"), -0.1])
def test_an_error_that_is_no_probability_leaves_nothing(error: float) -> None:
    target = ISATarget(num_qubits=1)
    target.add_instruction(XGate(), {(0,): InstructionProperties(error=error)})
    circuit = QuantumCircuit(1)
    circuit.x(0)
    gates, readout = survival(circuit, target)
    assert gates == pytest.approx(0, abs=ROUNDED)
    assert readout is None


def test_more_trials_are_tried() -> None:
    """With so many trials a small circuit on a ring is routed no worse than with one."""
    target = ISATarget.from_configuration(["rz", "sx", "x", "cz"], 6, coupling_map=CouplingMap.from_ring(6))
    circuit = QuantumCircuit(6)
    for a, b in np.random.default_rng(3).choice(6, (30, 2)).tolist():
        if a != b:
            circuit.cz(a, b)
            circuit.sx([a, b])
    few, many = (gate_counts(to_isa(circuit, target, recipe(trials=trials))).two_qubit_gates for trials in (1, 50))
    assert many <= few
