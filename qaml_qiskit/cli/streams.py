"""The streams of the process, made to take any text."""

import io
import sys


def accept_any_text() -> None:
    r"""Let stdout and stderr write what their encoding lacks as ``\u27e8`` and the like, instead of failing.

    A terminal or a pipe may be ASCII, Latin-1 or cp1252, whatever the results contain; a command that has done its work
    must be able to tell it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
