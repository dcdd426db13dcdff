"""What carries jobs out: one protocol for simulators and devices."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution.workload import JobSpec, Workload

_JOB_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


def is_job_id(name: object) -> bool:
    """Whether this can be a job's id: it is shown, and becomes part of addresses and file names."""
    return isinstance(name, str) and _JOB_ID.fullmatch(name) is not None


class BrokenResultError(InputError):
    """A finished job's result that is gone, cannot be decoded, or is not what was asked for."""


class MaybeAcceptedError(ConfigurationError):
    """A job was handed over, and nothing came back that says whether it was accepted; nor can anybody be asked."""


@dataclass(frozen=True)
class JobState:
    """How a job stands.

    Attributes:
        status: ``lost`` when the service does not know the job, ``foreign`` when the id is that of another job.
        reason: the service's words when the job ended without a result.
        running: whether a pending job has left the queue.
    """

    status: Literal["pending", "done", "failed", "cancelled", "lost", "foreign"]
    reason: str = ""
    running: bool = False

    @property
    def alive(self) -> bool:
        """Whether there is a result, or one may come."""
        return self.status in ("pending", "done")


@dataclass(frozen=True)
class SentJob:
    """A job at the service: its id there, and the run, chunk and attempt that its tags name."""

    run: str
    chunk: str
    attempt: int
    job: str


@dataclass(frozen=True)
class Answer:
    """A finished job's result.

    Attributes:
        result: of the primitive, a PUB result a PUB.
        measured_at: when the target ran it.
        facts: what else is worth keeping in the ledger, such as seconds of QPU time.
        properties: the device's calibration at run time, as its ``to_dict``; None for simulators.
    """

    result: Any
    measured_at: datetime
    facts: dict[str, str | int | float] = field(default_factory=dict)
    properties: dict[str, Any] | None = None


class Runner(Protocol):
    """Takes jobs and gives their answers. Everything else about a run is the same wherever it runs."""

    @property
    def place(self) -> str:
        """Which account's jobs it sees, as a fingerprint; empty when jobs live in this process and cost nothing."""

    @property
    def lists_jobs(self) -> bool:
        """Whether :meth:`find` knows of every job that was accepted, also of one whose id never arrived here."""

    def ready(self, folder: Path) -> None:
        """Keep in the run folder what the target is like now; QamlError when nothing can be submitted."""

    def submit(self, workload: Workload, job: JobSpec, run_id: str, attempt: int) -> str:
        """Send one job and return its id.

        Raises QamlError; then the job may have been accepted or not. It is a MaybeAcceptedError where no :meth:`find`
        tells.
        """

    def find(self, run_id: str, chunk: str | None = None, attempt: int | None = None) -> list[SentJob]:
        """All jobs of a run, or of one attempt at one chunk, that the service lists, oldest first."""

    def state(self, job: SentJob) -> JobState:
        """How a job stands."""

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        """The result of a job that is done. Raises BrokenResultError when there is none to be had."""

    def cancel(self, job: SentJob) -> JobState:
        """Ask for a job to be cancelled, and say how it stands then: it may have been faster."""

    def close(self) -> None:
        """Say that nothing more will be submitted by this process."""
