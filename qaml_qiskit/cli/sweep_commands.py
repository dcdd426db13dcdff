"""The command that sweeps noises."""

from dataclasses import replace
from typing import Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import Backends, Config, DataDir, Json, Out, Recipe, Seed, Target

Words = list[str] | None
_SEVERAL = "Several times, or with commas."


@app.command()
def sweep(
    model: Annotated[list[str] | None, typer.Argument(help="Run folders, model files or names of references.")] = None,
    noise: Annotated[
        Words,
        typer.Option(
            help="depolarizing, amplitude-damping, bit-flip, phase-damping, thermal-relaxation, over-rotation, "
            f"crosstalk, readout, global-depolarizing or device. {_SEVERAL} Default: depolarizing."
        ),
    ] = None,
    strengths: Annotated[
        Words, typer.Option(help="Such as 0.001,0.01. Default: 0.0001,0.0003,0.001,0.003,0.01,0.03.")
    ] = None,
    placement: Annotated[Words, typer.Option(help=f"Of noise: gate or layer. {_SEVERAL} Default: gate.")] = None,
    target: Target = None,
    recipe: Recipe = None,
    encoding: Annotated[
        Words, typer.Option(help=f"own, multiplexed or approximate. {_SEVERAL} Default: own, the model's.")
    ] = None,
    encoding_layers: Annotated[Words, typer.Option(help=f"Of --encoding approximate. {_SEVERAL} Default: 2.")] = None,
    encoding_noise: Annotated[
        bool | None, typer.Option("--encoding-noise", help="The gates that prepare the images are noisy, too.")
    ] = None,
    attack: Annotated[
        Words, typer.Option(help=f"Attack the images under each noise: pgd, fgsm, … {_SEVERAL} Default: none.")
    ] = None,
    eps: Annotated[Words, typer.Option(help="Attack strengths, such as 0.05,0.1. Default: 0.1.")] = None,
    attack_steps: Annotated[int | None, typer.Option(help="Default: each attack's own.")] = None,
    images: Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 1000.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="exact, aer-density, aer-trajectories or aer-sampler. Default: exact.")
    ] = None,
    shots: Annotated[
        Words, typer.Option(help=f"Of sampled accuracy; drawn by aer-sampler. {_SEVERAL} Default: 1000.")
    ] = None,
    mitigation: Annotated[Words, typer.Option(help=f"none, readout or m3. {_SEVERAL} Default: none.")] = None,
    trajectories: Annotated[int | None, typer.Option(help="An image, of aer-trajectories. Default: 200.")] = None,
    seed: Seed = None,
    workers: Annotated[int | None, typer.Option(help="Use so many processes of this machine (needs Dask).")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Use the workers of this Dask scheduler, such as tcp://host:8786.")
    ] = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Score images with QVCs under noise of growing strength, clean and attacked: exactly, or with Aer."""
    elsewhere = ("workers", "scheduler", "config", "backends", "data_dir", "out", "json")
    given: dict[str, Any] = {k: v for k, v in locals().items() if k not in ("elsewhere", *elsewhere)}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    if model:
        given["model"] = model[0] if len(model) == 1 else model
    request = build_request(qaml.SweepRequest, given, config)
    outcome = qaml.sweep(
        request,
        out=out,
        data_dir=data_dir,
        backends=backends,
        workers=workers,
        scheduler=scheduler,
        progress=TerminalProgress(quiet=json),
    )
    if not json:
        from qaml_qiskit.workflows.sweep.report import condensed

        short, same = condensed(outcome.results)
        outcome = replace(outcome, results=short, notes=(*([same] if same else []), *outcome.notes))
    show(outcome, as_json=json)
