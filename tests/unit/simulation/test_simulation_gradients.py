from collections.abc import Iterator
from functools import partial

import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.quantum_info import Pauli, Statevector

from qaml_qiskit.simulation import Program, compile_circuit, evolve, use_backend, z_expectations, z_jacobians
from qaml_qiskit.simulation.kernel import KernelEngine
from qaml_qiskit.simulation.native import load_kernel
from qaml_qiskit.simulation.torch_backend import TorchEngine
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE
from tests.unit.simulation.simulation_cases import (
    bound,
    close,
    mixed,
    one_thread,
    qvc,
    same_gradients,
    same_values,
    samples,
    weights_for,
)

_one_thread = pytest.fixture(autouse=True)(one_thread)

COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


@pytest.fixture(params=["kernel", "torch"])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "kernel" and load_kernel() is None:
        pytest.skip("the compiled kernel was not built")
    with use_backend(request.param):
        yield request.param


def central_differences(program: Program, rows: torch.Tensor, weights: torch.Tensor, qubits: list[int]) -> torch.Tensor:
    """d⟨Z⟩/dweights, shape (B, m, P)."""
    columns = []
    for index in range(len(weights)):
        step = torch.zeros_like(weights)
        step[index] = DIFFERENCE_STEP
        upper = z_expectations(program, rows, weights + step, qubits)
        lower = z_expectations(program, rows, weights - step, qubits)
        columns.append((upper - lower) / (2 * DIFFERENCE_STEP))
    return torch.stack(columns, -1)


@pytest.mark.parametrize("num_qubits", [2, 3, 4])
def test_weight_gradients_against_differences(backend: str, num_qubits: int) -> None:
    circuit = mixed(num_qubits)
    program, weights = compile_circuit(circuit), weights_for(circuit, scale=1.0).requires_grad_()
    rows, qubits = samples(3, num_qubits, torch.complex128), [num_qubits - 1, 0]
    values = z_expectations(program, rows, weights, qubits)
    factors = torch.linspace(-1, 2, values.numel(), dtype=values.dtype).reshape(values.shape)
    (gradient,) = torch.autograd.grad((values * factors).sum(), weights)
    expected = central_differences(program, rows, weights.detach(), qubits)
    assert close(gradient, torch.einsum("bm,bmp->p", factors, expected), FINITE_DIFFERENCE)
    jacobians = z_jacobians(program, rows, weights, qubits)
    assert jacobians.weights is not None
    assert close(jacobians.weights, expected, FINITE_DIFFERENCE)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_both_functions_pass_gradcheck(backend: str, dtype: torch.dtype) -> None:
    circuit = mixed(2)
    program = compile_circuit(circuit)
    inputs = (0.5 * samples(3, 2, dtype)).requires_grad_(), weights_for(circuit, scale=1.0).requires_grad_()
    assert torch.autograd.gradcheck(lambda rows, weights: z_expectations(program, rows, weights, [0, 1]), inputs)
    assert torch.autograd.gradcheck(lambda rows, weights: evolve(program, rows, weights), inputs)


def test_amplitudes_follow_qiskits_bit_order(backend: str) -> None:
    circuit = mixed(4)
    weights = weights_for(circuit, scale=1.0)
    rows = samples(2, 4, torch.complex128)
    result = evolve(compile_circuit(circuit), rows, weights)
    for row, image in zip(rows, result, strict=True):
        expected = Statevector(row.numpy()).evolve(bound(circuit, weights))
        assert same_values(image, torch.from_numpy(expected.data))
        for qubit in range(4):
            value = z_expectations(compile_circuit(circuit), row[None], weights, [qubit])
            z = torch.tensor([[expected.expectation_value(Pauli("Z"), [qubit]).real]], dtype=torch.float64)
            assert same_values(value, z)


def test_amplitudes_of_any_norm_are_mapped_linearly(backend: str) -> None:
    circuit = qvc(3, 2)
    program, weights, rows = compile_circuit(circuit), weights_for(circuit), samples(4, 3, torch.float64)
    assert same_values(evolve(program, 3 * rows, weights), 3 * evolve(program, rows, weights))
    scaled, plain = (z_expectations(program, factor * rows, weights, [0, 2]) for factor in (3, 1))
    assert same_values(scaled, 9 * plain)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_types_of_results_and_gradients(backend: str, dtype: torch.dtype, is_complex: bool) -> None:
    circuit = qvc(2, 1)
    rows = samples(3, 2, COMPLEX[dtype] if is_complex else dtype).requires_grad_()
    weights, program = weights_for(circuit, dtype).requires_grad_(), compile_circuit(circuit)
    values, image = z_expectations(program, rows, weights, [1]), evolve(program, rows, weights)
    assert (values.dtype, image.dtype) == (dtype, COMPLEX[dtype])
    (values.sum() + image.abs().sum()).backward()
    assert rows.grad is not None and rows.grad.dtype == rows.dtype  # noqa: PT018
    assert weights.grad is not None and weights.grad.dtype == dtype  # noqa: PT018
    jacobians = z_jacobians(program, rows, weights, [0, 1])
    assert jacobians.inputs is not None and jacobians.inputs.dtype == rows.dtype  # noqa: PT018
    assert jacobians.weights is not None and jacobians.weights.dtype == dtype  # noqa: PT018


