import itertools
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector
from qiskit.transpiler import CouplingMap, generate_preset_pass_manager

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.encodings import ApproximateEncoding, amplitudes, choose_layers
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import (
    DIFFERENCE_STEP,
    DIFFERENT,
    DIGITS_FIDELITY,
    FIT_DERIVATIVE,
    IMAGES_FIDELITY,
    VALUE,
)

EXACT = VALUE[torch.float64]


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    """60 test images of 8×8 pixels, (60, 1, 8, 8)."""
    return torch.from_numpy(load_dataset("digits").test.images[:60]).double()


def circuit_states(encoding: ApproximateEncoding, images: torch.Tensor) -> torch.Tensor:
    rows = encoding.angles(images).numpy()
    states = np.stack([Statevector(encoding.circuit.assign_parameters(row)).data for row in rows])
    assert np.abs(states.imag).max() == 0
    return torch.from_numpy(states.real)


@pytest.mark.parametrize(("num_qubits", "layers"), [(2, 1), (2, 3), (3, 1), (3, 2), (4, 3), (5, 2), (7, 1), (10, 3)])
def test_circuit_prepares_the_state(num_qubits: int, layers: int, generator: torch.Generator) -> None:
    """With signs: negative pixels are encoded as they are."""
    images = torch.randn(3, 2**num_qubits, generator=generator, dtype=torch.float64)
    encoding = ApproximateEncoding(num_qubits, layers, order="flat", sweeps=2)
    states = encoding.state(images)
    assert (circuit_states(encoding, images) - states).abs().max() < EXACT
    wanted = images / images.norm(dim=1, keepdim=True)
    assert torch.allclose(encoding.fidelity(images), (wanted * states).sum(1) ** 2)


def test_circuit_prepares_the_digits(digits: torch.Tensor) -> None:
    encoding = ApproximateEncoding(6, 2)
    assert (circuit_states(encoding, digits[:20]) - encoding.state(digits[:20])).abs().max() < EXACT


@given(
    st.integers(2, 5).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.floats(-1, 1), min_size=1, max_size=2**n))),
    st.integers(1, 2),
)
def test_any_vector_gives_a_state_and_no_nan(case: tuple[int, list[float]], layers: int) -> None:
    num_qubits, values = case
    features = torch.tensor([values], dtype=torch.float64)
    assume(float(torch.linalg.vector_norm(features)) > DIFFERENT)
    encoding = ApproximateEncoding(num_qubits, layers, order="flat", sweeps=1)
    state = encoding.state(features)
    assert torch.isfinite(encoding.angles(features)).all()
    assert abs(float(state.norm()) - 1) < EXACT
    assert (circuit_states(encoding, features) - state).abs().max() < EXACT


