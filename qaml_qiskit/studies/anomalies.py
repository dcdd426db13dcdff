"""Images that are of no class that a classifier knows."""

from pathlib import Path

import torch
from torch import Tensor

from qaml_qiskit.datasets import DATASETS, load_foreign
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.images import load_images

#: The brightest pixel of a blank image: two steps of eight bits, as the noise of a camera in the dark. An image that is
#: wholly black has no direction, and cannot be amplitude-encoded.
DARK = 2 / 255


def anomalous_images(kind: str, batch: Batch, model: Deployment, data_dir: Path | None, seed: int) -> Tensor:
    """As many images as there are clean ones, or all that there are, shape (N, C, H, W).

    Args:
        kind: ``noise``, every pixel drawn evenly from [0, 1]; ``blank``, from [0, :data:`DARK`]; ``other:DATASET``, the
            first images of another data set's test part, prepared as the model's own; or ``other:FILE``.
        batch: the clean images.
        model: whose own data these are not.
        data_dir: where the data sets are.
        seed: of what is drawn.

    Raises:
        QamlError: the other data are not there, or of another shape.
    """
    name, _, other = kind.partition(":")
    if name != "other":
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.rand(batch.images.shape, generator=generator)
        return drawn * DARK if name == "blank" else drawn
    data, shape = model.card.data, model.card.model.image_shape
    if other in DATASETS:
        return torch.from_numpy(load_foreign(other, data.preparation, data_dir)[: len(batch)])
    return load_images(other, data, data_dir, shape=shape)[0][: len(batch)]
