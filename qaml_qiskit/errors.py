"""Errors that a user can act on.

Every message has four beats: what happened, what was given, what was expected, and what to do about it.
The command line prints the message on one line and leaves with the class's exit code, without a traceback.
"""

from collections.abc import Callable
from functools import partial


class QamlError(Exception):
    """A failure with a known cause and a known remedy.

    Args:
        what: what happened, for example ``"cannot encode image 3"``.
        got: the offending value as the user gave it.
        expected: what would have been accepted.
        remedy: what to do next, as a sentence without its full stop.
    """

    exit_code = 2

    def __init__(self, what: str, *, got: object, expected: str, remedy: str) -> None:
        self.what = what
        self.got = got
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"{what}: got {got}; expected {expected}. {remedy[:1].upper()}{remedy[1:]}.")

    def __reduce__(self) -> tuple[Callable[..., "QamlError"], tuple[str, str, str, str]]:
        """Pickle by the four beats, so that an error comes back whole from another process."""
        return partial(_again, type(self)), (self.what, str(self.got), self.expected, self.remedy)


def _again(kind: type[QamlError], what: str, got: str, expected: str, remedy: str) -> QamlError:
    return kind(what, got=got, expected=expected, remedy=remedy)


class InputError(QamlError):
    """Images, weights or numbers that cannot be used."""


class ConfigurationError(QamlError):
    """A file, an option or a name that does not fit."""


class CredentialsError(QamlError):
    """An IBM Quantum account is needed and none was found."""

    exit_code = 3


class JobsPendingError(QamlError):
    """Submitted jobs have not finished yet; the run can be collected later."""

    exit_code = 4


class BudgetError(QamlError):
    """The planned work would cost more than the user allows."""

    exit_code = 5


class PartialResultError(QamlError):
    """Some results are there and some are missing."""

    exit_code = 6
