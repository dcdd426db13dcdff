"""The streams of the process, made to take any text."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path


def open_missing() -> None:
    """Give a process that was started with closed streams, as under ``>&-``, such that lead nowhere.

    Python leaves ``None`` in their place, which nothing that prints expects; and a descriptor that stays free is taken
    by the next file that is opened, into which a library then prints.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for as long as the process lives


def accept_any_text() -> None:
    r"""Let stdout and stderr write what their encoding lacks as ``\u27e8`` and the like, instead of failing.

    A terminal or a pipe may be ASCII, Latin-1 or cp1252, whatever the results contain; a command that has done its work
    must be able to tell it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def kept_from_stdout() -> Iterator[None]:
    """Send to stderr what anybody prints meanwhile, libraries, plug-ins and new processes too.

    A reader of stdout who asked for one document gets nothing else.
    """
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
