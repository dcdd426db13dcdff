"""Penalties: what they are worth, where they cannot act, and what their bounds prove."""

import numpy as np
import pytest
import torch
from torch import nn

from qaml_qiskit.certificates import certify_l2, decompose, lipschitz_radii, widest_margins
from qaml_qiskit.defences import Regularised, lipschitz_bound, spectral_penalty
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import Clean, QuadraticClassifier, Trainer, TrainingConfig
from tests.tolerances import CERTIFICATE, DIFFERENCE_STEP, FINITE_DIFFERENCE, MEAN
from tests.unit.defences.test_adversarial import KINDS, batch, loss_of, model_of


def penalty_of(objective: Regularised, model: nn.Module) -> float:
    return loss_of(objective, model) - loss_of(Clean(), model)


def test_the_gradient_penalty_is_the_slope_of_the_loss() -> None:
    model, (images, labels) = model_of().train().double(), batch(2)
    images = images.double()

    def losses(moved: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(model(moved), labels, reduction="none").detach()

    squares = torch.zeros(2, dtype=torch.float64)
    for step in DIFFERENCE_STEP * torch.eye(64, dtype=torch.float64).reshape(-1, 1, 8, 8):
        squares += ((losses(images + step) - losses(images - step)) / (2 * DIFFERENCE_STEP)) ** 2
    total, _ = Regularised(penalty="gradient").loss(model, images, labels, torch.Generator())
    assert total.item() - losses(images).mean().item() == pytest.approx(squares.mean().item(), rel=FINITE_DIFFERENCE)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "resnet18"])
@pytest.mark.parametrize("penalty", ["gradient", "squares", "spectral"])
def test_every_model_learns_by_a_penalty_or_says_why_not(kind: str, penalty: str) -> None:
    model, objective = model_of(kind).train(), Regularised.model_validate({"penalty": penalty})
    if penalty == "spectral" and kind in ("qvc", "hybrid"):
        with pytest.raises(ConfigurationError, match=r"eigenvalues ±1 .*--penalty gradient"):
            objective.check(model)
        return
    objective.check(model)
    loss, logits = objective.loss(model, *batch(4), torch.Generator())
    loss.backward()
    assert logits.shape == (4, 3)
    assert all(each.grad is not None and torch.isfinite(each.grad).all() for each in model.parameters())


def test_squares_are_those_of_the_weights_and_a_weight_of_zero_is_none() -> None:
    model = model_of()
    expected = torch.cat([each.flatten() for each in model.parameters()]).square().mean().item()
    assert penalty_of(Regularised(penalty="squares"), model) == pytest.approx(expected, rel=MEAN)
    # Its gradient is differentiated by other operations.
    assert penalty_of(Regularised(penalty_weight=0), model) == pytest.approx(0, abs=MEAN)


def test_a_small_spectrum_is_a_provable_radius() -> None:
    """The bound is below every exact radius, and the penalty narrows the spectrum that it comes from."""
    images, labels = batch(60)
    penalties = []
    for weight in (0.0, 10.0):
        model = model_of("quadratic")
        objective = Regularised(penalty="spectral", penalty_weight=weight)
        config = TrainingConfig(epochs=8, batch_size=20, learning_rate=0.05, schedule="constant")
        Trainer(model, (images, labels), (images, labels), config, objective=objective).run()
        assert isinstance(model, QuadraticClassifier)
        forms = decompose(model.matrices.detach().double().unflatten(1, (-1, 64)).transpose(0, 1).numpy())
        widths = widest_margins(forms)
        pairs = [(widths[j, k] + widths[k, j]) / 2 for j in range(3) for k in range(j)]
        assert spectral_penalty(model).item() == pytest.approx(np.square(pairs).mean(), rel=MEAN)
        pixels = images.flatten(1).double().numpy()
        bound = lipschitz_radii(forms, pixels, labels.numpy(), widths)
        exact = certify_l2(forms, pixels, labels.numpy()).radius
        assert (bound <= exact * (1 + CERTIFICATE)).all()
        assert (bound > 0).any()
        penalties.append(spectral_penalty(model).item())
    assert penalties[1] < penalties[0] / 2


def test_no_network_changes_faster_than_its_bound() -> None:
    model = model_of("convnet").double().eval()
    images = batch(20)[0].double()
    with torch.no_grad():
        logits = model(images)
        ratios = (logits[1:] - logits[:-1]).norm(dim=1) / (images[1:] - images[:-1]).flatten(1).norm(dim=1)
    assert 0 < ratios.max() < lipschitz_bound(model)
    # Of one linear layer it is the norm itself.
    layer = nn.Linear(5, 3)
    assert lipschitz_bound(layer) == pytest.approx(np.linalg.norm(layer.weight.detach().double().numpy(), 2))


def test_what_has_no_norm_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="without a linear layer"):
        Regularised(penalty="spectral").check(nn.Sequential(nn.Flatten()))
