"""The commands that take a trained model to a target: plan, run, submit, status, collect, cancel, backends."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import qaml_qiskit as qaml
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.parameters import (
    Backends,
    CalibrationAge,
    CalibrationFile,
    Config,
    DataDir,
    Images,
    ImagesPerJob,
    JobMode,
    Json,
    MaxSeconds,
    Mitigation,
    Model,
    Moved,
    Out,
    Recipe,
    RunFolder,
    Seed,
    Shots,
    Submit,
    Target,
    Timeout,
)
from qaml_qiskit.errors import ConfigurationError

if TYPE_CHECKING:
    from qaml_qiskit import RunRequest
    from qaml_qiskit.execution import Plan

#: Options of `qaml submit` that go with --retry and nothing else, and the others that do.
_RETRY_ONLY, _WITH_RETRY = ("recalibrate", "moved"), ("retry", "max_seconds", "submit", "json")
#: Options that are not part of the request.
_ELSEWHERE = (
    "config",
    "backends",
    "data_dir",
    "out",
    "json",
    "submit",
    "max_seconds",
    "timeout",
    "retry",
    *_RETRY_ONLY,
)


@app.command()
def plan(
    model: Model = None,
    target: Target = None,
    recipe: Recipe = None,
    images: Images = None,
    shots: Shots = None,
    mitigation: Mitigation = None,
    calibration: CalibrationFile = None,
    max_calibration_age: CalibrationAge = None,
    mode: JobMode = None,
    images_per_job: ImagesPerJob = None,
    seed: Seed = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Say what a run would cost: jobs, executions, QPU seconds, gates and survival. Nothing is sent."""
    request = _request(locals(), config)
    from qaml_qiskit.cli.console import TerminalProgress, show

    progress = TerminalProgress(quiet=json)
    show(qaml.plan_run(request, backends=backends, data_dir=data_dir, progress=progress), as_json=json)


@app.command()
def run(
    model: Model = None,
    target: Target = None,
    recipe: Recipe = None,
    images: Images = None,
    shots: Shots = None,
    mitigation: Mitigation = None,
    calibration: CalibrationFile = None,
    max_calibration_age: CalibrationAge = None,
    mode: JobMode = None,
    images_per_job: ImagesPerJob = None,
    seed: Seed = None,
    submit: Submit = False,
    max_seconds: MaxSeconds = None,
    timeout: Timeout = None,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Score images with a trained QVC on a target: ideally, as sampled, and mitigated."""
    request = _request(locals(), config)
    from qaml_qiskit.cli.console import TerminalProgress, show

    outcome = qaml.run_model(
        request,
        backends=backends,
        out=out,
        data_dir=data_dir,
        progress=TerminalProgress(quiet=json),
        consent=_consent(request, submit),
        max_seconds=max_seconds,
        timeout=timeout,
    )
    show(outcome, as_json=json)


@app.command()
def submit(
    model: Model = None,
    target: Target = None,
    recipe: Recipe = None,
    images: Images = None,
    shots: Shots = None,
    mitigation: Mitigation = None,
    calibration: CalibrationFile = None,
    max_calibration_age: CalibrationAge = None,
    mode: JobMode = None,
    images_per_job: ImagesPerJob = None,
    seed: Seed = None,
    submit: Submit = False,
    max_seconds: MaxSeconds = None,
    retry: Annotated[
        Path | None, typer.Option(help="Send again what failed, was cancelled or lost in this run.", metavar="RUN")
    ] = None,
    recalibrate: Annotated[
        bool, typer.Option("--recalibrate", help="With --retry: calibrate the readout anew.")
    ] = False,
    moved: Moved = False,
    config: Config = None,
    backends: Backends = None,
    data_dir: DataDir = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Submit the jobs of a run and leave; `qaml collect` fetches the results later."""
    given = dict(locals())
    from qaml_qiskit.cli.console import TerminalProgress, show

    if retry is None and (recalibrate or moved):
        raise ConfigurationError(
            "cannot submit",
            got="--recalibrate or --moved without --retry",
            expected="--retry RUN beside them",
            remedy="name the run with --retry, or leave them out",
        )
    if (retry is None) == (model is None and config is None):
        raise ConfigurationError(
            "cannot submit",
            got="a model and a run to retry" if retry is not None else "neither a model nor a run to retry",
            expected="MODEL, or --retry RUN",
            remedy="give one of them",
        )
    if retry is not None:
        _check_alone(given)
        outcome = qaml.retry_run(
            retry,
            max_seconds=max_seconds,
            recalibrate=recalibrate,
            moved=moved,
            progress=TerminalProgress(quiet=json),
        )
        show(outcome, as_json=json)
        return
    request = _request(given, config)
    outcome = qaml.submit_run(
        request,
        backends=backends,
        out=out,
        data_dir=data_dir,
        progress=TerminalProgress(quiet=json),
        consent=_consent(request, submit),
        max_seconds=max_seconds,
    )
    show(outcome, as_json=json)


@app.command()
def status(run: RunFolder, json: Json = False) -> None:
    """Say how the jobs of a run stand."""
    from qaml_qiskit.cli.console import show

    show(qaml.status_run(run), as_json=json)


@app.command()
def collect(run: RunFolder, timeout: Timeout = None, json: Json = False) -> None:
    """Fetch what the jobs of a run answered, and score it. Exit code 4: jobs pending; 6: results of some."""
    from qaml_qiskit.cli.console import TerminalProgress, show

    show(qaml.collect_run(run, timeout=timeout, progress=TerminalProgress(quiet=json)), as_json=json)


@app.command()
def cancel(run: RunFolder, moved: Moved = False, json: Json = False) -> None:
    """Cancel the jobs of a run that have not ended."""
    from qaml_qiskit.cli.console import show

    show(qaml.cancel_run(run, moved=moved), as_json=json)


@app.command()
def backends(
    backends: Backends = None,
    json: Json = False,
) -> None:
    """List the targets of backends.yaml: size, native gate, median errors, and whether they can be reached."""
    from qaml_qiskit.cli.console import TerminalProgress, show

    show(qaml.list_targets(backends=backends, progress=TerminalProgress(quiet=json)), as_json=json)


def _check_alone(given: dict[str, Any]) -> None:
    """Refuse options that --retry would ignore: the run goes on as it was begun."""
    allowed = (*_RETRY_ONLY, *_WITH_RETRY)
    names = [name for name, value in given.items() if value is not None and value is not False and name not in allowed]
    if names:
        raise ConfigurationError(
            "cannot change a run that was submitted",
            got=", ".join("--" + name.replace("_", "-") for name in names) + " beside --retry",
            expected="only --max-seconds, --recalibrate, --moved or --json: the rest stays as it was",
            remedy="leave them out, or submit a new run",
        )


def _request(given: dict[str, Any], config: Path | None) -> "RunRequest":
    from qaml_qiskit.cli.options import build_request

    return build_request(qaml.RunRequest, {k: v for k, v in given.items() if k not in _ELSEWHERE}, config)


def _consent(request: "RunRequest", granted: bool) -> Any:
    """Ask on a terminal what --submit answers elsewhere."""

    def ask(the_plan: "Plan") -> bool:
        if granted or not _on_terminal():
            return granted
        from qaml_qiskit.cli.console import show_plan

        show_plan(request, the_plan)
        return typer.confirm("Spend this QPU time?", err=True)

    return ask


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
