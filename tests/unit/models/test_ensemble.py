"""An ensemble is the mean of its members' probabilities, and a module as any other."""

from dataclasses import replace

import pytest
import torch

from qaml_qiskit.attacks import PGDConfig, run_attack
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import deploy
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, Ensemble, QVCConfig, StoredModel
from tests.integration.small import images, stored
from tests.tolerances import VALUE


def member(seed: int, temperature: float | None = None) -> StoredModel:
    config = QVCConfig(image_shape=(1, 2, 4), num_classes=3, num_layers=3, init_std=1.0)
    found = stored(QVC(config, seed).eval())
    fitted = None if temperature is None else Temperature(value=temperature, images=9)
    return replace(found, card=found.card.model_copy(update={"temperature": fitted}))


def test_it_is_the_mean_of_the_probabilities() -> None:
    models = [member(1, 2.0), member(2, 0.5)]
    expected = torch.stack([(m.model(images()) / t).softmax(1) for m, t in zip(models, (2.0, 0.5), strict=True)])
    found = Ensemble(models)(images()).softmax(1)
    assert (found - expected.mean(0)).abs().max() < VALUE[torch.float32]


def test_gradients_flow_into_images_and_members() -> None:
    ensemble, batch = Ensemble([member(1).model, member(2).model], [1.0, 1.0]), images().requires_grad_()
    ensemble(batch).max(dim=1).values.sum().backward()
    assert batch.grad is not None
    assert batch.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in ensemble.parameters())


def test_it_is_deployed_and_attacked() -> None:
    models = [member(1, 1.0), member(2, 1.0)]
    deployment = deploy(Ensemble(models), data=models[0].card).calibrated(Temperature(value=1.0, images=9))
    assert deployment.predict_proba(images()).sum(1) == pytest.approx(1, abs=VALUE[torch.float32])
    labels = deployment.logits(images()).argmax(1)
    attacked = run_attack(deployment.module, images(), labels, PGDConfig(eps=0.3, steps=5))
    assert (attacked.images != images()).any()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Ensemble([]), "no model"),
        (lambda: Ensemble([member(1)]), "without a temperature"),
        (lambda: Ensemble([member(1)], [0.0]), "temperature above 0"),
        (lambda: Ensemble([member(1)], [1.0, 2.0]), "for 1 models"),
    ],
)
def test_what_is_no_ensemble_is_refused(build: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        build()  # type: ignore[operator]
