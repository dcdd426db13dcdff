"""Modules that answer by fresh draws: of noise layers, or of noise on the image."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.models import QVC, NoisyQVC
from qaml_qiskit.seeds import check_seed
from qaml_qiskit.simulation.heisenberg import NoisyObservables


class Drawing(nn.Module, ABC):
    """The mean of the logits of J fresh draws, or the shares of their votes: random also in evaluation mode.

    Drawn from torch's global numbers, which attacks and evaluations seed, until :meth:`reseed` is called. A vote has no
    gradient; that of the mean of the same draws is passed through it, so that gradient attacks have what to follow.

    Args:
        draws: J, of every pass; shared by the images of a batch but for noise on the images themselves.
        votes: whether the draws vote.
    """

    def __init__(self, draws: int, votes: bool) -> None:
        super().__init__()
        self.draws, self.votes = draws, votes
        self._generator: torch.Generator | None = None

    def reseed(self, seed: int) -> None:
        """Start random numbers of its own again."""
        self._generator = torch.Generator().manual_seed(check_seed(seed))

    @abstractmethod
    def once(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """Logits of one draw, shape (N, m).

        Args:
            images: shape (N, C, H, W).
            generator: of the draw; None for torch's global numbers.
        """

    def forward(self, images: Tensor) -> Tensor:
        """Mean logits, or shares of votes, shape (N, m)."""
        drawn = torch.stack([self.once(images, self._generator) for _ in range(self.draws)])
        mean = drawn.mean(dim=0)
        return mean + (shares_of_votes(drawn) - mean).detach() if self.votes else mean


def shares_of_votes(drawn: Tensor) -> Tensor:
    """Shares of the votes for every class, shape (N, m), of logits of shape (J, N, m)."""
    return nn.functional.one_hot(drawn.argmax(dim=2), drawn.shape[2]).to(drawn.dtype).mean(dim=0)


class DrawnLayers(Drawing):
    """A QVC behind fresh draws of its noise layers.

    Args:
        model: with noise layers.
        draws: see :class:`Drawing`.
        votes: see :class:`Drawing`.
    """

    def __init__(self, model: QVC, draws: int, votes: bool) -> None:
        super().__init__(draws, votes)
        self.model = model

    def once(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """See :meth:`Drawing.once`."""
        logits: Tensor = self.model.drawn_logits(images, self.model.draw(generator))
        return logits


class DrawnUnderNoise(Drawing):
    """A noisy QVC behind fresh draws of its noise layers. Every draw is carried back through the whole circuit.

    Args:
        model: with noise layers.
        layers: its layers under a noise, with the places of the noise layers marked.
        draws: see :class:`Drawing`.
        votes: see :class:`Drawing`.
    """

    def __init__(self, model: QVC, layers: CircuitWithNoise, draws: int, votes: bool) -> None:
        super().__init__(draws, votes)
        self.model, self._layers = model, layers

    def once(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """See :meth:`Drawing.once`."""
        with torch.no_grad():
            angles, weight = self.model.draw(generator), self.model.weight
            drawn = self._layers.drawn(angles.double().cpu().numpy())
            found: NoisyObservables = drawn.observables(weight.dtype, str(weight.device))
        logits: Tensor = NoisyQVC(self.model, found)(images)
        return logits


class Smoothed(Drawing):
    """The majority vote over copies of the images with Gaussian noise (Cohen et al. 2019, 1902.02918, section 3.2.2).

    Args:
        model: maps images to logits; pixels may be outside [0, 1].
        sigma: standard deviation of every pixel's noise.
        draws: copies of an image.
        votes: see :class:`Drawing`.
    """

    def __init__(self, model: nn.Module, sigma: float, draws: int, votes: bool = True) -> None:
        super().__init__(draws, votes)
        self.model, self.sigma = model, sigma

    def once(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """See :meth:`Drawing.once`."""
        noise = torch.randn(images.shape, generator=generator, dtype=images.dtype, device=_device(images, generator))
        logits: Tensor = self.model(images + self.sigma * noise.to(images.device))
        return logits


def _device(images: Tensor, generator: torch.Generator | None) -> torch.device:
    """Where noise is drawn: a seeded one on the processor, so that it is the same everywhere."""
    return images.device if generator is None else torch.device("cpu")
