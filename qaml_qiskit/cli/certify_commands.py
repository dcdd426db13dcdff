"""The command that certifies labels."""

from dataclasses import replace
from typing import Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import Config, DataDir, Json, Model, Out, Seed


@app.command()
def certify(
    model: Model = None,
    images: Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 100.")] = None,
    noise: Annotated[
        str | None, typer.Option(help="Certify under a noise, such as amplitude-damping. Default: none.")
    ] = None,
    strength: Annotated[float | None, typer.Option(help="Of the noise.")] = None,
    seed: Seed = None,
    config: Config = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Certify how far every image is from another label, exactly in l2; with a witness and an attack for each."""
    given: dict[str, Any] = {k: v for k, v in locals().items() if k not in ("config", "data_dir", "out", "json")}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.CertifyRequest, given, config)
    outcome = qaml.certify(request, out=out, data_dir=data_dir, progress=TerminalProgress(quiet=json))
    if not json:
        # The rows of all images are in certificates.csv; a terminal gets what they come to.
        levels = {"Certified accuracy": outcome.tables["certified_accuracy"]}
        outcome = replace(outcome, results=outcome.tables["summary"], tables=levels)
    show(outcome, as_json=json)
