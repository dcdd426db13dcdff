"""Models whose output is random: what to attack, and how to say what was left."""

import math
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.measure import clean_logits
from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.batches import check_not_empty, image_batch, label_batch
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Z_95, wilson_interval
from qaml_qiskit.freezing import frozen
from qaml_qiskit.seeds import check_seed


@runtime_checkable
class RandomModule(Protocol):
    """A module with random numbers of its own, for example shots or sampled noise layers, that can be seeded.

    A random module without this method must draw from torch's global numbers, which attacks and evaluations seed.
    """

    def reseed(self, seed: int) -> None:
        """Start the random numbers again."""


class ExpectedLogits(nn.Module):
    """The mean of the logits over several draws of a random model (expectation over transformation, 1707.07397).

    An attack on one draw follows that draw's noise, and its gradient is useless against the next. The gradient of this
    module is the mean of the gradients. Where the exact expectation is known, as for shots and for random rotations,
    attack the deterministic module of it instead: it is what this one approaches with many draws.

    Args:
        model: random in its forward pass, also in evaluation mode.
        draws: K; the error of a logit falls as 1/√K.
        seed: when given, every forward pass repeats the same K draws, so that the module is a function, and checks of
            its gradient are possible. Needs a :class:`RandomModule`. Otherwise every pass draws anew.

    Raises:
        ConfigurationError: fewer than one draw, or a seed for a model that cannot be seeded.
    """

    def __init__(self, model: nn.Module, draws: int, seed: int | None = None) -> None:
        super().__init__()
        _check_draws(draws, "cannot average the model's draws")
        if seed is not None and not isinstance(model, RandomModule):
            raise ConfigurationError(
                "cannot repeat the model's draws",
                got=f"a {type(model).__name__} with seed {seed}",
                expected="a method reseed(seed) where the draws shall be repeated",
                remedy="leave out the seed",
            )
        self.model = model
        self.draws = draws
        self.seed = None if seed is None else check_seed(seed)

    def forward(self, images: Tensor) -> Tensor:
        """Mean logits, shape (N, m)."""
        if self.seed is not None:
            cast(RandomModule, self.model).reseed(self.seed)
        total: Tensor = self.model(images)
        for _ in range(self.draws - 1):
            total = total + self.model(images)
        return total / self.draws


@dataclass(frozen=True)
class DrawnAccuracy:
    """How often a random model is right.

    Attributes:
        correct: of every image in every draw, shape (K, N).
    """

    correct: Tensor

    @property
    def value(self) -> float:
        """Accuracy, the mean over draws and images."""
        return float(self.correct.double().mean())

    @property
    def of_draws(self) -> Tensor:
        """Accuracy of every draw, shape (K,)."""
        return self.correct.double().mean(dim=1)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % for other images and other draws: Wilson's for N trials.

        Cautious: an image's frequency of being right varies at most as much between images as being right or not does.
        """
        return wilson_interval(self.value, self.correct.shape[1])

    @property
    def interval_of_draws(self) -> tuple[float, float] | None:
        """95 % for other draws on these very images; None for a single draw, which cannot show its spread."""
        draws, images = self.correct.shape
        if draws < 2:
            return None
        frequency = self.correct.double().mean(dim=0)
        # Unbiased variance of a Bernoulli from K draws, summed over the images, which are drawn independently.
        variance = float((frequency * (1 - frequency)).sum()) / (draws - 1) / images**2
        half = Z_95 * math.sqrt(variance)
        return max(0.0, self.value - half), min(1.0, self.value + half)


def drawn_accuracy(
    model: nn.Module, images: Tensor, labels: Tensor, draws: int, *, seed: int = 0, batch_size: int = 250
) -> DrawnAccuracy:
    """Classify the images again and again with a random model.

    Args:
        model: random; a :class:`RandomModule` is seeded once, any other draws from torch's global numbers, seeded here.
        images: shape (N, C, H, W).
        labels: shape (N,).
        draws: K ≥ 1.
        seed: of the draws.
        batch_size: images at a time.

    Raises:
        ConfigurationError: no draw.
        InputError: no image, labels that do not fit, or logits that are NaN.
    """
    images = image_batch(images)
    check_not_empty(images, "classify")
    labels = label_batch(labels, images)
    _check_draws(draws, "cannot classify with the model's draws")
    if isinstance(model, RandomModule):
        model.reseed(check_seed(seed))
    with frozen(model), RandomStream(check_seed(seed), images.device).entered():
        rounds = [clean_logits(model, images, batch_size) for _ in range(draws)]
    labels = label_batch(labels, images, rounds[0].shape[1])
    return DrawnAccuracy(torch.stack([logits.argmax(dim=1) for logits in rounds]) == labels)


def _check_draws(draws: int, what: str) -> None:
    if draws < 1:
        raise ConfigurationError(what, got=f"{draws} draws", expected="at least one draw", remedy="raise the draws")