def test_mixed_precision_follows_torch(backend: str) -> None:
    circuit = qvc(2, 1)
    rows, weights = samples(3, 2, torch.float32).requires_grad_(), weights_for(circuit).requires_grad_()
    values = z_expectations(compile_circuit(circuit), rows, weights, [0])
    assert values.dtype == torch.float64
    by_row, by_weight = torch.autograd.grad(values.sum(), (rows, weights))
    assert (by_row.dtype, by_weight.dtype) == (torch.float32, torch.float64)


def test_only_what_is_needed_is_computed(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for engine in (KernelEngine, TorchEngine):
        original = engine.pull_back_expectations

        def spy(*arguments: object, original: object = original) -> object:
            asked.append(arguments[-1])
            result = original(*arguments)  # type: ignore[operator]
            assert (result.inputs is None, result.angles is None) == (not asked[-1].inputs, not asked[-1].angles)
            return result

        monkeypatch.setattr(engine, "pull_back_expectations", spy)
    circuit = qvc(3, 2)
    program, rows, weights = compile_circuit(circuit), samples(5, 3, torch.float64), weights_for(circuit)
    gradients = []
    for wants in ((True, False), (False, True), (True, True)):
        inputs = [rows.clone().requires_grad_(wants[0]), weights.clone().requires_grad_(wants[1])]
        z_expectations(program, *inputs, [0, 2]).sum().backward()
        gradients.append([tensor.grad for tensor in inputs])
        assert tuple(asked[-1][:2]) == wants
    assert gradients[0][1] is None
    assert gradients[1][0] is None
    for alone, index in ((gradients[0][0], 0), (gradients[1][1], 1)):
        both = gradients[2][index]
        assert alone is not None
        assert both is not None
        assert same_gradients(alone, both)


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128])
def test_jacobians_against_autograd(backend: str, dtype: torch.dtype) -> None:
    circuit = mixed(3)
    program, rows, qubits = compile_circuit(circuit), samples(5, 3, dtype), [2, 0, 2]
    weights = weights_for(circuit, dtype.to_real() if dtype.is_complex else dtype, scale=1.0)
    jacobians = z_jacobians(program, rows, weights, qubits)
    for index in range(len(qubits)):
        inputs = rows.clone().requires_grad_(), weights.clone()
        (by_row,) = torch.autograd.grad(z_expectations(program, *inputs, qubits)[:, index].sum(), inputs[0])
        assert jacobians.inputs is not None
        assert same_gradients(jacobians.inputs[:, index], by_row)
    by_weight = torch.autograd.functional.jacobian(lambda point: z_expectations(program, rows, point, qubits), weights)
    assert jacobians.weights is not None
    assert same_gradients(jacobians.weights, by_weight)


def test_jacobians_that_are_not_asked_for(backend: str) -> None:
    circuit = qvc(2, 1)
    program, rows, weights = compile_circuit(circuit), samples(3, 2, torch.float64), weights_for(circuit)
    assert z_jacobians(program, rows, weights, [0], inputs=False).inputs is None
    assert z_jacobians(program, rows, weights, [0], weights_=False).weights is None


def test_an_empty_batch_gives_empty_results(backend: str) -> None:
    circuit = qvc(3, 2)
    program, weights = compile_circuit(circuit), weights_for(circuit).requires_grad_()
    rows = torch.zeros(0, 8, dtype=torch.float64, requires_grad=True)
    values, image = z_expectations(program, rows, weights, [0, 1]), evolve(program, rows, weights)
    assert (values.shape, image.shape) == ((0, 2), (0, 8))
    by_row, by_weight = torch.autograd.grad(values.sum() + image.real.sum(), (rows, weights))
    assert by_row.shape == (0, 8)
    assert not by_weight.any()
    jacobians = z_jacobians(program, rows, weights, [0, 1])
    assert jacobians.inputs is not None
    assert jacobians.weights is not None
    assert (jacobians.inputs.shape, jacobians.weights.shape) == ((0, 2, 8), (0, 2, program.num_weights))


