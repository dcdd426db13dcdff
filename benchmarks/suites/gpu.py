"""Training and attack steps on a CUDA device, beside the kernel on one CPU and hand-written JAX on the same device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from benchmarks.agreement import Reference
from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.machine import package_version
from benchmarks.peers import MissingError, Peer
from benchmarks.peers.jax_adjoint import JaxCuda
from benchmarks.peers.ours import Cuda, CudaCollapsed, Kernel
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings

KINDS = ("train", "attack")
CONTESTANTS: tuple[Peer, ...] = (Cuda(), CudaCollapsed(), JaxCuda(), Kernel())
TITLES: dict[str, str] = {peer.key: peer.title for peer in CONTESTANTS}

#: Batch on which loss and gradients are compared in float64 before anything is timed.
_CHECKED = 64
#: Beyond this batch one CPU takes seconds a step.
_LARGEST_ON_CPU = 1024


@dataclass(frozen=True)
class Size:
    """One size: qubits, layers and images a step."""

    qubits: int
    layers: int
    batch: int

    @property
    def suffix(self) -> str:
        """What tells its rows from others'."""
        return f"@{self.qubits}x{self.layers}x{self.batch}"


def sizes(*, quick: bool) -> list[Size]:
    """All sizes, the smallest first."""
    if quick:
        return [Size(6, 5, 8)]
    small = [Size(qubits, 200, batch) for batch in (64, 1024, 16384) for qubits in (10, 12)]
    return [*small, Size(14, 50, 64)]


def run(settings: Settings) -> Store:
    """Measure every size; without a CUDA device only the reason is kept."""
    store = open_store("gpu", settings, {"torch": torch.__version__, "jax": package_version("jax") or "missing"})
    try:
        store.put("device", Cuda().version())
    except MissingError as reason:
        store.put("device", f"missing: {reason}")
        return store
    for size in sizes(quick=settings.quick):
        say(f"gpu: n = {size.qubits}, L = {size.layers}, batch {size.batch}")
        _measure(size, store)
    return store


def _measure(size: Size, store: Store) -> None:
    problem = Problem.of_size(size.qubits, size.layers)
    reference = Reference(problem)
    contestants: list[Contestant] = []
    for peer in CONTESTANTS:
        if isinstance(peer, Kernel) and size.batch > _LARGEST_ON_CPU:
            continue
        try:
            contestants += _checked(peer, problem, size, reference, store)
        except Exception as error:  # a broken peer must not end the run
            store.put(f"note:{peer.key}{size.suffix}", f"failed: {type(error).__name__}: {str(error)[:200]}")
    run_contest(contestants, Rounds(many=5, few=2, slow=2.0), store)


def _checked(peer: Peer, problem: Problem, size: Size, reference: Reference, store: Store) -> list[Contestant]:
    """The steps of a contestant that agrees with the package in float64."""
    peer.version()
    steps, contestants = peer.build(problem, problem.weights()), []
    for kind, step in zip(KINDS, (steps.train, steps.attack), strict=True):
        row = f"{kind}/{peer.key}{size.suffix}"
        if step is None:
            continue
        few = problem.batch(min(_CHECKED, size.batch))
        agreement = reference.compare(step(*few), *few, attack=kind == "attack")
        errors = f"relative errors: loss {agreement.loss:.1e}, gradient {agreement.gradient:.1e}"
        store.put(f"note:{row}", ("agrees" if agreement.holds else "does not agree, not timed") + f" ({errors})")
        if agreement.holds:
            timed = partial(step, *problem.batch(size.batch))
            timed()  # whoever compiles does so for every shape
            contestants.append(Contestant(row, timed))
    return contestants
