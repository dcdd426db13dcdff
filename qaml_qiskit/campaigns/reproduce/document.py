"""``verdicts.json``: a paper's page for programs, from which its page for people is made again."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qaml_qiskit.campaigns.reproduce.findings import PaperFindings
from qaml_qiskit.papers import FALSE_DISCOVERIES, VERDICTS, counts
from qaml_qiskit.papers.judgement import Verdict
from qaml_qiskit.papers.schema import OpenChoice
from qaml_qiskit.reports import is_count

VERDICTS_FILE = "verdicts.json"

Ends = tuple[float, float]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class JudgedClaim(_Document):
    """A claim and what was found; fields as in :class:`~qaml_qiskit.papers.Judgement`."""

    claim: str
    """Its id."""
    item: str
    place: str
    """Where it stands in the paper."""
    told: str
    """In our words."""
    expect: str
    """Which kind of expectation was judged."""
    verdict: Verdict
    why: str
    published: float | None
    published_images: int | None
    ours: float | None
    interval: Ends | None
    spread: float | None
    against: float | None
    over: tuple[float, ...]
    difference: float | None
    difference_interval: Ends | None
    test: str | None
    p: float | None
    q: float | None
    p_over_seeds: float | None
    effect: float | None
    effect_name: str | None
    seeds: int | None
    images: int | None
    covers: str
    remark: str


class ShownPicture(_Document):
    """A picture beside the file."""

    file: str
    caption: str


class RunShown(_Document):
    """A run of the plan, or the training of a model."""

    run: str
    """Its name in the plan."""
    csv: str
    """Its rows, beside the file."""
    folders: tuple[str, ...]
    """Names of the folders of runs; one a seed."""
    commands: tuple[str, ...]
    """One a seed."""


class ShownItem(_Document):
    """A figure, a table or a statement."""

    item: str
    place: str
    told: str
    choices: tuple[OpenChoice, ...]
    """What the paper leaves open, and what is chosen."""
    not_run: str | None
    """Why nothing is run."""
    command: str
    """What makes it again."""
    runs: tuple[RunShown, ...]
    pictures: tuple[ShownPicture, ...]
    remarks: tuple[str, ...] = ()
    """What is missing from it."""

    @property
    def heading(self) -> str:
        """Its place in the paper, as the heading of a section."""
        return f"{self.place[:1].upper()}{self.place[1:]}"


class PaperVerdicts(_Document):
    """A paper gone through."""

    paper: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    """Its name."""
    title: str
    reference: str
    tier: str
    seeds: int
    counts: Mapping[str, int]
    """How many claims have each verdict."""
    tested: int
    """How many p-values were controlled together."""
    false_discoveries: float
    claims: tuple[JudgedClaim, ...]
    items: tuple[ShownItem, ...]

    @model_validator(mode="after")
    def _are_items(self) -> Self:
        known = {item.item for item in self.items}
        for claim in self.claims:
            if claim.item not in known:
                raise ValueError(f"an item of claim {claim.claim}, one of {', '.join(known)}")
        found = [claim.verdict for claim in self.claims]
        if any(self.counts.get(verdict, 0) != found.count(verdict) for verdict in VERDICTS):
            raise ValueError(f"counts of the {len(self.claims)} claims' own verdicts")
        return self

    @property
    def lead(self) -> str:
        """One sentence."""
        told = ", ".join(f"{self.counts.get(verdict, 0)} {_LEADS[verdict]}" for verdict in VERDICTS)
        trainings = "one training" if self.seeds == 1 else f"{self.seeds} trainings"
        claims = "claim" if len(self.claims) == 1 else "claims"
        return f"{len(self.claims)} {claims}: {told} (tier {self.tier}, {trainings} of a model)."

    def of_item(self, item: str) -> list[JudgedClaim]:
        """The claims of an item."""
        return [claim for claim in self.claims if claim.item == item]

    @property
    def overview(self) -> list[dict[str, object]]:
        """A row an item: how many of its claims have each verdict."""
        return [
            {
                "item": item.item,
                "place": item.place,
                "shows": item.told,
                "claims": len(mine := self.of_item(item.item)),
                **{verdict: sum(claim.verdict == verdict for claim in mine) for verdict in VERDICTS},
            }
            for item in self.items
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the verdicts should know."""
        found = [_READING]
        if self.seeds == 1:
            found.append("One training of a model: intervals cover test images, not other trainings (--seeds 5).")
        return (*found, *dict.fromkeys(claim.remark for claim in self.claims if claim.remark))


class VerdictsFile(_Document):
    """The whole file."""

    version: Literal[1] = 1
    """Of this schema."""
    papers: tuple[PaperVerdicts, ...]


def readable(value: object) -> object:
    """A figure as people read it: counts without decimals, and no interval of what is certain."""
    if isinstance(value, float) and is_count(value):
        return int(value)
    if isinstance(value, list | tuple) and len(value) == 2:
        return None if value[0] == value[1] else value
    return value


_LEADS = {
    "holds": "held",
    "does not hold": "did not",
    "cannot be decided": "could not be decided",
    "not run": "not run",
}
_READING = (
    "Intervals are 95 %. A difference whose interval reaches its limit is not called one; of what the tests of a page "
    f"find, {FALSE_DISCOVERIES * 100:g} % or less is expected to be wrong (Benjamini & Hochberg)."
)


def verdicts_of(
    found: PaperFindings,
    pictures: Mapping[str, Sequence[ShownPicture]],
    remarks: Mapping[str, Sequence[str]],
    prefix: str = "",
) -> PaperVerdicts:
    """A paper's verdicts as a document.

    Args:
        found: for the paper.
        pictures: of its items.
        remarks: on its items.
        prefix: of the names of files with rows.
    """
    said = found.paper.said
    claims = [
        JudgedClaim.model_validate({**each.row(), "place": said.items[each.claim.item].place})
        for each in found.judgements
    ]
    return PaperVerdicts(
        paper=found.paper.name,
        title=said.title or f"{found.paper.name}, claim by claim",
        reference=said.paper,
        tier=found.tier,
        seeds=found.seeds,
        counts={**counts(found.judgements)},
        tested=sum(claim.p is not None for claim in claims),
        false_discoveries=FALSE_DISCOVERIES,
        claims=tuple(claims),
        items=tuple(_item(found, item, pictures.get(item, ()), remarks.get(item, ()), prefix) for item in found.items),
    )


def _item(
    found: PaperFindings, item: str, pictures: Sequence[ShownPicture], remarks: Sequence[str], prefix: str
) -> ShownItem:
    said = found.paper.said
    opened = dict.fromkeys(name for claim in found.claims if claim.item == item for name in claim.open)
    return ShownItem(
        item=item,
        place=said.items[item].place,
        told=said.items[item].told,
        choices=tuple(said.open[name] for name in opened),
        not_run=found.paper.plan.items[item].not_run,
        command=found.command(item),
        runs=tuple(
            RunShown(
                run=run,
                csv=f"{prefix}{run}.csv",
                folders=tuple(dict.fromkeys(place.name for place in found.measured.places(run))),
                commands=tuple(dict.fromkeys(found.measured.command_lines(run))),
            )
            for run in found.ran(item)
        ),
        pictures=tuple(pictures),
        remarks=tuple(remarks),
    )
