"""What follows from measurements for each claim of a paper: a verdict, the test behind it, and why in a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from qaml_qiskit.evaluation import benjamini_hochberg
from qaml_qiskit.papers.draft import Draft
from qaml_qiskit.papers.expectations import draft_of
from qaml_qiskit.papers.observation import Observation
from qaml_qiskit.papers.schema import Claim, Measure
from qaml_qiskit.reports import format_cell

Verdict = Literal["holds", "does not hold", "cannot be decided", "not run"]
VERDICTS: tuple[Verdict, ...] = ("holds", "does not hold", "cannot be decided", "not run")
Interval = tuple[float, float]

#: Share of wrong ones among what a page finds, on average.
FALSE_DISCOVERIES = 0.05


@dataclass(frozen=True)
class Judgement:
    """A claim and what was found.

    Attributes:
        claim: as the paper's file has it.
        verdict: holds, does not hold, cannot be decided, or not run.
        why: one sentence.
        published: the paper's number, if it gives one; ``published_images``, its sample size.
        ours: what was measured first, a mean over seeds, with its 95 % ``interval``; ``spread`` is the standard
            deviation over the seeds.
        against: what it is compared with, where that was measured, too.
        over: all means of an ordered claim.
        difference: ours less the other, or the published number, with ``difference_interval``; of an ordered claim,
            the rise of the straight line from its first to its last figure.
        test: its name; ``p``, two-sided; ``q``, p after control of false discoveries over the page;
            ``p_over_seeds``, of Wilcoxon's test over the seeds alone.
        effect: its size, and ``effect_name``.
        seeds: so many trainings; ``images``, so many test images.
        covers: what the interval is for.
        remark: what else a reader of the test should know.
    """

    claim: Claim
    verdict: Verdict
    why: str
    published: float | None = None
    published_images: int | None = None
    ours: float | None = None
    interval: Interval | None = None
    spread: float | None = None
    against: float | None = None
    over: tuple[float, ...] = ()
    difference: float | None = None
    difference_interval: Interval | None = None
    test: str | None = None
    p: float | None = None
    q: float | None = None
    p_over_seeds: float | None = None
    effect: float | None = None
    effect_name: str | None = None
    seeds: int | None = None
    images: int | None = None
    covers: str = ""
    remark: str = ""

    def row(self) -> dict[str, Any]:
        """The same as a row of results: ``claim`` is the id, and the claim's words are beside it."""
        found = {name: value for name, value in vars(self).items() if name != "claim"}
        pairs = {name: list(value) for name, value in found.items() if isinstance(value, tuple)}
        return {
            "claim": self.claim.id,
            "item": self.claim.item,
            "told": self.claim.told,
            "expect": self.claim.expect.kind,
            **found,
            **pairs,
        }


def judge(claims: Sequence[Claim], observe: Callable[[Measure], Observation | None]) -> list[Judgement]:
    """What follows for each claim of a page from what was measured.

    A claim that needs a difference to be told holds only where the difference's 95 % interval says so and the test does
    after control of false discoveries (Benjamini & Hochberg) over all claims that are tested here.

    Args:
        claims: of the page.
        observe: gives what runs measured; None where nothing of the kind was run.

    Returns:
        One judgement a claim, in their order.
    """
    drafts = [draft_of(claim, observe) for claim in claims]
    tested = [number for number, draft in enumerate(drafts) if draft.p is not None]
    adjusted = dict(zip(tested, benjamini_hochberg([drafts[number].p or 0.0 for number in tested]), strict=True))
    return [_concluded(draft, adjusted.get(number), len(tested)) for number, draft in enumerate(drafts)]


def counts(judgements: Sequence[Judgement]) -> dict[Verdict, int]:
    """How many claims have each verdict."""
    return {verdict: sum(each.verdict == verdict for each in judgements) for verdict in VERDICTS}


def _concluded(draft: Draft, q: float | None, tested: int) -> Judgement:
    if draft.rejects and q is not None and q > FALSE_DISCOVERIES:
        alone = f"p = {format_cell(draft.p)}"
        why = f"{draft.why}; but {alone} is q = {format_cell(q)} among the {tested} claims tested on this page"
        draft = replace(draft, verdict="cannot be decided", why=why)
    why = f"{draft.why}; {draft.covers}" if draft.tells_cover and draft.covers else draft.why
    found = vars(draft) | {"why": f"{why}."}
    return Judgement(**{name: found[name] for name in found if name not in ("rejects", "tells_cover")}, q=q)
