"""Images that are none of a classifier's data, by the words that ask for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from qaml_qiskit.deployments.conditions import OnTarget, parse_condition
from qaml_qiskit.errors import ConfigurationError, perhaps
from qaml_qiskit.execution.names import check_target
from qaml_qiskit.workflows.fields import Exists

#: Anomalies that are drawn; the others name something behind a colon.
_DRAWN = ("noise", "blank")
_FORMS = {"other": "other:DATASET or other:FILE", "drift": "drift:NOISE:STRENGTH or drift:TARGET"}


def _checking(*naming: str) -> Callable[[str, Path | None], None]:
    """A check of words that are drawn, or of one of these kinds."""

    def check(word: str, backends: Path | None) -> None:
        kind, _, what = word.partition(":")
        if word not in _DRAWN and (kind not in naming or not what):
            nearest = perhaps(kind, [*_DRAWN, *naming], f"leave out {word}", count=1)
            raise ConfigurationError(
                "--anomalies does not fit",
                got=repr(word),
                expected=", ".join([*_DRAWN, *(_FORMS[each] for each in naming)]),
                remedy=f"say what behind {kind}:" if kind in naming else nearest,
            )
        if kind == "drift":
            condition = parse_condition(what)
            if isinstance(condition, OnTarget):
                check_target(condition.target, backends)

    return check


#: What is odd about images.
AnomalyName = Annotated[str, Exists(_checking("other"))]
#: That, or what disturbs the watched model.
AnomalyOrDrift = Annotated[str, Exists(_checking("other", "drift"))]
