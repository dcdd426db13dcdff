"""Exact certificates of a few images: the one-off work for a model, and what an image costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.certificates import decompose
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import Batch, Deployment, Ideal, deploy
from qaml_qiskit.deployments.forms import forms_of_circuit, forms_of_layers
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel
from qaml_qiskit.progress import ignore
from qaml_qiskit.studies.certifying import Certifying

TITLES = {
    "forms/matrix": "quadratic forms, without noise: from the circuit's matrix",
    "forms/layers": "the same carried back through the layers, as under noise",
    "pairs/all": "every pair of classes decomposed",
    "certify/10": "certificates of 10 images, nothing known of the model",
    "certify/100": "certificates of 100 images",
}
#: A reference model, and the side of its images.
_REFERENCE, _SIDE = "mnist-qvc200", 28


def run(settings: Settings) -> Store:
    """Time them in turns."""
    store = open_store("certificates", settings, {})
    deployed, sides = (_small(), 8) if settings.quick else (deploy(_REFERENCE, Ideal()), _SIDE)
    config = deployed.qvc.config
    facts = {"num_qubits": config.num_qubits, "num_layers": config.num_layers, "num_classes": config.num_classes}
    store.put("setting", facts)
    say("certificates: the one-off work, and images")
    run_contest(list(_contestants(deployed, sides)), settings.short_rounds, store)
    return store


def _contestants(deployed: Deployment, side: int) -> Iterator[Contestant]:
    model, layers, matrices = deployed.qvc, deployed.layers, deployed.forms().matrices
    # Digits of another data set in the model's size: images that it has labels for, and of every class.
    images = torch.from_numpy(load_dataset("digits").test.images[:100]).float()
    images = torch.nn.functional.interpolate(images, size=side, mode="bilinear").clamp(0, 1)
    labels = deployed.logits(images).argmax(1).numpy()
    batch = Batch(images, labels, np.arange(len(images)), "100")
    yield Contestant("forms/matrix", lambda: forms_of_circuit(model))
    yield Contestant("forms/layers", lambda: forms_of_layers(model, layers))
    yield Contestant("pairs/all", lambda: decompose(matrices).all_spectra())
    for count in (10, 100):
        yield Contestant(f"certify/{count}", lambda count=count: _certify(deployed, batch, count))


def _certify(deployed: Deployment, batch: Batch, count: int) -> None:
    Certifying(deploy(deployed.stored, Ideal()), batch)(slice(0, count), ignore)


def _small() -> Deployment:
    config = QVCConfig(image_shape=(1, 8, 8), num_classes=6, num_layers=10)
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=tuple(range(6))))
    return deploy(StoredModel(QVC(config), card), Ideal())
