"""Gaussian augmentation: how much noise, on which images, and what is never made."""

import pytest
import torch
from pydantic import ValidationError

from qaml_qiskit.defences import Augmented
from tests.tolerances import SIGMAS
from tests.unit.defences.test_adversarial import batch, loss_of, model_of

SIGMA = 0.2


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_the_noise_is_normal_and_new_for_every_pixel() -> None:
    images, _ = batch(50)
    noise = Augmented(augment_sigma=SIGMA, augment_unclipped=True).noisy(images, generator()) - images
    error = SIGMA / noise.numel() ** 0.5
    assert abs(noise.mean().item()) < SIGMAS * error
    assert abs(noise.std().item() - SIGMA) < SIGMAS * error / 2**0.5
    assert noise.unique().numel() > noise.numel() / 2


def test_a_share_is_changed_and_stays_an_image() -> None:
    images, _ = batch(8)
    noisy = Augmented(augment_sigma=SIGMA, augment_share=0.25).noisy(images, generator())
    assert (noisy != images).flatten(1).any(1).tolist() == [True] * 2 + [False] * 6
    assert noisy.min() == 0
    assert noisy.max() == 1


def test_no_image_becomes_black() -> None:
    images = torch.full((200, 1, 1, 2), 0.01)
    noisy = Augmented(augment_sigma=SIGMA).noisy(images, generator())
    assert (noisy.flatten(1).amax(1) > 0).all()
    assert (noisy == images).flatten(1).all(1).any()


def test_no_noise_is_the_clean_loss() -> None:
    model = model_of().train()
    assert loss_of(Augmented(augment_sigma=0), model) == loss_of(Augmented(augment_share=0), model)
    assert loss_of(Augmented(augment_sigma=0.5), model) != loss_of(Augmented(augment_sigma=0), model)


@pytest.mark.parametrize("values", [{"augment_sigma": -0.1}, {"augment_share": 1.5}], ids=str)
def test_values_that_no_augmentation_has(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Augmented.model_validate(values)
