"""Peak memory of a training step, each in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.contest import say
from benchmarks.machine import limit_threads
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.settings import Settings

_PEERS = ("kernel", "torch", "jax")


def run(settings: Settings) -> Store:
    """Measure at two depths."""
    from benchmarks.suites.session import open_store

    store = open_store("memory", settings, {})
    depths, batch = ((5, 25), 32) if settings.quick else ((200, 1000), 256)
    for key in _PEERS:
        for layers in depths:
            name = f"{key}@{layers}"
            if name in store.facts:
                continue
            store.put(name, {"contestant": key, "layers": layers, "batch": batch, **_in_a_process(key, layers, batch)})
            say(f"memory: {name}: {store.facts[name]}")
    return store


def _in_a_process(key: str, layers: int, batch: int) -> dict[str, float | str]:
    command = [sys.executable, "-m", "benchmarks.suites.memory", key, str(layers), str(batch)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        lines = finished.stderr.strip().splitlines()
        return {"missing": lines[-1][:200] if lines else f"exit code {finished.returncode}"}
    result: dict[str, float | str] = json.loads(finished.stdout.splitlines()[-1])
    return result


def _child(key: str, layers: int, batch: int) -> None:
    """Print the resident memory before the first step and the peak of three steps, in MiB."""
    from benchmarks.peers import OTHERS, OURS

    problem = Problem.of_size(10, layers)
    peer = next(peer for peer in (*OURS, *OTHERS) if peer.key == key)
    peer.version()
    train = peer.build(problem, problem.weights()).train
    assert train is not None
    images, labels = problem.batch(batch)
    train(images[:16], labels[:16])  # lazy imports and tables
    before = status("VmRSS")
    train(images, labels)  # compilers leave their own peak behind
    reset_peak()
    for _ in range(3):
        train(images, labels)
    print(json.dumps({"before_mib": before, "peak_mib": status("VmHWM")}))


def reset_peak() -> None:
    """Forget the peak so far."""
    marker = Path("/proc/self/clear_refs")
    if marker.exists():
        marker.write_text("5")


def status(field: str) -> float:
    status = Path("/proc/self/status")
    if not status.exists():  # no Linux: the peak of the whole life
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    limit_threads()
    _child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
