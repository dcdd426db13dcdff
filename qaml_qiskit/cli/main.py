"""The entry point: runs a command and turns every known failure into one line and an exit code."""

import sys
import warnings

import typer

from qaml_qiskit.cli.streams import accept_any_text
from qaml_qiskit.errors import QamlError
from qaml_qiskit.text import printable

#: A process stopped by Ctrl-C before there was anything to keep, as shells report it.
INTERRUPTED = 130

#: The commands in the order of the help: make a model, look at what it costs, run it, ask how it holds up.
ORDER = (
    *("demo", "init", "train", "encode", "resources", "frontier", "forecast"),
    *("backends", "plan", "run", "submit", "status", "collect", "cancel"),
    *("sweep", "attack", "transfer", "certify", "tamper"),
)


def main() -> None:
    """Run ``qaml`` with the arguments of the process, and leave with its exit code."""
    accept_any_text()
    # Warnings of libraries are for their callers, which the tests watch; a user of the command can do nothing about
    # them. ``python -W`` still shows them.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    sys.exit(_run())


def add_commands() -> None:
    """Import the modules whose commands :data:`qaml_qiskit.cli.app.app` gets, and put these in order."""
    from qaml_qiskit.cli import (  # noqa: F401
        attack_commands,
        certify_commands,
        commands,
        device_commands,
        execution_commands,
        resource_commands,
        sweep_commands,
        tamper_commands,
    )
    from qaml_qiskit.cli.app import app, data_app
    from qaml_qiskit.cli.several import Command

    for command in (*app.registered_commands, *data_app.registered_commands):
        command.cls = Command
    app.registered_commands.sort(
        key=lambda command: ORDER.index(command.name or getattr(command.callback, "__name__", ""))
    )


def _run() -> int:
    from qaml_qiskit.cli.app import app

    add_commands()

    try:
        code = int(app(standalone_mode=False, prog_name="qaml") or 0)
    except QamlError as error:
        _complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.TyperException as error:
        _complain(error.format_message())
        return 2
    # Typer turns a Ctrl-C into an exit of its own, so it is recognised by its code.
    if code == INTERRUPTED:
        _complain("interrupted. What was finished is kept: run the same command again to continue.")
    return code


def _complain(message: str) -> None:
    sys.stderr.write(f"Error: {printable(message)}\n")
