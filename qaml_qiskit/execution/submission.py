"""The one side effect: jobs leave, and every one of them is in the ledger before and after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from qaml_qiskit.errors import ConfigurationError, DamagedFileError, QamlError
from qaml_qiskit.execution.catalogue import ProviderEntry
from qaml_qiskit.execution.fingerprint import fingerprints, same_circuit
from qaml_qiskit.execution.ibm.runtime import RuntimeRunner
from qaml_qiskit.execution.ledger import ENDED, LEDGER_FILE, JobRecord, Ledger
from qaml_qiskit.execution.local import local_runner
from qaml_qiskit.execution.provider.runner import provider_runner
from qaml_qiskit.execution.reconciliation import looks, reconcile, settle
from qaml_qiskit.execution.runner import MaybeAcceptedError, Runner
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.execution.workload import CALIBRATION, SETTINGS_FILE, JobSpec, Settings, Workload
from qaml_qiskit.files import make_folders


def runner_for(target: Target, workload: Workload, folder: Path | None = None) -> Runner:
    """What carries out a workload on a target.

    Args:
        target: open.
        workload: what is run.
        folder: the run folder, which keeps a provider's ids of what was sent; by default the one that is submitted.
    """
    if isinstance(target.entry, ProviderEntry):
        return provider_runner(target, folder)
    return RuntimeRunner(target.backend.service, target.backend) if target.backend else local_runner(target, workload)


def submit(
    folder: Path,
    workload: Workload,
    runner: Runner,
    *,
    retry: bool = False,
    recalibrate: bool = False,
    moved: bool = False,
    progress: Callable[[int], None] | None = None,
) -> list[JobRecord]:
    """Send every job of a workload that was not sent yet.

    The service is asked for the run's jobs first: what it has is adopted and not sent again. After every submission it
    is asked once more, and a second job of the same chunk is cancelled. So a process killed at any point, an answer
    lost on the way, or a ledger that lost lines never makes a second paid job that is left to run.

    Args:
        folder: the run folder; the workload is saved there first. What is there already is what is sent.
        workload: what to run.
        runner: where.
        retry: also send again what failed, was cancelled or lost, or has no result that can be used.
        recalibrate: also send the readout calibration again, although it was collected.
        moved: say that this folder is no copy: the one that it was made from is not used any more.
        progress: called with 1 for every job sent or found.

    Returns:
        The state of every job, in the workload's order.

    Raises:
        ConfigurationError: the folder holds another workload, is a copy of a run, or belongs to another instance; or a
            job may have been accepted where nobody can be asked, and ``retry`` does not say to send it again.
        QamlError: the target refused, or could not be asked. Jobs sent before are in the ledger; calling again goes on.
    """
    ledger = Ledger(folder / LEDGER_FILE)
    make_folders(folder)
    with ledger.exclusive():
        ledger.open_run(workload.settings.target, runner.place)
        workload = keep_workload(folder, workload)
        reconcile(ledger, runner, [job.chunk for job in workload.settings.jobs])
        if not retry:
            _check_known(ledger, runner)
        due = [job for job in workload.settings.jobs if _is_due(ledger, job, runner, retry, recalibrate)]
        if due or moved:
            ledger.claim(runner.place, moved=moved)
        if due:
            _send_all(ledger, workload, due, runner, progress)
        records = ledger.records()
    return [records[job.chunk] for job in workload.settings.jobs]


def outstanding(folder: Path, workload: Workload, *, recalibrate: bool = False) -> Workload:
    """The part of a workload that ``submit(…, retry=True)`` may send, as far as the run folder alone tells."""
    records = Ledger(folder / LEDGER_FILE).records()

    def is_open(job: JobSpec) -> bool:
        record = records.get(job.chunk)
        again = recalibrate and job.chunk == CALIBRATION
        return again or record is None or record.state not in ("submitted", "collected")

    jobs = tuple(job for job in workload.settings.jobs if is_open(job))
    return Workload(workload.isa, workload.values, workload.settings.model_copy(update={"jobs": jobs}))


def stored_workload(folder: Path) -> Workload | None:
    """What a run folder was begun with, and goes on with; None for one that was not begun."""
    return Workload.load(folder) if (folder / SETTINGS_FILE).is_file() else None


def with_begun_engine(folder: Path, workload: Workload) -> Workload:
    """A workload with the engine that its folder was begun with: counts of two engines are no one run."""
    stored = stored_workload(folder)
    if stored is None or stored.settings.engine == workload.settings.engine:
        return workload
    settings = workload.settings.model_copy(update={"engine": stored.settings.engine})
    return Workload(workload.isa, workload.values, settings)


def keep_workload(folder: Path, workload: Workload) -> Workload:
    """Save a workload in a run folder, or take the one that is there: what is stored is what is sent.

    Only ``max_execution_time``, a limit and no part of the work, may differ; the one given now counts.

    Raises:
        ConfigurationError: the folder holds another workload.
    """
    stored = stored_workload(folder)
    if stored is None:
        workload.save(folder)
        stored = Workload.load(folder)
    differing = [
        name
        for name in Settings.model_fields
        if name != "options" and getattr(stored.settings, name) != getattr(workload.settings, name)
    ]
    if not np.array_equal(stored.values, workload.values):
        differing.append("images")
    if not same_circuit(stored.isa, workload.isa):
        differing.append("circuit")
    if _unlimited(stored.settings) != _unlimited(workload.settings):
        differing.append("options")
    if differing:
        raise ConfigurationError(
            f"{folder} holds other work",
            got=f"a workload that differs in {', '.join(differing)}",
            expected="the one that was saved there, whose jobs may have been sent",
            remedy="go on with Workload.load(folder), or choose another folder",
        )
    return Workload(stored.isa, stored.values, workload.settings)


def _unlimited(settings: Settings) -> object:
    return settings.options.model_copy(update={"max_execution_time": None})


def _check_known(ledger: Ledger, runner: Runner) -> None:
    """Refuse to send again what may have been accepted, where nobody can be asked whether it was."""
    open_ended = [record.chunk for record in ledger.records().values() if record.state == "intended"]
    if open_ended and not runner.lists_jobs:
        raise ConfigurationError(
            f"{', '.join(open_ended)} of {ledger.folder} may have been accepted, and paid for",
            got="jobs that were being sent when their process ended or the provider failed, without an id",
            expected="ids: this provider cannot be asked for jobs without them",
            remedy=f"look at the provider's own list of jobs, then send again with `qaml submit --retry "
            f"{ledger.folder}`",
        )


def _is_due(ledger: Ledger, job: JobSpec, runner: Runner, retry: bool, recalibrate: bool) -> bool:
    record = ledger.records().get(job.chunk)
    if record is None or record.state in ("intended", "refused"):
        return True
    if record.state == "collected" and recalibrate and job.chunk == CALIBRATION:
        reason = "calibrated again on request"
        ledger.append("broken", chunk=job.chunk, attempt=record.attempt, job=record.job, reason=reason)
        return True
    if not retry or record.state not in ENDED:
        return False
    sent = ledger.sent(record)
    if sent is not None and record.state != "broken" and runner.state(sent).alive:
        # A service can be wrong about the end of a job, and a job that was given up may have come in since.
        ledger.append("submitted", chunk=job.chunk, attempt=record.attempt, job=sent.job, found="alive again")
        return False
    return True


def _send_all(
    ledger: Ledger, workload: Workload, due: list[JobSpec], runner: Runner, progress: Callable[[int], None] | None
) -> None:
    runner.ready(ledger.folder)
    prints = fingerprints(ledger.folder, workload)
    try:
        for job in due:
            _send(ledger, workload, job, runner, prints[job.chunk])
            if progress:
                progress(1)
    finally:
        runner.close()
    reconcile(ledger, runner, [job.chunk for job in workload.settings.jobs])


def _send(ledger: Ledger, workload: Workload, job: JobSpec, runner: Runner, fingerprint: str) -> None:
    before, run_id = ledger.records().get(job.chunk), str(ledger.run_id())
    # The same intent is taken up again; only a job that is known to have ended gets a new attempt.
    fresh = before is not None and before.state not in ("intended", "refused")
    attempt = max(1, ledger.attempts().get(job.chunk, 0) + fresh)
    shots, draws = workload.settings.shots, workload.settings.draws
    limit = workload.settings.options.max_execution_time
    ledger.intend(job.chunk, attempt, images=job.rows // draws, shots=shots, fingerprint=fingerprint, limit=limit)
    try:
        job_id = runner.submit(workload, job, run_id, attempt)
    except MaybeAcceptedError:
        # The intent stays, and only a user who looked at the provider's own list of jobs can say more.
        raise
    except QamlError as error:
        # The answer may have been lost after the job was accepted: the service is asked before anything is concluded,
        # and where it cannot be asked, the intent stays.
        with _where_it_answers():
            if _found(ledger, runner, job.chunk, attempt):
                return
            ledger.append("refused", chunk=job.chunk, attempt=attempt, reason=f"{error.what}: {error.got}")
        raise
    ledger.append("submitted", chunk=job.chunk, attempt=attempt, job=job_id)
    # The client sends a request again by itself when the service answers with a server error, although the first may
    # have been accepted. Where the service cannot be asked now, it is when all jobs are sent.
    with _where_it_answers():
        settle(ledger, runner, job.chunk, runner.find(run_id, job.chunk, attempt))


@contextmanager
def _where_it_answers() -> Iterator[None]:
    """Pass over what a service cannot be asked for; damage of a file of this folder is something else."""
    try:
        yield
    except DamagedFileError:
        raise
    except ConfigurationError:
        pass


def _found(ledger: Ledger, runner: Runner, chunk: str, attempt: int) -> bool:
    """Whether the service has a job of this attempt, which is adopted then. Lists lag: it is asked more than once."""
    for last in looks():
        settle(ledger, runner, chunk, runner.find(str(ledger.run_id()), chunk, attempt))
        if last or ledger.records()[chunk].state == "submitted":
            break
    return ledger.records()[chunk].state == "submitted"
