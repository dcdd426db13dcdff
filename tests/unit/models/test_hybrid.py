"""A hybrid against its circuit, against finite differences, and where all of its features are zero."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, Statevector

from qaml_qiskit.deployments import deploy
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import (
    DataCard,
    Hybrid,
    HybridConfig,
    ModelCard,
    QVCConfig,
    StoredModel,
    Trainer,
    TrainingConfig,
    load_model,
    save_model,
)
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, VALUE


def make(shape: tuple[int, int, int] = (1, 4, 4), classes: int = 3, maps: int = 3, layers: int = 3) -> Hybrid:
    return Hybrid(HybridConfig(image_shape=shape, num_classes=classes, num_layers=layers, maps=maps), seed=2)


def some_images(shape: tuple[int, int, int] = (1, 4, 4), count: int = 4) -> torch.Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(5))


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    maps=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_the_circuit_is_the_model(shape: tuple[int, int, int], maps: int, seed: int) -> None:
    model = Hybrid(HybridConfig(image_shape=shape, num_classes=2, num_layers=2, readout="single", maps=maps), seed)
    model = model.double()
    images = some_images(shape, 2).double()
    circuit = model.circuit().remove_final_measurements(inplace=False)
    n = model.config.num_qubits
    z = SparsePauliOp.from_sparse_list([("Z", [0], 1)], n)
    with torch.no_grad():
        ours = model.expectations(images).numpy()[:, 0]
    for angles, value in zip(model.encoding.angles(images), ours, strict=True):
        order = [parameter.index for parameter in circuit.parameters]
        state = Statevector(circuit.assign_parameters(angles[order].numpy()))
        assert abs(state.expectation_value(z).real - value) < VALUE[torch.float64]


def test_gradients_are_those_of_finite_differences() -> None:
    model, images = make().double(), some_images().double().requires_grad_()
    model(images)[:, 0].sum().backward()
    convolution = next(parameter for name, parameter in model.named_parameters() if name == "layers.convolution.weight")
    for tensor, slope in ((images, images.grad), (convolution, convolution.grad), (model.weight, model.weight.grad)):
        assert slope is not None
        direction = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)).double()
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                tensor += sign * DIFFERENCE_STEP * direction
                values.append(float(model(images)[:, 0].sum()))
                tensor -= sign * DIFFERENCE_STEP * direction
        difference = (values[0] - values[1]) / (2 * DIFFERENCE_STEP)
        assert difference == pytest.approx(float((slope * direction).sum()), abs=FINITE_DIFFERENCE)


def test_features_that_are_all_zero_are_encoded() -> None:
    model = make()
    with torch.no_grad():
        model.layers.convolution.bias.fill_(-10.0)
    state = model.encoding.state(torch.zeros(2, 1, 4, 4))
    one = torch.zeros_like(state)
    one[:, model.config.num_features - 1] = 1
    assert torch.equal(state, one)
    assert torch.isfinite(model(torch.zeros(2, 1, 4, 4))).all()
    assert torch.isfinite(model.encoding.angles(torch.zeros(2, 1, 4, 4))).all()


def test_collapsed_equals_run() -> None:
    model, images = make(layers=30), some_images()
    ran = model(images).detach()
    collapsed = model.requires_grad_(False)(images)
    assert model.connector._collapsed is not None
    np.testing.assert_allclose(collapsed.numpy(), ran.numpy(), rtol=0, atol=20 * VALUE[torch.float32])


def test_stored_it_says_the_same_to_the_last_bit(tmp_path: str) -> None:
    model = make((3, 5, 4), 4, 2)
    folder = save_model(f"{tmp_path}/hybrid", model, DataCard(dataset="mine", classes=(0, 1, 2, 3)))
    again = load_model(folder)
    assert again.card.model == model.config
    images = some_images((3, 5, 4))
    assert torch.equal(again.model(images), model.eval()(images))


def test_it_is_trained_with_its_layers() -> None:
    model = make(classes=2, layers=2)
    images, labels = some_images(count=16), torch.arange(16) % 2
    images[labels == 1, :, :2] *= 0.1
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    trainer = Trainer(model, (images, labels), (images, labels), TrainingConfig(epochs=8, learning_rate=0.1))
    assert trainer.run()
    assert trainer.state.history[-1].loss < trainer.state.history[0].loss
    assert all(not torch.equal(each, before[name]) for name, each in model.named_parameters())


def test_without_strength_noise_changes_nothing() -> None:
    model, images = make(), some_images()
    stored = StoredModel(model.eval(), ModelCard(model=model.config, data=DataCard(dataset="mine", classes=(0, 1, 2))))
    deployment = deploy(stored)
    weak = deployment.under("depolarizing", 1e-9)
    np.testing.assert_allclose(weak.logits(images), deployment.logits(images), rtol=0, atol=20 * VALUE[torch.float32])
    whole = deployment.under("depolarizing", 1e-9, on_encoding=True)
    np.testing.assert_allclose(whole.logits(images), deployment.logits(images), rtol=0, atol=20 * VALUE[torch.float32])
    with pytest.raises(ConfigurationError, match="got a hybrid"):
        deployment.forms()


def test_a_fitted_encoding_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="fitted to every image"):
        HybridConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=1, encoding="approximate", encoding_layers=2)
    assert QVCConfig(image_shape=(1, 4, 4), num_classes=2, num_layers=1).kind == "qvc"
