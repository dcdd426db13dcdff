"""Exact noisy ⟨Z_k⟩ of QVC200: the engine for all images, beside Aer's density matrix for one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.peers.ours import classifier
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.execution import load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation import use_backend
from qaml_qiskit.simulation.heisenberg import noisy_observables

TITLES = {
    "kernel": "qaml-qiskit, kernel: all observables, for every image",
    "logits": "qaml-qiskit: logits of 10,000 images from them",
    "torch": "qaml-qiskit, torch: all observables, for every image",
    "aer": "Aer, density matrix: one image",
}


def run(settings: Settings) -> Store:
    """Time the observables, the logits from them, and one image on Aer, after all three agree."""
    store = open_store("noise", settings, {})
    problem = settings.problem
    model = classifier(problem, problem.weights())
    native = open_target("native", IdealEntry(kind="ideal"), problem.num_qubits)
    circuit = to_isa(model.ansatz(), native.isa, load_recipe("quick"))
    noise = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 1e-4, "two_qubit": 1e-3}, "bit_flip": 1e-4}).build()
    qubits = range(model.config.num_classes)
    pixels, _ = problem.batch(20 if settings.quick else 10_000)
    states = amplitudes(torch.from_numpy(pixels), problem.num_qubits)
    observables = noisy_observables(circuit, noise, qubits)
    found = observables.expectations(states[:1])[0].numpy()
    wanted = _by_aer(circuit, noise, states[0].double().numpy(), len(qubits))
    error = float(np.abs(found - wanted).max())
    store.put("setting", {"images": len(states), "gates": circuit.size(), "error": error})
    say(f"noise: largest difference from Aer {error:.1e}")

    def by_torch() -> None:
        with use_backend("torch"):
            noisy_observables(circuit, noise, qubits)

    ways: dict[str, Callable[[], object]] = {
        "kernel": lambda: noisy_observables(circuit, noise, qubits),
        "logits": lambda: observables.expectations(states),
        "torch": by_torch,
        "aer": lambda: _by_aer(circuit, noise, states[0].double().numpy(), len(qubits)),
    }
    rounds = Rounds(many=2, few=1) if settings.quick else Rounds(many=5, few=3)
    run_contest([Contestant(name, way) for name, way in ways.items()], rounds, store)
    return store


def _by_aer(circuit: QuantumCircuit, noise: NoiseModel, state: np.ndarray, count: int) -> np.ndarray:
    """⟨Z_k⟩ of one image, shape (count,)."""
    whole = circuit.copy_empty_like()
    whole.set_density_matrix(DensityMatrix(np.outer(state, state)))
    whole.compose(circuit, inplace=True)
    whole.save_probabilities()
    simulator = AerSimulator(method="density_matrix", noise_model=noise, max_parallel_threads=1, fusion_threshold=1)
    probabilities = simulator.run(whole).result().data()["probabilities"]
    basis = np.arange(len(probabilities))
    return np.array([(probabilities * (1 - 2 * ((basis >> k) & 1))).sum() for k in range(count)])
