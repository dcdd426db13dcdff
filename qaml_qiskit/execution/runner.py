"""What carries jobs out: one protocol for simulators and devices."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from qaml_qiskit.execution.workload import JobSpec, Workload


@dataclass(frozen=True)
class JobState:
    """How a job stands. ``reason`` has the service's words when it ended without a result."""

    status: Literal["pending", "done", "failed", "cancelled", "lost"]
    reason: str = ""


@dataclass(frozen=True)
class FoundJob:
    """A job of this run that the service knows, by its tags."""

    job: str
    chunk: str
    attempt: int


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

    def ready(self, folder: Path) -> None:
        """Keep in the run folder what the target is like now; QamlError when nothing can be submitted."""

    def submit(self, workload: Workload, job: JobSpec, run_id: str, attempt: int) -> str:
        """Send one job and return its id. Raises QamlError; then the job may have been accepted or not."""

    def find(self, run_id: str) -> list[FoundJob]:
        """All jobs of a run that the service knows, oldest first."""

    def state(self, job_id: str) -> JobState:
        """How a job stands."""

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        """The result of a job that is done."""

    def cancel(self, job_id: str) -> bool:
        """Cancel a job; False when it had ended already."""

    def close(self) -> None:
        """Say that nothing more will be submitted by this process."""
