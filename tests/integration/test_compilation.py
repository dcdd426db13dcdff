"""Compilation for targets: the meaning stays, the best seed wins, and what cannot run is refused."""

from pathlib import Path

import pytest
import torch
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Target, compile_for, load_catalogue, load_recipe, open_target
from qaml_qiskit.execution.catalogue import FakeEntry, IdealEntry
from qaml_qiskit.execution.circuits import check_isa
from qaml_qiskit.models import QVC, QVCConfig
from tests.integration.small import compiled, exact, model
from tests.tolerances import VALUE


@pytest.mark.parametrize("recipe", ["quick", "level3"])
def test_compilation_for_a_device_keeps_the_meaning(recipe: str) -> None:
    """The ISA circuit, simulated without noise, still gives the model's values, through layout and routing."""
    target = open_target("t", FakeEntry(kind="fake", device="FakeManilaV2"), 3)
    isa, values = compiled(target, recipe)
    assert {op.operation.name for op in isa.data} <= {*target.isa.operation_names, "barrier"}
    layout = isa.layout.final_index_layout()
    bare = isa.remove_final_measurements(inplace=False)
    for row, wanted in zip(values, exact(), strict=True):
        state = Statevector(bare.assign_parameters(row))
        for k in range(3):
            z = SparsePauliOp.from_sparse_list([("Z", [layout[k]], 1)], bare.num_qubits)
            assert state.expectation_value(z).real == pytest.approx(wanted[k], abs=VALUE[torch.float32])


def test_a_device_without_connected_qubits_is_refused() -> None:
    isa = open_target("ideal", IdealEntry(kind="ideal"), 3).isa
    apart = ISATarget(num_qubits=3)
    for name in ("rz", "sx", "x", "measure"):
        apart.add_instruction(isa.operation_from_name(name), {(qubit,): None for qubit in range(3)})
    apart.add_instruction(isa.operation_from_name("cz"), {(0, 1): None})
    target = Target("apart", IdealEntry(kind="ideal"), apart)
    with pytest.raises(ConfigurationError, match="connected"):
        compile_for(model().circuit(), target, load_recipe("quick"))


def test_a_recipe_that_leaves_foreign_instructions_is_refused() -> None:
    target = open_target("t", FakeEntry(kind="fake", device="FakeManilaV2"), 3)
    with pytest.raises(ConfigurationError, match=r"recipe mine left .* ry on qubits"):
        check_isa(model().circuit(), target.isa, "mine")


def test_too_small_a_device() -> None:
    target = open_target("t", FakeEntry(kind="fake", device="FakeManilaV2"), 5)
    wide = QVC(QVCConfig(image_shape=(1, 8, 8), num_classes=2, num_layers=1))
    with pytest.raises(ConfigurationError, match="too small"):
        compile_for(wide.circuit(), target, load_recipe("quick"))


def test_unknown_transpiler_method(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("why: x\noptimization_level: 1\nseeds: [1]\nrouting_method: teleport\n")
    target = open_target("t", load_catalogue().entry("fake-torino"), 3)
    with pytest.raises(ConfigurationError, match="teleport"):
        compile_for(model().circuit(), target, load_recipe(str(recipe)))


def test_best_seed_wins() -> None:
    target = open_target("t", FakeEntry(kind="fake", device="FakeTorino"), 4)
    qvc = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=2, init_std=1.0))
    base = load_recipe("level3")
    single = [
        gate_counts(compile_for(qvc.circuit(), target, base.model_copy(update={"seeds": (seed,)}))).two_qubit_gates
        for seed in base.seeds
    ]
    assert gate_counts(compile_for(qvc.circuit(), target, base)).two_qubit_gates == min(single)
