"""What a page of a paper is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from qaml_qiskit.papers import Claim, Judgement, Measure, Observation, Paper, Tier, judge
from qaml_qiskit.papers.schema import NotRun, Seen
from qaml_qiskit.workflows.words import quoted

Row = Mapping[str, Any]


class MeasuredPlan(Protocol):
    """What runs of a plan measured, in the plan's own names."""

    def rows(self, run: str) -> Sequence[Row]:
        """Rows of a run of the plan, or of a model's training, of all seeds; then ``seed`` says whose a row is."""
        ...

    def places(self, run: str) -> Sequence[Path]:
        """Its folders."""
        ...

    def command_lines(self, run: str) -> Sequence[str]:
        """The commands that made them."""
        ...

    def observe(self, measure: Measure) -> Observation | None:
        """A figure of merit; None where nothing of the kind was run."""
        ...


@dataclass(frozen=True)
class PaperFindings:
    """A paper, and what was found for some of its items.

    Attributes:
        paper: what it says and what is run.
        items: those that were asked for.
        tier: how much was run.
        seeds: trainings of every model that depends on a seed.
        measured: by the runs.
        asked: how the paper is named on a command line; empty for its name.
    """

    paper: Paper
    items: tuple[str, ...]
    tier: Tier
    seeds: int
    measured: MeasuredPlan
    asked: str = ""

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Those of the items, in the order of the paper's file."""
        return tuple(claim for claim in self.paper.said.claims if claim.item in self.items)

    @cached_property
    def judgements(self) -> list[Judgement]:
        """What follows for each of them."""
        return judge([self._as_run(claim) for claim in self.claims], self.measured.observe)

    def _as_run(self, claim: Claim) -> Claim:
        """A claim as it is judged: of an item of which nothing is run, whatever other items ran says nothing."""
        why = self.paper.plan.items[claim.item].not_run
        if why is None or isinstance(claim.expect, NotRun | Seen):
            return claim
        published = claim.published or getattr(claim.expect, "published", None)
        return claim.model_copy(update={"expect": NotRun(kind="not run", why=why), "published": published})

    def command(self, item: str) -> str:
        """What makes an item again, for a shell."""
        asked = quoted(f"{self.asked or self.paper.name}/{item}")
        return f"qaml reproduce {asked} --tier {self.tier} --seeds {self.seeds}"

    def ran(self, item: str) -> tuple[str, ...]:
        """Names of the item's runs, and of models whose training is asked for."""
        planned = self.paper.plan.items[item]
        return () if planned.not_run is not None else (*planned.runs, *planned.models)
