"""Fractional gates: assumed where a device does not say, folded into their range, left alone unless asked for."""

import io
import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from qiskit import qpy
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit.quantum_info import Operator, process_fidelity
from qiskit.transpiler import PassManager
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import build_workload, compile_for, load_recipe, open_target
from qaml_qiskit.execution.catalogue import AerEntry, FakeEntry, IBMEntry, IdealEntry
from qaml_qiskit.execution.circuits import compact
from qaml_qiskit.execution.compilation.fractional import FoldFreeAngles, RZZBetweenCX, check_angles, has_fractional
from qaml_qiskit.execution.compilation.tiles import compile_tiles
from qaml_qiskit.execution.ibm import service
from qaml_qiskit.execution.options import PrimitiveOptions, Twirling
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.noise import NoiseSpec, without_readout_errors
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.measurements import measured_qubits
from tests.tolerances import EXACT_FIDELITY, VALUE

#: Corners of the range, and angles far outside of it.
ANGLES = (-math.pi, -math.pi / 2, 0.0, math.pi / 2, math.pi, 0.3, -0.3, 2.0, -2.0, 1.5 * math.pi, 7.0)
TINY = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.001, "two_qubit": 0.01}})


@cache
def fez(*, fractional: bool = True) -> Target:
    return open_target("fez", FakeEntry(kind="fake", device="FakeFez", fractional=fractional), 3)


def circuit() -> QuantumCircuit:
    """Free angles in two-qubit gates, one of them twice, and a bound one outside of the range."""
    x = ParameterVector("x", 3)
    made = QuantumCircuit(3)
    made.h([0, 1, 2])
    made.rzz(x[0], 0, 1)
    made.rx(x[1], 0)
    made.crz(x[2], 1, 2)
    made.rxx(2 * x[0] + 0.1, 1, 2)
    made.ry(0.4, 1)
    made.rzz(-2.0, 0, 1)
    made.rx(x[0], 1)
    made.measure_all()
    return made


def rows() -> np.ndarray[Any, Any]:
    return np.random.default_rng(5).uniform(-7, 7, (4, 3))


def averages(target: Target, recipe: str, *, noisy: bool) -> np.ndarray[Any, Any]:
    """⟨Z_k⟩ of every classical bit by the exact engine, shape (4, 3)."""
    isa = compile_for(circuit(), target, load_recipe(recipe), recipe)
    small = compact(isa)
    values = rows()[:, [parameter.index for parameter in isa.parameters]]
    bits, bare = measured_qubits(small), small.remove_final_measurements(inplace=False)
    model = without_readout_errors(target.noise_model(isa)) if noisy else None
    found = [noisy_expectations(bare.assign_parameters(row), model, [(bit,) for bit in bits]) for row in values]
    return np.stack([np.asarray(each).reshape(-1) for each in found])


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("factor", [1, -2])
def test_free_angles_are_folded_whatever_they_become(shift: float, factor: int) -> None:
    x = Parameter("x")
    plain = QuantumCircuit(2)
    plain.rzz(factor * x + shift, 0, 1)
    folded = PassManager([FoldFreeAngles()]).run(plain)
    file = io.BytesIO()
    qpy.dump(folded, file)
    file.seek(0)
    (kept,) = qpy.load(file)
    assert folded.count_ops()["rzz"] == 1
    for angle in ANGLES:
        bound = kept.assign_parameters([angle])
        check_angles(bound)
        fidelity = process_fidelity(Operator(bound), Operator(plain.assign_parameters([angle])))
        assert fidelity == pytest.approx(1, abs=EXACT_FIDELITY)


def test_one_compiled_circuit_serves_all_angles() -> None:
    isa = compile_for(circuit(), fez(), load_recipe("fractional"), "fractional")
    assert {parameter.name for parameter in isa.parameters} == {"x[0]", "x[1]", "x[2]"}
    assert {"rx", "rzz"} <= isa.count_ops().keys()
    for row in rows():
        check_angles(isa.assign_parameters({parameter: row[parameter.index] for parameter in isa.parameters}))
    fractional, plain = (averages(fez(), recipe, noisy=False) for recipe in ("fractional", "line"))
    assert np.abs(fractional - plain).max() < VALUE[torch.float32]


def test_tiles_fold_angles_as_the_whole_device_does() -> None:
    for tile in compile_tiles(circuit(), fez().isa, load_recipe("fractional"), 2):
        assert not {"cz", "cx"} & {each.operation.name for each in tile.data}
        check_angles(tile)


def test_half_the_two_qubit_gates_of_free_pairs() -> None:
    made = {name: compile_for(circuit(), fez(), load_recipe(name), name) for name in ("line", "fractional")}
    used = {name: gate_counts(isa).two_qubit_gates for name, isa in made.items()}
    assert used["line"] == 2 * used["fractional"]


@pytest.mark.parametrize("gate", ["rz", "p"])
def test_rotations_between_cx_are_one_gate(gate: str) -> None:
    x = Parameter("x")
    plain = QuantumCircuit(3)
    for control, target in ((0, 1), (1, 2)):
        plain.cx(control, target)
        getattr(plain, gate)(x, target)
        plain.cx(control, target)
    # Nothing of this is a triple: something is between, or the second CX was used.
    plain.rz(0.2, 2)
    plain.cx(1, 2)
    plain.rz(x, 2)
    plain.h(1)
    plain.cx(1, 2)
    made = PassManager([RZZBetweenCX()]).run(plain)
    assert (made.count_ops()["rzz"], made.count_ops()["cx"]) == (2, 2)
    assert Operator(made.assign_parameters([0.7])) == Operator(plain.assign_parameters([0.7]))


