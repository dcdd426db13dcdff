"""A training step of every defence beside a plain one: images and labels in, weights moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import torch

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.peers.ours import classifier, images_and_labels
from benchmarks.problem import Array, Labels
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.defences import Adversarial, CertifiedTraining, Combined, Trades
from qaml_qiskit.models import QVC, Clean, Objective

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


def run(settings: Settings) -> Store:
    """Time all of them in turns."""
    store = open_store("defences", settings, {})
    problem = settings.problem
    store.put("setting", {**asdict(problem), "batch": settings.batch})
    pixels, labels = problem.batch(settings.batch)
    contestants = [
        Contestant(name, _step(classifier(problem, problem.weights()), objective, pixels, labels))
        for name, objective in OBJECTIVES.items()
    ]
    say("defences: a training step")
    run_contest(contestants, settings.rounds, store)
    return store


def _step(model: QVC, objective: Objective, pixels: Array, labels: Labels) -> Callable[[], object]:
    """A step as a training takes it, without its bookkeeping."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    # The random pixels of the problem may lie outside of the bounds of an attack.
    images, truth = images_and_labels(abs(pixels) / abs(pixels).max(), labels)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        model.train()
        optimizer.zero_grad()
        objective.loss(model, images, truth, generator)[0].backward()
        optimizer.step()

    return step
