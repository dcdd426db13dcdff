"""Training and attack steps of everybody, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.agreement import TOLERANCE, Reference
from benchmarks.contest import Contestant, run_contest, say
from benchmarks.operations import ROWS, counted
from benchmarks.peak import load_peak
from benchmarks.peers import OTHERS, OURS, MissingError, Peer, Steps
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings

KINDS = ("train", "attack")


def run(settings: Settings) -> Store:
    """Build, check, then time."""
    problem, batch = settings.problem, settings.batch
    peers = (*OURS, *OTHERS)
    versions = {peer.key: _version(peer) for peer in peers}
    store = open_store("peers", settings, versions)
    store.put("tolerance", TOLERANCE)
    store.put("operations", counted(problem, batch))
    say(f"peers: n = {problem.num_qubits}, L = {problem.num_layers}, batch {batch}, one thread on one CPU")
    contestants = build_contestants(peers, problem, batch, store)
    contestants += _floor(problem, batch, store)
    for kind in KINDS:
        say(f"{kind}:")
        run_contest([each for each in contestants if each.row.startswith(kind)], settings.rounds, store)
    return store


def build_contestants(
    peers: Sequence[Peer], problem: Problem, batch: int, store: Store, suffix: str = "", kinds: Sequence[str] = KINDS
) -> list[Contestant]:
    """Those who are installed and agree; the others get a line in the store's facts."""
    reference, contestants = Reference(problem), []
    for peer in peers:
        for kind in kinds:
            row = f"{kind}/{peer.key}{suffix}"
            try:
                contestants += _contestant(peer, row, problem, batch, (reference, store))
            except MissingError as reason:
                _note(store, row, f"missing: {reason}")
            except Exception as error:  # a broken peer must not end the run
                _note(store, row, f"failed: {type(error).__name__}: {str(error)[:200]}")
    return contestants


def _contestant(
    peer: Peer, row: str, problem: Problem, batch: int, context: tuple[Reference, Store]
) -> list[Contestant]:
    reference, store = context
    attack = row.startswith("attack")
    peer.version()
    steps = peer.build(problem, problem.weights())
    step = steps.attack if attack else steps.train
    if step is None:
        return []
    samples = _samples(steps, batch)
    images, labels = problem.batch(samples)
    agreement = reference.compare(step(images, labels), images, labels, attack=attack)
    errors = f"relative errors: loss {agreement.loss:.1e}, gradient {agreement.gradient:.1e}"
    if not agreement.holds:
        _note(store, row, f"does not agree, not timed ({errors})")
        return []
    _note(store, row, f"agrees ({errors})")
    return [Contestant(row, partial(step, images, labels), batch / samples, steps.clock)]


def _samples(steps: Steps, batch: int) -> int:
    return batch if steps.samples is None else min(batch, steps.samples)


def _floor(problem: Problem, batch: int, store: Store) -> list[Contestant]:
    """The counted operations at this machine's peak, taking turns like everybody."""
    peak = load_peak()
    if peak is None:
        _note(store, "floor", "not measured: no C compiler")
        return []
    return [Contestant(ROWS[step][1], partial(peak, count)) for step, count in counted(problem, batch).items()]


def _version(peer: Peer) -> str:
    try:
        return peer.version()
    except MissingError as reason:
        return f"missing: {reason}"


def _note(store: Store, row: str, line: str) -> None:
    store.put(f"note:{row}", line)
    say(f"  {row}: {line}")
