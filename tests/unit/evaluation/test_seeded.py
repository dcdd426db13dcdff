"""Intervals over trainings and images, and tests of a few trainings: against scipy, tables, and what they promise."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import (
    Estimated,
    benjamini_hochberg,
    cohens_h,
    critical,
    paired_difference,
    paired_test,
    published_share,
    seeded_contrast,
    seeded_difference,
    seeded_mean,
    seeded_share,
    signed_ranks,
    trend_weights,
    wilson_interval,
)
from tests.tolerances import SIGMAS, VALUE

EXACT = VALUE[torch.float64]
#: A root that was found by halving.
FOUND = VALUE[torch.float32]
REPEATED = 400
LEVEL = 0.95
#: Coverage may be so much lower in a count of so many, by chance.
BY_CHANCE = SIGMAS * np.sqrt(LEVEL * (1 - LEVEL) / REPEATED)


def drawn(
    generator: np.random.Generator, seeds: int, images: int, share: float, spread: float, *others: float
) -> list[np.ndarray]:
    """Hits of trainings whose accuracies differ, on images that are easy or hard for all.

    Args:
        generator: of everything.
        seeds: S.
        images: N.
        share: the mean.
        spread: of trainings, to either side.
        others: means of further ways on the same images, with trainings of their own.

    Returns:
        Of every way, shape (S, N).
    """
    room = min(min(each, 1 - each) for each in (share, *others))
    image = (room - spread) * generator.choice([-1.0, 1.0], (1, images))
    found = []
    for mean in (share, *others):
        training = spread * generator.uniform(-1, 1, (seeds, 1))
        found.append((generator.random((seeds, images)) < mean + training + image).astype(np.float64))
    return found


@pytest.mark.parametrize(
    ("seeds", "images", "share", "spread"),
    [(1, 60, 0.8, 0.0), (5, 60, 0.8, 0.1), (5, 200, 0.9, 0.02), (3, 100, 0.5, 0.2)],
)
def test_intervals_of_shares_cover_other_trainings_and_images(
    seeds: int, images: int, share: float, spread: float
) -> None:
    generator = np.random.default_rng([seeds, images])
    inside = 0
    for _ in range(REPEATED):
        low, high = seeded_share(drawn(generator, seeds, images, share, spread)[0]).interval
        inside += low <= share <= high
    assert inside / REPEATED >= LEVEL - BY_CHANCE


@pytest.mark.parametrize(("seeds", "images", "gap"), [(1, 60, 0.1), (1, 60, 0.0), (5, 60, 0.0), (5, 200, 0.1)])
def test_intervals_of_differences_cover_and_false_alarms_are_rare(seeds: int, images: int, gap: float) -> None:
    generator = np.random.default_rng([seeds, images, 1])
    inside = alarms = 0
    for _ in range(REPEATED):
        first, second = drawn(generator, seeds, images, 0.8, 0.05 * (seeds > 1), 0.8 - gap)
        found = seeded_difference(first, second)
        low, high = found.interval
        inside += low <= gap <= high
        alarms += gap == 0 and found.p_at(0) <= 1 - LEVEL
    assert inside / REPEATED >= LEVEL - BY_CHANCE
    assert alarms / REPEATED <= 1 - LEVEL + BY_CHANCE


def test_spread_of_trainings_is_covered_although_images_are_many() -> None:
    generator = np.random.default_rng(4)
    inside = [0, 0]
    for _ in range(REPEATED):
        (hits,) = drawn(generator, 5, 1000, 0.8, 0.1)
        for number, found in enumerate((seeded_share(hits), seeded_share(hits.reshape(1, -1)))):
            low, high = found.interval
            inside[number] += low <= 0.8 <= high
    assert inside[0] / REPEATED >= LEVEL - BY_CHANCE
    # Five thousand images are not what five trainings on one thousand are.
    assert inside[1] / REPEATED < LEVEL - BY_CHANCE


def test_one_training_has_the_intervals_that_are_known() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.random((2, 80)) < [[0.9], [0.7]]
    assert seeded_share(first[None]).interval == pytest.approx(wilson_interval(first.mean(), 80), abs=EXACT)
    found = seeded_difference(first[None], second[None])
    assert found.interval == pytest.approx(paired_difference(first, second)[1], abs=EXACT)
    assert found.p_at(0) == paired_test(first, second)[2]


def test_what_never_changes_has_an_interval() -> None:
    for hits in (np.ones((1, 50)), np.ones((5, 50))):
        assert seeded_share(hits).interval == pytest.approx(wilson_interval(1.0, 50), abs=EXACT)
        low, high = seeded_difference(hits, hits).interval
        assert low < 0 < high
        assert seeded_difference(hits, hits).p_at(0) == 1
    low, high = seeded_contrast(np.zeros((2, 50))).interval
    # Bonett & Price: two images, one each way, in 52.
    assert (low, high) == pytest.approx((-high, critical(0.05, 51) * np.sqrt(2) / 52), abs=EXACT)


def test_p_is_what_is_left_outside_the_interval_that_ends_there() -> None:
    generator = np.random.default_rng(6)
    values = generator.normal(0.3, 0.1, 5)
    cases: list[tuple[Estimated, float, float]] = [
        (seeded_mean(values), 0.2, float(stats.ttest_1samp(values, 0.2).pvalue)),
        # The score test of a share.
        (published_share(0.4, 50), 0.5, float(2 * stats.norm.sf(0.1 / np.sqrt(0.25 / 50)))),
    ]
    for found, edge, expected in cases:
        assert found.p_at(edge) == pytest.approx(expected, rel=FOUND)
        assert (found.p_at(found.interval[0] - FOUND) < 0.05, found.p_at(found.interval[0] + FOUND) > 0.05) == (
            True,
            True,
        )
    certain = Estimated.certain(3.0)
    assert (certain.is_certain, certain.p_at(3.0), certain.p_at(4.0)) == (True, 1.0, 0.0)


def test_independent_shares_have_newcombes_interval() -> None:
    # Newcombe 1998, table II (e): 56/70 and 48/80, method 10.
    found = published_share(56 / 70, 70).minus(published_share(48 / 80, 80))
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_an_interval_of_somebody_else_stays_what_it_is() -> None:
    found = Estimated.of_interval(0.9, (0.8, 0.95))
    assert found.interval == pytest.approx((0.8, 0.95))
    assert found.p_at(0.8) == pytest.approx(0.05, rel=FOUND)


@pytest.mark.parametrize("count", [4, 6, 9])
def test_signed_ranks_are_exact(count: int) -> None:
    generator = np.random.default_rng(count)
    moved = generator.normal(0.5, 1, count)
    assert signed_ranks(moved).p == pytest.approx(stats.wilcoxon(moved, method="exact").pvalue, abs=EXACT)
    # With ties, by all signs.
    tied = generator.choice([-1.0, 1.0, 2.0, -2.0], count)
    ranks = stats.rankdata(abs(tied))
    above = [ranks @ np.array(signs) for signs in product((0, 1), repeat=count)]
    mine = ranks @ (tied > 0)
    extreme = min(mine, ranks.sum() - mine)
    expected = min(1.0, 2 * np.mean([each <= extreme for each in above]))
    assert signed_ranks(tied).p == pytest.approx(expected, abs=EXACT)


def test_five_seeds_cannot_reach_a_twentieth() -> None:
    all_above = signed_ranks(np.arange(1.0, 6.0))
    assert (all_above.p, all_above.least_p, all_above.rank_biserial, all_above.count) == (0.0625, 0.0625, 1.0, 5)
    assert signed_ranks(-np.arange(1.0, 7.0)).p == 0.03125
    assert signed_ranks(-np.arange(1.0, 7.0)).rank_biserial == -1
    assert signed_ranks(np.zeros(5)).p == 1


def test_false_discoveries_are_scipys() -> None:
    p = np.random.default_rng(7).random(30) ** 3
    assert benjamini_hochberg(list(p)) == pytest.approx(stats.false_discovery_control(p), abs=EXACT)
    # Benjamini & Hochberg 1995, section 3.2: four of fifteen are found at .05.
    table = (
        1e-4,
        4e-4,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.324,
        0.4262,
        0.5719,
        0.6528,
        0.759,
        1.0,
    )
    assert sum(q <= 0.05 for q in benjamini_hochberg(table)) == 4
    assert benjamini_hochberg([]) == []


def test_effects_of_shares() -> None:
    # Cohen 1988, table 6.2.2: shares .25 and .10.
    assert cohens_h(0.25, 0.10) == pytest.approx(0.404, abs=5e-4)
    assert cohens_h(1.0, 0.0) == pytest.approx(np.pi)


def test_a_trend_is_the_rise_of_the_straight_line() -> None:
    figures = np.array([0.9, 0.7, 0.8, 0.2])
    line = np.polyfit(range(4), figures, 1)
    assert trend_weights(4) @ figures == pytest.approx(3 * line[0])
    assert trend_weights(2) == pytest.approx([-1, 1])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: seeded_share(np.ones((1, 0))), "no mean"),
        (lambda: seeded_contrast(np.array([[np.nan]])), "not finite"),
        (lambda: seeded_difference(np.ones((1, 3)), np.ones((1, 4))), "image by image"),
        (lambda: seeded_mean(np.ones(1)), "more seeds"),
    ],
)
def test_what_cannot_be_estimated(make: Callable[[], Estimated], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
