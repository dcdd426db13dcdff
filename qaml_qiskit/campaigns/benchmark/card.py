"""The card of a model: everything that a row of the benchmark says, and what it takes to check it."""

import math
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from qaml_qiskit.artifacts import Row
from qaml_qiskit.attacks.auditing.auditor import Verdict
from qaml_qiskit.campaigns.benchmark.figures import Figure
from qaml_qiskit.campaigns.benchmark.protocol import Arena, FigurePlan, Protocol, load_protocol
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import wilson_interval
from qaml_qiskit.formats import model_of, read_bytes
from qaml_qiskit.workflows.words import quoted

#: Ends of intervals are compared to so much: their digits are those of JSON.
_CLOSE = 1e-9
_MEND = "take the card as `qaml benchmark` wrote it, or run the benchmark again"
#: Characters of a note.
MOST_OF_A_NOTE = 500
#: What an audit may say.
_VERDICTS = (*get_args(Verdict), "not audited")
#: What belongs to the row of every figure that is a share.
_SHARES = ("rate", "share", "given")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ProtocolOfCard(_Part):
    """Which protocol it was: its version and fingerprint."""

    version: int
    fingerprint: str


class ModelOfCard(_Part):
    """Which model it was: its name, kind, fingerprint and number of trained parameters."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: str
    weights: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
    parameters: Annotated[int, Field(ge=0)]


class DataOfCard(_Part):
    """Which test images they were: data set, number, fingerprint, and the source that they were attacked on."""

    dataset: str
    test_images: int
    fingerprint: str
    source: str
    source_weights: str


class Card(_Part):
    """One model in the benchmark.

    Attributes:
        format: of the card.
        protocol: which.
        model: which.
        data: which.
        figures: by the protocol's names.
        commands: by the names of the protocol's steps, what makes their figures again.
        versions: of the packages that computed them.
        note: a sentence of whoever ran it.
    """

    format: Literal[1] = 1
    protocol: ProtocolOfCard
    model: ModelOfCard
    data: DataOfCard
    figures: dict[str, Figure]
    commands: dict[str, str]
    versions: dict[str, str | None]
    note: Annotated[str, Field(max_length=MOST_OF_A_NOTE)] = ""

    @property
    def row(self) -> Row:
        """The row of a table: every figure, and the interval of those that have one."""
        plans = load_protocol(self.protocol.version).figures
        row: Row = {"model": self.model.name, "dataset": self.data.dataset}
        for name, plan in plans.items():
            row[name] = self.figures[name].value
            if plan.kind in _SHARES:
                interval = self.figures[name].interval
                row[f"{name}_interval"] = None if interval is None else list(interval)
        return {**row, "parameters": self.model.parameters, "weights": self.model.weights}


def read_card(path: Path) -> Card:
    """Read a card, and check it against the protocol.

    Raises:
        DamagedFileError: it is no card.
        InputError: it does not fit its protocol, or its numbers do not fit each other.
        ConfigurationError: there is no such version or data set.
    """
    card = model_of(read_bytes(path), str(path), Card, _MEND)
    for problem, got, expected in problems(card):
        raise InputError(f"{path} is no card of the benchmark: {problem}", got=got, expected=expected, remedy=_MEND)
    return card


def problems(card: Card) -> Iterator[tuple[str, str, str]]:
    """Everything about a card that cannot be: what, what it says, and what was expected."""
    protocol = load_protocol(card.protocol.version)
    arena = protocol.on(card.data.dataset)
    yield from _of_another_kind(card, protocol, arena)
    if list(card.figures) != list(protocol.figures):
        known, said = set(protocol.figures), set(card.figures)
        yield "its figures", ", ".join(sorted(said ^ known)) or "another order", "those of the protocol, in its order"
        return
    for name, plan in protocol.figures.items():
        yield from _of_figure(name, card.figures[name], plan, protocol, arena)
        if card.figures[name].value is not None and plan.step not in card.commands:
            yield name, "no command that makes it", f"the command of the step {plan.step}"
    yield from _of_attack(card.figures)


def _of_another_kind(card: Card, protocol: Protocol, arena: Arena) -> Iterator[tuple[str, str, str]]:
    pairs = {
        "the protocol": (card.protocol.fingerprint, protocol.fingerprint),
        "the number of test images": (card.data.test_images, arena.test.images),
        "the test images": (card.data.fingerprint, arena.test.fingerprint),
        "the source": (card.data.source, arena.source.model),
        "the source's weights": (card.data.source_weights, arena.source.weights),
    }
    for what, (said, wanted) in pairs.items():
        if said != wanted:
            yield what, str(said), str(wanted)
    unknown = set(card.commands) - set(protocol.steps)
    if unknown:
        yield "its commands", ", ".join(sorted(unknown)), f"those of {', '.join(protocol.steps)}"
        return
    for name, line in card.commands.items():
        called = protocol.steps[name].command
        if not _is_call(line, called):
            yield f"the command of {name}", line, f"a call of qaml {called}, and nothing beside it"


def _is_call(line: str, command: str) -> bool:
    """Whether a line that others are to run is a call of one command: nothing in it means anything to a shell."""
    try:
        words = shlex.split(line)
    except ValueError:
        return False
    return words[:2] == ["qaml", command] and line == " ".join(map(quoted, words))


def _of_figure(
    name: str, figure: Figure, plan: FigurePlan, protocol: Protocol, arena: Arena
) -> Iterator[tuple[str, str, str]]:
    value, need = figure.value, protocol.steps[plan.step].needs
    if value is None:
        if not figure.reason:
            yield name, "no value and no reason", "a value, or why there is none"
        if need is None and plan.kind != "verdict" and not plan.among:
            yield name, f"no value: {figure.reason}", "a value: every model has one"
        if (figure.interval, figure.images, figure.count) != (None, None, None):
            yield name, "an interval or a count of nothing", "none without a value"
        return
    if plan.kind == "verdict":
        if value not in _VERDICTS:
            yield name, str(value), f"one of {', '.join(_VERDICTS)}"
        return
    if isinstance(value, str):
        yield name, repr(value), "a number"
    elif plan.kind == "number":
        if not (isinstance(value, int) and value >= 0):
            yield name, f"{value}", "a number of gates"
    else:
        yield from _of_share(name, value, figure, plan, protocol.size(name, arena) or 0)


def _of_share(name: str, value: float, figure: Figure, plan: FigurePlan, images: int) -> Iterator[tuple[str, str, str]]:
    """A figure from 0 to 1 with an interval."""
    if not 0 <= value <= 1:
        yield name, f"{value}", "a number from 0 to 1"
        return
    most = figure.images if figure.images is not None else 0
    if most != images and not (plan.among and 0 < most <= images):
        yield f"the images of {name}", str(figure.images), f"{'at most ' if plan.among else ''}{images}"
        return
    if (figure.count is not None) != (plan.kind == "rate"):
        yield f"the count of {name}", str(figure.count), "a count of a rate, and of nothing else"
        return
    if figure.count is not None and not _close(value, figure.count / most):
        yield name, f"{value}", f"{figure.count} of {most}, which is {figure.count / most:g}"
    low, high = figure.interval or (1.0, 0.0)
    if not 0 <= low <= high <= 1:
        yield f"the interval of {name}", str(figure.interval), "two numbers from 0 to 1, the lower one first"
    elif plan.kind != "given":
        wanted = wilson_interval(value, most)
        if not all(_close(said, end) for said, end in zip((low, high), wanted, strict=True)):
            yield f"the interval of {name}", str(figure.interval), f"Wilson's, {wanted[0]:.4f} to {wanted[1]:.4f}"


def _of_attack(figures: Mapping[str, Figure]) -> Iterator[tuple[str, str, str]]:
    """The three ways to say what one attack did must agree."""
    kept, lost, fooled = (figures[name] for name in ("robust_accuracy", "misclassified_rate", "attack_success_rate"))
    if None in (kept.count, lost.count, kept.images):
        return
    total, robust, wrong = _int(kept.images), _int(kept.count), _int(lost.count)
    if robust + wrong != total:
        yield "misclassified_rate", f"{wrong} wrong and {robust} right images", f"{total} in all"
    if fooled.count is not None and robust + fooled.count != fooled.images:
        yield (
            "attack_success_rate",
            f"{fooled.count} fooled and {robust} right of {fooled.images} that were right before",
            "as many as were right before",
        )


def _int(value: Any) -> int:
    return int(value)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=0, abs_tol=_CLOSE)
