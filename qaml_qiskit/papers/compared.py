"""What is measured for a claim, with the interval and the test that its seeds and images allow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation import (
    EXACT_SEEDS,
    Estimated,
    cohens_h,
    seeded_contrast,
    seeded_difference,
    seeded_mean,
    seeded_share,
    signed_ranks,
    trend_weights,
)
from qaml_qiskit.papers.observation import Observation

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """A figure, or a difference of figures.

    Attributes:
        value: as measured; NaN where nothing was.
        estimated: with its interval; None where there can be none.
        test: its name; for a figure without an interval, why there is none.
        seeds: so many trainings.
        images: so many test images, where single ones are known.
        covers: what the interval is for, in words.
        effect: its size, where there is one.
        effect_name: which.
        p_over_seeds: of Wilcoxon's exact test over the seeds alone.
    """

    value: float
    estimated: Estimated | None
    test: str
    seeds: int = 1
    images: int | None = None
    covers: str = ""
    effect: float | None = None
    effect_name: str | None = None
    p_over_seeds: float | None = None

    @property
    def remark(self) -> str:
        """Why Student's t stands where Wilcoxon's test over seeds would, if it does."""
        if not 1 < self.seeds < EXACT_SEEDS or self.is_certain:
            return ""
        least = 2.0 ** (1 - self.seeds)
        return (
            f"Wilcoxon's exact test over {self.seeds} seeds cannot go below {least:g}; {EXACT_SEEDS} seeds are needed "
            "for .05. Student's t takes its place, which takes the trainings' results for normal."
        )

    @property
    def is_certain(self) -> bool:
        """Whether nothing random is in it."""
        return self.estimated is not None and self.estimated.is_certain


def figure_of(found: Observation) -> Compared:
    """A single figure."""
    seeds = len(found.values)
    missing = _missing(found)
    if missing:
        return Compared(found.mean if seeds else float("nan"), None, missing, seeds)
    table = _table(found)
    if table is not None:
        share = _is_share(table)
        estimated = seeded_share(table) if share else seeded_contrast(table)
        single = "Wilson's score test" if share else "normal test over images"
        test = "t over seeds and images" if seeds > 1 else single
        return Compared(found.mean, estimated, test, seeds, table.shape[1], _covers(seeds, images=True))
    return _without_hits(found)


def difference_of(first: Observation, second: Observation) -> Compared:
    """How much larger the first figure is: seed by seed and image by image where both have the same ones."""
    first, second = same_seeds(first, second)
    missing = _missing(first) or _missing(second)
    if missing:
        return Compared(first.mean - second.mean, None, missing)
    one, other = _table(first), _table(second)
    if one is not None and other is not None and one.shape[1] == other.shape[1]:
        return _paired(first, second, *_alike(one, other))
    if _fits(first, second) and one is None and other is None:
        return _with_ranks(_without_hits(first - second), first, second)
    return _independent(figure_of(first), figure_of(second))


def trend_of(ordered: Sequence[Observation]) -> Compared:
    """How much ordered figures rise from the first to the last, by the straight line through them."""
    missing = next((text for text in map(_missing, ordered) if text), "")
    weights = trend_weights(len(ordered))
    seeds = max(len(each.values) for each in ordered)
    if missing or any(len(each.values) not in (1, seeds) for each in ordered):
        return Compared(float("nan"), None, missing or "the figures are of different seeds", seeds)
    values = sum(weight * each.values for weight, each in zip(weights, ordered, strict=True))
    rise = Observation(np.atleast_1d(values), None, max((each.seeds for each in ordered), key=len))
    tables = [_table(each) for each in ordered]
    known = [table for table in tables if table is not None]
    if len(known) == len(tables) and len({table.shape[1] for table in known}) == 1:
        changes = sum(weight * table for weight, table in zip(weights, known, strict=True))
        estimated = seeded_contrast(np.asarray(changes), float(np.abs(weights).max()))
        test = "t over seeds and images" if seeds > 1 else "normal test over images"
        return Compared(rise.mean, estimated, f"trend, {test}", seeds, known[0].shape[1], _covers(seeds, images=True))
    if all(figure_of(each).is_certain for each in ordered):
        return Compared(rise.mean, Estimated.certain(rise.mean), "none", 1, None, _CERTAIN)
    found = _without_hits(rise)
    return replace(found, test=f"trend, {found.test}" if found.estimated else found.test)


_CERTAIN = "nothing random is in it"


def _paired(first: Observation, second: Observation, one: Table, other: Table) -> Compared:
    seeds, images = one.shape
    shares = _is_share(one) and _is_share(other)
    estimated = seeded_difference(one, other) if shares else seeded_contrast(one - other)
    single = "McNemar's exact test" if shares else "normal test over images"
    test = "t over seeds and images" if seeds > 1 else single
    value = first.mean - second.mean
    found = Compared(value, estimated, test, seeds, images, _covers(seeds, images=True))
    if shares:
        found = replace(found, effect=cohens_h(one.mean(), other.mean()), effect_name="Cohen's h")
    once = [name for name, each in (("first", first), ("second", second)) if len(each.values) < seeds]
    if once:
        found = replace(found, covers=f"{found.covers}, of the {once[0]} only one")
    return _with_ranks(found, first, second)


def _with_ranks(found: Compared, first: Observation, second: Observation) -> Compared:
    """With Wilcoxon's test over seeds, and its effect where there is no other."""
    if found.seeds < 2:
        return found
    ranks = signed_ranks((first - second).values)
    found = replace(found, p_over_seeds=ranks.p)
    if found.effect is None:
        found = replace(found, effect=ranks.rank_biserial, effect_name="rank-biserial correlation over seeds")
    return found


