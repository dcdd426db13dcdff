"""The entry point: runs a command and turns every failure into one line and an exit code."""

import errno
import os
import sys
import warnings
from contextlib import suppress
from typing import TextIO

import typer

from qaml_qiskit.cli.crash import UNFORESEEN, report
from qaml_qiskit.cli.streams import accept_any_text, open_missing
from qaml_qiskit.errors import DataWarning, PartialResultError, PlugInWarning, QamlError
from qaml_qiskit.text import printable, shortened

#: A process stopped by Ctrl-C before there was anything to keep, as shells report it.
INTERRUPTED = 130


def main() -> None:
    """Run ``qaml`` with the arguments of the process, and leave with its exit code."""
    open_missing()
    accept_any_text()
    # Warnings of libraries are for their callers, which the tests watch; a user of the command can do nothing about
    # them. ``python -W`` still shows them. A package that adds a part is theirs, and so are data.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PlugInWarning)
        warnings.simplefilter("always", DataWarning)
        warnings.formatwarning = lambda message, *place: f"Warning: {message}\n"
    try:
        code = _run()
    except BaseException as error:  # the last place where anything can be said, whatever it is
        code = _code_of(error)
    sys.exit(code)


def _run() -> int:
    from qaml_qiskit.cli.app import app

    code = int(app(standalone_mode=False, prog_name="qaml") or 0)
    # Typer turns a Ctrl-C into an exit of its own, so it is recognised by its code.
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    sys.stdout.flush()
    return code


def _code_of(error: BaseException) -> int:
    """The exit code that an exception stands for, once what it has to say is said."""
    match error:
        case typer.Abort(__cause__=EOFError() as cause):
            # Typer takes the end of a file for the end of a terminal; a prompt's has no cause.
            return _code_of(cause)
        case QamlError():
            _complain(str(error))
            return error.exit_code
        case typer.Exit(exit_code=code) if code != INTERRUPTED:
            return int(code)
        case KeyboardInterrupt() | typer.Abort() | typer.Exit():
            _complain("interrupted. What was finished is kept: run the same command again to continue.")
            return INTERRUPTED
        case typer.TyperException():
            _complain(error.format_message())
            return 2
        case BrokenPipeError() | SystemExit(__context__=BrokenPipeError()):
            # Nobody reads on, as in `qaml data list | head -1`; the work is done.
            _forget(sys.stdout)
            return 0
        case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
            _forget(sys.stdout)
            _complain(f"no room to write: {error}. What was finished is kept: make room, then run the same again.")
            return PartialResultError.exit_code
        case OSError(errno=errno.ENAMETOOLONG, filename=name):
            name = shortened(str(name), 80)
            _complain(f"a name is too long: got {name}; expected one that a file can have. Give a shorter name.")
            return 2
        case SystemExit(code=int() as code) if code != 1:
            return code
        case _:
            _complain(report(error))
            return UNFORESEEN


def _forget(stream: TextIO) -> None:
    """Let nothing that waits to be printed fail once more when the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _complain(message: str) -> None:
    try:
        sys.stderr.write(f"Error: {printable(message)}\n")
        sys.stderr.flush()
    except OSError:  # nobody can be told; the exit code still says it
        _forget(sys.stderr)
