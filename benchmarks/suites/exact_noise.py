"""Two-qubit noise on ten qubits, one observable of twelve, and exact weight gradients through noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Kraus
from qiskit_aer.noise import NoiseModel, QuantumError
from scipy.linalg import expm

from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.peers.ours import classifier, images_and_labels
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.defences import ExactNoise, NoiseAware
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.noise import named_noise
from qaml_qiskit.simulation import use_backend
from qaml_qiskit.simulation.heisenberg import noisy_observables

TITLES = {
    "depolarizing": "depolarising by gate, all observables",
    "crosstalk": "crosstalk by gate, all observables",
    "crosstalk-layer": "crosstalk by layer, all observables",
    "general": "a general channel after every CZ, all observables",
    "twelve": "twelve qubits, depolarising by gate, one observable",
    "twelve-crosstalk": "twelve qubits, crosstalk by gate, one observable",
    "twelve-general": "twelve qubits, a general channel after every CZ, one observable",
    "step": "loss and all weight gradients, depolarising, exactly",
    "sampled": "the same step with 16 sampled circuits",
    "small-step": "loss and all weight gradients, a small model, exactly",
}
_STRENGTHS = {"depolarizing": 0.001, "crosstalk": 0.05}
#: How far a general channel is from the identity: of its Hermitian generator on the pair and its environment.
_GENERAL = 0.05

_Noisy = tuple[QuantumCircuit, NoiseModel]


def run(settings: Settings) -> Store:
    """Time each, after the kernel and torch agree on small ones."""
    store = open_store("exact_noise", settings, {})
    problem = settings.problem
    twelve = Problem.of_size(7, 5) if settings.quick else Problem.of_size(12, 200)
    small = Problem.of_size(5, 3) if settings.quick else Problem.of_size(6, 12)
    gradient = small if settings.quick else problem
    if "setting" not in store.facts:
        error = max(_difference(name) for name in ("depolarizing", "crosstalk", "general"))
        store.put(
            "setting",
            {
                "error": error,
                "qubits": problem.num_qubits,
                "layers": problem.num_layers,
                "twelve": [twelve.num_qubits, twelve.num_layers],
                "small": [small.num_qubits, small.num_layers],
                "batch": settings.batch,
            },
        )
        say(f"exact_noise: largest difference of kernel and torch {error:.1e}")
    ways: dict[str, Callable[[], object]] = {}
    for key, name, placement in (
        ("depolarizing", "depolarizing", "gate"),
        ("crosstalk", "crosstalk", "gate"),
        ("crosstalk-layer", "crosstalk", "layer"),
        ("general", "general", "gate"),
    ):
        ways[key] = _observables(_noisy(problem, name, placement), range(problem.num_classes))
    for key, name in (("twelve", "depolarizing"), ("twelve-crosstalk", "crosstalk"), ("twelve-general", "general")):
        ways[key] = _observables(_noisy(twelve, name), [twelve.num_qubits // 2])
    exact = ExactNoise(noise="depolarizing", strength=_STRENGTHS["depolarizing"])
    ways["step"] = _step(gradient, exact, settings.batch)
    ways["sampled"] = _step(gradient, NoiseAware(depolarizing=_STRENGTHS["depolarizing"]), settings.batch)
    ways["small-step"] = _step(small, exact, settings.batch)
    rounds = Rounds(many=2, few=1) if settings.quick else Rounds(many=5, few=3)
    run_contest([Contestant(name, way) for name, way in ways.items()], rounds, store)
    return store


def _noisy(problem: Problem, name: str, placement: str = "gate") -> _Noisy:
    """The layers in native gates, and the noise."""
    where: Any = placement
    circuit = native_circuit(classifier(problem, problem.weights()), where, with_encoding=False).circuit
    if name != "general":
        return named_noise(name, _STRENGTHS[name], where).attach(circuit)
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((16, 16)) + 1j * rng.standard_normal((16, 16))
    # A unitary of the pair and an environment of two qubits that starts in |00⟩.
    unitary = expm(1j * _GENERAL * (drawn + drawn.conj().T) / 2).reshape(4, 4, 4, 4)
    model = NoiseModel(basis_gates=["rz", "sx", "x", "cz"])
    model.add_all_qubit_quantum_error(QuantumError(Kraus([unitary[k, :, 0] for k in range(4)])), "cz")
    return circuit, model


def _observables(noisy: _Noisy, qubits: Any) -> Callable[[], object]:
    return lambda: noisy_observables(*noisy, qubits)


def _step(problem: Problem, objective: ExactNoise | NoiseAware, batch: int) -> Callable[[], object]:
    """Loss and weight gradients of a batch; what is prepared once is prepared."""
    model = classifier(problem, problem.weights())
    images, labels = images_and_labels(*problem.batch(batch))
    objective.check(model)

    def step() -> object:
        model.zero_grad(set_to_none=True)
        loss, _ = objective.loss(model, images, labels, torch.Generator().manual_seed(0))
        loss.backward()
        return loss.item()

    return step


def _difference(name: str) -> float:
    """Of kernel and torch, on six qubits."""
    noisy = _noisy(Problem.of_size(6, 4), name)
    found = []
    for backend in ("auto", "torch"):
        with use_backend(backend):  # type: ignore[arg-type]
            found.append(noisy_observables(*noisy, range(6)).matrices)
    return float((found[0] - found[1]).abs().max())
