"""A circuit of the user's own beside the built-in ansatz with the same gates: what the generality costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import torch

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.peers.ours import attack_step, classifier, training_step
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.circuits import Ladder
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.models import QVC
from qaml_qiskit.noise import named_noise
from qaml_qiskit.simulation import FactoredForms, collapse

TITLES = {
    "build": "the model from its configuration",
    "training": "a training step",
    "attack": "a collapsed attack step",
    "collapse": "the circuit as one matrix",
    "noise": "all observables under depolarising noise",
}
WHOSE = {"ladder": "the ladder", "own": "the ladder's gates as a circuit of the user's own"}


def run(settings: Settings) -> Store:
    """Time both, in turns, after they agree."""
    store = open_store("circuit", settings, {})
    problem = settings.problem
    store.put("setting", {**asdict(problem), "batch": settings.batch})
    ladder = classifier(problem, problem.weights())
    own = _own(problem, ladder)
    pixels, labels = problem.batch(settings.batch)
    images = torch.from_numpy(pixels)[:, None, None]
    with torch.no_grad():
        error = float((own(images) - ladder(images)).abs().max())
    if error:
        raise RuntimeError(f"the two circuits differ by {error}")
    contestants = []
    for name, model in (("ladder", ladder), ("own", own)):
        # A frozen copy collapses, one that learns does not.
        frozen = QVC(model.config)
        frozen.load_state_dict(model.state_dict())
        train, attack = training_step(model), attack_step(frozen.requires_grad_(requires_grad=False))
        ways: dict[str, Callable[[], object]] = {
            "build": lambda model=model: QVC(model.config),
            "training": lambda step=train: step(pixels, labels),
            "attack": lambda step=attack: step(pixels, labels),
            "collapse": lambda model=model: _collapse(model),
            "noise": lambda model=model: _noise(model),
        }
        contestants += [Contestant(f"{what}/{name}", way) for what, way in ways.items()]
    say("circuit: a circuit of the user's own beside the ladder")
    # The two of a kind take their turns one after the other.
    run_contest(sorted(contestants, key=lambda each: each.row), settings.short_rounds, store)
    return store


def _own(problem: Problem, ladder: QVC) -> QVC:
    config = ladder.config
    circuit = Ladder(problem.num_qubits, problem.num_layers).circuit()
    own = QVC(
        circuit=circuit,
        image_shape=config.image_shape,
        num_classes=config.num_classes,
        logit_scale=config.logit_scale,
    )
    with torch.no_grad():
        own.weight.copy_(ladder.weight)
    return own


def _collapse(model: QVC) -> FactoredForms:
    network = model.network
    return collapse(network.program, model.weight.detach(), network.readings, network.num_inputs)


def _noise(model: QVC) -> object:
    noisy = native_circuit(model, "gate", with_encoding=False)
    return noisy.under(named_noise("depolarizing", 1e-3)).observables()
