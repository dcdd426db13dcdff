"""Points of the cost laws: what a step, a noise and a certificate take at many sizes, and what Dask adds to a cell."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.machine import available_cpus, pin
from benchmarks.peers.ours import attack_step, classifier, through_circuit, training_step
from benchmarks.problem import Problem
from benchmarks.scale_sizes import POINTS, Size, points_of
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.deployments import Batch, Ideal, deploy
from qaml_qiskit.deployments.circuits import native_circuit
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel
from qaml_qiskit.noise import named_noise
from qaml_qiskit.progress import ignore
from qaml_qiskit.simulation import unitary
from qaml_qiskit.studies.certifying import Certifying

#: Bytes of a message, to tell what a byte costs from what a message does.
_BYTES = (0, 16 * 2**20)
_MESSAGES = 50


def run(settings: Settings) -> Store:
    """Measure every point, one thread; then threads and Dask."""
    store = open_store("scale", settings, {})
    for kind in POINTS:
        fitted, check = points_of(kind, quick=settings.quick)
        store.put(f"law:{kind}", {"check": str(check)})
        say(f"scale: {kind}")
        for size in [*fitted, check]:
            row = f"{kind}@{size}"
            if row not in store.rows:
                store.put(f"size:{row}", asdict(replace(size, labels=_labels(size)) if kind == "certify" else size))
                run_contest([Contestant(row, _WAYS[kind](size))], Rounds(many=3, few=1, slow=0.5), store)
    if "threads" not in store.facts:
        store.put("threads", _threads(settings.problem, 4 * settings.batch))
    if "dask" not in store.facts:
        store.put("dask", _dask() if find_spec("distributed") else {"missing": "distributed is not installed"})
    return store


def _step(kind: str, size: Size) -> Callable[[], object]:
    problem = Problem.of_size(size.qubits, size.layers)
    model = classifier(problem, problem.weights())
    step = training_step(model) if kind == "train" else attack_step(through_circuit(model))
    return partial(step, *problem.batch(size.images))


def _collapse(size: Size) -> Callable[[], object]:
    problem = Problem.of_size(size.qubits, size.layers)
    model = classifier(problem, problem.weights())
    return partial(unitary, model.connector.neural_network.program, model.weight.detach().double())


def _collapsed(size: Size) -> Callable[[], object]:
    problem = Problem.of_size(size.qubits, size.layers)
    step = attack_step(classifier(problem, problem.weights()).eval().requires_grad_(False))
    return partial(step, *problem.batch(size.images))


def _noise(size: Size) -> Callable[[], object]:
    problem = Problem.of_size(size.qubits, size.layers)
    native = native_circuit(classifier(problem, problem.weights()), "gate", with_encoding=False)
    return lambda: native.under(named_noise("depolarizing", 1e-3)).observables()


def _certify(size: Size) -> Callable[[], object]:
    stored, batch = _certified(size)
    return lambda: Certifying(deploy(stored, Ideal()), batch)(slice(0, size.images), ignore)


def _certified(size: Size) -> tuple[StoredModel, Batch]:
    """A model, and images that have the labels that it gives them."""
    side = math.isqrt(2**size.qubits)
    config = QVCConfig(image_shape=(1, side, side), num_classes=size.classes, num_layers=size.layers)
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=tuple(range(size.classes))))
    stored = StoredModel(QVC(config, 0), card)
    images = torch.rand(size.images, 1, side, side, generator=torch.Generator().manual_seed(0))
    labels = deploy(stored, Ideal()).logits(images).argmax(1).numpy()
    return stored, Batch(images, labels, np.arange(len(images)), str(len(images)))


def _labels(size: Size) -> int:
    return len(np.unique(_certified(size)[1].labels))


_WAYS: dict[str, Callable[[Size], Callable[[], object]]] = {
    "train": partial(_step, "train"),
    "attack": partial(_step, "attack"),
    "collapse": _collapse,
    "collapsed": _collapsed,
    "noise": _noise,
    "certify": _certify,
}


def _threads(problem: Problem, batch: int) -> dict[str, float]:
    """Wall seconds of a training step on one and on two CPUs, the shortest of some."""
    model = classifier(problem, problem.weights())
    found: dict[str, float] = {"cpus": available_cpus()}
    for threads in (1, 2):
        pin(threads)
        torch.set_num_threads(threads)
        step = partial(training_step(model), *problem.batch(batch))
        found[f"on {threads}"] = min(_seconds(step) for _ in range(7))
    pin(1)
    torch.set_num_threads(1)
    return found


def _dask() -> dict[str, float]:
    """Seconds of a message to two workers of this machine and back, without and with bytes."""
    import distributed

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.gather(client.map(_length, [np.zeros(1, np.uint8)] * 4, pure=False))
        empty = min(_seconds(partial(_exchange, client, _BYTES[0], _MESSAGES)) for _ in range(3)) / _MESSAGES
        heavy = min(_seconds(partial(_exchange, client, _BYTES[1], 2)) for _ in range(3)) / 2
    return {"a cell, s": empty, "a MiB, s": max(heavy - empty, 0) / (_BYTES[1] / 2**20)}


def _exchange(client: object, size: int, count: int) -> None:
    messages = [np.full(size + 1, number, np.uint8) for number in range(count)]
    client.gather(client.map(_length, messages, pure=False))  # type: ignore[attr-defined]


def _length(message: NDArray[np.uint8]) -> int:
    return len(message)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
