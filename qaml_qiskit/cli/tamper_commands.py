"""The command that tampers with the quantum parts."""

from dataclasses import replace
from typing import Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import Backends, Config, DataDir, Images, Json, Model, Out, Recipe, Seed


@app.command()
def tamper(
    model: Model = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="weights, gates, encoding, readout, calibration or crosstalk. Several times, or with commas. "
            "Default: all that the model allows."
        ),
    ] = None,
    strengths: Annotated[
        list[str] | None,
        typer.Option(help="Half the diamond distance a component, 0 to 1. Default: 0.001,0.003,0.01,0.03,0.1."),
    ] = None,
    components: Annotated[
        int | None, typer.Option(help="Change at most so many components. Default: all; of the gates one.")
    ] = None,
    images: Images = None,
    steps: Annotated[int | None, typer.Option(help="Of the ascent on the weights. Default: 40.")] = None,
    readout: Annotated[
        float | None, typer.Option(help="Honest readout error of every qubit, either way. Default: 0.02.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Take the readout errors of this entry of backends.yaml. Default: none.")
    ] = None,
    recipe: Recipe = None,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Tamper with weights, gates, encoding, readout, calibration or neighbours, and score the images again."""
    given: dict[str, Any] = {
        k: v for k, v in locals().items() if k not in ("config", "backends", "data_dir", "out", "json")
    }
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.TamperRequest, given, config)
    progress = TerminalProgress(quiet=json)
    outcome = qaml.tamper(request, backends=backends, out=out, data_dir=data_dir, progress=progress)
    if not json:
        from qaml_qiskit.workflows.tamper.workflow import divided

        figures, access = divided(outcome.results)
        outcome = replace(outcome, results=figures, tables={"What each attack assumes": access})
    show(outcome, as_json=json)
