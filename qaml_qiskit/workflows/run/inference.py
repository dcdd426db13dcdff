"""From a trained model and images to submitted jobs: the work behind ``qaml plan``, ``submit`` and ``run``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.artifacts.codecs import ARRAYS, JSON
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments import Batch, Deployment, deploy, known_temperature, load_batch, parse_deployment
from qaml_qiskit.deployments.compiled import circuit_rows
from qaml_qiskit.deployments.sampling import check_computed
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import (
    Plan,
    Runner,
    Target,
    Workload,
    check_calibration,
    check_timeout,
    job_rows,
    limited,
    load_calibration,
    load_catalogue,
    stored_workload,
    workload_for,
)
from qaml_qiskit.execution import plan as cost_of
from qaml_qiskit.execution.ibm.question import within
from qaml_qiskit.execution.targets import real_hardware
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome
from qaml_qiskit.studies import Tiling
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.run.jobs import outcome_of, send
from qaml_qiskit.workflows.run.request import RunRequest
from qaml_qiskit.workflows.run.results import INPUTS, PLAN, finish
from qaml_qiskit.workflows.run.tiling import number_of_tiles, tiling_for, tiling_tables

#: Asks whether the QPU time of a plan may be spent.
Consent = Callable[[Plan], bool]


@dataclass(frozen=True)
class Prepared:
    """A request with everything it needs, compiled and checked; nothing is written or sent."""

    deployment: Deployment
    workload: Workload
    batch: Batch
    resolved: dict[str, Any]
    data_dir: Path | None = None
    tiling: Tiling | None = None

    @cached_property
    def plan(self) -> Plan:
        """What it will cost."""
        return cost_of(self.workload, self.deployment.compiled.target)

    def write(self, run: Run, progress: Progress, *, begun: bool = False) -> None:
        """Write what collecting needs: labels, ideal values and temperature, the plan, and the circuit's resources.

        Args:
            run: the run folder.
            progress: told about the images.
            begun: whether it holds a circuit of its own already, which plan and resources are of.
        """
        batch = self.batch
        ideal = self.deployment.ideal(batch.images, progress)
        arrays = {"labels": batch.labels, "indices": batch.indices, "z_ideal": ideal}
        head = self.deployment.head
        if self.deployment.qvc.readout.reads_classes:
            arrays["scale"] = np.array(head.matrix[0, 0])
        else:
            arrays |= {"matrix": head.matrix, "offset": head.offset}
        if (temperature := known_temperature(self.deployment, self.data_dir, progress)) is not None:
            arrays["temperature"] = np.array(temperature.model_dump_json())
        run.keep(INPUTS, arrays, ARRAYS)
        if not begun:
            compiled, tiles = self.deployment.compiled, self.workload.settings.tiles
            resources = circuit_rows(compiled.circuit, self.workload.isa, compiled.target.name, tiles)
            run.keep(PLAN, {"plan": self.plan.as_dict(), "resources": resources}, JSON)


def prepare(
    request: RunRequest,
    backends: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Load, compile and check everything that a request names.

    Raises:
        QamlError: the request cannot be served; nothing was written or sent.
    """
    model, condition = parse_deployment(request.model, target=request.target, recipe=request.recipe)
    deployment = deploy(model, condition, backends=backends, seed=request.seed).simulated_by(request.engine)
    deployment.check_runnable()
    batch = load_batch(request.images, [deployment], data_dir, or_all=request.is_default("images"))
    compiled, target = deployment.compiled, deployment.compiled.target
    calibration = None if request.calibration is None else load_calibration(request.calibration)
    tiling = tiling_for(request, deployment, batch, calibration, progress)
    tiles = number_of_tiles(request, tiling)
    isa = compiled.tiled(tiles, request.tile_gap, request.recipe)
    workload = workload_for(
        isa,
        deployment.values(batch.images, progress),
        target,
        shots=request.shots,
        mitigation=request.mitigation,
        seed=request.seed,
        mode=request.mode,
        images_per_job=request.images_per_job,
        calibration=calibration,
        strings=deployment.qvc.readout.bits,
        draws=deployment.draws,
        tiles=tiles,
        tile_images=request.tile_images,
    )
    if workload.settings.calibration is not None:
        check_calibration(
            workload.settings.calibration,
            target=request.target,
            measured=workload.measured,
            max_age=timedelta(hours=request.max_calibration_age),
            twirled=workload.settings.options.twirls_measurements,
        )
    resolved = {
        **compiled.resolved(),
        "model": deployment.card.model.model_dump(mode="json"),
        "weights": deployment.weights_digest,
        "images": digest(batch.images),
        "noise_notes": list(target.notes if target.is_hardware else target.noise_notes(isa)),
        "options_not_applied": list(target.options_not_applied()),
    }
    if told := deployment.sampling_notes:
        rule = deployment.sampling_rule
        resolved |= {"inference": None if rule is None else str(rule), "inference_notes": list(told)}
    return Prepared(deployment, workload, batch, resolved, data_dir, tiling)


