"""Compilation for targets: the meaning stays, the best seed wins, and what cannot run is refused."""

from pathlib import Path

import pytest
import torch
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import Target as ISATarget
from qiskit_aer.noise import NoiseModel

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Target, compile_for, load_catalogue, load_recipe, open_target
from qaml_qiskit.execution.catalogue import FakeEntry, IdealEntry
from qaml_qiskit.execution.circuits import check_isa, compact
from qaml_qiskit.models import QVC, QVCConfig
from qaml_qiskit.noise.aer_model import local_readout_errors
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from qaml_qiskit.simulation.measurements import measured_qubits
from tests.integration.small import compiled, exact, images, model
from tests.tolerances import AER, DIFFERENT, VALUE


@pytest.mark.parametrize("recipe", ["quick", "level3", "line", "line-dd", "exact-encoding"])
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


def test_pulses_and_idle_noise_by_two_engines() -> None:
    """A decoupled circuit with an image bound: Aer's density matrix and the exact engine see the same noise."""
    target = open_target("t", FakeEntry(kind="fake", device="FakeFez"), 3)
    isa, values = compiled(target, "line-dd")
    bound = compact(isa.assign_parameters(values[0]))
    assert bound.count_ops()["delay"] > 0
    simulator = target.simulator(isa)
    wanted = noisy_expectations(bound, simulator.options.noise_model).numpy()
    state = bound.copy()
    state.remove_final_measurements()
    state.save_density_matrix()
    matrix = simulator.run(state).result().data(0)["density_matrix"]
    place = measured_qubits(bound)
    without_readout = [matrix.expectation_value(SparsePauliOp.from_sparse_list([("Z", [q], 1)], 3)).real for q in place]
    # Readout error is an affine map of ⟨Z⟩, the same for both, read off the noise model.
    for z, z_wanted, qubit in zip(without_readout, wanted, place, strict=True):
        ((p00, _), (_, p11)) = readout(simulator.options.noise_model, qubit)
        assert (p00 - p11) + (p00 + p11 - 1) * z == pytest.approx(z_wanted, abs=AER)


def readout(noise: NoiseModel, qubit: int) -> list[list[float]]:
    return local_readout_errors(noise)[(qubit,)].probabilities.tolist()


def test_idle_times_are_noisy_once_they_are_written_down() -> None:
    target = open_target("t", FakeEntry(kind="fake", device="FakeFez"), 3)
    untimed = load_recipe("line")
    timed = untimed.model_copy(update={"schedule": "alap"})
    z = []
    for recipe in (untimed, timed):
        isa = compile_for(model().circuit(), target, recipe)
        values = model().encoding.angles(images()).numpy()[0, [p.index for p in isa.parameters]]
        noise = target.simulator(isa).options.noise_model
        z.append(noisy_expectations(compact(isa.assign_parameters(values)), noise).numpy())
    assert abs(z[0] - z[1]).max() > DIFFERENT


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
