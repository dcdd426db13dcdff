"""A workload of three small jobs, and a service in this process that can misbehave, for tests of the ledger."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import UnavailableError
from qaml_qiskit.execution import Answer, BrokenResultError, JobState, SentJob, Workload, build_workload
from qaml_qiskit.execution.workload import JobSpec

SHOTS, IMAGES = 64, 3
CHUNKS = ("calibration", "images-0000", "images-0001")


def small_workload(angle: float = 0.3, *, images: int = IMAGES, mitigation: str = "readout") -> Workload:
    """Two qubits, a calibration and two jobs of images."""
    angles = ParameterVector("x", 1)
    circuit = QuantumCircuit(2)
    circuit.rx(angles[0] + angle, 0)
    circuit.cz(0, 1)
    circuit.measure_all()
    values = np.linspace(0.1, 0.9, images)[:, None]
    return build_workload(circuit, values, target="device", shots=SHOTS, mitigation=mitigation, images_per_job=2)


def counts(rows: int, *, shots: int = SHOTS, bits: int = 2, seed: int = 1) -> BitArray:
    """Random outcomes of a PUB with that many images."""
    outcomes = np.random.default_rng(seed).integers(0, 2**bits, (rows, shots, 1), dtype=np.uint8)
    return BitArray(outcomes, bits)


def pub(bits: BitArray) -> Any:
    """What a Sampler answers to a PUB."""
    return SimpleNamespace(data=SimpleNamespace(meas=bits))


def right_result(job: JobSpec) -> list[Any]:
    """What a job of :func:`small_workload` should answer; a readout without errors."""
    if job.chunk == "calibration":
        return [pub(BitArray(np.full((SHOTS, 1), value, np.uint8), 2)) for value in (0, 3)]
    return [pub(counts(job.rows, seed=1 + job.start))]


@dataclass
class Job:
    """A job at the service."""

    sent: SentJob
    spec: JobSpec
    state: str = "pending"
    running: bool = False
    runs: int = 0
    result: Any = None
    unlisted: int = 0
    silent: int = 0


@dataclass
class Service:
    """A Runner whose jobs outlive the process, as those of a real service do.

    Attributes:
        place: which instance it is.
        jobs: every accepted job, oldest first.
        faults: what happens to the next submissions: "twin", "no answer", "refused", "wrong id" or "".
        lag: how many listings do not show a new job.
        away: how many of the next questions are not answered.
        cancels: ids of jobs that were to be cancelled.
        asked: how often the jobs were listed.
    """

    place: str = "instance"
    jobs: list[Job] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lag: int = 0
    away: int = 0
    cancel_works: bool = True
    cancels: list[str] = field(default_factory=list)
    asked: int = 0

    @property
    def lists_jobs(self) -> bool:
        return True

    def ready(self, folder: Path) -> None:
        self._answer()

    def submit(self, workload: Workload, job: JobSpec, run_id: str, attempt: int) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            raise _unavailable("429")
        accepted = [self._accept(job, run_id, attempt) for _ in range(2 if fault.startswith("twin") else 1)]
        if fault == "twin, the first runs":
            accepted[0].running = True
        if fault == "no answer":
            raise _unavailable("a connection that broke off")
        return "another" if fault == "wrong id" else accepted[-1].sent.job

    def find(self, run_id: str, chunk: str | None = None, attempt: int | None = None) -> list[SentJob]:
        self._answer()
        self.asked += 1
        found = []
        for job in self.jobs:
            job.unlisted -= 1
            if job.unlisted < 0 and job.sent.run == run_id and job.state != "lost":
                found.append(job.sent)
        return [job for job in found if chunk is None or (job.chunk, job.attempt) == (chunk, attempt)]

    def state(self, job: SentJob) -> JobState:
        self._answer()
        known = self._job(job.job)
        if known is None or known.state == "lost":
            return JobState("foreign" if job.job == "another" else "lost", "not known")
        if known.silent:
            known.silent -= 1
            raise _unavailable("503")
        return JobState(known.state, running=known.running)  # type: ignore[arg-type]

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        self._answer()
        known = self._job(job_id)
        if known is None or known.result is None:
            raise BrokenResultError("the result is broken", got="nothing", expected="a result", remedy="collect again")
        return Answer(known.result, datetime(2026, 1, 2, tzinfo=UTC), {"qpu_seconds": 1.0})

    def cancel(self, job: SentJob) -> JobState:
        self._answer()
        self.cancels.append(job.job)
        known = self._job(job.job)
        if known is not None and known.state == "pending" and self.cancel_works:
            known.state = "cancelled"
        return self.state(job)

    def close(self) -> None:
        """Nothing to close."""

    def run_all(self) -> None:
        """Run what is queued, every job once."""
        for job in self.jobs:
            if job.state == "pending":
                job.state, job.runs, job.result = "done", job.runs + 1, right_result(job.spec)

    def runs(self) -> Counter[str]:
        """How often each chunk ran."""
        total: Counter[str] = Counter()
        for job in self.jobs:
            total[job.sent.chunk] += job.runs
        return total

    def _job(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.sent.job == job_id), None)

    def _accept(self, spec: JobSpec, run_id: str, attempt: int) -> Job:
        job = Job(SentJob(run_id, spec.chunk, attempt, f"job{len(self.jobs)}"), spec, unlisted=self.lag)
        self.jobs.append(job)
        return job

    def _answer(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise _unavailable("no network")


def _unavailable(got: str) -> UnavailableError:
    return UnavailableError("cannot ask", got=got, expected="an answer", remedy="ask again")
