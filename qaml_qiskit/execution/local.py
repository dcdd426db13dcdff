"""The runner for primitives that work in this process: exact, Aer with a target's noise, or any V2 primitive."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2

from qaml_qiskit.execution.circuits import compact
from qaml_qiskit.execution.primitives import local_primitive
from qaml_qiskit.execution.runner import Answer, JobState, SentJob
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.execution.workload import CALIBRATION, JobSpec, Workload
from qaml_qiskit.progress import Advance
from qaml_qiskit.simulation.primitives import ExactSampler

Primitive: TypeAlias = BaseSamplerV2 | BaseEstimatorV2
#: (job, its measured circuits, seed) -> (the circuits to run, which may be smaller, and a primitive to run them with)
PrimitiveFactory = Callable[[JobSpec, list[QuantumCircuit], int], tuple[list[QuantumCircuit], Primitive]]


class PrimitiveRunner:
    """Runs jobs in this process, when their answers are asked for.

    A submitted job exists only in the ledger. Every job has its own seed, so a job that a kill interrupted gives the
    same counts when another process runs it again.
    """

    def __init__(self, primitive: PrimitiveFactory | Primitive) -> None:
        """Run with a factory, or with any V2 primitive as it is."""
        self._factory: PrimitiveFactory
        if isinstance(primitive, (BaseSamplerV2, BaseEstimatorV2)):
            self._factory = lambda _, circuits, seed: (circuits, primitive)
        else:
            self._factory = primitive

    @property
    def place(self) -> str:
        """Jobs live in this process."""
        return ""

    @property
    def lists_jobs(self) -> bool:
        """There are none to lose."""
        return True

    def ready(self, folder: Path) -> None:
        """Always, and a simulated target does not change."""

    def submit(self, workload: Workload, job: JobSpec, run_id: str, attempt: int) -> str:
        """Nothing is sent. Another attempt has another id, as outcomes are told apart by it."""
        return f"local-{job.chunk}" + (f"-{attempt}" if attempt > 1 else "")

    def find(self, run_id: str, chunk: str | None = None, attempt: int | None = None) -> list[SentJob]:
        """No other process can know of a local job."""
        return []

    def state(self, job: SentJob) -> JobState:
        """Done, as asking for the answer runs it; foreign where the id is none of this chunk's."""
        if _attempt(job.job, job.chunk) is None:
            return JobState("foreign", "the id belongs to another job")
        return JobState("done")

    def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
        """Run the job."""
        number = 0 if job.chunk == CALIBRATION else 1 + workload.image_jobs.index(job)
        # Aer counts on from the seed for the circuits of a run: seeds in a row would give jobs the same random numbers.
        # Another attempt is another measurement.
        attempt = _attempt(job_id, job.chunk) or 1
        words = [workload.settings.seed, number, *([attempt] if attempt > 1 else [])]
        seed = int(np.random.SeedSequence(words).generate_state(1)[0] >> 2)
        circuits, primitive = self._factory(job, workload.circuits(job), seed)
        pubs = workload.pubs(job, circuits)
        shots = workload.settings.shots
        if workload.estimates(job):
            running = primitive.run(pubs, precision=shots**-0.5)
        else:
            running = primitive.run(pubs, shots=shots)
        return Answer(running.result(), datetime.now(UTC))

    def cancel(self, job: SentJob) -> JobState:
        """There is nothing to cancel."""
        return JobState("done")

    def close(self) -> None:
        """There is nothing to close."""


def _attempt(job_id: str, chunk: str) -> int | None:
    """The attempt that an id of :meth:`PrimitiveRunner.submit` names; None for an id of another chunk."""
    found = re.fullmatch(rf"local-{re.escape(chunk)}(?:-(?P<attempt>[1-9]\d*))?", job_id, re.ASCII)
    return int(found["attempt"] or 1) if found else None


def local_runner(target: Target, workload: Workload) -> PrimitiveRunner:
    """A runner for a simulated target, with its noise on the qubits in use: by the workload's engine.

    Aer stands behind Runtime primitives; the exact engine is one itself.
    """
    if workload.settings.engine == "exact":
        return PrimitiveRunner(_Exactly(target))

    def factory(job: JobSpec, circuits: list[QuantumCircuit], seed: int) -> tuple[list[QuantumCircuit], Primitive]:
        # The last circuit decides about the noise: |1…1⟩ uses every gate that |0…0⟩ uses.
        simulator = target.simulator(circuits[-1])
        primitive = local_primitive(simulator, seed, workload.mitigation(job), workload.options(job))
        return [compact(circuit) for circuit in circuits], primitive

    return PrimitiveRunner(factory)


class _Exactly:
    """Makes exact samplers; noise and circuit are prepared once for all jobs."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[bool, tuple[list[QuantumCircuit], ExactSampler]] = {}

    def __call__(
        self, job: JobSpec, circuits: list[QuantumCircuit], seed: int
    ) -> tuple[list[QuantumCircuit], Primitive]:
        calibrates = job.chunk == CALIBRATION
        if calibrates not in self._known:
            sampler = ExactSampler(self._target.noise_model(circuits[-1]))
            self._known[calibrates] = ([compact(circuit) for circuit in circuits], sampler)
        small, sampler = self._known[calibrates]
        return small, sampler.seeded(seed)


@dataclass(frozen=True)
class JobWork:
    """Computes the jobs of a workload on a simulated target, in whatever process it is sent to.

    Attributes:
        target: simulated.
        workload: what the jobs are of.
    """

    target: Target
    workload: Workload

    def __call__(self, sent: SentJob, advance: Advance) -> Answer:
        """The answer of a job, the same as in the process that sent it."""
        job = next(job for job in self.workload.settings.jobs if job.chunk == sent.chunk)
        return self._runner.answer(sent.job, self.workload, job)

    @cached_property
    def _runner(self) -> PrimitiveRunner:
        return local_runner(self.target, self.workload)

    def __getstate__(self) -> dict[str, object]:
        """Without what is prepared once in every process."""
        return {"target": self.target, "workload": self.workload}
