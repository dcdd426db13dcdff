"""Rows that claims read, looked for in what is asked for, before anything is computed."""

from dataclasses import dataclass
from typing import Any

from qaml_qiskit.campaigns.reproduce.planning import Planning
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.papers.consistency import figures_of
from qaml_qiskit.papers.schema import Claim, Measure

#: By the columns of rows, the fields of requests that say what stands in them.
_FIELDS = {
    "source": ("sources",),
    "victim": ("victims",),
    "attack": ("attacks", "attack"),
    "eps": ("eps",),
    "noise": ("noise",),
    "strength": ("strengths",),
    "detector": ("detector",),
}
#: Stand for clean images, or for no noise, which are there without being asked for.
_ALWAYS = (None, "none", 0)


@dataclass(frozen=True)
class Missing:
    """A cell of a row that no row of a run will have.

    Attributes:
        column: of the cell.
        wanted: what a claim has there.
        field: of the run's request, which says what there will be.
        asked: what it says.
    """

    column: str
    wanted: object
    field: str
    asked: tuple[object, ...]


def check_rows(planning: Planning) -> None:
    """Refuse a claim that reads a row which the run's request does not make.

    The tier quick may leave out what claims read: they are not judged then. What the tier paper leaves out is a
    mistake.

    Raises:
        ConfigurationError: names claim, run and row.
    """
    paper = planning.paper
    if planning.tier == "quick":
        planning = Planning(paper, planning.items, "paper", 1)
    for claim in paper.said.claims:
        if claim.item in planning.items and paper.plan.items[claim.item].not_run is None:
            for measure in figures_of(claim):
                _check(planning, claim, measure)


def missing_cell(planning: Planning, measure: Measure) -> Missing | None:
    """What a measure's row has that no row of its run will have; None where nothing tells."""
    if measure.run is None:
        return None
    request = planning.requests[planning.of_run(measure.run)[0]]
    kind = type(request)
    if getattr(request, "adversarial", ()) or getattr(request, "mix", False):
        # Files have sources, attacks and strengths of their own, and so have images that are attacked at random.
        return None
    for column, wanted in measure.row.items():
        field = next((name for name in _FIELDS.get(column, ()) if name in kind.model_fields), None)
        asked: Any = None if field is None else getattr(request, field)
        if field is None or not isinstance(asked, tuple) or not asked or wanted in _ALWAYS:
            continue
        if not any(_is(wanted, each) for each in asked):
            return Missing(column, wanted, field, asked)
    return None


def _check(planning: Planning, claim: Claim, measure: Measure) -> None:
    found = missing_cell(planning, measure)
    if found is not None:
        raise ConfigurationError(
            f"{planning.paper.name}/claims.yaml, claim {claim.id}, reads what {measure.run} does not measure",
            got=f"{found.column} {found.wanted} in the tier {planning.tier}",
            expected=f"one of {', '.join(map(str, found.asked))}",
            remedy=f"add it to {found.field} of the run in plan.yaml, or correct the claim",
        )


def _is(wanted: object, asked: object) -> bool:
    # An attack may be told with what it comes to for so many classes.
    return wanted == asked or (isinstance(asked, str) and str(wanted).startswith(f"{asked}-"))
