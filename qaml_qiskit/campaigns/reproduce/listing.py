"""What there is to reproduce, and what is there of it already."""

from collections.abc import Sequence
from pathlib import Path

from qaml_qiskit.artifacts import Row
from qaml_qiskit.campaigns.reproduce.carrying import Carrying
from qaml_qiskit.campaigns.reproduce.planning import Planning
from qaml_qiskit.campaigns.steps import StepPool
from qaml_qiskit.errors import QamlError
from qaml_qiskit.papers import PAPERS, Paper, load_paper
from qaml_qiskit.papers.schema import TIERS, Tier
from qaml_qiskit.progress import Silent
from qaml_qiskit.reports import Outcome

_READING = (
    "runs: commands that the item needs, trainings left out. quick, paper, full: what would still have to be trained "
    "and run; all else is kept, or in the folder of steps."
)


def listed(papers: Sequence[str], steps: Path, seeds: int) -> Outcome:
    """Every item of papers with its place, what it shows, and the state of every tier.

    Args:
        papers: by name or folder; all that are known without any.
        steps: the folder of steps.
        seeds: for how many seeds.

    Raises:
        ConfigurationError: there is no such paper.
    """
    pool = StepPool(steps)
    known = {name: load_paper(name) for name in papers or PAPERS}
    rows = [_row(name, paper, item, pool, seeds) for name, paper in known.items() for item in paper.plan.items]
    return Outcome("reproduce", None, rows, notes=(_READING,))


def _row(name: str, paper: Paper, item: str, pool: StepPool, seeds: int) -> Row:
    said, planned = paper.said.items[item], paper.plan.items[item]
    return {
        "item": f"{name}/{item}",
        "place": said.place,
        "shows": said.told,
        "runs": len(planned.runs),
        **{tier: _state(paper, item, tier, pool, seeds) for tier in TIERS},
    }


def _state(paper: Paper, item: str, tier: Tier, pool: StepPool, seeds: int) -> str:
    if paper.plan.items[item].not_run is not None:
        return "not run"
    try:
        planning = Planning(paper, (item,), tier, seeds)
        missing = Carrying(planning, pool, Silent()).missing
    except QamlError:
        return "cannot be run"
    if not planning.jobs:
        return "nothing to run"
    trainings = sum(job.is_model for job in missing)
    left = {"training": trainings, "run": len(missing) - trainings}
    return ", ".join(f"{count} {what}{'s' * (count > 1)}" for what, count in left.items() if count) or "complete"
