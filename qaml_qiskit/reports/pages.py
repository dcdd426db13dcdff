"""The command that makes a run again, as its page shows it."""

import os
import shlex
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qaml_qiskit.text import is_printable

#: Bytes that stand for themselves between the quotes of a shell.
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} ./_-+=@:,".encode())


def named(backends: Path | None) -> dict[str, str]:
    """The backends.yaml that was named, for the run's record; nothing for the one that is taken by default."""
    return {} if backends is None else {"backends": str(backends)}


def command_line(config: Mapping[str, Any], request: BaseModel) -> str:
    """The shell command of a run; options at their defaults are left out.

    Args:
        config: of the run; its ``command``, and what :func:`named` and the choice of ``compute`` recorded in
            ``resolved``.
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
    for name, value in config.get("resolved", {}).get("compute", {}).items():
        words += [f"--{name}", value]
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    """A word for a shell; one that cannot be shown, such as a name that is not UTF-8, by its bytes."""
    if is_printable(word):
        return shlex.quote(word)
    shown = (chr(byte) if byte in _PLAIN else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(shown)}'"
