"""Training and attack steps on a CUDA device, everything on it, each contestant in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

import numpy as np
import torch

from benchmarks.contest import say
from benchmarks.machine import ONE_THREAD, available_cpus, package_version, pin, unpin
from benchmarks.peers.base import MissingError
from benchmarks.peers.on_device import ON_DEVICE, CudaSteps
from benchmarks.peers.ours import classifier
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings

KINDS = ("train", "attack")
TITLES: dict[str, str] = {peer.key: peer.title for peer in ON_DEVICE}

#: Seconds for everything, and for one contestant at one point, its compilation included.
_BUDGET, _LIMIT = 225.0, 25.0
#: Until a process has imported its libraries and found the device.
_START = 60.0
_ROUNDS = 5
#: Contestants that a larger size would take too long.
_SMALL_ONLY = {"tensorcircuit-cuda": 2**20, "lightning-gpu": 2**17}


@dataclass(frozen=True)
class Point:
    """One size: qubits, layers and images a step."""

    qubits: int
    layers: int
    batch: int

    @property
    def suffix(self) -> str:
        """What tells its rows from others'."""
        return f"@{self.qubits}x{self.layers}x{self.batch}"

    @property
    def distinct(self) -> int:
        """Different images in the batch: loss and gradients of these are computed in double precision on the CPU."""
        return min(self.batch, 64 if self.qubits <= 12 else 8)


def points(*, quick: bool) -> list[Point]:
    """All sizes, those that say most first."""
    if quick:
        return [Point(6, 5, 8), Point(7, 4, 512)]
    sizes = [(10, 64), (10, 1024), (12, 64), (12, 1024), (10, 16384), (16, 64), (12, 16384), (16, 1024), (16, 16384)]
    return [Point(qubits, 50 if qubits == 16 else 200, batch) for qubits, batch in sizes]


def run(settings: Settings) -> Store:
    """Measure every size, as far as the time goes; without a CUDA device only the reason is kept."""
    store = open_store("gpu", settings, {"torch": torch.__version__, "jax": package_version("jax") or "missing"})
    keys = list(TITLES)
    if settings.quick and not torch.cuda.is_available():
        keys = ["cpu", "jax-cpu"]  # does the program run?
    try:
        store.put("device", CudaSteps("cpu" if "cpu" in keys else "cuda").version())
    except MissingError as reason:
        store.put("device", f"missing: {reason}")
        return store
    unpin()  # a GPU is compared by wall time, and Python has to keep up with it
    deadline = time.monotonic() + _BUDGET
    with tempfile.TemporaryDirectory() as folder:
        # All start at once: their libraries take longer to be imported than most points.
        workers = {key: _Worker(key) for key in keys}
        try:
            for worker in workers.values():
                worker.meet()
            for point in points(quick=settings.quick):
                _measure(point, workers, store, Path(folder), deadline)
        finally:
            for worker in workers.values():
                worker.stop()
            pin(1)
    return store


def _measure(point: Point, workers: dict[str, _Worker], store: Store, folder: Path, deadline: float) -> None:
    say(f"gpu: n = {point.qubits}, L = {point.layers}, batch {point.batch}")
    reference = _reference(point, folder)
    for key, worker in workers.items():
        kinds = ("attack",) if key == "cuda-collapsed" else KINDS
        if all(f"{kind}/{key}{point.suffix}" in store.rows for kind in kinds):
            continue
        if point.batch << point.qubits > _SMALL_ONLY.get(key, 2**62):
            store.put(f"note:{key}{point.suffix}", "not measured: asked at the smallest sizes alone")
            continue
        if (left := deadline - time.monotonic()) <= 0:
            store.put(f"note:{key}{point.suffix}", "not measured: the time was over")
            continue
        asked = {"qubits": point.qubits, "layers": point.layers, "batch": point.batch, "rounds": _ROUNDS}
        for found in worker.answers({**asked, "reference": str(reference)}, min(_LIMIT, left)):
            _keep(found, key, point, store)


def _keep(found: dict[str, Any], key: str, point: Point, store: Store) -> None:
    row = f"{found.get('kind', '')}/{key}{point.suffix}"
    if "samples" in found:
        store.rows.pop(row, None)
        for sample in found["samples"]:
            store.add(row, sample)
        say(f"  {row}: {1e3 * min(each['wall'] for each in found['samples']):.4g} ms")
    elif "holds" in found:
        errors = f"relative errors: loss {found['loss']:.1e}, gradient {found['gradient']:.1e}"
        store.put(f"note:{row}", ("agrees" if found["holds"] else "does not agree, not timed") + f" ({errors})")
    else:
        reason = found.get("failed") or found.get("missing") or ""
        store.put(f"note:{key}{point.suffix}", reason)
        say(f"  {key}: {reason}")


def _reference(point: Point, folder: Path) -> Path:
    """Different images of a batch, and loss and gradients of their mean cross-entropy in double precision."""
    path = folder / f"{point.qubits}x{point.layers}x{point.distinct}.npz"
    if not path.exists():
        problem = Problem.of_size(point.qubits, point.layers)
        images, labels = problem.batch(point.distinct)
        model = classifier(problem, problem.weights()).double()
        threads = torch.get_num_threads()
        torch.set_num_threads(max(threads, available_cpus()))
        x = torch.from_numpy(images).double()[:, None, None].requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(x), torch.from_numpy(labels))
        by_image, by_weight = torch.autograd.grad(loss, (x, model.weight))
        torch.set_num_threads(threads)
        arrays = {"train": by_weight.numpy(), "attack": by_image.flatten(1).numpy(), "loss": loss.detach().numpy()}
        np.savez(path, images=images, labels=labels, **arrays)
    return path


class _Worker:
    """A process with one contestant."""

    def __init__(self, key: str) -> None:
        self._key, self._gone, self._met = key, "", False
        self._start()

    def _start(self) -> None:
        # What the benchmarks set for the CPU's comparison does not hold on a device.
        left = {"JAX_PLATFORMS", "XLA_FLAGS", *ONE_THREAD}
        environment = {name: value for name, value in os.environ.items() if name not in left}
        environment |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "benchmarks.gpu_worker", self._key]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._lines: Queue[str] = Queue()
        Thread(target=self._listen, args=(self._process, self._lines), daemon=True).start()
        self._met = False

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    def answers(self, point: dict[str, Any], limit: float) -> Iterator[dict[str, Any]]:
        """What the contestant says of a point; a word of why it was stopped where it takes longer than the limit."""
        self.meet()
        if self._gone:
            yield {"missing": self._gone}
            return
        assert self._process.stdin is not None
        end, failed = time.monotonic() + limit, False
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(point) + "\n")
            self._process.stdin.flush()
        while True:
            found = self._next(end)
            if found is None:
                took = "it took too long" if time.monotonic() >= end else "its process ended"
                yield {"failed": f"stopped: {took} (at most {limit:.0f} s)"}
                self.stop()
                self._start()
                return
            if "done" in found:
                if failed:  # a device that met an error is of no use to its process any more
                    self.stop()
                    self._start()
                return
            failed |= "failed" in found
            yield found

    def meet(self) -> None:
        """Wait until its libraries are there, or it is known why not."""
        if self._gone or self._met:
            return
        found = self._next(time.monotonic() + _START)
        self._met = True
        if found is None or "missing" in found:
            self._gone = "it did not start" if found is None else found["missing"]
            self.stop()
        elif "version" in found:
            say(f"  {self._key}: {found['version']}")

    def _next(self, end: float) -> dict[str, Any] | None:
        try:
            line = self._lines.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            return None
        return dict(json.loads(line)) if line else None

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
