"""What follows from measurements for each claim of a paper: a verdict, the test behind it, and why in a sentence."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from qaml_qiskit.evaluation import benjamini_hochberg
from qaml_qiskit.papers.draft import Draft
from qaml_qiskit.papers.expectations import draft_of
from qaml_qiskit.papers.judgement import VERDICTS, Judgement, Verdict
from qaml_qiskit.papers.observation import Observation
from qaml_qiskit.papers.schema import Claim, Measure
from qaml_qiskit.reports import format_cell

#: Share of wrong ones among what a page finds, on average.
FALSE_DISCOVERIES = 0.05


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
    known = {each.name: getattr(draft, each.name) for each in fields(Judgement)}
    return Judgement(**{**known, "why": f"{why}.", "q": q})
