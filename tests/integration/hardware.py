"""A tiny classifier and a device entry, for runs against the loopback service."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig
from qaml_qiskit.models.store import model_files
from tests.integration.loopback.client import connect
from tests.integration.loopback.server import MANILA, Loopback

#: Five images, two a job: three image jobs beside the calibration.
IMAGES, PER_JOB, SHOTS = 5, 2, 200
CHUNKS = ("calibration", "images-0000", "images-0001", "images-0002")
#: How often each of them runs when nothing is paid twice.
ONCE = dict.fromkeys(CHUNKS, 1)


def workspace(folder: Path) -> Path:
    """Write a model (2 qubits, 2 classes), another model, images, and a backends.yaml with the loopback's device."""
    for name, seed in (("model", 7), ("other", 8)):
        config = QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, init_std=1.0)
        card = ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1)))
        (folder / name).mkdir(parents=True)
        for file, content in model_files(QVC(config, seed), card).items():
            (folder / name / file).write_bytes(content)
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(IMAGES, 1, 2, 2, generator=generator).numpy()
    np.savez(folder / "images.npz", images=images, labels=np.arange(IMAGES) % 2)
    (folder / "backends.yaml").write_text(f"targets: {{device: {{kind: ibm, device: {MANILA}}}}}\n")
    return folder


def arguments(folder: Path, run: Path, *, mitigation: str = "readout", model: str = "model") -> list[str]:
    """The arguments of `qaml run` and `qaml submit` for that workspace."""
    options = {
        "target": "device",
        "recipe": "quick",
        "backends": folder / "backends.yaml",
        "images": folder / "images.npz",
        "shots": SHOTS,
        "images-per-job": PER_JOB,
        "mitigation": mitigation,
        "out": run,
    }
    words = [str(folder / model)]
    for name, value in options.items():
        words += [f"--{name}", str(value)]
    return words


def predictions(run: Path) -> dict[str, np.ndarray]:
    with np.load(run / "predictions.npz") as archive:
        return dict(archive)


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> bool:
    return found.keys() == wanted.keys() and all(np.array_equal(found[name], wanted[name]) for name in found)


def undisturbed_run(folder: Path, words: Callable[[Path, Path], list[str]]) -> dict[str, np.ndarray]:
    """The predictions of a run that nothing disturbs. Equal PUBs give equal counts on the loopback.

    Args:
        folder: for the workspace.
        words: of the command, by the workspace and the run folder; as :func:`arguments`.
    """
    from qaml_qiskit.cli.main import main

    place, run = workspace(folder / "work"), folder / "work/run"
    with Loopback({MANILA: "manila"}) as running, pytest.MonkeyPatch.context() as patch:
        connect(running, patch, place / "home")
        patch.setattr(sys, "argv", ["qaml", "run", *words(place, run), "--submit", "--json"])
        with pytest.raises(SystemExit) as leave:
            main()
        assert leave.value.code in (0, None)
    return predictions(run)


def executions(server: Loopback) -> Counter[str]:
    """How often each chunk ran once the queue is empty, by the jobs' tags ``qaml-RUN-CHUNK-ATTEMPT``."""
    server.finish()
    counts: Counter[str] = Counter()
    for job in server.jobs:
        tag = next(tag for tag in job.tags if any(f"-{chunk}-" in tag for chunk in CHUNKS))
        counts[tag.split("-", 2)[2].rsplit("-", 1)[0]] += job.executions
    return counts
