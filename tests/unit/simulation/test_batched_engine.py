"""The engine of devices beside the torch engine, and beside itself when it replays what it recorded."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from torch import Tensor

from qaml_qiskit.simulation import Program, compile_circuit, evolve, statevector, use_backend, z_expectations
from qaml_qiskit.simulation.batched.engine import BatchedEngine
from qaml_qiskit.simulation.batched.replays import Recording, Replays, record_in_place
from qaml_qiskit.simulation.batched.steps import Limits
from qaml_qiskit.simulation.engine import choose_engine
from qaml_qiskit.simulation.matrix_cost import matrix_pays
from qaml_qiskit.simulation.pullback import Wanted
from qaml_qiskit.simulation.torch_backend import TorchEngine
from tests.unit.simulation.device_cases import DEVICES, engine_for
from tests.unit.simulation.simulation_cases import (
    mixed,
    one_thread,
    qvc,
    same_gradients,
    same_values,
    samples,
    weights_for,
)

_one_thread = pytest.fixture(autouse=True)(one_thread)

ALL = [Wanted(True, True), Wanted(True, False), Wanted(False, True), Wanted(True, True, per_sample=True)]
PRECISIONS = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def results(engine: BatchedEngine | TorchEngine, program: Program, rows: Tensor, angles: Tensor) -> list[Tensor]:
    """Amplitudes, averages, and every kind of gradient, on the CPU."""
    batch, n = len(rows), program.num_qubits
    state = engine.forward(program, angles, rows)
    strings = (*((wire,) for wire in range(n)), (0, n - 1))
    values = engine.expectations(program, state, strings, batch)
    generator = torch.Generator().manual_seed(5)
    by_values = torch.randn(values.shape, generator=generator, dtype=torch.float64).to(values)
    by_state = samples(batch, n, torch.complex128).to(state.device, state.dtype.to_complex())
    found = [engine.amplitudes(program, state, batch), values]
    for wanted in ALL:
        pullback = engine.pull_back_expectations(program, angles, state, strings, by_values, wanted)
        found += [each for each in pullback if each is not None]
        pullback = engine.pull_back_amplitudes(program, angles, state, by_state, wanted)
        found += [each for each in pullback if each is not None]
    return [each.cpu() for each in found]


def agree(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    pairs = enumerate(zip(ours, theirs, strict=True))
    return all((same_values if index < 2 else same_gradients)(*pair) for index, pair in pairs)


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=12)
@given(
    circuit=st.one_of(st.builds(qvc, st.integers(1, 8), st.integers(0, 3)), st.builds(mixed, st.integers(3, 7))),
    batch=st.integers(1, 9),
    dtype=st.sampled_from(PRECISIONS),
)
def test_it_agrees_with_the_torch_engine(device: str, circuit: QuantumCircuit, batch: int, dtype: torch.dtype) -> None:
    program, rows = compile_circuit(circuit), samples(batch, circuit.num_qubits, dtype)
    angles = program.angles(weights_for(circuit))
    ours = results(engine_for(device), program, rows.to(device), angles.to(device))
    assert agree(ours, results(TorchEngine(), program, rows, angles))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("num_qubits", [11, 12])
def test_walls_of_several_blocks(device: str, num_qubits: int) -> None:
    circuit = qvc(num_qubits, 2)
    program, rows = compile_circuit(circuit), samples(2, num_qubits, torch.float32)
    angles = program.angles(weights_for(circuit))
    ours = results(engine_for(device), program, rows.to(device), angles.to(device))
    assert agree(ours, results(TorchEngine(), program, rows, angles))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("limits", [Limits(amplitudes=64), Limits(tables=2**12), Limits(history=2**13)], ids=str)
def test_it_agrees_in_pieces(device: str, limits: Limits) -> None:
    circuit = mixed(5)
    program, rows = compile_circuit(circuit), samples(7, 5, torch.float64)
    angles = program.angles(weights_for(circuit))
    ours = results(BatchedEngine(limits=limits), program, rows.to(device), angles.to(device))
    assert agree(ours, results(TorchEngine(), program, rows, angles))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("circuit", [qvc(4, 3), mixed(3)], ids=["qvc", "mixed"])
def test_what_is_replayed_is_computed_for_the_new_numbers(device: str, circuit: QuantumCircuit) -> None:
    program, engine = compile_circuit(circuit), engine_for(device)
    kept = []
    for scale in (1.0, 2.0, 3.0, 4.0):
        rows = samples(5, circuit.num_qubits, torch.float64) * scale
        angles = program.angles(weights_for(circuit) * scale)
        kept.append((results(engine, program, rows.to(device), angles.to(device)), rows, angles))
    for found, rows, angles in kept:
        # Also what was given away before others were computed.
        assert agree(found, results(TorchEngine(), program, rows, angles))


@pytest.mark.parametrize("device", DEVICES)
def test_a_second_pass_forward_before_the_first_backward(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_for(device)
    monkeypatch.setattr(statevector, "choose_engine", lambda program, amplitudes: engine)
    circuit = qvc(4, 2)
    program, found = compile_circuit(circuit), []
    for _ in range(4):
        weights = weights_for(circuit).to(device).requires_grad_()
        rows = samples(6, 4, torch.float64).to(device)
        first, second = (z_expectations(program, part, weights, [0, 1]) for part in rows.split(3))
        found.append(torch.autograd.grad(first.square().sum() + second.sum(), weights)[0].cpu())
    monkeypatch.undo()
    weights = weights_for(circuit).requires_grad_()
    values = z_expectations(program, samples(6, 4, torch.float64), weights, [0, 1])
    (expected,) = torch.autograd.grad(values[:3].square().sum() + values[3:].sum(), weights)
    assert all(same_gradients(each, expected) for each in found)


def test_what_cannot_be_recorded_is_computed_as_it_comes() -> None:
    tried = []

    def record(run: Callable[..., tuple[Tensor, ...]], inputs: tuple[Tensor, ...]) -> Recording:
        tried.append(run)
        raise RuntimeError("this device records nothing")

    circuit = qvc(3, 2)
    program, rows = compile_circuit(circuit), samples(4, 3, torch.float32)
    angles, engine = program.angles(weights_for(circuit)), BatchedEngine(Replays(record))
    for _ in range(3):
        assert agree(results(engine, program, rows, angles), results(TorchEngine(), program, rows, angles))
    # Forward, and for every kind of gradient backward from averages and from amplitudes; each once.
    assert len(tried) == 1 + 2 * len(ALL)


def test_few_recordings_are_kept() -> None:
    made = []

    def record(run: Callable[..., tuple[Tensor, ...]], inputs: tuple[Tensor, ...]) -> Recording:
        made.append(len(inputs[0]))
        return record_in_place(run, inputs)

    replays = Replays(record, kept=2)
    for size in (1, 1, 1, 2, 2, 3, 3, 2, *[1] * 40):
        (found,) = replays.run("double", lambda x: (2 * x,), torch.ones(size))
        assert found.tolist() == [2.0] * size
    # What had to go is not recorded again at once.
    assert made == [1, 2, 3, 1]


def test_tensors_without_values_go_through_it() -> None:
    circuit = qvc(3, 2)
    program = compile_circuit(circuit)
    weights = torch.empty(program.num_weights, device="meta", requires_grad=True)
    rows = torch.empty(5, 8, device="meta", requires_grad=True)
    assert isinstance(choose_engine(program, rows), BatchedEngine)
    values = z_expectations(program, rows, weights, [0, (1, 2)])
    gradients = torch.autograd.grad(values.sum() + evolve(program, rows, weights).real.sum(), (rows, weights))
    assert [each.device.type for each in (values, *gradients)] == ["meta"] * 3


@pytest.mark.parametrize("backend", ["torch", "auto"])
@settings(max_examples=10)
@given(
    circuit=st.one_of(st.builds(qvc, st.integers(1, 5), st.integers(1, 3)), st.builds(mixed, st.integers(3, 4))),
    dtype=st.sampled_from(PRECISIONS),
)
def test_a_large_batch_by_the_circuits_matrix(backend: str, circuit: QuantumCircuit, dtype: torch.dtype) -> None:
    program, found = compile_circuit(circuit), []
    for pays in (False, True):
        rows = samples(2**circuit.num_qubits + 3, circuit.num_qubits, dtype).requires_grad_()
        real = dtype.to_real() if dtype.is_complex else dtype
        weights = weights_for(circuit).to(real).requires_grad_()
        with pytest.MonkeyPatch.context() as patch, use_backend(backend):  # type: ignore[arg-type]
            patch.setattr(statevector, "matrix_pays", lambda *_, pays=pays, **__: pays)
            values, final = z_expectations(program, rows, weights, [0, (0,)]), evolve(program, rows, weights)
            total = values.square().sum() + (final.real * final.imag).sum()
            gradients = torch.autograd.grad(total, (rows, weights))
        found.append([final.detach(), values.detach(), *gradients])
    assert agree(*found)


def test_second_derivatives_of_a_large_batch() -> None:
    circuit = qvc(2, 2)
    program, found = compile_circuit(circuit), []
    for pays in (False, True):
        weights = weights_for(circuit).requires_grad_()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(statevector, "matrix_pays", lambda *_, pays=pays, **__: pays)
            values = z_expectations(program, samples(6, 2, torch.float64), weights, [0, 1])
            (slope,) = torch.autograd.grad(values.square().sum(), weights, create_graph=True)
            found.append(torch.autograd.grad(slope.square().sum(), weights)[0])
    assert same_gradients(*found)


def test_the_matrix_pays_for_large_batches_of_deep_circuits_alone() -> None:
    deep, shallow = compile_circuit(qvc(8, 60)), compile_circuit(qvc(8, 2))
    trained = Wanted(inputs=False, angles=True)
    assert not matrix_pays(deep, 256, trained, is_complex=False, kernel=False)
    assert matrix_pays(deep, 2048, trained, is_complex=False, kernel=False)
    assert not matrix_pays(shallow, 2048, trained, is_complex=False, kernel=False)
    # A step that is over in no time is left alone.
    assert not matrix_pays(compile_circuit(qvc(2, 60)), 100, trained, is_complex=False, kernel=False)
    # The compiled kernel is faster in its layers than in a product.
    assert not matrix_pays(deep, 400, trained, is_complex=False, kernel=True)
