"""Carrying a plan out: every job is found, or run, as soon as what it needs is there."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from qaml_qiskit.campaigns.reproduce.planning import Found, Job, Planned, Planning
from qaml_qiskit.campaigns.reproduce.taking import kept_model, kept_run, kept_training, weights_of
from qaml_qiskit.campaigns.steps import CommandStep, StepPool
from qaml_qiskit.errors import QamlError
from qaml_qiskit.progress import Progress

#: Seconds between two looks at steps that other processes are at work on.
_PAUSE = 1.0


class Carrying:
    """A plan being carried out. Several processes may carry out one at once on the same pool: each takes free steps.

    Attributes:
        planning: the jobs.
        found: what is finished, by its job.
        told: kept trainings whose weights are not on this machine: their figures are known, nothing can be run on them.

    Args:
        planning: the jobs.
        pool: where steps run.
        progress: told of every step.

    Raises:
        QamlError: a kept model that has changed, or a damaged one.
    """

    def __init__(self, planning: Planning, pool: StepPool, progress: Progress) -> None:
        self.planning, self._pool, self._progress = planning, pool, progress
        self.found: dict[Job, Found] = {}
        self.told: dict[Job, Found] = {}
        self._said: set[str] = set()
        for job, planned in planning.jobs.items():
            if job.is_model and (model := kept_model(job, planned)) is not None:
                self.found[job] = model
            elif job.is_model and (training := kept_training(planned)) is not None:
                self.told[job] = training
        for job, planned in planning.jobs.items():
            if not job.is_model and (run := self._kept(job, planned)) is not None:
                self.found[job] = run
        self.look()

    @property
    def missing(self) -> dict[Job, Planned]:
        """Jobs that have to be run: those that are asked for and not there, and all that these need."""
        wanted: set[Job] = set()
        waiting = [job for job in self.planning.asked if job not in self.found and job not in self.told]
        while waiting:
            job = waiting.pop()
            wanted.add(job)
            needs = self.planning.jobs[job].needs.values()
            waiting += [need for need in needs if need not in self.found and need not in wanted]
        return {job: planned for job, planned in self.planning.jobs.items() if job in wanted}

    @property
    def known(self) -> dict[Job, Found]:
        """Everything that has results."""
        return {**self.told, **self.found}

    def look(self) -> None:
        """Find which steps are finished, by this process or another one; nothing is computed."""
        before = -1
        while before != len(self.found):
            before = len(self.found)
            for job, planned in list(self._ready()):
                step = planned.step(job, self.found)
                if (place := self._pool.finished(step)) is not None:
                    self.found[job] = _found(job, step, place)

    def carry_out(self, wait: Callable[[float], None] = time.sleep) -> None:
        """Run what is missing, models first.

        Args:
            wait: called with seconds where others are at work on all that is left.

        Raises:
            QamlError: of a step. What was finished before is kept.
        """
        total, missing = len(self.missing), self.missing
        while missing:
            if not self._run_one(total - len(missing) + 1, total):
                self._say("waiting for steps that other processes are at work on")
                wait(_PAUSE)
            self.look()
            missing = self.missing

    def _run_one(self, number: int, total: int) -> bool:
        """Run the first job that is ready and that nobody else is at work on; whether there is one."""
        for job, planned in self._ready():
            step = planned.step(job, self.found)
            starting = partial(self._say, f"{number} of {total}: {job} (qaml {step.command})")
            try:
                place = self._pool.run_unless_busy(step, starting)
            except QamlError as error:
                told = f"{self.planning.paper.name}, {job}: {error.what}"
                raise type(error)(told, got=error.got, expected=error.expected, remedy=error.remedy) from error
            if place is not None:
                self.found[job] = _found(job, step, place)
                return True
        return False

    def _ready(self) -> Iterator[tuple[Job, Planned]]:
        for job, planned in self.missing.items():
            if all(need in self.found for need in planned.needs.values()):
                yield job, planned

    def _kept(self, job: Job, planned: Planned) -> Found | None:
        """The kept run of a job, whose models need not be on this machine: the plan says which weights they have."""
        if planned.kept is None:
            return None
        needs = {need: self._declared(need) for need in planned.needs.values()}
        there = {need: each for need, each in needs.items() if each is not None}
        if len(there) < len(needs):
            return None
        step = planned.step(job, there)
        place, why = kept_run(planned, step)
        if why:
            self._say(f"{job} is run anew: {why}")
        return None if place is None else Found(_named(place), step.fingerprint, place)

    def _declared(self, job: Job) -> Found | None:
        """A job as far as a kept run depends on it."""
        if job in self.found:
            return self.found[job]
        planned = self.planning.jobs[job]
        if planned.kept is None or planned.weights is None:
            return None
        return Found(planned.kept, planned.weights, Path(planned.kept))

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._progress.say(text)


def _found(job: Job, step: CommandStep, place: Path) -> Found:
    return Found(_named(place), weights_of(place) if job.is_model else step.fingerprint, place)


def _named(place: Path) -> str:
    """A folder as other requests name it: below this one, from here, however it was given."""
    whole = place.resolve()
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)
