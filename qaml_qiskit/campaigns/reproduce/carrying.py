"""Carrying a plan out: every job is found, or run, as soon as what it needs is there."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from qaml_qiskit.campaigns.reproduce.planning import Found, Job, Planned, Planning
from qaml_qiskit.campaigns.reproduce.taking import kept_model, kept_run, weights_of
from qaml_qiskit.campaigns.steps import CommandStep, StepPool
from qaml_qiskit.progress import Progress

#: Seconds between two looks at steps that other processes are at work on.
_PAUSE = 1.0


class Carrying:
    """A plan being carried out. Several processes may carry out one at once on the same pool: each takes free steps.

    Attributes:
        planning: the jobs.
        found: what is finished, by its job.

    Args:
        planning: the jobs.
        pool: where steps run.
        progress: told of every step.
    """

    def __init__(self, planning: Planning, pool: StepPool, progress: Progress) -> None:
        self.planning, self._pool, self._progress = planning, pool, progress
        self.found: dict[Job, Found] = {}
        self._said: set[str] = set()
        self.look()

    @property
    def missing(self) -> dict[Job, Planned]:
        """Jobs that are not finished."""
        return {job: planned for job, planned in self.planning.jobs.items() if job not in self.found}

    def look(self) -> None:
        """Find what is finished, here or by another process; nothing is computed.

        Raises:
            QamlError: a kept model that has changed, or a damaged one.
        """
        before = -1
        while before != len(self.found):
            before = len(self.found)
            for job, planned in self._ready():
                if (found := self._look(job, planned)) is not None:
                    self.found[job] = found

    def carry_out(self, wait: Callable[[float], None] = time.sleep) -> None:
        """Run what is missing, models first.

        Args:
            wait: called with seconds where others are at work on all that is left.

        Raises:
            QamlError: of a step. What was finished before is kept.
        """
        total = len(self.planning.jobs)
        while self.missing:
            self.look()
            ran = False
            for job, planned in list(self._ready()):
                step = planned.step(job, self.found)
                count = len(self.found) + 1
                self._say(f"{count} of {total}: {job} (qaml {step.command})")
                place = self._pool.run_unless_busy(step)
                if place is not None:
                    self.found[job] = _found(job, step, place)
                    ran = True
                    # What this one makes possible, or another process has finished, comes in the order of the plan.
                    break
            if self.missing and not ran:
                self._say("waiting for steps that other processes are at work on")
                wait(_PAUSE)

    def _ready(self) -> Iterator[tuple[Job, Planned]]:
        for job, planned in self.missing.items():
            if all(need in self.found for need in planned.needs.values()):
                yield job, planned

    def _look(self, job: Job, planned: Planned) -> Found | None:
        if job.is_model and (kept := kept_model(job, planned)) is not None:
            return kept
        step = planned.step(job, self.found)
        if not job.is_model:
            place, why = kept_run(planned, step)
            if place is not None:
                return Found(str(place), step.fingerprint, place)
            if why:
                self._say(f"{job} is run anew: {why}")
        return _found(job, step, self._pool.place(step)) if self._pool.has(step) else None

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._progress.say(text)


def _found(job: Job, step: CommandStep, place: Path) -> Found:
    return Found(str(place), weights_of(place) if job.is_model else step.fingerprint, place)