def _without_hits(found: Observation) -> Compared:
    """A figure that is no mean over images: by its seeds, and by the intervals of its runs."""
    seeds = len(found.values)
    if found.intervals is not None:
        ends = np.array(found.intervals)
        if (ends[:, 0] == ends[:, 1]).all() and np.ptp(found.values) == 0:
            return Compared(found.mean, Estimated.certain(found.mean), "none", seeds, None, _CERTAIN)
        down, up = (float(part.mean()) for part in (found.values - ends[:, 0], ends[:, 1] - found.values))
        if seeds == 1:
            estimated = Estimated.of_interval(found.mean, (found.mean - down, found.mean + up))
            return Compared(found.mean, estimated, "interval of the run", 1, None, _covers(1, images=True))
        estimated = seeded_mean(found.values).minus(Estimated.of_interval(0.0, (-up, down)))
        return Compared(
            found.mean, estimated, "t over seeds, with the runs' intervals", seeds, None, _covers(seeds, images=True)
        )
    if seeds < 2:
        return Compared(found.mean, None, "one training, and a figure without an interval for other images")
    test = "Wilcoxon's signed ranks over seeds" if seeds >= EXACT_SEEDS else "t over seeds"
    return Compared(found.mean, seeded_mean(found.values), test, seeds, None, _covers(seeds, images=False))


def _independent(one: Compared, other: Compared) -> Compared:
    """A difference of figures that have neither images nor seeds in common."""
    value = one.value - other.value
    if one.estimated is None or other.estimated is None:
        return Compared(value, None, (one if one.estimated is None else other).test)
    if one.is_certain and other.is_certain:
        return Compared(value, Estimated.certain(value), "none", 1, None, _CERTAIN)
    seeds = min(one.seeds, other.seeds)
    images = min((each.images for each in (one, other) if each.images is not None), default=None)
    covers = _covers(seeds, images=True)
    if one.seeds != other.seeds:
        covers = f"the interval covers images, and {one.seeds} and {other.seeds} trainings"
    covers = f"{covers}; compared as independent, since single images are not known of both"
    estimated = one.estimated.minus(other.estimated)
    return Compared(value, estimated, "intervals of two independent figures", seeds, images, covers)


def _covers(seeds: int, *, images: bool) -> str:
    if seeds == 1:
        return "one training: the interval covers images, not trainings"
    both = f"images and {seeds} trainings"
    return f"the interval covers {both if images else f'{seeds} trainings, not other images'}"


def _missing(found: Observation) -> str:
    """Why nothing can be said of it; empty where something can."""
    if not len(found.values) or (found.hits is not None and any(not len(each) for each in found.hits)):
        return "no image was counted"
    hits = () if found.hits is None else found.hits
    if not np.isfinite(found.values).all() or any(not np.isfinite(each).all() for each in hits):
        return "the runs have no number here"
    return ""


def _table(found: Observation) -> Table | None:
    """Hits of shape (S, N); None where there are none, or where seeds have different numbers of images."""
    if found.hits is None or len({len(each) for each in found.hits}) != 1:
        return None
    return np.array(found.hits, dtype=np.float64)


def _is_share(table: Table) -> bool:
    return bool(((table >= 0) & (table <= 1)).all())


def _alike(one: Table, other: Table) -> tuple[Table, Table]:
    shape = np.broadcast_shapes(one.shape, other.shape)
    return np.broadcast_to(one, shape), np.broadcast_to(other, shape)


def _fits(first: Observation, second: Observation) -> bool:
    return len(first.values) == len(second.values) or 1 in (len(first.values), len(second.values))


def same_seeds(first: Observation, second: Observation) -> tuple[Observation, Observation]:
    """Both at the seeds that both have; where they have none in common, at the first of either."""
    if not first.seeds or not second.seeds or first.seeds == second.seeds:
        return first, second
    common = [seed for seed in first.seeds if seed in second.seeds]
    if common:
        return first.at(common), second.at(common)
    return first.at(first.seeds[:1]), second.at(second.seeds[:1])
