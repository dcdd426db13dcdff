"""The runner for real devices: jobs with tags, in a batch, a session or alone."""

import math
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qaml_qiskit.errors import BudgetError, ConfigurationError, QamlError
from qaml_qiskit.execution.primitives import runtime_primitive
from qaml_qiskit.execution.runner import Answer, FoundJob, JobState
from qaml_qiskit.execution.service import ask, device_status, scrub
from qaml_qiskit.execution.snapshot import fetch_snapshot, write_snapshot
from qaml_qiskit.execution.workload import JobSpec, Workload
from qaml_qiskit.secrets import hide_all

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend

#: Job tags: this one for all of the package's, another for all of a run's, a third for one job's.
TAG = "qaml-qiskit"
_JOB_ID = re.compile(r"^[\w.:-]{1,128}$", re.ASCII)
_CHUNK_TAG = re.compile(r"^qaml-[0-9a-f]{12}-(?P<chunk>.+)-(?P<attempt>\d+)$")


class RuntimeRunner:
    """Sends jobs to one device of IBM Quantum Platform, each with tags that find it again."""

    def __init__(self, backend: "IBMBackend") -> None:
        """Use an open device handle."""
        self.backend = backend
        self.service = backend.service
        self._mode: Any = None

    def ready(self, folder: Path) -> None:
        """Refuse before anything is sent, then keep the device's snapshot.

        The client itself only warns when the instance has no time left.
        """
        usage = ask("cannot ask for the instance's usage", self.service.usage)
        if usage.get("usage_limit_reached"):
            raise BudgetError(
                f"cannot submit to {self.backend.name}",
                got="an instance without QPU time left",
                expected="time left in the instance",
                remedy="wait until time is made available, or choose another instance with QISKIT_IBM_INSTANCE",
            )
        status = device_status(self.backend)
        if not status.operational:
            raise ConfigurationError(
                f"cannot submit to {self.backend.name}",
                got=f"a device that is offline ({status.message})",
                expected="a device in operation",
                remedy="choose another device, or try again later",
            )
        write_snapshot(folder, lambda: fetch_snapshot(self.backend))

    def submit(self, workload: Workload, job: JobSpec, run_id: str, attempt: int) -> str:
        """Send one job and return its id; see :meth:`Runner.submit`."""
        what = f"cannot submit {job.chunk} to {self.backend.name}"
        settings = workload.settings
        tags = [TAG, _run_tag(run_id), _chunk_tag(run_id, job.chunk, attempt)]

        def send() -> str:
            primitive = runtime_primitive(
                self._open_mode(workload), workload.mitigation(job), workload.options(job), tags=tags
            )
            pubs = workload.pubs(job, workload.circuits(job))
            if workload.estimates(job):
                return _plain_id(primitive.run(pubs, precision=settings.shots**-0.5).job_id())
            return _plain_id(primitive.run(pubs, shots=settings.shots).job_id())

        return ask(what, send, large=True)

    def find(self, run_id: str) -> list[FoundJob]:
        """All jobs of a run that the service knows, oldest first."""

        def look() -> list[FoundJob]:
            found = []
            for job in self.service.jobs(limit=None, job_tags=[_run_tag(run_id)], descending=False):
                tags = [tag for tag in job.tags or [] if isinstance(tag, str)]
                match = next(filter(None, map(_CHUNK_TAG.match, tags)), None)
                if match:
                    found.append(FoundJob(_plain_id(job.job_id()), match["chunk"], int(match["attempt"])))
            return found

        return ask("cannot list the run's jobs", look)

    def state(self, job_id: str) -> JobState:
        """How a job stands."""
        from qiskit_ibm_runtime.exceptions import RuntimeJobNotFound

        def look() -> JobState:
            try:
                job = self.service.job(job_id)
            except RuntimeJobNotFound:
                return JobState("lost", "the service does not know this job any more")
            match _status(job):
                case "DONE":
                    return JobState("done")
                case "ERROR":
                    return JobState("failed", scrub(str(job.error_message() or _reason(job) or "no reason given")))
                case "CANCELLED":
                    return JobState("cancelled", scrub(str(job.error_message() or "cancelled")))
                case _:
                    return JobState("pending")

        return ask(f"cannot ask for job {job_id}", look)

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        """The result of a job that is done, with its QPU seconds and the date of the device's calibration."""
        handle = ask(f"cannot fetch job {job_id}", lambda: self.service.job(job_id))
        result = ask(f"cannot fetch the result of job {job_id}", handle.result, large=True)
        facts: dict[str, str | int | float] = {}
        measured_at = datetime.now(UTC)
        # Facts about a job are worth having, but no result is lost for want of them.
        with suppress(QamlError):
            facts["qpu_seconds"] = ask("cannot fetch the job's usage", lambda: _qpu_seconds(handle.metrics()))
        with suppress(QamlError):
            measured_at = ask("cannot fetch the job's times", lambda: _finished(handle.metrics()))
        properties = None
        with suppress(QamlError):
            properties, date = ask("cannot fetch the device's calibration", lambda: _calibration(handle.properties()))
            facts["device_calibrated"] = date
        return Answer(result, measured_at, facts, properties)

    def cancel(self, job_id: str) -> bool:
        """Cancel a job; False when it had ended already."""
        from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError

        def stop() -> bool:
            try:
                self.service.job(job_id).cancel()
            except RuntimeInvalidStateError:
                return False
            return True

        return ask(f"cannot cancel job {job_id}", stop)

    def close(self) -> None:
        """Close the batch or session: its jobs run, and it takes no more."""
        if self._mode is not None and self._mode is not self.backend:
            ask("cannot close the batch", self._mode.close)
        self._mode = None

    def _open_mode(self, workload: Workload) -> Any:
        from qiskit_ibm_runtime import Batch, Session

        if self._mode is None:
            match workload.settings.mode:
                case "batch":
                    self._mode = Batch(backend=self.backend)
                case "session":
                    self._mode = Session(backend=self.backend)
                case _:
                    self._mode = self.backend
        return self._mode


def _plain_id(job_id: object) -> str:
    """A job's id as the service gives it; it is shown, and becomes part of addresses."""
    if not isinstance(job_id, str) or not _JOB_ID.match(job_id):
        raise ValueError("the job's id is none")
    return job_id


def _status(job: Any) -> str:
    """The status of a job, also when the reason for which it failed cannot be had.

    The client keeps a final status, and asks for the reason at once.
    """
    try:
        return str(job.status())
    except Exception:
        return str(job.status())


def _reason(job: Any) -> str:
    """Why a job failed, as the client says it where its message is asked for in vain."""
    try:
        job.result()
    except Exception as error:
        return str(error)
    return ""


def _qpu_seconds(metrics: Any) -> float:
    """What a job's metrics say of the time that is charged."""
    seconds = float(metrics["usage"]["qpu_charge_time_seconds"])
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{seconds} s of QPU time")
    return seconds


def _finished(metrics: Any) -> datetime:
    """When a job ended, as its metrics say. Times of the service without a zone are in UTC."""
    moment = datetime.fromisoformat(metrics["timestamps"]["finished"])
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _calibration(properties: Any) -> tuple[dict[str, Any], str]:
    """A device's properties as a dictionary, and their date."""
    return hide_all(properties.to_dict()), properties.last_update_date.astimezone(UTC).isoformat(timespec="seconds")


def _run_tag(run_id: str) -> str:
    return f"qaml-{run_id}"


def _chunk_tag(run_id: str, chunk: str, attempt: int) -> str:
    return f"qaml-{run_id}-{chunk}-{attempt}"
