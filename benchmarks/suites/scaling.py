"""Time against depth, qubits, batch and threads."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from benchmarks.contest import median, run_contest, say
from benchmarks.machine import available_cpus, last_cpu, pin
from benchmarks.peers import OTHERS, OURS
from benchmarks.pictures import draw_scaling
from benchmarks.store import Store
from benchmarks.suites.peers import build_contestants
from benchmarks.suites.points import Point, points
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings

_SPIN = "import os\nif hasattr(os, 'sched_setaffinity'): os.sched_setaffinity(0, {%d})\nwhile True: pass"


def run(settings: Settings) -> Store:
    """Measure every point, then write the CSV and the picture."""
    store = open_store("scaling", settings, {})
    found = points(quick=settings.quick, cpus=available_cpus())
    for point in found:
        say(f"scaling: {point.curve} {point.x}")
        with _threads(point.threads, point.cpus), _spinning(point.spinning):
            _measure(point, store, settings)
    lines = table(found, store)
    with (settings.out / "scaling.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    draw_scaling(lines, settings.out / "scaling.png")
    return store


def _measure(point: Point, store: Store, settings: Settings) -> None:
    suffix = f"@{point.curve}={point.x}"
    if f"done:{suffix}" in store.facts:
        return
    peers = [peer for peer in (*OURS, *OTHERS) if peer.key in point.peers]
    contestants = build_contestants(peers, point.problem, point.batch, store, suffix)
    run_contest(contestants, settings.short_rounds, store)
    store.put(f"done:{suffix}", True)


def table(found: list[Point], store: Store) -> list[list[object]]:
    """Lines of the CSV, the head first; seconds are medians."""
    lines: list[list[object]] = [
        ["curve", "x", "qubits", "layers", "batch", "threads", "step", "contestant", "cpu_seconds", "wall_seconds"]
    ]
    for point in found:
        size = [point.problem.num_qubits, point.problem.num_layers, point.batch, point.threads]
        for row, samples in store.rows.items():
            name, _, place = row.partition("@")
            if place != f"{point.curve}={point.x}":
                continue
            step, _, contestant = name.partition("/")
            seconds = [f"{median(samples, clock):.6f}" for clock in ("cpu", "wall")]
            lines.append([point.curve, point.x, *size, step, contestant, *seconds])
    return lines


@contextmanager
def _threads(threads: int, cpus: int) -> Iterator[None]:
    """Compute with ``threads`` threads on ``cpus`` CPUs."""
    pin(cpus)
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(1)
        pin(1)


@contextmanager
def _spinning(wanted: bool) -> Iterator[None]:
    """Another process that keeps one CPU busy."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", _SPIN % last_cpu()])
    try:
        yield
    finally:
        process.kill()
        process.wait()
