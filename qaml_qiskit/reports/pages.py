"""The parts that the pages of all runs share."""

import os
import shlex
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.reports import Page, Section
from qaml_qiskit.text import is_printable

REPORT_FILE = "report.html"
#: Bytes that stand for themselves between the quotes of a shell.
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} ./_-+=@:,".encode())


def write_page(run: Run, request: BaseModel, title: str, lead: str, sections: Sequence[Section]) -> None:
    """Write a run's one-file page, with the command that makes it again and the environment it was made in."""
    run.write(REPORT_FILE, Page(title, lead, sections, command_line(run.config, request), _facts(run)).render())


def named(backends: Path | None) -> dict[str, str]:
    """The backends.yaml that was named, for the run's record; nothing for the one that is taken by default."""
    return {} if backends is None else {"backends": str(backends)}


def command_line(config: Mapping[str, Any], request: BaseModel) -> str:
    """The shell command of a run; options at their defaults are left out.

    Args:
        config: of the run; its ``command``, and what :func:`named` recorded in ``resolved``.
        request: what was asked for.
    """
    words = ["qaml", config["command"]]
    for name, value in request:
        field = type(request).model_fields[name]
        if field.is_required():
            words += map(str, value) if isinstance(value, tuple) else [str(value)]
        elif value is True and field.default is False:
            words.append("--" + name.replace("_", "-"))
        elif value != field.default:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += ["--" + name.replace("_", "-"), text]
    if backends := config.get("resolved", {}).get("backends"):
        words += ["--backends", backends]
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """A word for a shell; one that cannot be shown, such as a name that is not UTF-8, by its bytes."""
    if is_printable(word):
        return shlex.quote(word)
    shown = (chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(shown)}'"


def _facts(run: Run) -> dict[str, object]:
    found = run.environment()
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items() if number)
    return {
        "Python": found["python"],
        "packages": packages,
        "simulator": found["engine"],
        "commit": found["git_commit"] or "not a checkout",
    }
