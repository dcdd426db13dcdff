"""The torch model against the circuit that it exports, against finite differences and against parameter shift."""

import numpy as np
import pytest
import torch
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator
from qiskit_machine_learning.connectors import TorchConnector

from qaml_qiskit.attacks import frozen
from qaml_qiskit.encodings import state_preparation
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, AmplitudeQNN, QVCConfig
from tests.tolerances import DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, GRADIENT, VALUE

CASES = [((1, 2, 2), 2, 1), ((1, 2, 3), 3, 2), ((1, 4, 4), 3, 3), ((3, 3, 3), 4, 2), ((1, 8, 8), 6, 5)]


def make(shape: tuple[int, int, int], classes: int, layers: int, dtype: torch.dtype = torch.float64) -> QVC:
    config = QVCConfig(image_shape=shape, num_classes=classes, num_layers=layers, init_std=1.0)
    return QVC(config, seed=layers).to(dtype)


def some_images(shape: tuple[int, int, int], dtype: torch.dtype = torch.float64, count: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    images = torch.rand(count, *shape, generator=generator, dtype=torch.float64)
    images[0, :, 0] = 0
    return images.to(dtype)


def circuit_expectations(model: QVC, images: torch.Tensor) -> np.ndarray:
    """⟨Z_k⟩ of the exported circuit by qiskit.quantum_info."""
    circuit = model.circuit().remove_final_measurements(inplace=False)
    n = model.config.num_qubits
    observables = [SparsePauliOp.from_sparse_list([("Z", [k], 1)], n) for k in range(model.config.num_classes)]
    rows = []
    for angles in model.encoding.angles(images):
        order = [parameter.index for parameter in circuit.parameters]
        state = Statevector(circuit.assign_parameters(angles[order].numpy()))
        rows.append([state.expectation_value(observable).real for observable in observables])
    return np.array(rows)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("shape", "classes", "layers"), CASES)
def test_logits_equal_those_of_the_exported_circuit(
    shape: tuple[int, int, int], classes: int, layers: int, dtype: torch.dtype
) -> None:
    model, images = make(shape, classes, layers, dtype), some_images(shape, dtype)
    ours = model.expectations(images).detach().double().numpy()
    assert np.abs(ours - circuit_expectations(model, images)).max() < VALUE[dtype]


@pytest.mark.parametrize(("shape", "classes", "layers"), CASES[-2:])
def test_logits_equal_aers_statevector(shape: tuple[int, int, int], classes: int, layers: int) -> None:
    model, images = make(shape, classes, layers), some_images(shape, count=2)
    n = model.config.num_qubits
    for image, ours in zip(images, model.expectations(images).detach().numpy(), strict=True):
        circuit = state_preparation(image, n).decompose(reps=8).compose(model.ansatz())
        circuit.save_statevector()
        probabilities = np.abs(AerSimulator(method="statevector").run(circuit).result().get_statevector()) ** 2
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(classes) & 1)
        assert np.abs(ours - probabilities @ signs).max() < VALUE[torch.float64]


def central_difference(function, point: torch.Tensor, picks: list[int]) -> np.ndarray:
    step, flat = DIFFERENCE_STEP, point.flatten()
    values = []
    for i in picks:
        ends = []
        for sign in (1, -1):
            moved = flat.clone()
            moved[i] += sign * step
            ends.append(function(moved.reshape(point.shape)).item())
        values.append((ends[0] - ends[1]) / (2 * step))
    return np.array(values)


