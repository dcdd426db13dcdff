"""A whole attack: PGD with 40 steps on 250 images, collapsed, simulated, and through PennyLane."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.peers import MissingError, Peer
from benchmarks.peers.ours import classifier, through_circuit
from benchmarks.peers.pennylane_jax import PennyLaneJax
from benchmarks.peers.pennylane_torch import PennyLaneTorch
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.attacks import PGDConfig, run_attack
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.simulation import collapse

#: Whose attack steps are timed, on the first depth alone. A step of a batch is measured and multiplied: the attack has
#: nothing else that costs time.
PEERS: tuple[Peer, ...] = (PennyLaneTorch(), PennyLaneJax())
PEER_BATCH = 64


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
    contestants = _peers(Problem.of_size(6 if settings.quick else 10, depths[0]), count * steps, store)
    for layers in depths:
        problem = Problem.of_size(6 if settings.quick else 10, layers)
        model = classifier(problem, problem.weights())
        pixels, labels = problem.batch(count)
        images, classes = torch.from_numpy(pixels)[:, None, None], torch.from_numpy(labels)
        attack = PGDConfig(eps=0.1, steps=steps)
        contestants += [
            Contestant(f"collapse@{layers}", _collapse(model)),
            Contestant(f"collapsed@{layers}", _attack(model, images, classes, attack)),
            Contestant(f"simulated@{layers}", _attack(Simulated(model), images, classes, attack)),
        ]
    say(f"pgd: {steps} steps on {count} images")
    run_contest(contestants, settings.short_rounds, store)
    return store


def _peers(problem: Problem, steps: int, store: Store) -> list[Contestant]:
    """PennyLane's step on a batch, times ``steps`` over the batch's images."""
    found = []
    for peer in PEERS:
        try:
            store.put(f"version/{peer.key}", peer.version())
            step = peer.build(problem, problem.weights()).attack
        except MissingError as reason:
            store.put(f"missing/{peer.key}", str(reason))
            continue
        assert step is not None
        images, labels = problem.batch(PEER_BATCH)
        row = f"{peer.key}@{problem.num_layers}"
        found.append(Contestant(row, partial(step, images, labels), steps / PEER_BATCH))
    return found


def _collapse(model: QVC) -> Callable[[], object]:
    network, weight = model.network, model.weight.detach()
    return lambda: collapse(network.program, weight, network.readings, network.num_inputs)


def _attack(model: nn.Module, images: Tensor, labels: Tensor, attack: PGDConfig) -> Callable[[], object]:
    return lambda: run_attack(model, images, labels, attack, spare_wrong=False)
