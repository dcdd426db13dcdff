"""A judgement in the making, and the words that all of them use."""

import math
from dataclasses import dataclass, replace

from qaml_qiskit.papers.compared import Compared
from qaml_qiskit.papers.judgement import Interval, Judgement, Verdict
from qaml_qiskit.reports import format_cell, is_count

#: A p-value above this tells nothing.
LEVEL = 0.05


@dataclass(frozen=True)
class Draft(Judgement):
    """A judgement before it is known how many claims the page tests.

    Attributes:
        rejects: whether the verdict is that a test found something, which has to stand among all tests.
        tells_cover: whether the sentence goes on with what the interval covers.
    """

    rejects: bool = False
    tells_cover: bool = False


def with_compared(draft: Draft, compared: Compared, p: float | None, *, is_difference: bool = True) -> Draft:
    """With the figures of what decides."""
    estimated = compared.estimated
    if is_difference:
        draft = replace(
            draft,
            difference=finite(compared.value),
            difference_interval=None if estimated is None else estimated.interval,
        )
    return replace(
        draft,
        test=None if estimated is None else compared.test,
        p=None if compared.is_certain else p,
        p_over_seeds=compared.p_over_seeds,
        effect=compared.effect,
        effect_name=compared.effect_name,
        seeds=compared.seeds,
        images=compared.images,
        covers=compared.covers,
        remark=compared.remark,
    )


def side_of(compared: Compared, edge: float) -> tuple[int, float]:
    """Whether a figure is told to be above an edge (1), below it (−1), or neither (0); and the two-sided p-value."""
    estimated = compared.estimated
    if estimated is None:
        return 0, 1.0
    low, high = estimated.interval
    p = estimated.p_at(edge)
    if compared.is_certain:
        return (low > edge) - (low < edge), p
    if p > LEVEL:
        return 0, p
    return (low > edge) - (high < edge), p


def undecidable(draft: Draft, compared: Compared) -> Draft:
    """Cannot be decided: there is no interval."""
    told = with_compared(draft, compared, None)
    return replace(told, verdict="cannot be decided", why=f"There is no interval: {compared.test}", covers="")


def decided(draft: Draft, verdict: Verdict, why: str, *, rejects: bool = True) -> Draft:
    """With a verdict, a sentence, and whether a test has to have found something for it."""
    return replace(draft, verdict=verdict, why=why, rejects=rejects, tells_cover=True)


def finite(value: float | None) -> float | None:
    """A number that a JSON file can hold."""
    return float(value) if value is not None and math.isfinite(value) else None


def shown(value: float | None) -> str:
    """A figure in a sentence."""
    if value is None:
        return "?"
    return f"{value:,.0f}" if is_count(float(value)) else format_cell(float(value))


def signed(value: float | None) -> str:
    """A difference in a sentence."""
    return "?" if value is None else f"{'+' if value > 0 else ''}{shown(value)}"


def span(ends: Interval | None) -> str:
    """An interval in a sentence."""
    return "" if ends is None else f"{shown(ends[0])} to {shown(ends[1])}"


def away(value: float | None) -> str:
    """Where ours is, seen from theirs."""
    if not value:
        return "the same"
    return f"{shown(abs(value))} {'higher' if value > 0 else 'lower'}"


def capital(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def without_stop(text: str) -> str:
    """A sentence that may go on."""
    return text.rstrip().removesuffix(".")
