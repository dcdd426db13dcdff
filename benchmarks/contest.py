"""Fair timing: contestants take turns, round after round, so that the machine's moods hit all of them."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.machine import load
from benchmarks.store import Store

#: A turn repeats a short step until it has taken about this long, in seconds.
_TURN = 0.1
#: Steps up to this long are run once before they are timed, so that caches are theirs.
_WARM = 1.0

Sample = dict[str, float]


@dataclass(frozen=True)
class Contestant:
    """Somebody who takes turns.

    Attributes:
        row: the key of its row in the store.
        run: one step.
        factor: seconds are multiplied by this (a step that was cut down to fewer samples).
        clock: CPU seconds so far.
    """

    row: str
    run: Callable[[], object]
    factor: float = 1.0
    clock: Callable[[], float] = time.process_time


@dataclass(frozen=True)
class Rounds:
    """How often.

    Attributes:
        many: rounds of a step shorter than ``slow`` seconds.
        few: rounds of a longer step.
        slow: where the limit is.
    """

    many: int = 15
    few: int = 5
    slow: float = 1.0


def run_contest(contestants: Sequence[Contestant], rounds: Rounds, store: Store) -> None:
    """Time all contestants, round robin; rows that the store already has are not measured again."""
    needed = {each.row: rounds.many for each in contestants}
    gc.collect()
    gc.freeze()
    for number in range(rounds.many):
        for each in contestants:
            done = store.rows.get(each.row, [])
            if number < needed[each.row] and all(sample["round"] != number for sample in done):
                store.add(each.row, {"round": number, **_turn(each)})
            samples = store.rows.get(each.row, [])
            if samples and samples[0]["cpu"] / each.factor > rounds.slow:
                needed[each.row] = min(rounds.few, rounds.many)
        _progress(contestants, store, number + 1, rounds.many)
    gc.unfreeze()


def _turn(contestant: Contestant) -> Sample:
    seconds = _timed(contestant, 1)
    if seconds["cpu"] < _WARM:
        seconds = _timed(contestant, max(1, min(50, round(_TURN / max(seconds["cpu"], 1e-6)))))
    return {"wall": seconds["wall"] * contestant.factor, "cpu": seconds["cpu"] * contestant.factor, "load": load()}


def _timed(contestant: Contestant, calls: int) -> Sample:
    gc.collect()
    wall, cpu = time.perf_counter(), contestant.clock()
    for _ in range(calls):
        contestant.run()
    return {"wall": (time.perf_counter() - wall) / calls, "cpu": (contestant.clock() - cpu) / calls}


def median(samples: Sequence[Sample], clock: str = "cpu") -> float:
    """The median of one clock, in seconds."""
    return statistics.median(sample[clock] for sample in samples)


def ratios(samples: Sequence[Sample], base: Sequence[Sample], clock: str = "cpu") -> tuple[float, float]:
    """How many times slower than ``base``: the ratio of medians, and the median of ratios within a round."""
    rounds = {sample["round"]: sample[clock] for sample in base}
    paired = [sample[clock] / rounds[sample["round"]] for sample in samples if sample["round"] in rounds]
    return median(samples, clock) / median(base, clock), statistics.median(paired)


def _progress(contestants: Sequence[Contestant], store: Store, number: int, total: int) -> None:
    if number == 1:
        for each in contestants:
            if each.row in store.rows:
                say(f"    {each.row}: about {store.rows[each.row][0]['cpu']:.4g} s of CPU")
    say(f"  round {number} of {total}, load {load():.1f}")


def say(line: str) -> None:
    """A line of progress, on stderr."""
    print(line, file=sys.stderr, flush=True)
