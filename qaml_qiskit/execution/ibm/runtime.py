"""The runner for real devices: jobs with tags, in a batch, a session or alone."""

import hashlib
import math
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from qaml_qiskit.errors import BudgetError, ConfigurationError, QamlError
from qaml_qiskit.execution.ibm.question import EndlessAnswerError
from qaml_qiskit.execution.ibm.scrubbing import scrub
from qaml_qiskit.execution.ibm.service import ask, device_status, open_account
from qaml_qiskit.execution.ibm.tags import TAG, check_label, chunk_tag, labelled, named_job, run_tag
from qaml_qiskit.execution.primitives import runtime_primitive
from qaml_qiskit.execution.runner import Answer, BrokenResultError, JobState, SentJob, is_job_id
from qaml_qiskit.execution.snapshot import fetch_snapshot, write_snapshot
from qaml_qiskit.execution.workload import JobSpec, Workload
from qaml_qiskit.secrets import hide_all

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend, QiskitRuntimeService, RuntimeJobV2

#: Statuses of an answer that says that a result is not there any more.
_GONE = (404, 410)
#: Seconds that a job which was said to be done may take to be done.
_RESULT_TIMEOUT = 60.0


class RuntimeRunner:
    """Sends jobs to one device of IBM Quantum Platform, each with tags that find it again."""

    def __init__(self, service: "QiskitRuntimeService", backend: "IBMBackend | None" = None) -> None:
        """Use an open account, and the handle of a device where jobs are to be sent."""
        self.service = service
        self._backend = backend
        self._mode: Any = None

    @classmethod
    def of_sent_jobs(cls, place: str = "") -> Self:
        """A runner for jobs that were sent: it opens no device, which may have retired since.

        Args:
            place: fingerprint of the instance that has the jobs, looked for among those of the account.
        """
        what = "cannot ask for the run's jobs"
        service = open_account(what)
        if place and place_of(service.active_instance()) != place:
            names = [str(found.get("crn")) for found in ask(what, service.instances)]
            name = next((name for name in names if place_of(name) == place), None)
            service = open_account(what, name) if name else service
        return cls(service)

    @property
    def backend(self) -> "IBMBackend":
        """The device. Only submitting needs one: what was sent is collected after a device has retired too."""
        if self._backend is None:
            raise ConfigurationError(
                "cannot submit",
                got="an account without a device",
                expected="an open device",
                remedy="make the runner with RuntimeRunner(service, backend)",
            )
        return self._backend

    @property
    def place(self) -> str:
        """Fingerprint of the account's instance, whose name is written nowhere."""
        return place_of(self.service.active_instance())

    @property
    def lists_jobs(self) -> bool:
        """By their tags."""
        return True

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
        settings, tag = workload.settings, chunk_tag(run_id, job.chunk, attempt)
        tags = [TAG, run_tag(run_id), tag]

        def send() -> str:
            primitive = runtime_primitive(
                self._open_mode(workload), workload.mitigation(job), workload.options(job), tags=tags
            )
            pubs = workload.pubs(job, [labelled(circuit, tag) for circuit in workload.circuits(job)])
            if workload.estimates(job):
                return _plain_id(primitive.run(pubs, precision=settings.shots**-0.5).job_id())
            return _plain_id(primitive.run(pubs, shots=settings.shots).job_id())

        return ask(what, send, large=True)

    def find(self, run_id: str, chunk: str | None = None, attempt: int | None = None) -> list[SentJob]:
        """All jobs of a run, or of one attempt at one chunk, that the service lists, oldest first."""
        tag = run_tag(run_id) if chunk is None or attempt is None else chunk_tag(run_id, chunk, attempt)

        def look() -> list[SentJob]:
            listed = self.service.jobs(limit=None, job_tags=[tag], descending=False)
            found = [named_job(_plain_id(job.job_id()), job.tags) for job in listed]
            return [job for job in found if job is not None and job.run == run_id]

        return ask("cannot list the run's jobs", look)

    def state(self, job: SentJob) -> JobState:
        """How a job stands. A job whose tags are not those of ``job`` is foreign, whatever its id."""
        from qiskit_ibm_runtime.exceptions import RuntimeJobNotFound

        def look() -> JobState:
            try:
                handle = self.service.job(job.job)
            except RuntimeJobNotFound:
                return JobState("lost", "the service does not know this job any more")
            if named_job(job.job, handle.tags) != job:
                return JobState("foreign", "the id belongs to another job")
            match _status(handle):
                case "DONE":
                    return JobState("done")
                case "ERROR":
                    reason = handle.error_message() or _reason(handle) or "no reason given"
                    return JobState("failed", scrub(str(reason)))
                case "CANCELLED":
                    return JobState("cancelled", scrub(str(handle.error_message() or "cancelled")))
                case status:
                    return JobState("pending", running=status == "RUNNING")

        return ask(f"cannot ask for job {job.job}", look)

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        """The result of a job that is done, with its QPU seconds and the date of the device's calibration."""
        handle = ask(f"cannot fetch job {job_id}", lambda: self.service.job(job_id))
        result = ask(f"cannot fetch the result of job {job_id}", lambda: _result(handle, job_id), large=True)
        check_label(result, handle.tags, job_id)
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

    def cancel(self, job: SentJob) -> JobState:
        """Ask for a job to be cancelled, and say how it stands then: it may have been faster."""
        from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError

        def stop() -> None:
            with suppress(RuntimeInvalidStateError):
                self.service.job(job.job).cancel()

        if self.state(job).status != "pending":
            return self.state(job)
        ask(f"cannot cancel job {job.job}", stop)
        return self.state(job)

    def close(self) -> None:
        """Close the batch or session: its jobs run, and it takes no more."""
        if self._mode is not None and self._mode is not self._backend:
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


def place_of(instance: str | None) -> str:
    """What is written down of an instance: enough to know it again, not enough to name it."""
    return hashlib.sha256(f"instance {instance}".encode()).hexdigest()[:12]


def _plain_id(job_id: object) -> str:
    """A job's id as the service gives it."""
    if not is_job_id(job_id):
        raise ValueError("the job's id is none")
    return str(job_id)


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


def _result(handle: "RuntimeJobV2", job_id: str) -> Any:
    """The result of a job that is done. What the service answered, and what is no result, is a BrokenResultError."""
    from qiskit_ibm_runtime.api.exceptions import RequestsApiError
    from qiskit_ibm_runtime.exceptions import IBMError

    try:
        result = handle.result(timeout=_RESULT_TIMEOUT)
    except RequestsApiError as error:
        if error.status_code not in _GONE:
            raise
        problem = "a result that is gone"
    except (IBMError, OSError, EndlessAnswerError):
        raise
    except Exception as error:  # whatever the client's decoders come across
        problem = f"a result that cannot be decoded ({type(error).__name__})"
    else:
        if result is not None:
            return result
        problem = "an empty result"
    raise BrokenResultError(
        f"the result of job {job_id} is broken",
        got=problem,
        expected="what the job measured",
        remedy="collect again; if it stays so, send the job again with `qaml submit --retry`",
    )
