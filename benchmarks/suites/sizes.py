"""Training and attack steps of a few images, and of sixteen qubits: the package beside the strongest peers."""

from __future__ import annotations

from functools import partial

from benchmarks.agreement import TOLERANCE
from benchmarks.contest import Contestant, Rounds, run_contest, say
from benchmarks.operations import counted
from benchmarks.peak import load_peak
from benchmarks.peers import OTHERS, OURS
from benchmarks.problem import Problem
from benchmarks.store import Store
from benchmarks.suites.peers import KINDS, build_contestants
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings

#: Qubits, layers and images of a step, and who takes part: where a step takes seconds, the strongest alone.
SIZES: dict[str, tuple[tuple[int, int, int], tuple[str, ...]]] = {
    "one": ((10, 200, 1), ("kernel", "collapsed", "jax", "tensorcircuit-blocks", "catalyst", "torch-gates")),
    "four": ((10, 200, 4), ("kernel", "collapsed", "jax", "tensorcircuit-blocks", "catalyst", "torch-gates")),
    "sixteen qubits": ((16, 50, 8), ("kernel", "jax", "tensorcircuit-blocks")),
}
_QUICK = {"one": (6, 10, 1), "four": (6, 10, 4), "sixteen qubits": (7, 5, 2)}


def run(settings: Settings) -> Store:
    """Build, check and time, a size after the other."""
    store = open_store("sizes", settings, {})
    store.put("tolerance", TOLERANCE)
    peak = load_peak()
    for name, (full, keys) in SIZES.items():
        qubits, layers, batch = _QUICK[name] if settings.quick else full
        problem, suffix = Problem.of_size(qubits, layers), f"@{name}"
        operations = counted(problem, batch)
        store.put(f"size:{name}", {"qubits": qubits, "layers": layers, "batch": batch, "operations": operations})
        say(f"sizes: n = {qubits}, L = {layers}, batch {batch}")
        peers = [peer for peer in (*OURS, *OTHERS) if peer.key in keys]
        contestants = build_contestants(peers, problem, batch, store, suffix)
        if peak is not None:
            contestants += [Contestant(f"{kind}/floor{suffix}", partial(peak, operations[kind])) for kind in KINDS]
        run_contest(contestants, Rounds(many=2, few=1) if settings.quick else Rounds(many=9, few=3), store)
    return store
