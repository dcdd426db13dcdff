"""Training steps of every defence beside a plain one, with noise layers beside none, and their exact average."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

import torch
from torch import Tensor

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.peers.ours import classifier, images_and_labels
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.defences import Adversarial, CertifiedTraining, Combined, Trades
from qaml_qiskit.models import QVC, Clean, Objective, QVCConfig

OBJECTIVES: dict[str, Objective] = {
    "clean": Clean(),
    "adversarial": Adversarial(),
    "combined": Combined(),
    "trades": Trades(),
    "certified": CertifiedTraining(witness="steps"),
}
TITLES = {
    "clean": "plain",
    "adversarial": "adversarial: half of the batch, PGD with 3 steps",
    "combined": "combined: every image and its attacked one, PGD with 3 steps",
    "trades": "TRADES, 3 steps",
    "certified": "certified: the radius by a witness from one gradient",
}
#: Noise layers: ansatz, sides of the images and layers; the first is the network of Huang & Zhang.
CASES = {
    "cnot": ("cnot", 16, 10),
    "qcnn": ("qcnn", 16, 10),
    "real": ("real", 16, 10),
    "ladder": ("ladder", 16, 10),
    "qvc200": ("ladder", 28, 200),
}
#: What is trained there; the training of Huang & Zhang is ``combined``.
STEPS: dict[str, Objective] = {
    "clean": Clean(),
    "combined": Combined(adversary="bim", adversary_eps=0.15, adversary_steps=3, adversary_step_size=0.05),
}


def run(settings: Settings) -> Store:
    """Time all defences in turns, then all noise layers."""
    store = open_store("defences", settings, {})
    store.put("setting", {**asdict(settings.problem), "batch": settings.batch})
    say("defences: a training step")
    run_contest(list(_defences(settings)), settings.rounds, store)
    store.put("layers", {"batch": settings.batch, "cases": CASES})
    say("defences: noise layers beside none")
    run_contest(list(_noise_layers(settings)), settings.rounds, store)
    return store


def _defences(settings: Settings) -> Iterator[Contestant]:
    problem = settings.problem
    pixels, labels = problem.batch(settings.batch)
    # The random pixels of the problem may lie outside of the bounds of an attack.
    images, truth = images_and_labels(abs(pixels) / abs(pixels).max(), labels)
    for name, objective in OBJECTIVES.items():
        yield Contestant(name, _step(classifier(problem, problem.weights()), objective, images, truth))


def _noise_layers(settings: Settings) -> Iterator[Contestant]:
    for name, (ansatz, side, layers) in CASES.items():
        size = (4, 2) if settings.quick else (side, layers)
        models = {kind: _model(ansatz, *size, rule) for kind, rule in (("plain", None), ("noisy", NoiseLayers()))}
        generator = torch.Generator().manual_seed(0)
        images = torch.rand(settings.batch, *models["plain"].config.image_shape, generator=generator)
        labels = torch.randint(0, 2, (settings.batch,), generator=generator)
        for step, objective in STEPS.items():
            for kind, model in models.items():
                yield Contestant(f"{step}/{kind}/{name}", _step(model, objective, images, labels))
        yield Contestant(f"average/noisy/{name}", _average(models["noisy"]))


def _model(ansatz: str, side: int, layers: int, rule: NoiseLayers | None) -> QVC:
    config = QVCConfig(image_shape=(1, side, side), num_classes=2, num_layers=layers, ansatz=ansatz, noise_layers=rule)
    return QVC(config)


def _step(model: QVC, objective: Objective, images: Tensor, labels: Tensor) -> Callable[[], object]:
    """A step as a training takes it, without its bookkeeping."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(0)

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
