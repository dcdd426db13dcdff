"""The monitor of a stream keeps its promise of false alarms, and finds what has changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit.confidence import Monitor
from qaml_qiskit.errors import InputError
from tests.tolerances import SIGMAS

#: Scores as detectors give them: of two values, skewed, and bell-shaped.
KINDS = {
    "disagreement": lambda generator, size: (generator.random(size) < 0.1).astype(float),
    "skewed": lambda generator, size: generator.exponential(size=size),
    "normal": lambda generator, size: generator.normal(3, 2, size),
}


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=30), st.integers(0, 30))
@settings(max_examples=50, deadline=None)
def test_the_sum_is_pages_recursion_however_the_stream_is_cut(scores: list[float], cut: int) -> None:
    monitor = Monitor(0.5, 2.0, 0.25, 1.0, 0.01, 100)
    whole, sums = monitor.through(np.array(scores))
    expected, level = [], 0.0
    for score in scores:
        level = max(0.0, level + (score - 0.5) / 2 - 0.25)
        expected.append(level)
    np.testing.assert_allclose(sums, expected, atol=1e-12)
    first = next((place for place, level in enumerate(expected) if level > 1.0), None)
    assert whole.alarm_at == first
    parts, _ = monitor.through(np.array(scores[:cut]))[0].through(np.array(scores[cut:]))
    assert parts.statistic == pytest.approx(whole.statistic, abs=1e-12)
    assert (parts.seen, parts.alarm_at) == (len(scores), first)


@pytest.mark.parametrize("kind", KINDS)
def test_false_alarms_are_no_more_than_promised(kind: str) -> None:
    trials, alarms = 100, 0
    for trial in range(trials):
        generator = np.random.default_rng([trial, len(kind)])
        monitor = Monitor.fit(KINDS[kind](generator, 100), false_alarms=0.1, within=100, seed=trial)
        alarms += monitor.through(KINDS[kind](generator, 100))[0].alarmed
    assert alarms / trials < 0.1 + SIGMAS * np.sqrt(0.1 * 0.9 / trials)


def test_a_shift_is_found_within_a_few_images() -> None:
    generator = np.random.default_rng(5)
    monitor = Monitor.fit(generator.normal(size=500), false_alarms=0.01, within=1000, seed=1)
    before, _ = monitor.through(generator.normal(size=300))
    assert not before.alarmed
    after, _ = before.through(generator.normal(1.0, 1.0, size=200))
    assert after.alarm_at is not None
    # About h/(shift − k) images: the sum grows by 0.75 of a deviation an image.
    assert 300 <= after.alarm_at < 300 + 3 * monitor.threshold / 0.75
    assert monitor.least_run_length == pytest.approx(990)


def test_one_score_after_the_other_is_the_whole_stream() -> None:
    generator = np.random.default_rng(2)
    monitor = Monitor.fit(generator.random(60), false_alarms=0.05, within=50)
    scores, one = generator.random(40), monitor
    for score in scores:
        one = one.update(score)
    assert one.statistic == pytest.approx(monitor.through(scores)[0].statistic)
    assert one.seen == 40


@pytest.mark.parametrize(
    ("scores", "how", "said"),
    [
        (np.zeros(49), {}, "at least 50"),
        (np.full(60, np.nan), {}, "not finite"),
        (np.ones(60), {}, "scores that vary"),
        (np.arange(60.0), {"false_alarms": 1.0}, "no such monitor"),
        (np.arange(60.0), {"within": 0}, "no such monitor"),
        (np.arange(60.0), {"drift": 0.0}, "no such monitor"),
        (np.arange(60.0), {"false_alarms": 1e-5}, "too rare"),
    ],
)
def test_what_keeps_no_promise_is_refused(scores: np.ndarray, how: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Monitor.fit(scores, **how)  # type: ignore[arg-type]


def test_a_score_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="nan"):
        Monitor.fit(np.arange(60.0)).update(float("nan"))
