"""Certified training: the gradient of the exact radius, witnesses from steps, and what it refuses."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from qaml_qiskit.certificates import certify_l2, decompose
from qaml_qiskit.defences import CertifiedTraining, Witnesses, exact_witnesses, stepped_witnesses
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import (
    QVC,
    Clean,
    QuadraticClassifier,
    Trainer,
    TrainingConfig,
    build_model,
    form_matrices,
    parse_config,
)
from tests.tolerances import CERTIFICATE, DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, VALUE

CLASSES = 3
#: Small models whose logits are quadratic forms, with constant and with trained heads.
SMALL = {
    "qubits": {"kind": "qvc", "num_layers": 2},
    "gray": {"kind": "qvc", "num_layers": 2, "pixel_order": "gray"},
    "linear": {"kind": "qvc", "num_layers": 2, "readout": "linear"},
    "parity": {"kind": "qvc", "num_layers": 2, "readout": "parity", "observables": ("ZZI", "IZZ", "ZIZ")},
    "brickwork": {"kind": "qvc", "num_layers": 3, "ansatz": "brickwork"},
    "quadratic": {"kind": "quadratic", "init_std": 0.3},
}


def model_of(name: str, shape: tuple[int, int, int] = (1, 2, 4), classes: int = CLASSES) -> QVC | QuadraticClassifier:
    model = build_model(parse_config({"image_shape": shape, "num_classes": classes, **SMALL[name]}), 1)
    assert isinstance(model, QVC | QuadraticClassifier)
    return model.double().train()


def batch(count: int = 12, shape: tuple[int, int, int] = (1, 2, 4)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(count, *shape, generator=generator, dtype=torch.float64)
    return images, torch.randint(CLASSES, (count,), generator=generator)


def mixed(model: nn.Module, count: int = 12) -> tuple[Tensor, Tensor]:
    """Images of which about half are classified rightly."""
    images, labels = batch(count)
    with torch.no_grad():
        labels[::2] = model(images).argmax(1)[::2]
    return images, labels


def radii_of(model: QVC | QuadraticClassifier, found: Witnesses, labels: Tensor) -> Tensor:
    return found.radii(model(found.points), labels)


@pytest.mark.parametrize("name", SMALL)
def test_the_forms_are_those_of_the_logits(name: str) -> None:
    model, (images, _) = model_of(name), batch()
    states = nn.functional.normalize(images.flatten(1), dim=1)
    with torch.no_grad():
        logits = model(images) / model.config.logit_scale
    forms = torch.einsum("nd,kde,ne->nk", states, torch.from_numpy(form_matrices(model)), states)
    assert torch.allclose(forms, logits, rtol=0, atol=VALUE[torch.float64])


@pytest.mark.parametrize("name", SMALL)
def test_exact_radii_are_those_of_the_certificate(name: str) -> None:
    model = model_of(name)
    images, labels = mixed(model)
    found = exact_witnesses(model, images, labels)
    certified = certify_l2(decompose(form_matrices(model)), images.flatten(1).numpy(), labels.numpy())
    right = certified.predicted == labels.numpy()
    assert 0 < right.sum() < len(right)
    radii = radii_of(model, found, labels).detach().numpy()
    assert np.allclose(radii[right], certified.radius[right], rtol=CERTIFICATE)
    assert (radii[~right] < 0).all()


@pytest.mark.parametrize("name", SMALL)
def test_the_gradient_of_the_exact_radius_is_that_of_finite_differences(name: str) -> None:
    model = model_of(name)
    images, labels = mixed(model)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    radii = radii_of(model, exact_witnesses(model, images, labels), labels)
    assert bool(torch.isfinite(radii).all())
    weighting = torch.linspace(0.5, 1.5, len(radii), dtype=torch.float64)
    gradients = torch.autograd.grad((weighting * radii).sum(), parameters)
    assert max(float(gradient.abs().max()) for gradient in gradients) > DIFFERENT

    def total() -> float:
        return float((weighting * exact_witnesses(model, images, labels).distances).sum())

    for parameter, gradient in zip(parameters, gradients, strict=True):
        flat = parameter.data.view(-1)
        for place in range(0, len(flat), max(1, len(flat) // 12)):
            kept = float(flat[place])
            flat[place] = kept + DIFFERENCE_STEP
            above = total()
            flat[place] = kept - DIFFERENCE_STEP
            slope = (above - total()) / (2 * DIFFERENCE_STEP)
            flat[place] = kept
            wanted = float(gradient.view(-1)[place])
            assert slope == pytest.approx(wanted, abs=FINITE_DIFFERENCE * max(1.0, abs(wanted)))


@pytest.mark.parametrize("name", SMALL)
def test_many_steps_end_at_a_witness(name: str) -> None:
    model = model_of(name)
    images, labels = mixed(model, 40)
    exact, stepped = exact_witnesses(model, images, labels), stepped_witnesses(model, images, labels, 30)
    right = exact.distances > 0
    ratio = (radii_of(model, stepped, labels) / exact.distances).detach()[right]
    assert bool((ratio > 1 - DIFFERENT).all())
    assert ratio.median() == pytest.approx(1, abs=DIFFERENT)


def test_two_steps_are_near_where_the_radius_is_small_beside_the_norm() -> None:
    """As in images of many pixels. Of two classes, so that the other one is the nearest."""
    model = model_of("qubits", (1, 16, 16), classes=2)
    images, labels = batch(30, (1, 16, 16))
    with torch.no_grad():
        labels = model(images).argmax(1)
    exact, stepped = exact_witnesses(model, images, labels), stepped_witnesses(model, images, labels, 2)
    ratio = (radii_of(model, stepped, labels) / exact.distances).detach()
    assert bool((ratio > 1 - DIFFERENT).all())
    assert ratio.median() < 1 + DIFFERENT


@pytest.mark.parametrize("witness", ["exact", "steps"])
def test_images_moved_beyond_their_radius_are_wrong(witness: str) -> None:
    model = model_of("qubits", (1, 16, 16))
    images, _ = batch(20, (1, 16, 16))
    with torch.no_grad():
        labels = model(images).argmax(1)
        objective = CertifiedTraining.model_validate({"witness": witness, "witness_steps": 5})
        found = objective.witnesses(model, images, labels)
        least, most = float(found.distances.min()), float(found.distances.max())
        assert bool((model(found.at(images, least / 2)).argmax(1) == labels).all())
        assert not bool((model(found.at(images, 2 * most)).argmax(1) == labels).any())
        moved = torch.linalg.vector_norm((found.at(images, least) - images).flatten(1), dim=1)
        assert torch.allclose(moved, torch.full_like(moved, least))
        wrong = (labels + 1) % CLASSES
        farther = objective.witnesses(model, images, wrong)
        assert bool((farther.distances < 0).all())
        assert bool((model(farther.at(images, least / 2)).argmax(1) != wrong).all())


def test_an_image_without_another_label_asks_for_nothing() -> None:
    model = model_of("quadratic")
    with torch.no_grad():
        model.matrices.copy_(torch.cat([torch.eye(8), -torch.eye(8), -2 * torch.eye(8)], dim=1))
    images, _ = batch()
    labels = torch.zeros(len(images), dtype=torch.int64)
    found = exact_witnesses(model, images, labels)
    assert bool(torch.isinf(found.distances).all())
    for witness in ("exact", "steps"):
        objective = CertifiedTraining.model_validate({"certified_weight": 1, "witness": witness})
        model.zero_grad()
        loss, _ = objective.loss(model, images, labels, torch.Generator())
        loss.backward()
        assert loss == 0
        assert model.matrices.grad is not None
        assert not model.matrices.grad.any()


@pytest.mark.parametrize("name", ["linear", "quadratic"])
@pytest.mark.parametrize("witness", ["exact", "steps"])
def test_descent_makes_the_radii_larger(name: str, witness: str) -> None:
    model, (images, _) = model_of(name), batch(16)
    labels = images.flatten(1)[:, :CLASSES].argmax(1)
    objective = CertifiedTraining.model_validate({"witness": witness, "certified_weight": 1})
    descent = torch.optim.SGD(model.parameters(), lr=0.1)
    before = exact_witnesses(model, images, labels).distances.mean()
    for _ in range(30):
        descent.zero_grad()
        loss, _ = objective.loss(model, images, labels, torch.Generator())
        loss.backward()
        descent.step()
    assert exact_witnesses(model, images, labels).distances.mean() > before + 10 * DIFFERENT


@pytest.mark.parametrize("choice", ["robust", "clean"])
def test_the_epoch_is_chosen_by_moved_images_or_clean_ones(choice: str) -> None:
    model, (images, labels) = model_of("qubits"), batch()
    objective = CertifiedTraining.model_validate({"select_epoch": choice})
    config = TrainingConfig(epochs=1, batch_size=6, learning_rate=0.1)
    trainer = Trainer(model, (images, labels), (images, labels), config, objective=objective)
    assert trainer.run()
    (record,) = trainer.state.history
    assert (record.robust_loss is None) == (choice == "clean")
    assert record.robust_loss is None or record.robust_loss > record.validation_loss


def test_without_weight_it_is_plain_training() -> None:
    model = model_of("linear")
    images, labels = mixed(model)
    loss, logits = CertifiedTraining(certified_weight=0).loss(model, images, labels, torch.Generator())
    clean, same = Clean().loss(model, images, labels, torch.Generator())
    assert torch.allclose(logits, same, rtol=0, atol=VALUE[torch.float64])
    assert loss.item() == pytest.approx(clean.item(), abs=VALUE[torch.float64])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "convnet"}, "got a convnet; expected a qvc with the multiplexed encoding and no noise layers, or a"),
        ({"kind": "hybrid", "num_layers": 1}, "got a hybrid .* no linear function"),
        ({"kind": "qvc", "num_layers": 1, "encoding": "approximate", "encoding_layers": 2}, "approximate encoding"),
        ({"kind": "qvc", "num_layers": 1, "noise_layers": {}}, "a qvc with noise layers"),
    ],
    ids=str,
)
def test_models_that_it_cannot_take(values: dict[str, object], message: str) -> None:
    model = build_model(parse_config({"image_shape": (1, 8, 8), "num_classes": CLASSES, **values}))
    with pytest.raises(ConfigurationError, match=message):
        CertifiedTraining().check(model)


@pytest.mark.parametrize(
    "values",
    [{"certified_radius": 0}, {"certified_weight": 1.1}, {"certified_weight": -0.1}, {"witness_steps": 0}],
    ids=str,
)
def test_settings_that_no_certified_training_has(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        CertifiedTraining.model_validate(values)
