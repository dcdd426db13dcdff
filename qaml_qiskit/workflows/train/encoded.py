"""Images encoded once for a training and its test, where encoding them costs more than a step of training."""

import torch
from torch import Tensor

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.pieces import encodes_slowly
from qaml_qiskit.files import delete
from qaml_qiskit.models import QVC, Model
from qaml_qiskit.progress import Progress

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
    if not isinstance(model, QVC) or not encodes_slowly(model):
        return data
    blocks = []
    with progress.task(f"encoding {_TOLD[name.rpartition('/')[2]]} images", len(images)) as advance, torch.no_grad():
        for start in range(0, len(images), _BLOCK):
            part = images[start : start + _BLOCK]
            file = f"{FOLDER}/{name}-{start:06d}.npz"
            if (kept := run.kept_arrays(file)) is None:
                kept = {"states": model.encoding.state(part).numpy()}
                run.keep_arrays(file, kept)
            blocks.append(torch.from_numpy(kept["states"]))
            advance(len(part))
    return torch.cat(blocks), labels


def forget_encoded(run: Run) -> None:
    """Delete the states, once the model is stored."""
    delete(run.path / FOLDER)
