"""The command ``qaml`` itself: a command is built from the table when it is called, or asked for its help."""

from inspect import Signature
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperGroup

from qaml_qiskit.cli.commands import COMMANDS, GROUPS, Command
from qaml_qiskit.errors import unknown_name

_SETTINGS: dict[str, Any] = {
    "invoke_without_command": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
#: Below the options of every command that has one which takes several values.
_LISTS = "Options with ... take several values: with spaces, with commas, or repeated."


class Commands(TyperGroup):
    """The commands without a word in front, and the groups. None is built before it is called."""

    group = ""

    def told(self) -> dict[str, str]:
        """What each command does, in the order of the help."""
        start = f"{self.group} " if self.group else ""
        found = {
            name.removeprefix(start): command.told
            for name, command in COMMANDS.items()
            if name.startswith(start) and " " not in name.removeprefix(start)
        }
        return found if self.group else {**found, **GROUPS}

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Their names."""
        return list(self.told())

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """A command, or a group; None if there is none of that name."""
        if not self.group and cmd_name in GROUPS:
            return typer.main.get_command(_group(cmd_name))
        command = COMMANDS.get(f"{self.group} {cmd_name}".strip())
        return None if command is None else _built(command)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """The command of the first word.

        Raises:
            ConfigurationError: there is none of that name.
        """
        if args and not args[0].startswith("-") and args[0] not in self.told():
            raise unknown_name("there is no such command", args[0], self.told())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """List them in the help, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.told().items()))


def _built(command: Command) -> Any:
    """What Typer makes of a function with the command's parameters."""
    from qaml_qiskit.cli.call import call
    from qaml_qiskit.cli.options import parameters
    from qaml_qiskit.cli.several import OneCommand

    def called(**given: Any) -> None:
        call(command, given)

    taken = list(parameters(command))
    called.__signature__ = Signature(taken)  # type: ignore[attr-defined]
    called.__annotations__ = {}
    epilog = _LISTS if any(get_args(each.annotation)[0] == list[str] | None for each in taken) else None
    alone = typer.Typer(**{**_SETTINGS, "invoke_without_command": False})
    alone.command(command.name.rpartition(" ")[2], help=command.told, epilog=epilog, cls=OneCommand)(called)
    return typer.main.get_command(alone)


def _group(name: str) -> typer.Typer:
    group = typer.Typer(name=name, help=GROUPS[name], cls=type("Group", (Commands,), {"group": name}), **_SETTINGS)
    group.callback()(_help_without_command)
    return group


def _help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


def _version(wanted: bool) -> None:
    if wanted:
        from qaml_qiskit import __version__
        from qaml_qiskit.execution.options import missing_mitigations
        from qaml_qiskit.simulation import backend_description

        typer.echo(f"qaml-qiskit {__version__}\nengine: {backend_description()}")
        for name, why in missing_mitigations().items():
            typer.echo(f"without mitigation {name}: {why}")
        raise typer.Exit


app = typer.Typer(
    name="qaml",
    help="Quantum variational classifiers for IBM devices: what they score there, under noise and under attack.",
    cls=Commands,
    **_SETTINGS,
)


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print versions and leave.")
    ] = False,
) -> None:
    _help_without_command(context)