def _on_hardware(request: RunRequest, around: Mapping[str, Any]) -> bool:
    """Whether a run has jobs that are paid for, and are there when this process is not."""
    entry = load_catalogue(around.get("backends")).entry(request.target)
    return entry.is_hardware


@takes(RunRequest)
def plan(
    request: RunRequest,
    *,
    backends: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """What a run would cost. Nothing is written or sent."""
    prepared = prepare(request, backends, data_dir, progress)
    row = prepared.plan.row(target=request.target, recipe=request.recipe, mitigation=request.mitigation)
    notes = (*prepared.deployment.sampling_notes, *prepared.plan.assumptions)
    if prepared.tiling is None:
        return Outcome("plan", None, [row], notes=notes)
    tables, told = tiling_tables(request, prepared.tiling)
    return Outcome("plan", None, [row], tables, notes=(*told, *notes))


@takes(RunRequest, lasts=lambda request, around: True)
def submit(
    request: RunRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    consent: Consent | None = None,
    max_seconds: float | None = None,
) -> Outcome:
    """Submit the jobs of a request that were not submitted yet, and leave.

    Args:
        request: what to run, and where.
        backends: the backends.yaml to use.
        out: the run folder.
        data_dir: where data sets are.
        progress: told about every job.
        consent: asked before QPU time is spent; without it, none is.
        max_seconds: refuse a plan with more QPU seconds, and let the service stop jobs that take longer.

    Raises:
        BudgetError: the plan exceeds ``max_seconds`` (exit code 5); nothing was written or sent.
        ConfigurationError: hardware without consent; nothing was written or sent.
        QamlError: see :func:`prepare` and :func:`qaml_qiskit.execution.submit`.
    """
    progress = progress or Silent()
    prepared = prepare(request, backends, data_dir, progress)
    _check_leaving(prepared.deployment.compiled.target)
    _check_cost(prepared, consent, max_seconds)
    with open_run("run", request, prepared.resolved, out, backends=backends) as run:
        if run.complete:
            return outcome_of(run)
        workload, _ = _submit(run, prepared, max_seconds, progress)
        return Outcome("submit", run, job_rows(run.path, workload))


@takes(RunRequest, lasts=_on_hardware)
def run(
    request: RunRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    consent: Consent | None = None,
    max_seconds: float | None = None,
    timeout: float | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Outcome:
    """Plan, submit and collect in one go; see :func:`submit` and :func:`~.results.collect`.

    A run that was killed goes on where it was when the same request is made again. The jobs of a simulated target are
    computed here, on ``workers`` processes, or on those of the Dask ``scheduler``: the counts are the same. Unfinished
    jobs are waited for ``timeout`` seconds, or for as long as it takes.

    Raises:
        ConfigurationError: workers for real hardware, or hardware without consent; nothing was written or sent.
        QamlError: see :func:`submit`.
    """
    progress = progress or Silent()
    opening = open_pool(workers, scheduler)
    check_timeout(timeout)
    check_computed(request.target, load_catalogue(backends).entry(request.target), workers, scheduler)
    prepared = prepare(request, backends, data_dir, progress)
    _check_cost(prepared, consent, max_seconds)
    with opening as pool, open_run("run", request, prepared.resolved, out, backends=backends) as run:
        if run.complete:
            return outcome_of(run)
        workload, runner = _submit(run, prepared, max_seconds, progress)
        with within(timeout):
            return finish(run, workload, runner, timeout, progress, pool)


def _check_leaving(target: Target) -> None:
    """Refuse to send jobs and leave where only this process could fetch what they answer."""
    if not target.gives_jobs_back:
        raise ConfigurationError(
            f"the provider of target {target.name} gives no jobs back",
            got="`qaml submit`, which leaves after sending: nobody could fetch the results",
            expected="the process that sends the jobs to wait for them",
            remedy="use `qaml run`, which does",
        )


def _check_cost(prepared: Prepared, consent: Consent | None, max_seconds: float | None) -> None:
    """Raise unless the cost is wanted. Before the folder is opened: a refusal leaves nothing."""
    target = prepared.deployment.compiled.target
    if max_seconds is not None:
        limited(prepared.workload, target, prepared.plan, max_seconds)
    if target.is_hardware and not (consent and consent(prepared.plan)):
        raise real_hardware(
            target.name,
            got=f"no permission to spend about {prepared.plan.qpu_seconds:.0f} s of QPU time",
            expected="--submit, or a typed yes",
            remedy="look at the cost with `qaml plan`, then add --submit",
        )


def _submit(run: Run, prepared: Prepared, max_seconds: float | None, progress: Progress) -> tuple[Workload, Runner]:
    """Send what was not sent yet; returns what was sent and who has it.

    A run that was begun goes on with its own circuit, whatever the device's calibration makes of the recipe today.
    """
    target, stored = prepared.deployment.compiled.target, stored_workload(run.path)
    prepared.write(run, progress, begun=stored is not None)
    workload = stored or prepared.workload
    if max_seconds is not None:
        workload = limited(workload, target, prepared.plan, max_seconds)
    return workload, send(run, workload, target, progress)
