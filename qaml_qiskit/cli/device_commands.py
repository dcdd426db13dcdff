"""The commands that prepare a run on a device: encode, forecast and frontier."""

from typing import Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import Backends, Config, DataDir, Json, Out, Recipe, Seed, Target

Models = Annotated[list[str] | None, typer.Argument(help="Run folders, model files or names of references.")]
Targets = Annotated[list[str] | None, typer.Option(help="Entries of backends.yaml. Default: fake-torino.")]


@app.command()
def forecast(
    models: Models = None,
    target: Targets = None,
    recipe: Recipe = None,
    images: Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 100.")] = None,
    shots: Annotated[list[str] | None, typer.Option(help="Such as 1000,4000. Default: 1000 and 4000.")] = None,
    mitigation: Annotated[
        list[str] | None, typer.Option(help="none, readout or m3; several times. Default: none and readout.")
    ] = None,
    eps: Annotated[list[str] | None, typer.Option(help="Of PGD, such as 0.05,0.1. Default: no attack.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of PGD. Default: 20.")] = None,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Predict what models would score on devices, exactly, from the devices' own noise. No QPU time is spent."""
    given: dict[str, Any] = {
        k: v for k, v in locals().items() if k not in ("config", "backends", "data_dir", "out", "json")
    }
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.ForecastRequest, given, config)
    progress = TerminalProgress(quiet=json)
    show(qaml.forecast(request, backends=backends, out=out, data_dir=data_dir, progress=progress), as_json=json)


@app.command()
def frontier(
    models: Models = None,
    target: Target = None,
    recipe: Recipe = None,
    images: Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 100.")] = None,
    eps: Annotated[float | None, typer.Option(help="Strength of PGD. Default: 0.1.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of PGD. Default: 10.")] = None,
    shots: Annotated[int | None, typer.Option(help="Of the predicted accuracy. Default: 4000.")] = None,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Put models side by side: fidelity, gates, clean, robust and predicted accuracy; a table and a picture."""
    given: dict[str, Any] = {
        k: v for k, v in locals().items() if k not in ("config", "backends", "data_dir", "out", "json")
    }
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.FrontierRequest, given, config)
    progress = TerminalProgress(quiet=json)
    show(qaml.frontier(request, backends=backends, out=out, data_dir=data_dir, progress=progress), as_json=json)


@app.command()
def encode(
    dataset: Annotated[str | None, typer.Option(help="Data set. Default: digits.")] = None,
    images: Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 20.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="approximate, multiplexed or angle. Default: approximate.")
    ] = None,
    encoding_layers: Annotated[
        list[str] | None,
        typer.Option(help="Templates of the approximate encoding, such as 1,2. Default: 1, 2, 3, 4 and 6."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Fidelity to reach with the fewest layers. Default: 0.95.")
    ] = None,
    pixel_order: Annotated[str | None, typer.Option(help="flat or gray. Default: gray (approximate), flat.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Turn images into circuits: templates with free angles, each image's angles, and its fidelity."""
    given: dict[str, Any] = {k: v for k, v in locals().items() if k not in ("config", "data_dir", "out", "json")}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.EncodeRequest, given, config)
    show(qaml.encode(request, out=out, data_dir=data_dir, progress=TerminalProgress(quiet=json)), as_json=json)
