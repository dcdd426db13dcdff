"""Ten qubits on a snapshot of a device, with M3: the exact sampler beside Aer, through the same runner."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.machine import limit_threads
from benchmarks.store import Store
from benchmarks.suites.memory import reset_peak, status
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.deployments import load_batch, read_deployment
from qaml_qiskit.execution import (
    Engine,
    Workload,
    collect,
    compact,
    read_outcomes,
    runner_for,
    submit,
    with_engine,
    workload_for,
)
from qaml_qiskit.simulation import ExactSampler
from qaml_qiskit.simulation.heisenberg import PreparedCircuit

Array = NDArray[np.float64]

#: A trained classifier, the recipe that puts it on the best line, and a device.
MODEL, RECIPE, TARGET = "mnist-shallow12", "line", "fake-fez"
SHOTS = 1000
TITLES = {
    "exact": "exact sampler, M3",
    "aer": "Aer behind the Runtime's Sampler, M3",
    "exact, no mitigation": "exact sampler, counts alone",
    "sampler": "of that, the sampler",
    "propagation": "of that, the propagation",
    "m3": "of the run with M3, reading the counts and correcting them",
}


class Device:
    """The classifier on the device, and rows of values for images."""

    def __init__(self, images: int) -> None:
        self.deployment = read_deployment(MODEL, recipe=RECIPE).on(TARGET, RECIPE)
        self.isa, self.target = self.deployment.compiled.isa, self.deployment.compiled.target
        self.values = self.deployment.values(load_batch(str(images), [self.deployment], None).images)

    def workload(self, engine: Engine, images: int, mitigation: str, seed: int = 0) -> Workload:
        """Of the first images."""
        target = with_engine(self.target, engine)
        return workload_for(self.isa, self.values[:images], target, shots=SHOTS, mitigation=mitigation, seed=seed)

    def run(self, workload: Workload, folder: Path) -> None:
        """Compute its jobs as ``qaml run`` does, and keep their outcomes."""
        runner = runner_for(self.target, workload)
        submit(folder, workload, runner)
        collect(folder, workload, runner)

    def sample(self, engine: Engine, images: int, mitigation: str = "m3", seed: int = 0) -> Mapping[str, Array]:
        """⟨Z_k⟩ of the first images by stage."""
        workload = self.workload(engine, images, mitigation, seed)
        with TemporaryDirectory() as folder:
            self.run(workload, Path(folder))
            found = read_outcomes(Path(folder), workload)
        assert found is not None
        return {stage: np.asarray(values) for stage, values in found.stages().items()}


def run(settings: Settings) -> Store:
    """Agreement first; then CPU time an image, and peak memory."""
    warnings.simplefilter("ignore", DeprecationWarning)
    store = open_store("devices", settings, {})
    agreeing, many, few = (6, 6, 2) if settings.quick else (200, 200, 10)
    device = Device(agreeing)
    two_qubit = sum(len(each.qubits) == 2 for each in device.isa.data if each.operation.name != "barrier")
    if "setting" not in store.facts:
        exact, aer = (device.sample(engine, agreeing, seed=seed)["raw"] for seed, engine in enumerate(("exact", "aer")))
        store.put(
            "setting",
            {
                "qubits": len(device.deployment.compiled.circuit.qubits),
                "two_qubit_gates": two_qubit,
                "agreeing": agreeing,
                "images": {"exact": many, "aer": few},
                "shots": SHOTS,
                "agreement": _deviation(exact, aer),
                "spread": float(np.sqrt(2 / exact.size)),
            },
        )
    say(f"devices: {two_qubit} two-qubit gates, agreement {store.facts['setting']['agreement']:.3f}")
    with TemporaryDirectory() as folder:
        run_contest(_contestants(device, many, few, Path(folder)), _rounds(settings), store)
    for images in (5, 10) if settings.quick else (50, 300):
        name = f"memory@{images}"
        if name not in store.facts:
            store.put(name, _memory(images))
            say(f"devices: {name}: {store.facts[name]}")
    return store


def _contestants(device: Device, many: int, few: int, folder: Path) -> list[Contestant]:
    """Seconds an image of whole runs, and of their parts."""
    workload = device.workload("exact", many, "m3")
    device.run(workload, folder)
    circuit, noise = compact(device.isa), device.target.noise_model(device.isa)
    prepared = PreparedCircuit(circuit, noise, dtype=_dtype())
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "exact": (lambda: device.sample("exact", many), many),
        "aer": (lambda: device.sample("aer", few), few),
        "exact, no mitigation": (lambda: device.sample("exact", many, "none"), many),
        "sampler": (
            lambda: ExactSampler(noise, seed=1).run([(circuit, device.values[:many])], shots=SHOTS).result(),
            many,
        ),
        "propagation": (lambda: prepared.frequencies(device.values[:many]), many),
        "m3": (lambda: read_outcomes(folder, workload), many),
    }
    return [Contestant(name, way, 1 / images) for name, (way, images) in ways.items()]


def _dtype() -> Any:
    import torch

    return torch.float32


def _rounds(settings: Settings) -> Rounds:
    return Rounds(many=1, few=1) if settings.quick else Rounds(many=3, few=3)


def _deviation(first: Array, second: Array) -> float:
    """Mean square of the difference in units of its standard error by shots: 1 when only shots differ."""
    variance = (2 - first**2 - second**2) / SHOTS
    return float(np.mean((first - second) ** 2 / variance))


def _memory(images: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.suites.devices", str(images)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return result


def _child(images: int) -> None:
    """Print the resident memory before a run, and its peak, in MiB."""
    device = Device(images)
    device.sample("exact", min(images, 2))
    before = status("VmRSS")
    reset_peak()
    device.sample("exact", images)
    print(json.dumps({"images": images, "before_mib": before, "peak_mib": status("VmHWM")}))


if __name__ == "__main__":
    limit_threads()
    _child(int(sys.argv[1]))
