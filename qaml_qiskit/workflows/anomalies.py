"""How requests name what is odd about images, or about the model that sees them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from qaml_qiskit.deployments.conditions import OnTarget, parse_condition
from qaml_qiskit.errors import ConfigurationError, perhaps
from qaml_qiskit.execution.names import check_target
from qaml_qiskit.workflows.fields import Exists

#: Images that are drawn.
_DRAWN = ("noise", "blank")
#: What names something behind a colon, and the forms of that.
_OTHER = {"other": "other:DATASET or other:FILE"}
_DRIFT = {"drift": "drift:NOISE:STRENGTH or drift:TARGET"}


def _named(forms: dict[str, str]) -> Callable[[str], str]:
    """The check of a name that is drawn, or has one of these forms."""

    def check(word: str) -> str:
        kind, _, what = word.partition(":")
        if word not in _DRAWN and (kind not in forms or not what):
            remedy = f"say what behind {kind}:"
            if kind not in forms:
                remedy = perhaps(kind, [*_DRAWN, *forms], f"leave out {word}" if word else "leave it out", count=1)
            expected = f"{', '.join(_DRAWN)}, {', or '.join(forms.values())}"
            raise ConfigurationError("--anomalies does not fit", got=repr(word), expected=expected, remedy=remedy)
        if kind == "drift":
            parse_condition(what)
        return word

    return check


def _check_drift(word: str, backends: Path | None) -> None:
    kind, _, what = word.partition(":")
    if kind == "drift" and isinstance(condition := parse_condition(what), OnTarget):
        check_target(condition.target, backends)


#: Images that are none of the data.
OddImages = Annotated[str, AfterValidator(_named(_OTHER))]
#: The same, or a disturbance of the model.
AnomalyName = Annotated[str, AfterValidator(_named(_OTHER | _DRIFT)), Exists(_check_drift)]
