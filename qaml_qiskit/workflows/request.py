"""What every request is: strict, frozen, and refused in four beats, from Python as from the command line.

The modules that declare requests import neither torch nor Qiskit, so that a wrong option is answered at once.
"""

import re
from collections.abc import Callable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails

from qaml_qiskit.errors import ConfigurationError, perhaps
from qaml_qiskit.formats import first_problem


class Request(BaseModel):
    """Everything that decides what a command computes. Unknown fields are refused.

    Raises:
        ConfigurationError: a field that does not exist, or a value that does not fit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    def stored_models(self) -> tuple[str, ...]:
        """Names of the stored models that it is about."""
        return ()

    @model_validator(mode="wrap")
    @classmethod
    def _refused_in_four_beats(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(values)
        except ValidationError as error:
            raise refusal(cls, error) from error


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
    choices = _choices(detail) if detail["type"] == "literal_error" else []
    return ConfigurationError(
        f"{shown(name)} does not fit",
        got=repr(detail["input"]),
        expected=expected[:1].lower() + expected[1:],
        remedy=perhaps(detail["input"], choices, f"correct {shown(name)}", count=1),
    )


def _choices(detail: ErrorDetails) -> list[str]:
    """The values that a field with a list of choices takes, as pydantic writes them: 'a', 'b' or 'c'."""
    return re.findall(r"'([^']+)'", detail["ctx"]["expected"])
