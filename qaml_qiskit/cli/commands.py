"""The commands: each parses its options into a request, calls one workflow and prints the outcome."""

from pathlib import Path
from typing import Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app, data_app
from qaml_qiskit.cli.parameters import Backends, Config, DataDir, Json, Out, Recipe, Seed, Shots, Target


@app.command()
def demo(
    target: Target = None,
    recipe: Recipe = None,
    layers: Annotated[int | None, typer.Option(help="Layers of the QVC. Default: 12.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of the QVC. Default: 60.")] = None,
    convnet_epochs: Annotated[int | None, typer.Option(help="Epochs of the ConvNet. Default: 12.")] = None,
    eps: Annotated[float | None, typer.Option(help="Attack strength, largest change of a pixel. Default: 0.1.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of PGD. Default: 20.")] = None,
    images: Annotated[int | None, typer.Option(help="Test images. Default: 200.")] = None,
    shots: Shots = None,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Train, attack and run a QVC on a simulated IBM device, from embedded data; writes a report."""
    given = {k: v for k, v in locals().items() if k not in ("config", "backends", "out", "json")}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.interrupt import stop_on_signal
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.DemoRequest, given, config)
    progress = TerminalProgress(quiet=json)
    show(qaml.demo(request, backends=backends, out=out, progress=progress, stopping=stop_on_signal), as_json=json)


@app.command()
def train(
    dataset: Annotated[str | None, typer.Option(help="Data set. Default: digits.")] = None,
    classes: Annotated[
        list[str] | None, typer.Option(help="Classes to keep, such as 0,1,2. Default: all that fit.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="qvc, convnet, resnet18 or quadratic. Default: qvc.")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers of a QVC. Default: 12.")] = None,
    ansatz: Annotated[
        str | None, typer.Option(help="CZ of a QVC's layer: ladder (every bond) or brickwork. Default: ladder.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Of a QVC: multiplexed (exact), approximate, or angle. Default: multiplexed.")
    ] = None,
    encoding_layers: Annotated[int | None, typer.Option(help="Of the approximate encoding. Default: 2.")] = None,
    pixel_order: Annotated[
        str | None, typer.Option(help="flat or gray. Default: flat (multiplexed), gray (approximate).")
    ] = None,
    logit_scale: Annotated[float | None, typer.Option(help="Logits are ⟨Z⟩ times this. Default: 20.")] = None,
    init_std: Annotated[float | None, typer.Option(help="Spread of a QVC's first angles. Default: 1.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: 20.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: 64.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: 1/layers (qvc), 0.001 (others).")] = None,
    schedule: Annotated[str | None, typer.Option(help="one-cycle or constant. Default: one-cycle.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Default: 0.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without progress before stopping. Default: none.")
    ] = None,
    validation: Annotated[float | None, typer.Option(help="Share set aside to choose the epoch. Default: 0.1.")] = None,
    train_noise: Annotated[
        float | None,
        typer.Option(help="Depolarising noise of this strength on a QVC's gates, in the loss. Default: 0."),
    ] = None,
    train_shots: Annotated[
        int | None, typer.Option(help="Noise of so many shots on a QVC's ⟨Z⟩, in the loss. Default: none.")
    ] = None,
    train_draws: Annotated[
        int | None,
        typer.Option(help="Circuits with sampled errors that a step with --train-noise averages. Default: 16."),
    ] = None,
    train_images: Annotated[int | None, typer.Option(help="Use this many training images. Default: all.")] = None,
    seed: Seed = None,
    config: Config = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Train a classifier; a Ctrl-C keeps a checkpoint and the same command continues."""
    given: dict[str, Any] = {k: v for k, v in locals().items() if k not in ("config", "data_dir", "out", "json")}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.interrupt import stop_on_signal
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.TrainRequest, given, config)
    progress = TerminalProgress(quiet=json)
    outcome = qaml.train(request, out=out, data_dir=data_dir, progress=progress, stopping=stop_on_signal)
    show(outcome, as_json=json)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write. Default: here.")] = Path(),
    json: Json = False,
) -> None:
    """Write a starting workspace: backends.yaml and a recipe. Existing files are kept."""
    from qaml_qiskit.cli.console import show

    show(qaml.init_workspace(folder), as_json=json)


@data_app.command("list")
def data_list(data_dir: DataDir = None, json: Json = False) -> None:
    """List the data sets and whether their files are here."""
    from qaml_qiskit.cli.console import show

    show(qaml.list_data(data_dir), as_json=json)


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="A data set of `qaml data list`.")],
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Download a data set and check it; a failed download leaves nothing behind."""
    from qaml_qiskit.cli.console import show

    show(qaml.fetch_data(name, data_dir), as_json=json)


@data_app.command("verify")
def data_verify(
    name: Annotated[str | None, typer.Argument(help="A data set. Default: all.")] = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Compare files with the official checksums; exit code 2 when one is wrong."""
    from qaml_qiskit.cli.console import show

    outcome = qaml.verify_data(name, data_dir)
    show(outcome, as_json=json)
    if any(row["state"] == "wrong" for row in outcome.results):
        raise typer.Exit(2)
