"""A whole attack: PGD with 40 steps on 250 images, on a collapsed and on a simulated model."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.peers.ours import classifier, through_circuit
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.attacks import AttackConfig, attack_images
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.simulation import unitary


class Simulated(nn.Module):
    """A QVC with constant weights that is not collapsed.

    Args:
        model: the QVC.
    """

    def __init__(self, model: QVC) -> None:
        super().__init__()
        self.model = model  # torchattacks asks for the device of a parameter
        self._logits: Callable[[Tensor], Tensor] = through_circuit(model)

    def forward(self, images: Tensor) -> Tensor:
        """Logits by simulating the circuit."""
        return self._logits(images)


def run(settings: Settings) -> Store:
    """Attack two depths in both ways, and time the collapse alone."""
    store = open_store("pgd", settings, {})
    depths, count, steps = ((5, 25), 10, 4) if settings.quick else ((200, 1000), 250, 40)
    store.put("setting", {"layers": depths, "images": count, "steps": steps, "eps": 0.1})
    contestants = []
    for layers in depths:
        problem = Problem.of_size(6 if settings.quick else 10, layers)
        model = classifier(problem, problem.weights())
        pixels, labels = problem.batch(count)
        images, classes = torch.from_numpy(pixels)[:, None, None], torch.from_numpy(labels)
        config = AttackConfig(eps=0.1, steps=steps)
        contestants += [
            Contestant(f"collapse@{layers}", _collapse(model)),
            Contestant(f"collapsed@{layers}", _attack(model, images, classes, config)),
            Contestant(f"simulated@{layers}", _attack(Simulated(model), images, classes, config)),
        ]
    say(f"pgd: {steps} steps on {count} images")
    run_contest(contestants, settings.short_rounds, store)
    return store


def _collapse(model: QVC) -> Callable[[], object]:
    program, weight = model.connector.neural_network.program, model.weight.detach().double()
    return lambda: unitary(program, weight)


def _attack(model: nn.Module, images: Tensor, labels: Tensor, config: AttackConfig) -> Callable[[], object]:
    return lambda: attack_images(model, images, labels, config)
