"""Logits as a noisy device would give them, for training a QVC under the noise that it will meet."""

from functools import lru_cache
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from qaml_qiskit.defences.device_noise import check_without_layers
from qaml_qiskit.defences.pauli_errors import PauliErrors
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, Objective, QVCConfig

#: Every draw costs a step, between two of which a training can be stopped, and keeps its states until the step ends.
MAX_DRAWS = 256


class NoiseAware(Objective):
    """The cross-entropy of a QVC under noise.

    Attributes:
        depolarizing: strength of a depolarising channel after every SX (two a rotation) and every CZ of the layers, as
            in :class:`qaml_qiskit.noise.strengths.Depolarizing`. The encoding and the readout are taken as noiseless.
        shots: every average is estimated from so many shots, all of them from the same; None for endless ones.
        draws: circuits with sampled errors over which every ⟨Z_k⟩ is averaged, where there is gate noise. The device
            averages over its shots; some draws stand for them, unbiased in ⟨Z_k⟩ and in its gradient. Each
            costs a step and the memory of its states; with too few of them the steps are mostly noise.
    """

    name = "noise-aware"

    depolarizing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    shots: Annotated[int, Field(ge=1)] | None = None
    draws: Annotated[int, Field(ge=1, le=MAX_DRAWS)] = 16

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The cross-entropy of the noisy logits, and these."""
        logits = noisy_logits(cast(QVC, model), images, self, generator)
        return nn.functional.cross_entropy(logits, labels), logits

    def check(self, model: nn.Module) -> None:
        """Raise ConfigurationError for another model than a QVC, or gates whose errors cannot be sampled."""
        check_without_layers(model, self.name)
        _errors(cast(QVC, model), self)

    def memory(self, model: nn.Module, batch: int) -> int:
        """Every draw of a gate noise keeps its states."""
        if not self.depolarizing or not isinstance(model, QVC):
            return 0
        return self.draws * batch * 12 * 2**model.config.num_qubits


def noisy_logits(model: QVC, images: Tensor, noise: NoiseAware, generator: torch.Generator) -> Tensor:
    """Logits with sampled noise, differentiable with respect to the weights, shape (N, m).

    Args:
        model: the QVC.
        images: as for :meth:`QVC.forward`.
        noise: which noise.
        generator: what is sampled depends on it alone.

    Raises:
        ConfigurationError: noise of gates for an ansatz whose errors cannot be sampled.
    """
    network, errors = model.network, _errors(model, noise)
    features, draws = model.features(images), noise.draws if noise.depolarizing else 1
    # Those of a qubit a class have always been drawn apart: a training is to give the same weights as ever.
    together = noise.shots is not None and not model.readout.reads_classes
    z, outcomes = torch.zeros(()), torch.zeros(())
    for _ in range(draws):
        weight = model.weight
        if errors is not None:
            signs, shifts = errors.sample(noise.depolarizing, generator)
            weight = weight * signs + shifts
        z = z + network.expectations(features, weight) / draws
        if together:
            with torch.no_grad():
                outcomes = outcomes + network.probabilities(features, weight) / draws
    if noise.shots is None:
        return model.logits(z)
    # The spread is that of the counts; it is not there to be trained.
    if together:
        return model.logits(z + _spread(outcomes, network.signs(outcomes), generator).to(z) / noise.shots**0.5)
    spread = ((1 - z.detach() ** 2).clamp(min=0) / noise.shots).sqrt()
    return model.logits(z + spread * torch.randn(z.shape, generator=generator))


def _spread(outcomes: Tensor, signs: Tensor, generator: torch.Generator) -> Tensor:
    """Draws with mean zero and the covariance of the outputs of one shot, shape (N, S).

    Independent normal numbers ξ_b of every outcome b give Σ_b √p_b·ξ_b·(s(b) − ⟨s⟩), whose covariance is
    Σ_b p_b (s(b) − ⟨s⟩)(t(b) − ⟨t⟩): that of the outputs s and t, which come from the same shots.

    Args:
        outcomes: probabilities p_b, shape (N, 2ⁿ).
        signs: of every output for every outcome, shape (2ⁿ, S).
        generator: of the numbers.
    """
    drawn = outcomes.sqrt() * torch.randn(outcomes.shape, generator=generator).to(outcomes)
    return drawn @ signs - drawn.sum(1, keepdim=True) * (outcomes @ signs)


def _errors(model: QVC, noise: NoiseAware) -> PauliErrors | None:
    """The errors of a model's gates; None where they cannot be sampled and need not be.

    Where they can, they are drawn even at strength 0: a training with shots alone has always drawn them, and gives the
    same weights as ever.
    """
    try:
        return _errors_of(model.config)
    except ConfigurationError:
        if noise.depolarizing:
            raise
        return None


@lru_cache(maxsize=4)
def _errors_of(config: QVCConfig) -> PauliErrors:
    return PauliErrors.of(config.build_ansatz())
