"""What a paper's two files may hold: ``claims.yaml``, what it says, and ``plan.yaml``, what is run to see.

Claims name runs of the plan and rows of their results; they compute nothing. The plan names commands of the package and
their fields; it computes nothing either.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: How much is run: the whole path on few images, the paper's own sizes, or whole test sets.
Tier = Literal["quick", "paper", "full"]
TIERS: tuple[Tier, ...] = ("quick", "paper", "full")

Fields = dict[str, Any]
#: Of models, runs, items and claims: files are called after them, so that nothing leads out of a folder.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class PlannedModel(_Strict):
    """How a model of the plan is trained.

    The name of a model in the plan stands in the fields of runs wherever a command takes a model, alone or in front of
    an ``@``.
    """

    train: Fields
    """Fields of ``train``; of ``like``, what is said here counts."""
    like: tuple[str, ...] = ()
    """Models whose fields are taken over, the later ones on top. A field of None takes back what another said."""
    quick: Fields = {}
    """What is trained otherwise in the tier quick, where no kept weights serve."""
    seeded: bool = False
    """Whether there is one for every seed; else all seeds have the one of seed 0."""
    kept: Mapping[int, str] = {}
    """Kept weights by seed: the name of a reference."""
    weights: Mapping[int, str] = {}
    """Fingerprints of the kept weights by seed; weights that have another one are refused."""
    only_pattern: bool = False
    """Never trained by itself: others are like it."""


class PlannedRun(_Strict):
    """A command of the plan."""

    command: str
    """A command of the package, such as ``transfer``."""
    fields: Fields = {}
    """Fields of its request. Names of models, and of runs whose folder is a model, stand where a command takes a model;
    ``{run: NAME, file: FILE}`` is a file of another run."""
    like: tuple[str, ...] = ()
    """Runs whose fields are taken over."""
    quick: Fields = {}
    """What is asked otherwise in the tier quick."""
    full: Fields = {}
    """What is asked otherwise in the tier full."""
    kept: Mapping[Tier, str] = {}
    """A kept run of the very same request, by tier; ``{seed}`` in the name stands for the seed."""


class Picture(_Strict):
    """How a figure is drawn from rows of runs."""

    kind: Literal["lines", "bars", "own"] = "lines"
    """``own``: the picture that the run itself has drawn, by the name in ``file``."""
    runs: tuple[str, ...]
    x: str = "eps"
    y: str = "accuracy"
    series: str = "victim"
    panel: str | None = None
    where: Fields = {}
    """Rows that are drawn: these columns have these values (a list: one of them)."""
    file: Name | None = None
    caption: str = ""


class PlannedItem(_Strict):
    """What is run for a figure, a table or a statement, and how it is shown."""

    runs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Models whose training is all that is asked for."""
    pictures: tuple[Picture, ...] = ()
    not_run: str | None = None
    """Why nothing is run, in words for the page."""


class PaperPlan(_Strict):
    """A paper's ``plan.yaml``."""

    models: Mapping[Name, PlannedModel] = {}
    runs: Mapping[Name, PlannedRun] = {}
    items: Annotated[Mapping[Name, PlannedItem], Field(min_length=1)]


class Measure(_Strict):
    """A figure of merit: one row of one run's results, or the difference of two.

    Attributes name the plan's runs and models, whatever their folders are called.
    """

    run: str | None = None
    """A run of the plan; or ``model``."""
    model: str | None = None
    """A model of the plan: a row of its training; without ``row`` the last one that has the column."""
    row: Fields = {}
    """Columns and their values, which one row of the results has."""
    column: str = "accuracy"
    """The column that counts. For an accuracy the hits of single images are read, so that tests are paired."""
    minus: "Measure | None" = None
    """What is taken off, on the same images."""
    exact: bool = False
    """Whether nothing random is in it, neither images nor trainings: a count of gates."""


class Published(_Strict):
    """A number that a paper gives."""

    value: float
    images: int | None = Field(default=None, ge=1, le=10**9)
    """Its sample size, where the number is a share of images."""

    @model_validator(mode="after")
    def _is_share(self) -> Self:
        if self.images is not None and not 0 <= self.value <= 1:
            raise ValueError("a share of images is from 0 to 1; percent are written as shares, 83.2 % as .832")
        return self


class Equal(_Strict):
    """Agrees with the published number: the difference's interval has 0 inside."""

    kind: Literal["equal"]
    first: Measure
    published: Published


class Larger(_Strict):
    """``first`` is larger than ``second`` by more than ``by``."""

    kind: Literal["larger"]
    first: Measure
    second: Measure
    by: float = 0.0


class NoDifference(_Strict):
    """``first`` and ``second`` differ by less than ``within``."""

    kind: Literal["no difference"]
    first: Measure
    second: Measure
    within: Annotated[float, Field(gt=0)]


class AtLeast(_Strict):
    """``first`` is at least ``value``."""

    kind: Literal["at least"]
    first: Measure
    value: float


class AtMost(_Strict):
    """``first`` is at most ``value``."""

    kind: Literal["at most"]
    first: Measure
    value: float


class Monotone(_Strict):
    """Every one of ``over`` is larger (``rises``) or smaller (``falls``) than the one before, or as large."""

    kind: Literal["monotone"]
    over: tuple[Measure, ...] = Field(min_length=2)
    way: Literal["rises", "falls"]


class Seen(_Strict):
    """What no number decides: somebody looked at a picture."""

    kind: Literal["seen"]
    verdict: Literal["holds", "does not hold", "cannot be decided"]
    why: str


class NotRun(_Strict):
    """What was not run, and why."""

    kind: Literal["not run"]
    why: str


Expectation = Annotated[
    Equal | Larger | NoDifference | AtLeast | AtMost | Monotone | Seen | NotRun, Field(discriminator="kind")
]


class Claim(_Strict):
    """Something that a paper says, in our words, and what would have to be measured if it is so."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=80)]
    item: str
    """The figure, table or statement that it belongs to."""
    told: str
    """In our words."""
    published: Published | None = None
    """The number that the paper gives, if it does."""
    expect: Expectation
    open: tuple[str, ...] = ()
    """Names of open choices that it hangs on."""


class OpenChoice(_Strict):
    """What a paper leaves open, and what is chosen."""

    left_open: str
    choice: str


class Item(_Strict):
    """A figure, a table or a statement."""

    place: str
    """Where it stands in the paper, such as ``figure 2``."""
    told: str
    """What it shows, in our words."""
    images: int | None = None
    """Images of the paper's test set."""


class Claims(_Strict):
    """A paper's ``claims.yaml``."""

    paper: str
    """The reference: authors, title, journal, year."""
    title: str = ""
    """What its page is called; without one, its name."""
    open: Mapping[str, OpenChoice] = {}
    items: Mapping[str, Item]
    claims: tuple[Claim, ...] = ()


class Paper(_Strict):
    """A paper: what it says and what is run to see."""

    name: str
    said: Claims
    plan: PaperPlan
