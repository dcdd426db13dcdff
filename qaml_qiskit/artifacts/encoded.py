"""Images encoded once for a training and its test, where encoding them costs more than a step of training."""

from functools import partial

import torch
from torch import Tensor

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import Bar
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.encodings import Encoding
from qaml_qiskit.files import delete
from qaml_qiskit.formats import Arrays
from qaml_qiskit.models import QVC, Model
from qaml_qiskit.progress import Advance, Progress

FOLDER = "encoded"
#: What the parts of a data set are to a reader.
_TOLD = {"train": "training", "validation": "validation", "test": "test"}
#: Images encoded between two files: what a kill can lose, and some seconds.
_BLOCK = 128


def encoded(
    model: Model, data: tuple[Tensor, Tensor], run: Run, name: str, progress: Progress
) -> tuple[Tensor, Tensor]:
    """Images and labels; the images as the states that a QVC's approximate encoding prepares for them.

    Args:
        model: who will see them; any other model gets the images as they are.
        data: images (N, C, H, W) and labels (N,).
        run: keeps the states until :func:`forget_encoded`, block by block, so that a killed training goes on.
        name: of these images within the run; it ends in ``train``, ``validation`` or ``test``.
        progress: told about every block.
    """
    images, labels = data
    # Every other encoding costs less than reading its states back.
    if not isinstance(model, QVC) or not model.encoding.fits_images:
        return data
    blocks = {f"{FOLDER}/{name}-{start:06d}": images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK)}
    told = {key: f"block {number} of {len(blocks)}" for number, key in enumerate(blocks, 1)}
    what = f"encoding {_TOLD[name.rpartition('/')[2]]} images"
    bar = Bar(progress, what, told, {key: len(block) for key, block in blocks.items()})
    found = run.map(blocks, partial(_states, model.encoding), ARRAYS, bar=bar)
    return torch.cat([torch.from_numpy(kept["states"]) for kept in found.values()]), labels


@torch.no_grad()
def _states(encoding: Encoding, images: Tensor, advance: Advance) -> Arrays:
    return {"states": encoding.state(images).numpy()}


def forget_encoded(run: Run) -> None:
    """Delete the states, once the model is stored."""
    delete(run.path / FOLDER)