def test_a_circuit_without_walls(backend: str) -> None:
    circuit = qvc(3, 0)
    circuit.cz(0, 2)
    program, rows = compile_circuit(circuit), samples(2, 3, torch.float64)
    weights = torch.zeros(0, dtype=torch.float64, requires_grad=True)
    values = z_expectations(program, rows, weights, [0, 1, 2])
    identity = z_expectations(compile_circuit(qvc(3, 0)), rows, weights, [0, 1, 2])
    assert same_values(values, identity)
    (gradient,) = torch.autograd.grad(values.sum(), weights)
    assert gradient.shape == (0,)


def test_the_backward_pass_can_run_twice(backend: str) -> None:
    circuit = qvc(3, 2)
    rows, weights = samples(4, 3, torch.float64).requires_grad_(), weights_for(circuit).requires_grad_()
    loss = z_expectations(compile_circuit(circuit), rows, weights, [0]).sum()
    first = torch.autograd.grad(loss, (rows, weights), retain_graph=True)
    second = torch.autograd.grad(loss, (rows, weights))
    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))


def kept_for_backward(layers: int) -> tuple[int, int]:
    """How many tensors of a state's size, and how many numbers besides the angles, autograd keeps."""
    circuit = qvc(4, layers)
    program, sizes = compile_circuit(circuit), []
    rows, weights = samples(16, 4, torch.float64).requires_grad_(), weights_for(circuit).requires_grad_()

    def record(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        z_expectations(program, rows, weights, [0, 1])
    angle_like = {program.num_angles, len(program.rows), program.num_weights}
    return sum(size >= rows.numel() for size in sizes if size not in angle_like), sum(
        size for size in sizes if size not in angle_like
    )


def test_memory_does_not_grow_with_depth(backend: str) -> None:
    states, numbers = kept_for_backward(3)
    assert states == 2  # what came in, for derivatives of higher order, and what came out
    assert kept_for_backward(60) == (states, numbers)


@pytest.mark.parametrize("num_qubits", [6, 10])
def test_single_precision_holds_through_200_layers(backend: str, num_qubits: int) -> None:
    circuit = qvc(num_qubits, 200)
    program, results = compile_circuit(circuit), {}
    for dtype in (torch.float64, torch.float32):
        rows = samples(2, num_qubits, torch.float64).to(dtype).requires_grad_()
        weights = weights_for(circuit).float().to(dtype).requires_grad_()
        values = z_expectations(program, rows, weights, range(num_qubits))
        factors = torch.linspace(-1, 1, values.numel(), dtype=dtype).reshape(values.shape)
        results[dtype] = (values.detach(), *torch.autograd.grad((values * factors).sum(), (rows, weights)))
    assert same_values(results[torch.float32][0], results[torch.float64][0])
    for single, double in zip(results[torch.float32][1:], results[torch.float64][1:], strict=True):
        assert same_gradients(single, double)


@pytest.mark.parametrize(
    ("circuit", "dtype"),
    [(qvc(2, 2), torch.float64), (qvc(2, 2), torch.complex128), (mixed(2), torch.float64)],
    ids=["qvc", "qvc-complex", "mixed"],
)
def test_second_derivatives(backend: str, circuit: QuantumCircuit, dtype: torch.dtype) -> None:
    """Against central differences of the gradient along random directions; whatever requires a gradient."""
    program, rows = compile_circuit(circuit), samples(2, 2, dtype).requires_grad_()
    weights = weights_for(circuit, scale=1.0).requires_grad_()
    fixed_rows, fixed_weights = rows.detach(), weights.detach()
    check = partial(torch.autograd.gradgradcheck, fast_mode=True)
    assert check(lambda a, b: z_expectations(program, a, b, [1, 0]), (rows, weights))
    assert check(lambda a, b: torch.view_as_real(evolve(program, a, b)), (rows, weights))
    assert check(lambda a: z_expectations(program, a, fixed_weights, [1]), (rows,))
    assert check(lambda b: z_expectations(program, fixed_rows, b, [1]), (weights,))


def test_a_hessian_whose_cotangent_needs_no_gradient(backend: str) -> None:
    """⟨Z⟩ of RY(w) on the state at angle x is cos(w + x), and its mean over angles has the second derivative −cos."""
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("w"), 0)
    angles = torch.tensor([0.3, 1.2, -2.0], dtype=torch.float64)
    rows = torch.zeros(3, 4, dtype=torch.float64)
    rows[:, 0], rows[:, 1] = (angles / 2).cos(), (angles / 2).sin()
    weights = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    program = compile_circuit(circuit)
    (slope,) = torch.autograd.grad(z_expectations(program, rows, weights, [0]).sum(), weights, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, weights, create_graph=True)
    (third,) = torch.autograd.grad(curvature, weights)
    assert same_gradients(slope, -(0.7 + angles).sin().sum()[None])
    assert same_gradients(curvature, -(0.7 + angles).cos().sum()[None])
    assert same_gradients(third, (0.7 + angles).sin().sum()[None])
