"""Noise layers: a training step with them beside one without, and their exact average."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.defences import Combined
from qaml_qiskit.models import QVC, Clean, Objective, QVCConfig

#: Ansatz, sides of the images and layers; the first is the network of Huang & Zhang, whose training is ``combined``.
CASES = {
    "cnot": ("cnot", 16, 10),
    "qcnn": ("qcnn", 16, 10),
    "real": ("real", 16, 10),
    "ladder": ("ladder", 16, 10),
    "qvc200": ("ladder", 28, 200),
}
STEPS: dict[str, Objective] = {
    "clean": Clean(),
    "combined": Combined(adversary="bim", adversary_eps=0.15, adversary_steps=3, adversary_step_size=0.05),
}


def run(settings: Settings) -> Store:
    """Time all cases in turns."""
    store = open_store("layers", settings, {})
    batch, contestants = settings.batch, []
    store.put("setting", {"batch": batch, "cases": CASES})
    for name, (ansatz, side, layers) in CASES.items():
        models = {
            kind: _model(ansatz, 4 if settings.quick else side, 2 if settings.quick else layers, rule)
            for kind, rule in (("plain", None), ("noisy", NoiseLayers()))
        }
        contestants += [
            Contestant(f"{step}/{kind}/{name}", _step(model, objective, batch))
            for step, objective in STEPS.items()
            for kind, model in models.items()
        ]
        contestants.append(Contestant(f"average/noisy/{name}", _average(models["noisy"])))
    say("layers: noise layers beside none")
    run_contest(contestants, settings.rounds, store)
    return store


def _model(ansatz: str, side: int, layers: int, rule: NoiseLayers | None) -> QVC:
    config = QVCConfig(image_shape=(1, side, side), num_classes=2, num_layers=layers, ansatz=ansatz, noise_layers=rule)
    return QVC(config)


def _step(model: QVC, objective: Objective, batch: int) -> Callable[[], object]:
    """A step as a training takes it, without its bookkeeping."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, *model.config.image_shape, generator=generator)
    labels = torch.randint(0, 2, (batch,), generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        model.train()
        optimizer.zero_grad()
        objective.loss(model, images, labels, generator)[0].backward()
        optimizer.step()

    return step


def _average(model: QVC) -> Callable[[], object]:
    """What is read on average, carried back anew, and an image classified by it."""
    image = torch.rand(1, *model.config.image_shape)

    def average() -> None:
        with torch.no_grad():
            model.betas += 1e-3
            model.eval()(image)

    return average
