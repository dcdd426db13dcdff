"""The connector in the place of a TorchConnector, and its collapsed matrix."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import StatevectorEstimator
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.exceptions import QiskitMachineLearningError
from qiskit_machine_learning.neural_networks import EstimatorQNN
from torch import Tensor, nn

from qaml_qiskit.attacks import frozen
from qaml_qiskit.circuits import Ladder
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, AdjointConnector, AmplitudeQNN, QVCConfig
from tests.tolerances import DIFFERENT, GRADIENT, ROUNDED, VALUE
from tests.unit.simulation.simulation_cases import samples

SINGLE, DOUBLE = torch.float32, torch.float64


def network(num_qubits: int = 2, layers: int = 2, outputs: int = 2) -> AmplitudeQNN:
    return AmplitudeQNN(Ladder(num_qubits, layers).circuit(), 2**num_qubits, range(outputs))


def features(count: int = 5, size: int = 4, dtype: torch.dtype = SINGLE) -> Tensor:
    return (torch.rand(count, size, generator=torch.Generator().manual_seed(6)) + 0.1).to(dtype)


@pytest.mark.parametrize(
    "given",
    [lambda w: w, lambda w: w.tolist(), lambda w: tuple(w.tolist()), lambda w: w.numpy(), lambda w: w.double()],
    ids=["tensor", "list", "tuple", "array", "double"],
)
def test_initial_weights_of_every_kind(given: Callable[[Tensor], object]) -> None:
    weights = torch.linspace(-1, 1, 12)
    ours = AdjointConnector(network(), given(weights))
    theirs = TorchConnector(network(), weights.numpy())
    assert torch.equal(ours.weight, theirs.weight)
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_without_initial_weights_they_are_drawn_as_the_parent_draws_them() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theirs = TorchConnector(network())
        torch.manual_seed(1)
        ours = AdjointConnector(network())
    assert torch.equal(ours.weight, theirs.weight)
    assert ours.weight.abs().max() <= 1


@pytest.mark.parametrize("shape", [(4,), (1, 4), (6, 4)])
def test_small_networks_give_exactly_what_a_stock_connector_gives(shape: tuple[int, ...]) -> None:
    """Values and gradients agree to the last rounding, although ours is one product and theirs are Jacobians."""
    weights = torch.linspace(-1, 1, 12).numpy()
    inputs = features(6).flatten()[: int(np.prod(shape))].reshape(shape)
    found = []
    for kind in (TorchConnector, AdjointConnector):
        connector, point = kind(network(), weights), inputs.clone().requires_grad_()
        output = connector(point)
        (output * torch.arange(1.0, 1 + output.numel()).reshape(output.shape)).sum().backward()
        found.append((output.detach(), point.grad, connector.weight.grad))
    for theirs, ours in zip(*found, strict=True):
        assert ours.dtype == SINGLE
        assert (theirs - ours).abs().max() <= ROUNDED * theirs.abs().max()


def test_outputs_are_the_networks_own() -> None:
    connector = AdjointConnector(network())
    own = connector.neural_network.forward(features().numpy(), connector.weight.detach().numpy())
    assert torch.equal(connector(features()).detach(), torch.as_tensor(own, dtype=SINGLE))


@pytest.mark.parametrize("wrong", [None, torch.tensor(1.0), torch.ones(3), torch.ones(2, 5), torch.zeros(2, 4)])
def test_its_errors_are_those_of_qiskit_machine_learning_and_ours(wrong: Tensor | None) -> None:
    connector = AdjointConnector(network())
    for kind in (QiskitMachineLearningError, InputError):
        with pytest.raises(kind, match="expected"):
            connector(wrong)
    with pytest.raises(QiskitMachineLearningError):
        connector.neural_network.forward(None, connector.weight.detach().numpy())
    with pytest.raises(QiskitMachineLearningError):
        connector.neural_network.backward(np.zeros((1, 4)), connector.weight.detach().numpy())


@pytest.mark.parametrize("wrong", [[0.1], np.zeros((12, 1)), np.full(12, np.nan), np.full(12, np.inf)])
def test_initial_weights_that_do_not_fit(wrong: object) -> None:
    with pytest.raises(QiskitMachineLearningError, match="initial weights"):
        AdjointConnector(network(), wrong)


def test_a_dense_network_makes_no_sparse_connector() -> None:
    with pytest.raises(QiskitMachineLearningError, match="sparse"):
        AdjointConnector(network(), sparse=True)


def test_other_networks_are_left_to_the_parent() -> None:
    inner, angle = QuantumCircuit(1), (Parameter("x"), Parameter("w"))
    inner.ry(angle[0], 0)
    inner.rx(angle[1], 0)
    qnn = EstimatorQNN(
        circuit=inner,
        estimator=StatevectorEstimator(),
        input_params=[angle[0]],
        weight_params=[angle[1]],
        input_gradients=True,
        default_precision=0.0,
    )
    found = []
    for kind in (TorchConnector, AdjointConnector):
        connector, point = kind(qnn, [0.4]), torch.tensor([[0.3], [0.8]], requires_grad=True)
        connector(point).sum().backward()
        found.append((point.grad, connector.weight.grad))
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


def test_a_hybrid_model_has_the_same_gradients_in_a_batch_and_one_by_one() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), AdjointConnector(network()), nn.Linear(2, 1))
    inputs = features(5, 3)
    model(inputs).square().sum().backward()
    together = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    sum(model(row).square().sum() for row in inputs).backward()
    for parameter, gradient in zip(model.parameters(), together, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=GRADIENT[SINGLE])


def test_it_survives_a_copy_and_a_cast() -> None:
    connector = AdjointConnector(network())
    with frozen(connector):
        connector(features())
    double = copy.deepcopy(connector).double()
    assert double(features(dtype=DOUBLE)).dtype == DOUBLE
    assert torch.allclose(double(features()).float(), connector(features()), atol=VALUE[SINGLE])
    with frozen(double):
        assert torch.allclose(double(features(dtype=DOUBLE)).float(), connector(features()), atol=VALUE[SINGLE])


def deep() -> QVC:
    return QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=8), 2)


def images() -> Tensor:
    return features(5, 16).reshape(5, 1, 4, 4)


def by_data(model: QVC, new: Tensor) -> None:
    model.weight.data = new


def by_data_in_place(model: QVC, new: Tensor) -> None:
    model.weight.data.copy_(new)


def by_vector(model: QVC, new: Tensor) -> None:
    nn.utils.vector_to_parameters(new, model.parameters())


def by_numpy(model: QVC, new: Tensor) -> None:
    model.weight.detach().numpy()[:] = new.numpy()


def by_average(model: QVC, new: Tensor) -> None:
    old = model.weight.detach().clone()
    model.weight.data.mul_(0.5).add_(new - 0.5 * old)


def by_state(model: QVC, new: Tensor) -> None:
    model.load_state_dict(dict.fromkeys(model.state_dict(), new))


def by_another_parameter(model: QVC, new: Tensor) -> None:
    model.connector.weight = nn.Parameter(new, requires_grad=False)


@pytest.mark.parametrize(
    "write", [by_data, by_data_in_place, by_vector, by_numpy, by_average, by_state, by_another_parameter]
)
def test_new_weights_are_noticed_however_they_were_written(write: Callable[[QVC, Tensor], None]) -> None:
    model, new = deep().requires_grad_(False), torch.linspace(-2, 2, deep().config.num_weights)
    before = model(images())
    write(model, new)
    after = model(images())
    fresh = deep()
    by_data(fresh, new)
    assert (before - after).abs().max() > DIFFERENT
    assert (after - fresh(images())).abs().max() < model.config.logit_scale * VALUE[SINGLE]
    assert len({kept.data_ptr() for kept in model.state_dict().values()}) == 1


def test_the_matrix_is_made_once_for_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    made, model = [], deep().requires_grad_(False)
    from qaml_qiskit.models import connector

    original = connector.collapse
    monkeypatch.setattr(connector, "collapse", lambda *given: made.append(1) or original(*given))
    for _ in range(3):
        model(images())
    assert len(made) == 1


def test_a_matrix_made_in_inference_mode_serves_a_backward_pass() -> None:
    model = deep().requires_grad_(False)
    with torch.inference_mode():
        quiet = model(images())
    point = images().requires_grad_()
    output = model(point)
    output.sum().backward()
    assert torch.equal(output.detach(), quiet)
    assert point.grad is not None
    assert point.grad.abs().max() > 0


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_states_collapse_to_the_same_values(dtype: torch.dtype) -> None:
    real = dtype.to_real()
    connector = AdjointConnector(network(4, 6, 3)).to(real)
    states = samples(5, 4, dtype)
    layers = connector(states).detach()
    point = states.clone().requires_grad_()
    with frozen(connector):
        collapsed = connector(point)
        collapsed.sum().backward()
    assert connector._collapsed is not None
    assert (collapsed.detach() - layers).abs().max() < VALUE[real]
    again = states.clone().requires_grad_()
    connector(again).sum().backward()
    assert (point.grad - again.grad).abs().max() < GRADIENT[real]
