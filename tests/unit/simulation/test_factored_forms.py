"""Values and gradients of a collapsed circuit: against the circuit, finite differences, and torch at every level."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from qaml_qiskit.simulation import (
    FactoredForms,
    collapse,
    compile_circuit,
    use_backend,
    z_expectations,
)
from qaml_qiskit.simulation.heisenberg import NoisyObservables
from qaml_qiskit.simulation.panels import Panels
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, GRADIENT, VALUE
from tests.unit.simulation.kernel_cases import at_every_level, needs_kernel
from tests.unit.simulation.simulation_cases import close, one_thread, qvc, same_gradients, same_values, samples

_one_thread = pytest.fixture(autouse=True)(one_thread)

precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def norms(vectors: Tensor) -> Tensor:
    """What the forms ask for where the kernel does not compute it; refuses as an encoding does."""
    found = torch.linalg.vector_norm(vectors, dim=1, keepdim=True)
    if not bool((found > 0).all() & found.isfinite().all()):
        raise ZeroDivisionError
    return found


def drawn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Seeded normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def some_forms(pixels: int = 13, rows: int = 22, count: int = 3, dtype: torch.dtype = torch.float64) -> FactoredForms:
    """Forms whose sizes fit no vector and no tile."""
    return FactoredForms(drawn(pixels, rows, dtype=dtype), drawn(rows, count, dtype=dtype, seed=1).sign())


def both(forms: Callable[[Tensor], Tensor], vectors: Tensor, cotangent: Tensor) -> tuple[Tensor, Tensor]:
    """Values and the gradient."""
    point = vectors.clone().requires_grad_()
    values = forms(point)
    (gradient,) = torch.autograd.grad(values, point, cotangent.to(values.dtype))
    return values.detach(), gradient


def by_definition(forms: FactoredForms) -> Callable[[Tensor], Tensor]:
    """The forms as they are written."""
    factor, signs = forms.factor, forms.signs
    return lambda x: ((x / x.norm(dim=1, keepdim=True)) @ factor.to(x.dtype)).square() @ signs.to(x.dtype)


@settings(max_examples=15)
@given(
    num_qubits=st.integers(1, 12),
    batch=st.integers(1, 70),
    double=st.booleans(),
    black=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
@example(num_qubits=10, batch=70, double=False, black=0.0, seed=0)
@example(num_qubits=12, batch=1, double=True, black=0.5, seed=0)
def test_a_collapsed_circuit_is_the_circuit(num_qubits: int, batch: int, double: bool, black: float, seed: int) -> None:
    dtype = torch.float64 if double else torch.float32
    program, size = compile_circuit(qvc(num_qubits, 2)), min(600, max(1, 3 * 2**num_qubits // 4))
    weights = drawn(program.num_weights, dtype=dtype, seed=seed)
    readings = [0, num_qubits - 1, tuple(range(num_qubits))]
    images = drawn(batch, size, dtype=dtype, seed=seed + 1).abs()
    images[:, : int(black * (size - 1))] = 0
    cotangent = drawn(batch, len(readings), seed=seed + 2)
    forms = collapse(program, weights, readings, size)

    def circuit(point: Tensor) -> Tensor:
        states = torch.nn.functional.pad(point / norms(point), (0, 2**num_qubits - size))
        return z_expectations(program, states, weights, readings)

    found, expected = (both(way, images, cotangent) for way in (lambda point: forms.values(point, norms), circuit))
    assert same_values(found[0], expected[0])
    assert same_gradients(found[1], expected[1])


@given(batch=st.integers(1, 9), pixels=st.integers(2, 40), rows=st.integers(1, 70), count=st.integers(1, 12))
def test_the_gradient_is_that_of_finite_differences(batch: int, pixels: int, rows: int, count: int) -> None:
    forms, vectors = some_forms(pixels, rows, count), drawn(batch, pixels, seed=3)
    cotangent, direction = drawn(batch, count, seed=4), drawn(batch, pixels, seed=5)

    def loss(step: float) -> Tensor:
        return (forms.values(vectors + step * direction, norms) * cotangent).sum(1)

    slope = (loss(DIFFERENCE_STEP) - loss(-DIFFERENCE_STEP)) / (2 * DIFFERENCE_STEP)
    _, gradient = both(lambda point: forms.values(point, norms), vectors, cotangent)
    assert close((gradient * direction).sum(1), slope, FINITE_DIFFERENCE)


@needs_kernel
@precisions
@settings(max_examples=12)
@given(
    batch=st.integers(1, 70),
    pixels=st.integers(1, 60) | st.integers(1000, 1100),
    rows=st.integers(1, 60) | st.integers(1000, 1100),
    count=st.integers(1, 20),
    black=st.floats(0, 1),
    of_a_pair=st.booleans(),
)
@example(batch=1, pixels=1, rows=1, count=1, black=0.0, of_a_pair=False)
@example(batch=3, pixels=50, rows=1100, count=12, black=0.0, of_a_pair=False)
@example(batch=65, pixels=1100, rows=50, count=8, black=0.0, of_a_pair=True)
@example(batch=16, pixels=1100, rows=1100, count=2, black=0.5, of_a_pair=True)
def test_every_instruction_set_agrees(
    dtype: torch.dtype, batch: int, pixels: int, rows: int, count: int, black: float, of_a_pair: bool
) -> None:
    """Also with pixels that are zero in every image, and squares that no loss asks about, which are left out."""
    forms, vectors = some_forms(pixels, rows, count, dtype), drawn(batch, pixels, dtype=dtype, seed=6)
    vectors[:, : round(black * (pixels - 1))] = 0
    cotangent = drawn(batch, count, seed=7)
    if of_a_pair and count > 1:
        cotangent[:, 1:-1] = 0
        cotangent[:, -1] = -cotangent[:, 0]
    exact = FactoredForms(forms.factor.double(), forms.signs.double())
    values, gradient = both(by_definition(exact), vectors.double(), cotangent)
    for kernel in at_every_level():
        found = both(lambda point: forms.values(point, norms), vectors, cotangent)
        assert close(found[0].double(), values, VALUE[dtype])
        assert close(found[1].double(), gradient, GRADIENT[dtype])
        assert torch.equal(forms.values(vectors, norms), found[0])
        product = Panels.of(kernel, forms.factor).product(vectors)
        assert close(product.double(), vectors.double() @ exact.factor, VALUE[dtype])


@needs_kernel
@precisions
def test_nothing_depends_on_the_batch_or_the_threads(dtype: torch.dtype) -> None:
    forms, vectors, cotangent = some_forms(100, 1500, 4, dtype), drawn(150, 100, dtype=dtype), drawn(150, 4)
    vectors[::3, :90] = 0  # so that some batches leave pixels out
    whole = both(lambda point: forms.values(point, norms), vectors, cotangent)
    rows = [slice(0, 1), slice(3, 4), slice(1, 60), slice(60, 150)]
    for some in rows:
        part = both(lambda point: forms.values(point, norms), vectors[some], cotangent[some])
        assert all(torch.equal(a, b[some]) for a, b in zip(part, whole, strict=True))
    torch.set_num_threads(3)
    again = both(lambda point: forms.values(point, norms), vectors, cotangent)
    assert all(torch.equal(a, b) for a, b in zip(again, whole, strict=True))
    with torch.inference_mode():
        assert torch.equal(forms.values(vectors, norms), whole[0])


@precisions
def test_one_pair_of_classes_takes_the_squares_that_tell_them_apart(dtype: torch.dtype) -> None:
    program = compile_circuit(qvc(5, 3))
    forms = collapse(program, drawn(program.num_weights, dtype=dtype), range(5), 24)
    cotangent = torch.tensor([[1.0, 0, 0, -1, 0]])
    found, expected = (
        both(way, drawn(1, 24, dtype=dtype, seed=8), cotangent)
        for way in (lambda point: forms.values(point, norms), by_definition(forms))
    )
    assert same_gradients(found[1], expected[1])
    nothing = both(lambda point: forms.values(point, norms), drawn(2, 24, dtype=dtype), torch.zeros(2, 5))
    assert not nothing[1].any()


# Forward mode makes torch load what it has deprecated itself.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_derivatives_of_every_other_kind() -> None:
    forms, vectors = some_forms(5, 9, 2), drawn(3, 5, seed=9)
    written, values = by_definition(forms), lambda x: forms.values(x, norms)
    assert torch.autograd.gradcheck(values, vectors.clone().requires_grad_())
    assert torch.autograd.gradgradcheck(values, vectors.clone().requires_grad_())
    jacobians = [torch.autograd.functional.jacobian(way, vectors, vectorize=True) for way in (values, written)]
    assert same_gradients(*jacobians)
    for ahead in ("forward-mode", "reverse-mode"):
        options = {"strategy": ahead, "vectorize": True}
        assert same_gradients(torch.autograd.functional.jacobian(values, vectors, **options), jacobians[1])
    assert same_gradients(torch.func.jacrev(torch.func.jacfwd(values))(vectors), torch.func.hessian(written)(vectors))
    single = torch.func.vmap(lambda x: forms.values(x[None], lambda v: v.norm(dim=1, keepdim=True))[0])(vectors)
    assert same_values(single, written(vectors))


def test_vectors_of_every_other_kind() -> None:
    forms, vectors = some_forms(8, 20, 4), drawn(6, 8, seed=10)
    expected = by_definition(forms)(vectors)
    assert same_values(forms.values(drawn(6, 16, seed=0).copy_(vectors.repeat(1, 2))[:, :8], norms), expected)
    assert same_values(forms.values(vectors.T.contiguous().T, norms), expected)
    assert forms.values(vectors[:0], norms).shape == (0, 4)
    assert same_values(forms.values(vectors.float(), norms), expected.float())
    assert same_values(forms.values(vectors * 2.0**200, norms), expected)
    # Real and imaginary part of the matrix are halves of the factor.
    matrix = torch.complex(*forms.factor.chunk(2, dim=1)).T
    states = samples(6, 3, torch.complex128)
    complex_values = (states @ matrix.T).abs().square() @ forms.signs[:10]
    twice = FactoredForms(forms.factor, forms.signs[:10].repeat(2, 1))
    assert same_values(twice.values(states, lambda v: v.norm(dim=1, keepdim=True)), complex_values)


@pytest.mark.parametrize("wrong", [0.0, torch.inf, torch.nan, 1e200])
@pytest.mark.parametrize("backend", ["auto", "torch"])
def test_vectors_without_direction_are_refused(backend: str, wrong: float) -> None:
    forms, vectors = some_forms(), drawn(70, 13, seed=11)
    vectors[67] = wrong
    for point in (vectors, vectors.clone().requires_grad_()):
        with use_backend(backend), pytest.raises(ZeroDivisionError):
            forms.values(point, norms)


def test_copies_compute_the_same() -> None:
    forms, vectors = some_forms(), drawn(4, 13, seed=12)
    before = forms.values(vectors, norms)
    for twin in (copy.deepcopy(forms), pickle.loads(pickle.dumps(forms))):
        assert torch.equal(twin.values(vectors, norms), before)


@precisions
def test_noisy_observables_in_the_kernel_and_in_torch(dtype: torch.dtype) -> None:
    matrices = drawn(3, 16, 16, dtype=dtype, seed=13)
    observables = NoisyObservables((0, 1, 2), matrices + matrices.mT)
    states, cotangent = samples(9, 4, dtype), drawn(9, 3, seed=14)
    states[:, 10:] = 0
    found = both(observables.expectations, states, cotangent)
    with use_backend("torch"):
        expected = both(observables.expectations, states, cotangent)
        assert same_values(observables.expectations(states), expected[0])
    assert same_values(found[0], expected[0])
    assert same_gradients(found[1], expected[1])
    assert torch.equal(observables.expectations(states), found[0])
    for twin in (copy.deepcopy(observables), pickle.loads(pickle.dumps(observables))):
        assert torch.equal(twin.expectations(states), found[0])
    point = states.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(observables.expectations, point) if dtype == torch.float64 else True
