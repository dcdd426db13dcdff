"""The command ``qaml`` itself; the modules beside it add what it can do."""

from typing import Annotated

import typer

app = typer.Typer(
    name="qaml",
    help="Quantum variational classifiers on IBM hardware, and the truth about how they hold up there.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="List, fetch and verify data sets.", invoke_without_command=True)
app.add_typer(data_app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        from qaml_qiskit import __version__
        from qaml_qiskit.simulation import backend_description

        typer.echo(f"qaml-qiskit {__version__}\nengine: {backend_description()}")
        raise typer.Exit


def _help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@data_app.callback()
def _data(context: typer.Context) -> None:
    _help_without_command(context)


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print versions and leave.")
    ] = False,
) -> None:
    _help_without_command(context)
