"""Points of the scaling curves: one contest each."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.problem import Problem


@dataclass(frozen=True)
class Point:
    """One size.

    Attributes:
        curve: which curve it belongs to.
        x: its place there.
        problem: the problem.
        batch: images a step.
        threads: threads of the contestants.
        cpus: CPUs that they may use.
        peers: keys of the contestants.
        spinning: whether another process keeps one of the CPUs busy.
    """

    curve: str
    x: int
    problem: Problem
    batch: int
    threads: int = 1
    cpus: int = 1
    peers: tuple[str, ...] = ("kernel", "torch", "collapsed", "jax")
    spinning: bool = False


#: Qubits, layers and batch of states that leave the caches.
_LARGE = ((16, 50, 8), (18, 20, 2), (20, 10, 1))
#: From this size on a matrix of the whole circuit is larger than the work it saves.
_LARGEST_COLLAPSED = 12


def points(*, quick: bool, cpus: int) -> list[Point]:
    """All points; curves share the comparison's problem as their common point."""
    depths, sizes, batches = [200, 400, 600, 800, 1000], [6, 8, 10, 12, 14], [1, 2, 4, 8, 16, 64, 256, 1024]
    layers, batch, qubits = 200, 64, 10
    if quick:
        depths, sizes, batches, layers, batch, qubits = [5, 10], [4, 6], [1, 8], 10, 8, 6
    found = [Point("layers", depth, Problem.of_size(qubits, depth), batch) for depth in depths]
    for size in sizes:
        peers = ("kernel", "torch", "jax") if size > _LARGEST_COLLAPSED else Point.peers
        found.append(Point("qubits", size, Problem.of_size(size, layers), batch, peers=peers))
    found += [Point("batch", size, Problem.of_size(qubits, layers), size) for size in batches]
    if not quick:
        found += [
            Point("large", size, Problem.of_size(size, depth), few, peers=("kernel", "jax"))
            for size, depth, few in _LARGE
        ]
    for threads in range(1, min(2, cpus) + 1):
        for spinning in (False, True):
            curve = "threads beside a spinning process" if spinning else "threads"
            problem = Problem.of_size(qubits, layers)
            found.append(Point(curve, threads, problem, 4 * batch, threads, cpus, ("kernel",), spinning))
    return found