@pytest.mark.parametrize(("shape", "classes", "layers"), CASES)
def test_gradients_equal_central_differences(shape: tuple[int, int, int], classes: int, layers: int) -> None:
    model, images = make(shape, classes, layers), some_images(shape).requires_grad_(True)
    weight, labels = model.weight.detach().clone(), torch.arange(4) % classes

    def loss(inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            model.weight.copy_(weights)
        return torch.nn.functional.cross_entropy(model(inputs) / 4, labels)

    loss(images, weight).backward()
    assert images.grad is not None
    assert model.weight.grad is not None
    picks = list(range(0, weight.numel(), max(1, weight.numel() // 12)))
    numeric = central_difference(lambda w: loss(images.detach(), w).detach(), weight, picks)
    assert np.abs(model.weight.grad[picks].numpy() - numeric).max() < FINITE_DIFFERENCE
    pixels = list(range(0, images.numel(), max(1, images.numel() // 12)))
    numeric = central_difference(lambda x: loss(x, weight).detach(), images.detach(), pixels)
    assert np.abs(images.grad.flatten()[pixels].numpy() - numeric).max() < FINITE_DIFFERENCE


def test_weight_gradients_equal_parameter_shift() -> None:
    """qiskit-machine-learning's own gradient of the exported circuit, one image at a time."""
    from qiskit.primitives import StatevectorEstimator
    from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    from qaml_qiskit.circuits import Ladder

    model, image = make((1, 2, 3), 3, 2), some_images((1, 2, 3), count=1)
    n = model.config.num_qubits
    ansatz = Ladder(n, 2).circuit()
    circuit = state_preparation(image[0], n).decompose(reps=8).compose(ansatz)
    estimator = StatevectorEstimator()
    qnn = EstimatorQNN(
        circuit=circuit,
        estimator=estimator,
        observables=[SparsePauliOp.from_sparse_list([("Z", [k], 1)], n) for k in range(3)],
        input_params=[],
        weight_params=list(ansatz.parameters),
        gradient=ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
    )
    weights = model.weight.detach().numpy()
    _, reference = qnn.backward(np.zeros((1, 0)), weights)
    _, ours = model.connector.neural_network.backward(image.flatten(1).numpy(), weights)
    assert np.abs(np.asarray(reference) - np.asarray(ours)).max() < GRADIENT[torch.float64]


def test_stock_connector_and_ours_give_the_same_values_and_gradients() -> None:
    """The network keeps the contract of per-sample Jacobians; a stock connector computes in float32."""
    model, images = make((1, 4, 4), 3, 3, torch.float32), some_images((1, 4, 4), torch.float32)
    network = model.connector.neural_network
    assert isinstance(model.connector, TorchConnector)
    assert isinstance(network, AmplitudeQNN)
    stock = TorchConnector(network, initial_weights=model.weight.detach().numpy())
    results = []
    for connector in (stock, model.connector):
        features = images.flatten(1).clone().requires_grad_(True)
        output = connector(features)
        (output * torch.arange(12.0).reshape(4, 3)).sum().backward()
        results.append((output.detach(), features.grad, connector.weight.grad))
    for theirs, ours in zip(*results, strict=True):
        assert (theirs - ours).abs().max() < GRADIENT[torch.float32] * max(1.0, theirs.abs().max().item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_frozen_model_collapses_to_the_same_values_and_input_gradients(dtype: torch.dtype) -> None:
    model, images = make((1, 8, 8), 6, 8, dtype), some_images((1, 8, 8), dtype)
    results = []
    for context in (torch.enable_grad(), frozen(model)):
        inputs = images.clone().requires_grad_(True)
        with context:
            output = model(inputs)
            output.square().sum().backward()
        results.append((output.detach(), inputs.grad))
    assert model.connector._collapsed is not None
    (values, gradient), (collapsed_values, collapsed_gradient) = results
    scale = model.config.logit_scale
    assert (values - collapsed_values).abs().max() < scale * VALUE[dtype]
    assert gradient is not None
    assert collapsed_gradient is not None
    assert (gradient - collapsed_gradient).abs().max() < GRADIENT[dtype] * gradient.abs().max()


def test_frozen_model_too_shallow_for_a_matrix_is_run_as_it_is() -> None:
    model, images = make((1, 16, 16), 3, 2), some_images((1, 16, 16))
    trained = model(images).detach()
    with frozen(model):
        assert (model(images) - trained).abs().max() < model.config.logit_scale * VALUE[torch.float64]
    assert model.connector._collapsed is None


def test_collapsed_model_notices_new_weights() -> None:
    model, images = make((1, 2, 2), 2, 2), some_images((1, 2, 2))
    with frozen(model):
        before = model(images)
    with torch.no_grad():
        model.weight.add_(0.3)
    trained = model(images).detach()
    with frozen(model):
        after = model(images)
    assert (before - after).abs().max() > DIFFERENT
    assert (after - trained).abs().max() < model.config.logit_scale * VALUE[torch.float64]


def test_gradients_nobody_asked_for_are_not_there() -> None:
    model, images = make((1, 2, 2), 2, 1), some_images((1, 2, 2))
    model(images).sum().backward()
    assert images.grad is None
    model.weight.grad = None
    with frozen(model):
        model(images.requires_grad_(True)).sum().backward()
    assert model.weight.grad is None
    assert images.grad is not None


def test_connector_accepts_one_sample_and_extra_axes() -> None:
    model, images = make((1, 2, 2), 2, 1), some_images((1, 2, 2))
    features = images.flatten(1)
    whole = model.connector(features)
    assert torch.equal(model.connector(features[1]), whole[1])
    assert torch.equal(model.connector(features.reshape(2, 2, 4)), whole.reshape(2, 2, 2))


def test_same_seed_same_weights() -> None:
    config = QVCConfig(image_shape=(1, 4, 4), num_classes=3, num_layers=2)
    assert torch.equal(QVC(config, 1).weight, QVC(config, 1).weight)
    assert not torch.equal(QVC(config, 1).weight, QVC(config, 2).weight)


@pytest.mark.parametrize("shape", [(4, 1, 3, 3), (1, 2, 2), (2, 4)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="do not fit the model"):
        make((1, 2, 2), 2, 1)(torch.ones(shape))


def test_black_image_is_named() -> None:
    images = some_images((1, 2, 2))
    images[3] = 0
    with pytest.raises(InputError, match="image 3"):
        make((1, 2, 2), 2, 1)(images)
