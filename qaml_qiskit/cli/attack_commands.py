"""The commands that attack models: attack and transfer."""

from dataclasses import replace
from typing import Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import Backends, Config, DataDir, Json, Model, Out, Recipe, Seed

Words = list[str] | None
_SEVERAL = "Several, with spaces or commas."
_ATTACKS = "fgsm, pgd, bim, mim, apgd, autoattack, square, cw or deepfool."

Steps = Annotated[int | None, typer.Option(help="Of the attacks that have steps. Default: each one's own.")]
Restarts = Annotated[int | None, typer.Option(help="Of the attacks that have restarts. Default: 1.")]
Param = Annotated[Words, typer.Option(help="Further key=value, for the attacks that have such a parameter.")]
Count = Annotated[str | None, typer.Option(help="Number of test images, or an .npz. Default: 100.")]
AuditImages = Annotated[int | None, typer.Option(help="Images at most that the audit uses. Default: 100.")]


@app.command()
def attack(
    model: Model = None,
    attack: Annotated[Words, typer.Option(help=f"{_ATTACKS} {_SEVERAL} Default: pgd.")] = None,
    eps: Annotated[Words, typer.Option(help=f"Strengths from 0 to 1. {_SEVERAL} Default: 0.1.")] = None,
    steps: Steps = None,
    restarts: Restarts = None,
    param: Param = None,
    images: Count = None,
    noise: Annotated[
        str | None, typer.Option(help="Attack under an exact noise, such as depolarizing. Default: none.")
    ] = None,
    strength: Annotated[float | None, typer.Option(help="Of the noise.")] = None,
    audit: Annotated[
        bool | None, typer.Option("--audit", help="Check whether the attack's failures mean anything.")
    ] = None,
    audit_images: AuditImages = None,
    sources: Annotated[
        Words, typer.Option(help=f"Models whose adversarial images must not beat the attack. {_SEVERAL}")
    ] = None,
    seed: Seed = None,
    config: Config = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Attack a model's images with full knowledge of it, and keep the adversarial images."""
    given: dict[str, Any] = {k: v for k, v in locals().items() if k not in ("config", "data_dir", "out", "json")}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.AttackRequest, given, config)
    outcome = qaml.attack(request, out=out, data_dir=data_dir, progress=TerminalProgress(quiet=json))
    if not json:
        from qaml_qiskit.deployments.auditing import audit_tables

        # What failed is in the table of the audit.
        short = [{name: value for name, value in row.items() if name != "failed_checks"} for row in outcome.results]
        outcome = replace(outcome, results=short, tables=audit_tables(outcome.tables.get("audit", [])))
    show(outcome, as_json=json)


@app.command()
def transfer(
    sources: Annotated[
        Words, typer.Option(help=f"Where images are made: MODEL or MODEL@NOISE:STRENGTH. {_SEVERAL}")
    ] = None,
    victims: Annotated[
        Words,
        typer.Option(help=f"Where they are scored: MODEL, MODEL@NOISE:STRENGTH or MODEL@TARGET. {_SEVERAL}"),
    ] = None,
    attacks: Annotated[Words, typer.Option(help=f"{_ATTACKS} {_SEVERAL} Default: pgd.")] = None,
    eps: Annotated[
        Words, typer.Option(help=f"Strengths from 0 to 1. {_SEVERAL} Default: 0.05,0.1,0.15,0.2,0.25,0.3.")
    ] = None,
    steps: Steps = None,
    restarts: Restarts = None,
    param: Param = None,
    images: Count = None,
    adversarial: Annotated[
        Words, typer.Option(help=f"Files of adversarial images from `qaml attack`, scored as well. {_SEVERAL}")
    ] = None,
    recipe: Recipe = None,
    shots: Annotated[int | None, typer.Option(help="Of sampled accuracy on devices. Default: 1000.")] = None,
    audit: Annotated[bool | None, typer.Option("--audit", help="Audit each source's attacks at one strength.")] = None,
    audit_images: AuditImages = None,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Make adversarial images once on every source, and score them on every victim: exact, noisy, or a device."""
    elsewhere = ("config", "backends", "data_dir", "out", "json")
    given: dict[str, Any] = {k: v for k, v in locals().items() if k not in ("elsewhere", *elsewhere)}
    from qaml_qiskit.cli.console import TerminalProgress, show
    from qaml_qiskit.cli.options import build_request

    request = build_request(qaml.TransferRequest, given, config)
    progress = TerminalProgress(quiet=json)
    outcome = qaml.transfer(request, out=out, data_dir=data_dir, backends=backends, progress=progress)
    if not json:
        from qaml_qiskit.deployments.auditing import audit_tables
        from qaml_qiskit.workflows.transfer.report import transfer_table

        # The rows are in transfer.csv; a terminal gets the strengths side by side.
        tables = audit_tables(outcome.tables.get("audit", []))
        outcome = replace(outcome, results=transfer_table(outcome.results), tables=tables)
    show(outcome, as_json=json)
