"""What is found for a claim: its verdict, and the figures and the test behind it."""

from dataclasses import dataclass
from typing import Any, Literal

from qaml_qiskit.papers.schema import Claim

Verdict = Literal["holds", "does not hold", "cannot be decided", "not run"]
VERDICTS: tuple[Verdict, ...] = ("holds", "does not hold", "cannot be decided", "not run")
Interval = tuple[float, float]


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
