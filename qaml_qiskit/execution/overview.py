"""How the jobs of a run stand and how they went, according to its folder alone."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qaml_qiskit.errors import JobsPendingError, PartialResultError, QamlError
from qaml_qiskit.execution.ledger import ENDED, LEDGER_FILE, JobRecord, Ledger
from qaml_qiskit.execution.snapshot import snapshot_date
from qaml_qiskit.execution.workload import Workload


@dataclass(frozen=True)
class Collection:
    """How the jobs of a run stand, by :attr:`JobRecord.state`, in the workload's order.

    Attributes:
        collected: their outcomes are in the run folder.
        pending: submitted and not finished.
        ended: failed, cancelled, lost or broken; ``reason`` has the service's words.
        unsent: never accepted, as far as the service knows.
        unanswered: of pending jobs, by chunk, why they could not be asked for at last.
    """

    collected: tuple[JobRecord, ...]
    pending: tuple[JobRecord, ...]
    ended: tuple[JobRecord, ...]
    unsent: tuple[JobRecord, ...]
    unanswered: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every job's outcomes are there."""
        return not (self.pending or self.ended or self.unsent)

    def problem(self, folder: Path, *, scored: bool) -> QamlError:
        """Why a run is not complete, as an error with its exit code.

        Args:
            folder: the run folder.
            scored: whether there are results of some images.
        """
        parts = [f"{job.chunk} ({job.job}) {job.state}: {job.reason or 'no reason given'}" for job in self.ended]
        if self.unsent:
            parts.append(f"{len(self.unsent)} not accepted by the service")
        if self.pending:
            parts.append(f"{len(self.pending)} pending")
        parts += [
            f"{chunk or 'the list of jobs'} could not be asked for ({why})" for chunk, why in self.unanswered.items()
        ]
        remedy = f"run `qaml collect {folder}` later"
        if self.ended or self.unsent:
            remedy = f"send them again with `qaml submit --retry {folder}`, then collect"
        total = sum(map(len, (self.collected, self.pending, self.ended, self.unsent)))
        kind = PartialResultError if scored or not self.pending else JobsPendingError
        return kind(
            f"{len(self.collected)} of {total} jobs of {folder} are collected",
            got="; ".join(parts),
            expected="every job's result",
            remedy=remedy,
        )


def standing(folder: Path, workload: Workload) -> Collection:
    """How the jobs stand according to the run folder alone."""
    records = Ledger(folder / LEDGER_FILE).records()
    jobs = [records.get(job.chunk, JobRecord(job.chunk, 0, "refused")) for job in workload.settings.jobs]
    return Collection(
        collected=tuple(job for job in jobs if job.state == "collected"),
        pending=tuple(job for job in jobs if job.state == "submitted"),
        ended=tuple(job for job in jobs if job.state in ENDED),
        unsent=tuple(job for job in jobs if job.state in ("intended", "refused")),
    )


def job_rows(folder: Path, workload: Workload) -> list[dict[str, Any]]:
    """One row a job, with what the ledger knows of it."""
    ledger = Ledger(folder / LEDGER_FILE)
    records = ledger.records()
    seconds = {
        event["chunk"]: event["qpu_seconds"]
        for event in ledger.events()
        if event["event"] == "collected" and "qpu_seconds" in event
    }
    rows = []
    for job in workload.settings.jobs:
        record = records.get(job.chunk)
        rows.append(
            {
                "chunk": job.chunk,
                "images": job.rows // workload.settings.draws,
                "state": record.state if record else "not sent",
                "job": (record and record.job) or "",
                "attempt": record.attempt if record else 0,
                "qpu_seconds": seconds.get(job.chunk),
                "reason": record.reason if record else "",
            }
        )
    return rows


def told_by(folder: Path) -> list[str]:
    """What a reader of the results should know of how the jobs went, in sentences."""
    notes, events = [], Ledger(folder / LEDGER_FILE).events()
    twins = [event for event in events if event["event"] == "twin" and not event["cancelled"]]
    if twins:
        ids = ", ".join(str(event["job"]) for event in twins)
        notes.append(f"The service ran a job twice although it was sent once: {ids}.")
    dates = sorted({str(event["device_calibrated"]) for event in events if "device_calibrated" in event})
    submitted = snapshot_date(folder)
    if submitted is not None and any(date != submitted for date in dates):
        notes.append(f"The device was calibrated anew after submission ({submitted}): the jobs saw {', '.join(dates)}.")
    return notes
