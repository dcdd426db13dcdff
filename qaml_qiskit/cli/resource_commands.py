"""``qaml resources``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import Backends, Config, DataDir, Json, Seed


@app.command()
def resources(
    qubits: Annotated[list[str] | None, typer.Option(help="Such as 4,6. Default: 6.")] = None,
    layers: Annotated[list[str] | None, typer.Option(help="Of the QVC, such as 1,2. Default: 12.")] = None,
    ansatz: Annotated[
        list[str] | None, typer.Option(help="Of the QVC, with commas, such as ladder,brickwork. Default: ladder.")
    ] = None,
    encoding: Annotated[
        list[str] | None,
        typer.Option(help="multiplexed, approximate, exact, angle or none, with commas. Default: multiplexed."),
    ] = None,
    encoding_layers: Annotated[
        list[str] | None, typer.Option(help="Of the approximate encoding, with commas. Default: 2.")
    ] = None,
    target: Annotated[list[str] | None, typer.Option(help="Several, with commas. Default: fake-torino.")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help="Several, with commas. Default: level3.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Images of the fidelity: digits, mnist or fashion-mnist. Default: digits.")
    ] = None,
    images: Annotated[int | None, typer.Option(help="How many test images. Default: 20.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the kept counts instead; exit code 2 when one has grown.")
    ] = False,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder for tables, pictures and a page. Default: none is written.")
    ] = None,
    json: Json = False,
) -> None:
    """Count gates and depths of a classifier's circuit, before and after compilation."""
    given = {k: v for k, v in locals().items() if k not in ("config", "backends", "data_dir", "out", "json", "check")}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    progress = TerminalProgress(quiet=json)
    if check:
        from qaml_qiskit.workflows.resources.baselines import check_table

        checked = qaml.check_resources(backends=backends, progress=progress)
        show(checked if json else replace(checked, results=check_table(checked.results)), as_json=json)
        return
    request = build_request(qaml.ResourcesRequest, given, config)
    outcome = qaml.resources(request, backends=backends, out=out, data_dir=data_dir, progress=progress)
    if not json:
        from qaml_qiskit.workflows.resources.report import terminal_tables

        whole, parts = terminal_tables(outcome.results)
        published = [
            {k: v for k, v in row.items() if k not in ("remark", "source")} for row in outcome.tables["published"]
        ]
        source = f"published: {outcome.tables['published'][0]['source']}; our counts are before compilation."
        tables = {"encoding and ansatz, each compiled alone": parts, "published": published}
        outcome = replace(outcome, results=whole, tables=tables, notes=(source,))
    show(outcome, as_json=json)
