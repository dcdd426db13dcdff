"""Images through a whole compiled circuit under a device's noise: prepared once and cut, beside row by row."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.deployments import read_deployment
from qaml_qiskit.deployments.circuits import CircuitWithNoise
from qaml_qiskit.simulation import use_backend
from qaml_qiskit.simulation.heisenberg import PreparedCircuit
from qaml_qiskit.simulation.heisenberg.lowering import lower
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.propagation import light_cone, propagate
from qaml_qiskit.simulation.heisenberg.readout import expectation, observables_at, zero_state

TITLES = {
    "rows": "row by row, the errors looked up before",
    "whole": "prepared once, every image through the whole circuit",
    "cut": "prepared once and cut where the image ends",
    "frequencies": "prepared once: all bitstrings' frequencies",
    "torch": "prepared once and cut, in torch operations",
}
_MODEL, _DEVICE, _RECIPE = "mnist-shallow12", "fake-fez", "line"


def run(settings: Settings) -> Store:
    """Time a thousand images in each way, after all agree."""
    warnings.simplefilter("ignore", DeprecationWarning)
    store = open_store("propagation", settings, {})
    images, some = (8, 2) if settings.quick else (1000, 20)
    circuit = read_deployment(_MODEL).on(_DEVICE, _RECIPE).circuit
    values = np.random.default_rng(0).uniform(-np.pi, np.pi, (images, circuit.circuit.num_parameters))
    # Its errors are looked up before anything is timed.
    strings, table = circuit.strings, NoiseTable(circuit.noise)

    def prepared() -> PreparedCircuit:
        return PreparedCircuit(circuit.circuit, circuit.noise, circuit.read, dtype=torch.float32)

    kept = prepared()

    def by_torch() -> Tensor:
        with use_backend("torch"):
            return kept.expectations(values[:some], strings, rows=1000)

    ways: dict[str, tuple[Callable[[], Tensor], int]] = {
        "rows": (lambda: _row_by_row(circuit, table, values[:some]), some),
        "whole": (lambda: kept.expectations(values[: 5 * some], strings, rows=1), 5 * some),
        "cut": (lambda: prepared().expectations(values, strings, rows=1000), images),
        "frequencies": (lambda: kept.frequencies(values[: 5 * some]), 5 * some),
        "torch": (by_torch, some),
    }
    wanted = ways["rows"][0]()
    errors = {
        name: float((way()[:some] - wanted).abs().max())
        for name, (way, _) in ways.items()
        if name not in ("rows", "frequencies")
    }
    two_qubit = sum(len(instruction.qubits) == 2 for instruction in circuit.circuit.data)
    store.put(
        "setting",
        {
            "model": _MODEL,
            "device": _DEVICE,
            "images": images,
            "qubits": circuit.circuit.num_qubits,
            "two_qubit_gates": two_qubit,
            "errors": errors,
        },
    )
    say(f"propagation: {two_qubit} two-qubit gates, largest differences {errors}")
    contestants = [Contestant(name, way, images / count) for name, (way, count) in ways.items()]
    run_contest(contestants, Rounds(many=2, few=1) if settings.quick else Rounds(many=3, few=3), store)
    return store


def _row_by_row(circuit: CircuitWithNoise, table: NoiseTable, values: NDArray[np.float64]) -> Tensor:
    """Every image's circuit is bound, lowered, fused, scheduled and propagated by itself, shape (N, m)."""
    place, found = torch.device("cpu"), []
    for row in values:
        noisy = lower(circuit.circuit.assign_parameters(row), table, circuit.read)
        cone = light_cone(noisy, ())
        start = zero_state(cone.num_digits)
        (vectors,) = propagate(cone, start, backwards=False, dtype=torch.float32, device=place, progress=None)
        readout = dict(zip(noisy.read, noisy.readout, strict=True))
        factors = observables_at(circuit.strings, cone.digit, readout, cone.num_digits)
        found.append(torch.stack([expectation(vectors.numbers[0], vectors.strides, each) for each in factors]))
    return torch.stack(found)
