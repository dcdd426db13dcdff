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
_ENGINES: tuple[Engine, ...] = ("exact", "aer")
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

    def workload(self, engine: Engine, rows: slice, mitigation: str, seed: int = 0) -> Workload:
        """Of some of the images."""
        target = with_engine(self.target, engine)
        return workload_for(self.isa, self.values[rows], target, shots=SHOTS, mitigation=mitigation, seed=seed)

    def run(self, workload: Workload, folder: Path) -> None:
        """Compute its jobs as ``qaml run`` does, and keep their outcomes."""
        runner = runner_for(self.target, workload)
        submit(folder, workload, runner)
        collect(folder, workload, runner)

    def sample(self, engine: Engine, rows: slice, mitigation: str = "m3", seed: int = 0) -> Mapping[str, Array]:
        """⟨Z_k⟩ of some of the images by stage."""
        workload = self.workload(engine, rows, mitigation, seed)
        with TemporaryDirectory() as folder:
            self.run(workload, Path(folder))
            found = read_outcomes(Path(folder), workload)
        assert found is not None
        return {stage: np.asarray(values) for stage, values in found.stages().items()}


def run(settings: Settings) -> Store:
    """Agreement of the first images; CPU time an image and peak memory; then agreement of the others."""
    warnings.simplefilter("ignore", DeprecationWarning)
    store = open_store("devices", settings, {})
    agreeing, piece, many, few = (6, 3, 6, 2) if settings.quick else (200, 20, 200, 10)
    device = Device(max(agreeing, many))
    two_qubit = sum(len(each.qubits) == 2 for each in device.isa.data if each.operation.name != "barrier")
    qubits = device.deployment.compiled.circuit.num_qubits
    sizes = {"qubits": qubits, "two_qubit_gates": two_qubit, "shots": SHOTS, "exact_images": many, "aer_images": few}
    store.put("setting", sizes)
    _compare(device, slice(0, piece), store)
    with TemporaryDirectory() as folder:
        run_contest(_contestants(device, many, few, Path(folder)), _rounds(settings), store)
    for images in (5, 10) if settings.quick else (50, 300):
        name = f"memory@{images}"
        if name not in store.facts:
            store.put(name, _memory(images))
            say(f"devices: {name}: {store.facts[name]}")
    for start in range(piece, agreeing, piece):
        _compare(device, slice(start, start + piece), store)
    return store


def _compare(device: Device, rows: slice, store: Store) -> None:
    """How far the raw ⟨Z_k⟩ of both engines differ on some images, in units of what shots explain."""
    name = f"agreement@{rows.start}"
    if name in store.facts:
        return
    # Seeds of their own: what shots scatter would be alike in all of them otherwise.
    seeds = {engine: 2 * rows.start + number for number, engine in enumerate(_ENGINES)}
    exact, aer = (device.sample(engine, rows, "none", seed)["raw"] for engine, seed in seeds.items())
    store.put(name, {"images": len(exact), "values": exact.size, "square": _deviation(exact, aer)})
    say(f"devices: {name}: {store.facts[name]}")


def _contestants(device: Device, many: int, few: int, folder: Path) -> list[Contestant]:
    """Seconds an image of whole runs, and of their parts."""
    first = slice(0, many)
    workload = device.workload("exact", first, "m3")
    device.run(workload, folder)
    circuit, noise = compact(device.isa), device.target.noise_model(device.isa)
    prepared = PreparedCircuit(circuit, noise, dtype=_dtype())
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "exact": (lambda: device.sample("exact", first), many),
        "aer": (lambda: device.sample("aer", slice(0, few)), few),
        "exact, no mitigation": (lambda: device.sample("exact", first, "none"), many),
        "sampler": (
            lambda: ExactSampler(noise, seed=1).run([(circuit, device.values[first])], shots=SHOTS).result(),
            many,
        ),
        "propagation": (lambda: prepared.frequencies(device.values[first]), many),
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
    device.sample("exact", slice(0, min(images, 2)))
    before = status("VmRSS")
    reset_peak()
    device.sample("exact", slice(0, images))
    print(json.dumps({"images": images, "before_mib": before, "peak_mib": status("VmHWM")}))


if __name__ == "__main__":
    limit_threads()
    _child(int(sys.argv[1]))