def test_what_is_assumed_is_said_and_nothing_else_is() -> None:
    target, plain = fez(), fez(fractional=False)
    assert any("RX(θ) with the error and duration of the qubit's SX" in note for note in target.notes)
    assert not any("assumption" in note for note in plain.notes)
    for name, like in (("rx", "sx"), ("rzz", "cz")):
        for place, properties in target.isa[name].items():
            known = plain.isa[like][place]
            assert (properties.error, properties.duration) == (known.error, known.duration)
    assert not has_fractional(plain.isa)


@pytest.mark.parametrize("recipe", ["line", "quick"])
def test_other_recipes_leave_the_gates_alone(recipe: str) -> None:
    whole, targets = circuit(), (fez(), fez(fractional=False))
    made = [compile_for(whole, target, load_recipe(recipe), recipe) for target in targets]
    assert made[0] == made[1]


def test_a_recipe_of_gates_that_are_not_there_is_refused() -> None:
    for target in (fez(fractional=False), open_target("ideal", IdealEntry(kind="ideal"), 3)):
        with pytest.raises(ConfigurationError, match=r"asks for fractional gates.*Add `fractional: true`"):
            compile_for(circuit(), target, load_recipe("fractional"), "fractional")
    with pytest.raises(ConfigurationError, match="has no fractional gates: got a device without CZ"):
        open_target("eagle", FakeEntry(kind="fake", device="FakeSherbrooke", fractional=True), 3)


@pytest.mark.parametrize("kind", ["device", "named"])
def test_their_noise_is_followed_exactly_and_by_aer(kind: str) -> None:
    target = fez() if kind == "device" else open_target("a", AerEntry(kind="aer", noise=TINY, fractional=True), 3)
    isa = compile_for(circuit(), target, load_recipe("fractional"), "fractional")
    model = target.noise_model(isa)
    assert {"rx", "rzz"} <= NoiseTable(model).instructions
    found, bare = averages(target, "fractional", noisy=True), averages(target, "fractional", noisy=False)
    assert np.abs(found - bare).max() > VALUE[torch.float32]
    small = compact(isa)
    bits, unread = measured_qubits(small), small.remove_final_measurements(inplace=False)
    values = rows()[:, [parameter.index for parameter in isa.parameters]]
    strings = ["".join("Z" if place == bit else "I" for place in reversed(range(small.num_qubits))) for bit in bits]
    estimator = EstimatorV2.from_backend(
        AerSimulator(method="density_matrix", noise_model=without_readout_errors(model))
    )
    answers = [estimator.run([(unread.assign_parameters(row), strings)], precision=0).result()[0] for row in values]
    aer = np.stack([answer.data.evs for answer in answers])
    assert np.abs(found - aer).max() < VALUE[torch.float32]


def test_pairs_are_not_twirled_around_fractional_gates() -> None:
    isa = compile_for(circuit(), fez(), load_recipe("fractional"), "fractional")
    values = rows()[:, [parameter.index for parameter in isa.parameters]]
    how = {"target": "fez", "shots": 10, "mitigation": "none"}
    with pytest.raises(ConfigurationError, match="twirling of gates does not work with fractional gates"):
        build_workload(isa, values, options=PrimitiveOptions(twirling=Twirling(gates=True)), **how)
    assert build_workload(isa, values, **how).num_images == 4


def test_an_entry_of_before_is_written_as_before() -> None:
    assert FakeEntry(kind="fake", device="FakeFez").model_dump(mode="json").keys() == {"options", "kind", "device"}
    assert "fractional" not in load_recipe("line").model_dump(mode="json")


@pytest.mark.parametrize("fractional", [False, True])
def test_a_real_device_is_opened_with_them_where_the_entry_says_so(
    monkeypatch: pytest.MonkeyPatch, fractional: bool
) -> None:
    asked: list[dict[str, object]] = []

    def backend(name: str, **options: object) -> object:
        asked.append(options)
        return SimpleNamespace(target=fez(fractional=bool(options)).isa)

    monkeypatch.setattr(service, "open_account", lambda what: SimpleNamespace(backend=backend))
    target = open_target("device", IBMEntry(kind="ibm", device="ibm_fez", fractional=fractional), 3)
    assert asked == ([{"use_fractional_gates": True}] if fractional else [{}])
    assert has_fractional(target.isa) == fractional
    assert not any("assumption" in note for note in target.notes)


def test_a_real_device_without_them_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from qiskit_ibm_runtime.exceptions import IBMInputValueError

    def backend(name: str, **options: object) -> object:
        raise IBMInputValueError("Backend 'ibm_old' does not support fractional gates, but …")

    monkeypatch.setattr(service, "open_account", lambda what: SimpleNamespace(backend=backend))
    with pytest.raises(ConfigurationError, match="ibm_old has no fractional gates"):
        open_target("device", IBMEntry(kind="ibm", device="ibm_old", fractional=True), 3)
