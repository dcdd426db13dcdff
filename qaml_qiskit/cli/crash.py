"""What nobody foresaw: one line for the user, and the whole story in a file for those who can mend it."""

import platform
import shlex
import sys
import tempfile
import traceback
from pathlib import Path
from secrets import token_hex

from qaml_qiskit.environment import package_versions
from qaml_qiskit.errors import StorageError
from qaml_qiskit.files import write_atomically
from qaml_qiskit.secrets import hide
from qaml_qiskit.text import printable

#: The exit code of a failure that is the program's own fault, as in sysexits.h.
UNFORESEEN = 70

#: Characters of what an exception says that go into the line; the file has them all.
_LONGEST = 500


def report(error: BaseException) -> str:
    """Write the traceback to a file that only the user can read, and give the line that says where it is."""
    try:
        # Asking for the folder fails, too, where no folder can be written.
        file = Path(tempfile.gettempdir()) / f"qaml-error-{token_hex(4)}.txt"
        where = f"the whole traceback is in {write_atomically(file, _story(error), private=True)}"
    except (StorageError, OSError) as trouble:
        where = f"the traceback could not be kept ({getattr(trouble, 'got', None) or trouble})"
    said = _safe("".join(traceback.format_exception_only(error)))
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]}…"
    return (
        f"something went wrong that nobody foresaw: got {said}; expected no such thing, and {where}. Please report it "
        "with that file to those you have qaml-qiskit from; credentials are taken out of it. What was finished is kept."
    )


def _story(error: BaseException) -> str:
    """The command, the versions and the traceback, without credentials."""
    head = [
        f"command: {shlex.join(['qaml', *sys.argv[1:]])}",
        f"python: {platform.python_version()} on {platform.platform()}",
        *(f"{name}: {version or 'not installed'}" for name, version in package_versions().items()),
        "",
    ]
    lines = [*head, *"".join(traceback.format_exception(error)).splitlines()]
    # Whole first: a credential may be spread over lines. Then line by line, for one with an escape sequence in it.
    return "\n".join(_safe(line, indented=True) for line in hide("\n".join(lines)).splitlines()) + "\n"


def _safe(line: str, *, indented: bool = False) -> str:
    """A line without credentials and escape sequences; these first, since one inside a credential would hide it."""
    margin = line[: len(line) - len(line.lstrip(" "))] if indented else ""
    return margin + hide(printable(line))
