"""Images as circuits of one encoding, each with the fewest layers that are good enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Row, Run
from qaml_qiskit.encodings import ENCODINGS, Encoding, PixelOrder, amplitudes, choose_layers, encoding_for
from qaml_qiskit.encodings.movement import Norm
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress

#: Images encoded between two files: what a kill can lose.
_BLOCK = 25


@dataclass(frozen=True)
class Encoder:
    """Encodes blocks of images.

    Attributes:
        name: of the encoding.
        shape: of an image, (C, H, W).
        layers: numbers of layers to choose from, where the encoding has layers.
        threshold: the fidelity to reach with the fewest.
        order: of the pixels; None for the encoding's own.
    """

    name: str
    shape: tuple[int, ...]
    layers: tuple[int, ...]
    threshold: float
    order: PixelOrder | None = None

    def template(self, layers: int) -> Encoding:
        """With so many layers; 0 for an encoding that has none."""
        return encoding_for(self.name, self.shape, layers=layers or None, order=self.order)

    def check(self, images: Tensor) -> None:
        """Raise InputError for images that cannot be encoded; no circuit is fitted to them."""
        encoding = self.template(self.layers[0] if ENCODINGS[self.name].has_layers() else 0)
        if not encoding.fits_images:
            encoding.angles(images)
        elif not encoding.qubit_a_pixel:
            amplitudes(images.double(), encoding.num_qubits, self.order or encoding.default_order)

    @torch.no_grad()
    def __call__(self, images: Tensor, advance: Advance) -> Arrays:
        """``layers`` and ``fidelity`` of every image, and the angles of those that take L layers as ``angles-L``."""
        if ENCODINGS[self.name].has_layers():
            choice = choose_layers(images, self.threshold, self.layers, make=self.template)
            layers, fidelity = choice.layers, choice.fidelity
        else:
            layers, fidelity = torch.zeros(len(images), dtype=torch.int64), self.template(0).fidelity(images.double())
        used = layers.unique().tolist()
        angles = {f"angles-{each}": self.template(each).angles(images[layers == each]).numpy() for each in used}
        return {"layers": layers.numpy(), "fidelity": fidelity.numpy(), **angles}


def movements(encoder: Encoder, images: Tensor, strengths: Sequence[float]) -> list[Row]:
    """How far each state can be moved at most, a row an image with a column for every strength and norm.

    Raises:
        ConfigurationError: an encoding for which it is not known; not where no strength is asked for.
    """
    norms: tuple[Norm, ...] = ("linf", "l2")
    encoding = encoder.template(encoder.layers[0] if ENCODINGS[encoder.name].has_layers() else 0)
    columns = {
        f"moved_{norm}_{eps:g}": encoding.movement(images, eps, norm).tolist() for eps in strengths for norm in norms
    }
    return [{name: values[i] for name, values in columns.items()} for i in range(len(images))]


def encode_images(encoder: Encoder, images: Tensor, run: Run, progress: Progress, pool: Pool = HERE) -> Arrays:
    """What an encoder says of all images, shape (N, C, H, W); kept in the run block by block."""
    blocks = {f"blocks/{start:06d}": images[start : start + _BLOCK].clone() for start in range(0, len(images), _BLOCK)}
    told = {key: f"block {number} of {len(blocks)}" for number, key in enumerate(blocks, 1)}
    bar = Bar(progress, "encoding images", told, {key: len(block) for key, block in blocks.items()})
    parts: dict[str, list[NDArray[np.generic]]] = {}
    for block in run.map(blocks, encoder, ARRAYS, bar=bar, pool=pool).values():
        for name, part in block.items():
            parts.setdefault(name, []).append(part)
    return {name: np.concatenate(each) for name, each in parts.items()}
