"""Errors that a user can act on.

Every message has four beats: what happened, what was given, what was expected, and what to do about it.
The command line prints the message on one line and leaves with the class's exit code, without a traceback.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import partial

from qaml_qiskit.text import is_printable, printable, shortened

#: Characters of an offending value that a message shows: all that says something, and not what a damaged file holds.
_LONGEST = 1000
#: The type of pydantic's error for a name that is not known: its context has the ``noun`` and the known ``names``.
UNKNOWN_NAME = "unknown_name"


class QamlError(Exception):
    """A failure with a known cause and a known remedy. Its message is one line that is safe to show.

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
        given, wanted = (shortened(each, _LONGEST) for each in (str(got), expected))
        text = f"{what}: got {given}; expected {wanted}. {remedy[:1].upper()}{remedy[1:]}."
        super().__init__(text if is_printable(text) else printable(text))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the four beats, so that an error comes back whole from another process."""
        return partial(_again, type(self)), (self.what, str(self.got), self.expected, self.remedy)


def _again(kind: type[QamlError], what: str, got: str, expected: str, remedy: str) -> QamlError:
    return kind(what, got=got, expected=expected, remedy=remedy)


def nearest(name: object, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names that a misspelt one may stand for, best first, whatever their case and their hyphens."""
    plain = {each.lower().replace("_", "-"): each for each in known}
    return [
        plain[found] for found in get_close_matches(str(name).lower().replace("_", "-"), plain, n=count, cutoff=0.65)
    ]


def perhaps(
    name: object, known: Iterable[str], otherwise: str, *, count: int = 3, shown: Callable[[str], str] = str
) -> str:
    """A remedy that offers what a misspelt name may stand for.

    Args:
        name: as the user gave it.
        known: every name that would do.
        otherwise: the remedy when none of them is near.
        count: how many are offered at most.
        shown: how an offered name is written.
    """
    near = nearest(name, known, count)
    return f"perhaps {' or '.join(map(shown, near))} is meant" if near else otherwise


class InputError(QamlError):
    """Images, weights or numbers that cannot be used."""


class ConfigurationError(QamlError):
    """A file, an option or a name that does not fit."""


class InUseError(ConfigurationError):
    """Another process, or another part of this one, is at work in a folder."""


def unknown_name(
    what: str, name: object, known: Iterable[str], *, remedy: str = "choose one of these"
) -> ConfigurationError:
    """The refusal of a name that is not known, with the nearest ones that are.

    Args:
        what: what happened, for example ``"there is no such attack"``.
        name: as the user gave it.
        known: every name that would do.
        remedy: what to do when none of them is near.
    """
    names = list(known)
    return ConfigurationError(
        what,
        got=repr(name),
        expected=f"one of {', '.join(names)}",
        remedy=perhaps(name, names, remedy),
    )


def ignored_options(who: str, given: Mapping[str, object], expected: str) -> ConfigurationError:
    """The refusal of options that would be ignored.

    Args:
        who: has no use for them, for example ``"a convnet"``.
        given: the values of the options by the names of their fields.
        expected: what has a use for them.
    """
    return ConfigurationError(
        f"{who} has no use for {', '.join('--' + name.replace('_', '-') for name in given)}",
        got=", ".join(f"{name} {value}" for name, value in given.items()),
        expected=expected,
        remedy="leave it out" if len(given) == 1 else "leave them out",
    )


class DamagedFileError(InputError, ConfigurationError):
    """A file that cannot be read: missing, empty, cut off, mixed up or of another version."""


class CredentialsError(QamlError):
    """An IBM Quantum account is needed and none was found."""

    exit_code = 3


class UnavailableError(ConfigurationError):
    """A service did not answer as it should, this time; the same question may be answered later.

    A network that is away, a broken connection, no answer in time, too many requests, an error of the service itself.
    Whoever was told to wait asks again. A wrong name, a refused account, a job that is gone are other errors.

    Args:
        what: see :class:`QamlError`, as ``got``, ``expected`` and ``remedy``.
        retry_after: seconds for which the service asked to be left alone, already bounded; 0 when it did not ask.
    """

    def __init__(self, what: str, *, got: object, expected: str, remedy: str, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(what, got=got, expected=expected, remedy=remedy)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the seconds beside the four beats."""
        return (*super().__reduce__(), {"retry_after": self.retry_after})


class JobsPendingError(QamlError):
    """Submitted jobs have not finished yet; the run can be collected later."""

    exit_code = 4


class BudgetError(QamlError):
    """The planned work would cost more than the user allows."""

    exit_code = 5


class PartialResultError(QamlError):
    """Some results are there and some are missing."""

    exit_code = 6


class StorageError(PartialResultError):
    """A file cannot be written: no room, no permission, or its folder is gone. What was finished before is kept."""


class PlugInWarning(UserWarning):
    """A part from another package cannot be used; everything else works."""


class DataWarning(UserWarning):
    """Data that can be used, but not all of them or not as they are."""
