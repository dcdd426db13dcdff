"""What every request is: strict, frozen, and refused in four beats, from Python as from the command line.

A request's fields are the options of its command: types, choices, defaults and, in the texts below the fields, help
and documentation. What several requests ask for is a mixin of :mod:`qaml_qiskit.workflows.mixins`. The modules that
declare requests import neither torch nor Qiskit, so that a wrong option is answered at once.
"""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import ErrorDetails

from qaml_qiskit.errors import UNKNOWN_NAME, ConfigurationError, perhaps
from qaml_qiskit.formats import first_problem
from qaml_qiskit.workflows.fields import Exists, Installed, marks, takes_one, takes_several
from qaml_qiskit.workflows.words import quoted, split_text, written


class Request(BaseModel):
    """Everything that decides what a command computes. Unknown fields are refused.

    A list may be given as one value, or as a text with spaces or commas; the text of a field that must be given, such
    as the name of a model, is one value.

    Raises:
        ConfigurationError: a field that does not exist, or a value that does not fit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    #: The name of the command.
    command: ClassVar[str] = ""

    @model_validator(mode="wrap")
    @classmethod
    def _refused_in_four_beats(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            if isinstance(values, Mapping):
                values = {name: cls._listed(name, value) for name, value in values.items()}
            return handler(values)
        except ValidationError as error:
            raise refusal(cls, error) from error

    @classmethod
    def _listed(cls, name: str, value: Any) -> Any:
        field = cls.model_fields.get(name)
        if field is None or not takes_several(field) or takes_one(field):
            return value
        if isinstance(value, str) and not field.is_required():
            try:
                return tuple(split_text(value))
            except ValueError as error:
                raise ConfigurationError(
                    f"{name} does not fit",
                    got=repr(value),
                    expected="quotation marks in pairs",
                    remedy="add the other one",
                ) from error
        return (value,) if isinstance(value, str | int | float) else value

    def check(self, backends: Path | None = None) -> None:
        """Refuse names of what is not there, such as models and targets. Nothing heavy is imported for it.

        Args:
            backends: the backends.yaml that was named.

        Raises:
            QamlError: there is no such model, target or recipe.
        """
        self._check(Exists, backends)

    def check_installed(self) -> None:
        """Refuse what needs a package that is not installed; see :meth:`check`, which does so, too.

        Raises:
            ConfigurationError: there is no such package.
        """
        self._check(Installed, None)

    def _check(self, kind: type[Exists], backends: Path | None) -> None:
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is None or value == field.default:
                continue
            checks = [mark.check for mark in marks(field) if isinstance(mark, kind)]
            for each in value if isinstance(value, tuple) else (value,):
                for look in checks:
                    look(each, backends)

    @property
    def unwritten(self) -> Collection[str]:
        """Fields that decide nothing beside the others, left out where the request is written.

        Runs from before there were such fields are the same runs.
        """
        return ()

    @model_serializer(mode="wrap")
    def _written(self, serialised: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in serialised(self).items() if name not in self.unwritten}

    def is_default(self, name: str) -> bool:
        """Whether a field has its default, so that nobody asked for anything else."""
        return bool(getattr(self, name) == type(self).model_fields[name].default)

    def words(self, config: Mapping[str, Any] | None = None) -> list[str]:
        """The words of the command that asks for this; options at their defaults are left out.

        Args:
            config: of a run of it; of what ``resolved`` there says, the backends.yaml that was named and the choice of
                ``compute`` are options, too.
        """
        arguments: list[str] = []
        options: list[str] = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.is_required():
                arguments += map(str, value) if isinstance(value, tuple) else [str(value)]
            elif value != field.default and value is not None:
                options += _option(name, value)
        resolved = (config or {}).get("resolved", {})
        for name, value in {"backends": resolved.get("backends"), **resolved.get("compute", {})}.items():
            options += _option(name, value) if value is not None else []
        if any(word.startswith("-") for word in arguments):
            return ["qaml", *self.command.split(), *options, "--", *arguments]
        return ["qaml", *self.command.split(), *arguments, *options]

    def command_line(self, config: Mapping[str, Any] | None = None) -> str:
        """:meth:`words` for a shell."""
        return " ".join(map(quoted, self.words(config)))


def _option(name: str, value: object) -> list[str]:
    option = "--" + name.replace("_", "-")
    if value is True:
        return [option]
    texts = (written(value) or [""]) if isinstance(value, tuple) else [str(value)]
    pairs = [[f"{option}={text}"] if text.startswith("-") else [option, text] for text in texts]
    return [word for pair in pairs for word in pair]


def cannot_take(command: str, field: str, value: object, expected: str, remedy: str) -> ConfigurationError:
    """The refusal of an object in place of a field's name."""
    got = repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
    return ConfigurationError(f"{command} cannot take this as {field}", got=got, expected=expected, remedy=remedy)


def refusal(kind: type[BaseModel], error: ValidationError, shown: Callable[[str], str] = str) -> ConfigurationError:
    """The first thing that does not fit a request.

    Args:
        kind: the request's class.
        error: what pydantic found.
        shown: how a field is called where the values came from, such as ``--encoding-layers``.
    """
    detail, expected = first_problem(error)
    name = str(detail["loc"][0]) if detail["loc"] else "the request"
    known = list(kind.model_fields)
    if detail["type"] == "extra_forbidden":
        return ConfigurationError(
            f"{kind.__name__} has no such field" if shown is str else f"{shown(name)} does not fit",
            got=f"the unknown field {name!r}",
            expected=f"one of {', '.join(known)}",
            remedy=perhaps(name, known, f"leave out {name}", count=1),
        )
    if detail["type"] == "missing":
        return ConfigurationError(
            f"{shown(name)} is missing", got="nothing", expected="a value for it", remedy=f"give {shown(name)}"
        )
    return ConfigurationError(
        f"{shown(name)} does not fit",
        got=_shown(detail["input"]),
        expected=expected[:1].lower() + expected[1:],
        remedy=perhaps(detail["input"], _choices(detail), f"correct {shown(name)}", count=1),
    )


def _shown(value: object) -> str:
    """A value as it was given; a number without the quotation marks of the text that a command line has for it."""
    return value if isinstance(value, str) and re.fullmatch(r"-?[\d.]+(e-?\d+)?|-?inf|nan", value) else repr(value)


def _choices(detail: ErrorDetails) -> list[str]:
    """The values that a field with a list of choices takes; none for another field."""
    if detail["type"] == UNKNOWN_NAME:
        return str(detail["ctx"]["names"]).split(", ")
    # As pydantic writes them: 'a', 'b' or 'c'.
    return re.findall(r"'([^']+)'", detail["ctx"]["expected"]) if detail["type"] == "literal_error" else []
