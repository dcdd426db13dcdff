"""What the fields of a request say of themselves: their help, choices and defaults, and what must exist.

The command line, the documentation and the checks read the same fields.
"""

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic.fields import FieldInfo

from qaml_qiskit.circuits import ANSAETZE, CIRCUIT_FILES, CIRCUITS, is_file
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.conditions import Ideal, OnTarget, parse_deployment
from qaml_qiskit.deployments.references import check_model, names_network
from qaml_qiskit.execution.names import check_recipe, check_target
from qaml_qiskit.execution.options import CountsMitigation, Mitigation, check_mitigation
from qaml_qiskit.formats import read_bytes
from qaml_qiskit.registry import Named

Each = TypeVar("Each")


@dataclass(frozen=True)
class Otherwise:
    """Marks what a field that is not given stands for; told where other fields show their default."""

    told: str


@dataclass(frozen=True)
class Exists:
    """Marks a text that names something which must be there.

    Attributes:
        check: raises a QamlError when there is none; takes the name and the backends.yaml that was named.
    """

    check: Callable[[str, Path | None], object]


@dataclass(frozen=True)
class Installed(Exists):
    """Marks a word for which another package must be installed; looked for however a command is called."""


@dataclass(frozen=True)
class NamesModel(Exists):
    """Marks a text that names a model, or one under a condition: in Python a model may stand in its place."""


def each_once(values: tuple[Each, ...]) -> tuple[Each, ...]:
    """Refuse a list with a value twice."""
    if len(set(values)) < len(values):
        raise ValueError("each value once")
    return values


def _check_stored(name: str) -> None:
    if names_network(name):
        raise refusals.needs_circuit(name, "network")
    check_model(name)


def _check_ruled(name: str) -> None:
    """A model alone, or how it answers behind it; a noise or a target is an option of the commands that take these."""
    model, condition = parse_deployment(name)
    _check_stored(model if isinstance(condition, Ideal) else name)


def _check_deployment(name: str, backends: Path | None) -> None:
    _check_stored(parse_deployment(name)[0])
    _check_classifier(name, backends)


def _check_classifier(name: str, backends: Path | None) -> None:
    model, condition = parse_deployment(name)
    check_model(model)
    if names_network(model) and not isinstance(condition, Ideal):
        raise refusals.needs_circuit(model, "network")
    if isinstance(condition, OnTarget):
        check_target(condition.target, backends)


def _as_number(entry: object) -> object:
    """Digits as the number that they write: a class may be named by its label."""
    return int(entry) if isinstance(entry, str) and entry.isascii() and entry.isdigit() else entry


def _check_circuit_file(ansatz: str) -> None:
    if is_file(ansatz):
        read_bytes(Path(ansatz), "check the path, or name a registered ansatz")


#: Lists, whose values may come in any of the forms of :mod:`qaml_qiskit.workflows.words`.
AnyNumber = Annotated[tuple[Each, ...], AfterValidator(each_once)]
Several = Annotated[tuple[Each, ...], Field(min_length=1), AfterValidator(each_once)]

Count = Annotated[int, Field(ge=1, lt=2**63)]
#: A probability, or a part of a whole; neither nothing nor all.
Share = Annotated[float, Field(gt=0, lt=1)]
#: A class of a data set, by its label or its name.
ClassName = Annotated[int | str, BeforeValidator(_as_number)]
#: A number of test images, or an .npz.
Images = Annotated[str, BeforeValidator(str)]
#: ``MODEL``, or ``MODEL@RULE`` with an inference rule.
ModelName = Annotated[str, NamesModel(lambda name, backends: _check_ruled(name))]
#: ``MODEL``, ``MODEL@NOISE:STRENGTH`` or ``MODEL@TARGET``, each with an inference rule or without.
DeploymentName = Annotated[str, NamesModel(_check_deployment)]
#: One of these, or a network of the user's.
ClassifierName = Annotated[str, NamesModel(_check_classifier)]
TargetName = Annotated[str, Exists(check_target)]
#: A registered ansatz, or the file of a circuit.
AnsatzOrFile = Annotated[
    str,
    Named(ANSAETZE, given=CIRCUITS, files=CIRCUIT_FILES),
    Exists(lambda ansatz, backends: _check_circuit_file(ansatz)),
]
#: What is made of counts, and what a run may ask for; see :mod:`qaml_qiskit.execution.options`.
CountsMitigationName = Annotated[CountsMitigation, Installed(lambda name, backends: check_mitigation(name))]
MitigationName = Annotated[Mitigation, Installed(lambda name, backends: check_mitigation(name))]
RecipeName = Annotated[str, Exists(lambda name, backends: check_recipe(name))]


