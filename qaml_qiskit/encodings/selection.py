"""How many layers each image needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.batches import real_batch
from qaml_qiskit.encodings.encoding import Encoding
from qaml_qiskit.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class LayerChoice:
    """The number of layers chosen for each of N images.

    Attributes:
        layers: shape (N,), int64.
        fidelity: what these layers reach, shape (N,), float64.
        reached: whether that is the threshold or more, shape (N,), bool.
    """

    layers: Tensor
    fidelity: Tensor
    reached: Tensor

    @property
    def missed(self) -> list[tuple[int, float, int]]:
        """(index, fidelity, layers) of the images for which no template was enough."""
        indices = (~self.reached).nonzero().flatten()
        return list(zip(indices.tolist(), self.fidelity[indices].tolist(), self.layers[indices].tolist(), strict=True))


@torch.no_grad()
def choose_layers(
    images: Tensor,
    threshold: float,
    templates: Sequence[int] = (1, 2, 3, 4, 6),
    *,
    make: Callable[[int], Encoding],
) -> LayerChoice:
    """For every image the smallest template whose fidelity reaches a threshold, else the one of highest fidelity.

    A few templates instead of any number of layers: each is one circuit, to be compiled once.

    >>> choose_layers(images, 0.95, make=lambda layers: ApproximateEncoding(6, layers))  # doctest: +SKIP

    Args:
        images: shape (N, C, H, W); see :meth:`Encoding.angles`.
        threshold: the fidelity to reach, in (0, 1].
        templates: numbers of layers to choose from.
        make: the encoding of so many layers.

    Raises:
        ConfigurationError: no template, or a threshold outside (0, 1].
        InputError: an image that cannot be encoded.
    """
    if not templates or not 0 < threshold <= 1:
        raise ConfigurationError(
            "cannot choose layers",
            got=f"threshold {threshold:g} and templates {tuple(templates)}",
            expected="a threshold above 0, at most 1, and at least one template",
            remedy="name a fidelity such as 0.95 and templates such as (1, 2, 3)",
        )
    images = real_batch(images).to(torch.float64)
    layers = torch.zeros(len(images), dtype=torch.int64)
    best = torch.full((len(images),), -1.0, dtype=torch.float64)
    for template in sorted(templates):
        open_images = (best < threshold).nonzero().flatten()
        if not len(open_images):
            break
        fidelity = make(template).fidelity(images[open_images])
        higher = fidelity > best[open_images]
        best[open_images[higher]] = fidelity[higher]
        layers[open_images[higher]] = template
    return LayerChoice(layers, best, best >= threshold)
