"""Drawn noise layers: folded into the rotations behind them, and right where the fold is singular."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qaml_qiskit.circuits import ANSAETZE
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.models import QVC
from qaml_qiskit.models.drawn import DrawnCircuit
from qaml_qiskit.models.folding import Folds
from tests.tolerances import GRADIENT, SINGULAR_GRADIENT, VALUE
from tests.unit.models.noise_layer_cases import SHAPE, L, N, qvc


@pytest.fixture
def images(generator: torch.Generator) -> torch.Tensor:
    torch.manual_seed(2)
    return torch.rand(3, *SHAPE, generator=generator) * 0.98 + 0.01


@given(st.lists(st.floats(-7, 7), min_size=4, max_size=4))
def test_a_rotation_in_front_of_a_rotation_is_folded_into_it(angles: list[float]) -> None:
    """As matrices, the sign included; b' is from 0 to π."""
    a, b, c, nu = angles
    folds = Folds(np.array([0]), np.array([[0], [1], [2]]))
    values, _ = folds.values(*(torch.tensor(each, dtype=torch.float64) for each in ([a, b, c], [nu], [[1.0]])))
    turned, tilted, after = values[4:].tolist()
    assert 0 <= tilted <= math.pi
    whole, apart = QuantumCircuit(1), QuantumCircuit(1)
    apart.ry(nu, 0)
    for circuit, (first, second, third) in ((whole, (turned, tilted, after)), (apart, (a, b, c))):
        circuit.rz(first, 0)
        circuit.ry(second, 0)
        circuit.rz(third, 0)
    for basis in (0, 1):
        found = Statevector.from_int(basis, 2).evolve(whole).data - Statevector.from_int(basis, 2).evolve(apart).data
        assert np.abs(found).max() < VALUE[torch.float64]


def test_gradients_of_the_fold_to_any_order(generator: torch.Generator) -> None:
    """Weights and angles that several rotations share among them."""
    rotations = np.random.default_rng(1).integers(0, 9, (3, 6))
    folds = Folds(np.array([0, 1, 2, 4, 5, 7]), rotations)
    weights, scales, noise = (torch.randn(shape, generator=generator).double() for shape in ((9,), (4,), (4, 2)))

    def values(weights: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
        return folds.values(weights, scales, noise)[0]

    inputs = weights.requires_grad_(), scales.requires_grad_()
    assert torch.autograd.gradcheck(values, inputs)
    assert torch.autograd.gradgradcheck(values, inputs)


@pytest.mark.parametrize("ansatz", sorted(ANSAETZE.parts()))
def test_drawn_layers_are_the_circuit_with_these_angles(images: torch.Tensor, ansatz: str) -> None:
    """Values against Qiskit, gradients against the circuit with its noise as gates."""
    model = qvc(ansatz=ansatz).double()
    angles = model.draw().detach().requires_grad_()
    found = model.drawn_logits(images.double(), angles) / model.config.logit_scale
    free = model.ansatz(noise_layers="angles")
    numbers = angles.detach().flatten()
    bound = free.assign_parameters({each: float(numbers[each.index]) for each in free.parameters})
    for image, z in zip(amplitudes(images.double(), N).numpy(), found, strict=True):
        state = Statevector(image).evolve(bound)
        probabilities = state.probabilities()
        index = np.arange(2**N)
        expected = [(probabilities * (1 - 2 * (index >> qubit & 1))).sum() for qubit in range(2)]
        assert np.abs(z.detach().numpy() - expected).max() < VALUE[torch.float64]
    gradients = torch.autograd.grad(found.sin().sum(), (model.weight, angles))
    apart = torch.autograd.grad(_apart(model, images.double(), angles).sin().sum(), (model.weight, angles))
    for one, other in zip(gradients, apart, strict=True):
        assert (one - other).abs().max() < GRADIENT[torch.float64]


def _apart(model: QVC, images: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """⟨Z⟩ with the noise as gates of its own."""
    network = DrawnCircuit(model.config.build_ansatz(), model.features(images).shape[1], model.readout.strings).apart
    return network.expectations(model.features(images), torch.cat([model.weight, angles.flatten()]))


@pytest.mark.parametrize("tilt", [0.0, 1e-7, 1e-5, 1.1e-4, 1e-2, math.pi - 1e-2, math.pi - 1.1e-4, math.pi])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_near_singular_points_are_right(images: torch.Tensor, tilt: float, dtype: torch.dtype) -> None:
    """RY of 0 and of π, in front of which the noise turns little or not at all."""
    # On four qubits single precision is run in double.
    wide, images = {"ansatz": "ladder", "image_shape": (1, 4, 8)}, torch.cat([images, images.flip(2)], dim=3)
    model, double = qvc(**wide).to(dtype), qvc(**wide).double()
    with torch.no_grad():
        model.weight[1::3] = tilt
    double.load_state_dict(model.state_dict())
    for size in (0.0, 1e-6, 1e-4, 1e-2):
        angles = (size * model.draw()).detach().requires_grad_()
        found = model.drawn_logits(images.to(dtype), angles) / model.config.logit_scale
        gradients = torch.autograd.grad(found.sin().sum(), (model.weight, angles))
        exact = angles.detach().double().requires_grad_()
        sines = _apart(double, images.to(dtype).double(), exact).sin().sum()
        for one, other in zip(gradients, torch.autograd.grad(sines, (double.weight, exact)), strict=True):
            assert (one - other).abs().max() < SINGULAR_GRADIENT[dtype]


def test_a_singular_draw_takes_the_other_way(images: torch.Tensor) -> None:
    model = qvc(ansatz="ladder", init_std=0.0)
    folds = DrawnCircuit(model.config.build_ansatz(), 2**N, model.readout.strings).folds
    noise = torch.zeros(L, N)
    assert folds.values(model.weight, model.betas, noise)[1]
    assert not folds.values(model.weight, model.betas, noise + 0.1)[1]
    loss = model.train().drawn_logits(images, noise).square().sum()
    loss.backward()
    assert model.weight.grad is not None
    assert model.weight.grad.isfinite().all()


def test_what_is_folded_costs_no_gate() -> None:
    """Every noise layer in front of rotations of weights, and in front of RY, vanishes in what the engine runs."""
    for name in ANSAETZE.parts():
        ansatz = ANSAETZE[name](N, L)
        plain = qvc(None, name).connector.neural_network.program
        drawn = DrawnCircuit(ansatz, 2**N, ((0,),))
        assert drawn.together.program.num_walls == plain.num_walls, name