def marks(field: FieldInfo) -> list[Any]:
    """Everything that the annotation of a field says beside types, at any depth."""
    return [*field.metadata, *(mark for part in _parts(field.annotation) for mark in getattr(part, "__metadata__", ()))]


def choices(field: FieldInfo) -> dict[str, str]:
    """The words that a field takes, each with a line about it or nothing; empty where any will do."""
    found: dict[str, str] = {}
    for part in _parts(field.annotation):
        if get_origin(part) is Literal:
            found |= dict.fromkeys(get_args(part), "")
    for mark in marks(field):
        if hasattr(mark, "told") and callable(mark.told):
            found |= mark.told()
    return found


def takes_several(field: FieldInfo) -> bool:
    """Whether a field holds a list."""
    return any(get_origin(part) is tuple for part in _parts(field.annotation))


def takes_one(field: FieldInfo) -> bool:
    """Whether a field holds, or may hold, a single value."""
    annotation = field.annotation
    outer = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return any(get_origin(_bare(part)) is not tuple and part is not type(None) for part in outer)


def holds_text(field: FieldInfo) -> bool:
    """Whether a value of a field is text."""
    return any(part is str for part in _parts(field.annotation))


def kind(field: FieldInfo) -> str:
    """What a value of a field is, in a word: ``int``, ``float``, ``text``, or ``name`` where there are choices.

    A number in place of which a word may stand is a number.
    """
    parts = list(_parts(field.annotation))
    numbers = [part for part in parts if part in (int, float)]
    if choices(field) and not _takes_number(field):
        return "name"
    return "text" if str in parts or not numbers else "float" if float in numbers else "int"


def told_default(field: FieldInfo) -> str:
    """What a field is when nothing is said; empty for one that must be given."""
    otherwise = [mark.told for mark in marks(field) if isinstance(mark, Otherwise)]
    default = field.default
    if field.is_required() or default is False:
        return ""
    if otherwise:
        return otherwise[0]
    if default is None or default == ():
        return "none"
    return ",".join(map(_plain, default)) if isinstance(default, tuple) else _plain(default)


def told(field: FieldInfo) -> str:
    """What a field is, and which words it takes."""
    text = " ".join((field.description or "").split())
    # Of a number in place of which a word may stand, the text tells the word.
    names = {} if _takes_number(field) else choices(field)
    return f"{text} {_told_choices(names)}" if names else text


def in_order(kind: type[BaseModel]) -> list[str]:
    """The fields of a request as people read them: what must be given, its own, those it shares, the seed.

    Of those it shares, the data set comes first. The first field of all may stand without its name in Python.
    """

    def place(name: str) -> tuple[bool, bool, bool, bool]:
        shared = name not in kind.__annotations__
        return not kind.model_fields[name].is_required(), shared, name == "seed", shared and name != "dataset"

    return sorted(kind.model_fields, key=place)


def _told_choices(names: Mapping[str, str]) -> str:
    *others, last = [f"{name} ({line.rstrip('.')})" if line else name for name, line in names.items()]
    separator = "; " if any(names.values()) else ", "
    return f"One of {separator.join(others)} or {last}." if others else f"Only {last}."


def _takes_number(field: FieldInfo) -> bool:
    """Whether a value may be a number, even where there are words for it."""
    parts = list(_parts(field.annotation))
    return str not in parts and any(part in (int, float) for part in parts)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parts(annotation: Any) -> Iterator[Any]:
    """An annotation and everything in it."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from _parts(part)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
