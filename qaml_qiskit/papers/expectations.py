"""What each claim's own figures say, before the other claims of the page are looked at."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from qaml_qiskit.evaluation import holm
from qaml_qiskit.papers import schema
from qaml_qiskit.papers.agreement import agrees
from qaml_qiskit.papers.compared import difference_of, figure_of, same_seeds, trend_of
from qaml_qiskit.papers.draft import (
    LEVEL,
    Draft,
    capital,
    decided,
    finite,
    shown,
    side_of,
    signed,
    span,
    undecidable,
    with_compared,
    without_stop,
)
from qaml_qiskit.papers.observation import Observation

Observe = Callable[[schema.Measure], Observation | None]


def draft_of(claim: schema.Claim, observe: Observe) -> Draft:
    """What a claim's own figures say."""
    expect = claim.expect
    number = claim.published or (expect.published if isinstance(expect, schema.Equal) else None)
    plain = Draft(claim, "not run", "", *((number.value, number.images) if number else ()))
    if isinstance(expect, schema.NotRun):
        return replace(plain, why=capital(without_stop(expect.why)))
    if isinstance(expect, schema.Seen):
        return replace(plain, verdict=expect.verdict, why=capital(without_stop(expect.why)), test="looked at")
    found = [_observed(measure, observe) for measure in _measures(expect)]
    if any(each is None for each in found):
        return replace(plain, why="Nothing of the kind was run here")
    known = [each for each in found if each is not None]
    if len(known) == 2:
        known = [*same_seeds(*known)]
    begun = _with_ours(plain, known)
    match expect:
        case schema.Equal():
            return agrees(begun, known[0], expect.published)
        case schema.Larger():
            return _larger(begun, known[0], known[1], expect.by)
        case schema.NoDifference():
            return _no_difference(begun, known[0], known[1], expect.within)
        case schema.AtLeast():
            return _bound(begun, known[0], expect.value, at_least=True)
        case schema.AtMost():
            return _bound(begun, known[0], expect.value, at_least=False)
        case schema.Monotone():
            return _monotone(begun, known, rises=expect.way == "rises")


def _measures(expect: schema.Expectation) -> tuple[schema.Measure, ...]:
    match expect:
        case schema.Larger() | schema.NoDifference():
            return expect.first, expect.second
        case schema.Monotone():
            return expect.over
        case schema.Equal() | schema.AtLeast() | schema.AtMost():
            return (expect.first,)
    return ()


def _observed(measure: schema.Measure, observe: Observe) -> Observation | None:
    found = observe(measure)
    if found is None or not measure.exact:
        return found
    return replace(found, hits=None, intervals=tuple((float(value), float(value)) for value in found.values))


def _with_ours(draft: Draft, found: Sequence[Observation]) -> Draft:
    first = figure_of(found[0])
    several = (
        tuple(each.mean for each in found) if len(found) > 2 or isinstance(draft.claim.expect, schema.Monotone) else ()
    )
    return replace(
        draft,
        ours=finite(found[0].mean),
        interval=first.estimated.interval if first.estimated else None,
        spread=found[0].spread,
        against=finite(found[1].mean) if len(found) == 2 and not several else None,
        over=several,
    )


def _larger(draft: Draft, first: Observation, second: Observation, by: float) -> Draft:
    compared = difference_of(first, second)
    if compared.estimated is None:
        return undecidable(draft, compared)
    side, p = side_of(compared, by)
    told = with_compared(draft, compared, p)
    pair = f"{shown(draft.ours)} against {shown(draft.against)}"
    size = f"the difference is {signed(told.difference)} ({span(told.difference_interval)})"
    more = f", more than {by:g}" if by else ""
    if side > 0:
        return decided(told, "holds", f"{pair}: {size}{more}")
    if side < 0 or compared.is_certain:
        return decided(told, "does not hold", f"{pair}: {size}{f', less than {by:g}' if by else ''}")
    limit = f"being {by:g}" if by else "none"
    return decided(told, "cannot be decided", f"{pair}: {size}, which is not told from {limit}", rejects=False)


def _no_difference(draft: Draft, first: Observation, second: Observation, within: float) -> Draft:
    compared = difference_of(first, second)
    if compared.estimated is None:
        return undecidable(draft, compared)
    (above, p_above), (below, p_below) = side_of(compared, within), side_of(compared, -within)
    # The nearer edge is what a test of equivalence, or of a difference beyond the edges, has to tell.
    told = with_compared(draft, compared, p_above if compared.value >= 0 else p_below)
    size = f"the difference is {signed(told.difference)} ({span(told.difference_interval)})"
    pair = f"{shown(draft.ours)} against {shown(draft.against)}"
    if above < 0 < below:
        return decided(told, "holds", f"{pair}: {size}, all of it within ±{within:g}")
    if above > 0 or below < 0 or compared.is_certain:
        return decided(told, "does not hold", f"{pair}: {size}, all of it beyond ±{within:g}")
    return decided(told, "cannot be decided", f"{pair}: {size}, which reaches beyond ±{within:g}", rejects=False)


def _bound(draft: Draft, found: Observation, value: float, *, at_least: bool) -> Draft:
    compared = figure_of(found)
    if compared.estimated is None:
        return undecidable(replace(draft, difference=None), compared)
    side, p = side_of(compared, value)
    told = with_compared(draft, compared, p, is_difference=False)
    wanted, word = (1, "at least") if at_least else (-1, "at most")
    mine = shown(draft.ours) if compared.is_certain else f"{shown(draft.ours)} ({span(draft.interval)})"
    if side == wanted or (compared.is_certain and side == 0):
        return decided(told, "holds", f"{mine} is {word} {value:g}", rejects=not compared.is_certain)
    if side == -wanted:
        return decided(told, "does not hold", f"{mine} is not {word} {value:g}")
    return decided(told, "cannot be decided", f"{mine} has {value:g} inside its interval", rejects=False)


def _monotone(draft: Draft, found: Sequence[Observation], *, rises: bool) -> Draft:
    compared = trend_of(found)
    if compared.estimated is None:
        return undecidable(draft, compared)
    way = 1 if rises else -1
    other = "falls" if rises else "rises"
    side, p = side_of(compared, 0.0)
    steps = [difference_of(later, earlier) for earlier, later in pairwise(found)]
    sides = [side_of(step, 0.0) for step in steps]
    wrong = [
        (adjusted, place)
        for place, ((direction, _), adjusted) in enumerate(zip(sides, holm([p for _, p in sides]), strict=True))
        if direction == -way and adjusted <= LEVEL
    ]
    line = " → ".join(shown(each.mean) for each in found)
    if wrong:
        least, place = min(wrong)
        step = steps[place]
        told = with_compared(draft, compared, least)
        ends = span(None if step.estimated is None else step.estimated.interval)
        why = f"{line}: step {place + 1} {other}, by {signed(step.value)} ({ends})"
        return decided(replace(told, test=f"{step.test}, Holm over {len(steps)} steps"), "does not hold", why)
    told = with_compared(draft, compared, p)
    size = f"{signed(told.difference)} ({span(told.difference_interval)})"
    fit = f"{line}: from first to last, by the straight line, {size}"
    if compared.is_certain:
        return decided(told, "holds", f"{line}: no step {other}", rejects=False)
    if side == way:
        return decided(told, "holds", f"{fit}, and no step {other} beyond its interval")
    if side == -way:
        return decided(told, "does not hold", fit)
    return decided(told, "cannot be decided", f"{fit}, which is not told from none", rejects=False)