@pytest.mark.parametrize("num_qubits", [2, 3, 6, 9])
def test_what_one_layer_can_prepare_is_prepared(num_qubits: int, generator: torch.Generator) -> None:
    """Basis states, constant images and product states have bond dimension 1; a product across the middle has 2."""
    size = 2**num_qubits
    half = 2 ** (num_qubits // 2)
    product = torch.ones(1, dtype=torch.float64)
    for _ in range(num_qubits):
        product = torch.outer(product, torch.randn(2, generator=generator, dtype=torch.float64)).flatten()
    crossed = torch.zeros(size, dtype=torch.float64)
    crossed[[0, half + 1]] = torch.tensor([0.6, -0.8], dtype=torch.float64)
    images = torch.stack(
        [*torch.eye(size)[[0, size // 3, size - 1]].double(), torch.ones(size).double(), product, crossed]
    )
    for sweeps in (0, 2):
        fidelity = ApproximateEncoding(num_qubits, 1, order="flat", sweeps=sweeps).fidelity(images)
        assert (fidelity - 1).abs().max() < EXACT


def test_two_qubits_are_exact(generator: torch.Generator) -> None:
    images = torch.randn(20, 4, generator=generator, dtype=torch.float64)
    assert (ApproximateEncoding(2, 1, order="flat", sweeps=0).fidelity(images) - 1).abs().max() < EXACT


def test_a_batch_is_its_images_one_by_one(generator: torch.Generator) -> None:
    images = torch.rand(70, 1, 28, 28, generator=generator, dtype=torch.float64)  # more than are fitted together
    encoding = ApproximateEncoding(10, 2, sweeps=1)
    picked = [0, 31, 63, 64, 69]
    alone = torch.cat([encoding.angles(images[i : i + 1]) for i in picked])
    assert (encoding.angles(images)[picked] - alone).abs().max() < EXACT


def test_sweeps_never_lower_the_fidelity(digits: torch.Tensor) -> None:
    means = [ApproximateEncoding(6, 2, sweeps=sweeps).fidelity(digits) for sweeps in (0, 1, 2, 4, 8)]
    for before, after in itertools.pairwise(means):
        assert (after - before).min() > -EXACT
    assert means[-1].mean() > means[0].mean() + DIFFERENT


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_fidelity_on_the_digits(digits: torch.Tensor, layers: int) -> None:
    assert ApproximateEncoding(6, layers).fidelity(digits).mean() > DIGITS_FIDELITY[layers]


def test_gray_order_pays(digits: torch.Tensor) -> None:
    flat, gray = (ApproximateEncoding(6, 1, order=order).fidelity(digits).mean() for order in ("flat", "gray"))
    assert gray > flat + DIFFERENT


@pytest.mark.skipif("QAML_DATA_DIR" not in os.environ, reason="QAML_DATA_DIR does not say where the data sets are")
@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_fidelity_on_full_images(name: str) -> None:
    images = load_dataset(name, data_dir=Path(os.environ["QAML_DATA_DIR"])).test.images[:40]
    assert ApproximateEncoding(10, 3).fidelity(torch.from_numpy(images)).mean() > IMAGES_FIDELITY[name]


@pytest.mark.parametrize("device", ["line", "heavy-hex"])
@pytest.mark.parametrize(("num_qubits", "layers"), [(10, 1), (10, 3), (10, 6), (6, 2), (7, 2), (2, 1)])
def test_compiled_gates_are_the_promised_ones(num_qubits: int, layers: int, device: str) -> None:
    """No SWAPs on a line: 18L − 1 CZ and two-qubit depth 4L + 5 for ten qubits."""
    coupling = CouplingMap.from_line(num_qubits) if device == "line" else CouplingMap.from_heavy_hex(3)
    passes = generate_preset_pass_manager(
        optimization_level=3, coupling_map=coupling, basis_gates=["rz", "sx", "x", "cz"], seed_transpiler=1
    )
    encoding = ApproximateEncoding(num_qubits, layers)
    gates = 2 * (num_qubits - 1) * layers - 1
    depth = gates if num_qubits == 2 else 4 * layers - 3 + 2 * (num_qubits - 1 - num_qubits // 2)
    for circuit in (encoding.circuit, passes.run(encoding.circuit)):
        assert circuit.count_ops()["cz"] == gates
        assert circuit.depth(lambda gate: len(gate.qubits) == 2) == depth
        assert set(circuit.parameters) == set(encoding.parameters)
    assert len(encoding.parameters) == num_qubits + 2 * gates


def test_circuit_is_a_copy() -> None:
    encoding = ApproximateEncoding(4, 1)
    encoding.circuit.x(0)
    assert "x" not in encoding.circuit.count_ops()


@pytest.mark.parametrize(
    ("shape", "layers", "sweeps"), [((2, 2), 1, 2), ((4, 4), 1, 3), ((4, 4), 2, 1), ((4, 8), 2, 0)]
)
def test_unrolled_derivative_is_the_derivative(
    shape: tuple[int, int], layers: int, sweeps: int, generator: torch.Generator
) -> None:
    images = torch.rand(3, *shape, generator=generator, dtype=torch.float64)
    assert_derivative(ApproximateEncoding(images[0].numel().bit_length() - 1, layers, sweeps=sweeps), images, generator)


def test_unrolled_derivative_holds_beside_black_pixels(digits: torch.Tensor, generator: torch.Generator) -> None:
    assert_derivative(ApproximateEncoding(6, 2, sweeps=2), digits[:4], generator)


def assert_derivative(encoding: ApproximateEncoding, images: torch.Tensor, generator: torch.Generator) -> None:
    """The derivative along a random direction, image by image, against central differences."""
    weights = torch.randn(2**encoding.num_qubits, generator=generator, dtype=torch.float64)
    direction = torch.randn(images.shape, generator=generator, dtype=torch.float64)
    leaf = images.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad((encoding.state(leaf) @ weights).sum(), leaf)
    step = DIFFERENCE_STEP
    ends = [encoding.state(images + sign * step * direction) @ weights for sign in (1, -1)]
    numeric = (ends[0] - ends[1]) / (2 * step)
    analytic = (gradient * direction).flatten(1).sum(1)
    assert ((analytic - numeric).abs() / numeric.abs().clamp(min=1)).max() < FIT_DERIVATIVE


def test_straight_through_passes_the_gradient_of_the_exact_amplitudes(digits: torch.Tensor) -> None:
    images = digits[:3].clone().requires_grad_(True)
    weights = torch.arange(64, dtype=torch.float64)
    estimate = ApproximateEncoding(6, 1, gradient="straight-through")
    state = estimate.state(images)
    (gradient,) = torch.autograd.grad((state @ weights).sum(), images)
    (exact,) = torch.autograd.grad((amplitudes(images, 6, "gray") @ weights).sum(), images)
    assert torch.equal(gradient, exact)
    assert (state - ApproximateEncoding(6, 1).state(digits[:3])).abs().max() < EXACT


def test_state_keeps_the_dtype(digits: torch.Tensor) -> None:
    encoding = ApproximateEncoding(6, 1, sweeps=1)
    assert encoding.state(digits[:2].float()).dtype == torch.float32
    assert encoding.angles(digits[:2].float()).dtype == torch.float64


def test_choose_layers_takes_the_smallest_template_that_reaches_the_threshold(digits: torch.Tensor) -> None:
    images, threshold, templates = digits[:20], 0.96, (1, 2)
    choice = choose_layers(images, threshold, templates, make=partial(ApproximateEncoding, 6, sweeps=2))
    table = torch.stack([ApproximateEncoding(6, layers, sweeps=2).fidelity(images) for layers in templates])
    for i in range(len(images)):
        enough = [layers for layers, fidelity in zip(templates, table[:, i], strict=True) if fidelity >= threshold]
        assert choice.layers[i] == (enough[0] if enough else templates[int(table[:, i].argmax())])
        assert abs(choice.fidelity[i] - table[templates.index(int(choice.layers[i])), i]) < EXACT
        assert bool(choice.reached[i]) == bool(enough)
    assert len(set(choice.layers.tolist())) == 2
    missed = [i for i in range(len(images)) if not choice.reached[i]]
    assert [row[0] for row in choice.missed] == missed
    assert all(fidelity < threshold for _, fidelity, _ in choice.missed)


def test_choose_layers_when_nothing_is_enough(generator: torch.Generator) -> None:
    noise = torch.randn(2, 8, 8, generator=generator, dtype=torch.float64)
    choice = choose_layers(noise, 1.0, (2, 1), make=partial(ApproximateEncoding, 6, sweeps=1))
    assert choice.layers.tolist() == [2, 2]
    assert [index for index, _, _ in choice.missed] == [0, 1]


@pytest.mark.parametrize(("threshold", "templates"), [(0.0, (1,)), (1.5, (1,)), (0.9, ())])
def test_choose_layers_checks_its_arguments(threshold: float, templates: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="cannot choose layers"):
        choose_layers(torch.ones(1, 2, 2), threshold, templates, make=partial(ApproximateEncoding, 2))


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_unusable_images_are_named(bad: float) -> None:
    images = torch.ones(3, 1, 4, 4)
    images[1] = bad
    encoding = ApproximateEncoding(4, 1)
    for compute in (encoding.angles, encoding.state, encoding.fidelity):
        with pytest.raises(InputError, match="image 1"):
            compute(images)


@pytest.mark.parametrize(("num_qubits", "layers", "sweeps"), [(1, 1, 1), (4, 0, 1), (4, 1, -1)])
def test_impossible_encodings_are_refused(num_qubits: int, layers: int, sweeps: int) -> None:
    with pytest.raises(ConfigurationError, match="cannot build an approximate encoding"):
        ApproximateEncoding(num_qubits, layers, sweeps=sweeps)


def test_second_derivatives_are_refused_not_wrong(digits: torch.Tensor) -> None:
    encoding = ApproximateEncoding(6, 1, sweeps=1)
    point = digits[:2].double().requires_grad_()
    (slope,) = torch.autograd.grad(encoding.state(point).square().sum(), point)
    assert slope.shape == point.shape
    with pytest.raises(InputError, match="differentiated once only"):
        torch.autograd.grad(encoding.state(point).sum(), point, create_graph=True)
