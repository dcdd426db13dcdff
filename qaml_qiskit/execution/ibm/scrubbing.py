"""What the service says, made safe to show: it could repeat a token or an instance."""

from collections.abc import Iterable

from qaml_qiskit.execution.ibm.question import current
from qaml_qiskit.secrets import hide
from qaml_qiskit.text import printable, shortened

#: Characters of a service's text that are shown.
_LONGEST = 300


def scrub(text: str, secrets: Iterable[str] | None = None) -> str:
    """A service's text on one line, shortened, without credentials and without what acts on a terminal.

    Args:
        text: what it said.
        secrets: credentials that were sent to it; by default those of the question that is being asked.
    """
    question = current()
    known = secrets if secrets is not None else question.secrets if question else ()
    # Escape sequences first: one in the middle of a secret would hide it from the search.
    return shortened(hide(printable(text), known), _LONGEST)
