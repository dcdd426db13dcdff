"""What the runs of a plan measured, in the plan's own names."""

from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.artifacts import Row, Run
from qaml_qiskit.campaigns.naming import counterparts, renamed
from qaml_qiskit.campaigns.reproduce.foreseeing import missing_cell
from qaml_qiskit.campaigns.reproduce.hits import Hits, hits_of
from qaml_qiskit.campaigns.reproduce.planning import Found, Job, Planning, takes_model
from qaml_qiskit.campaigns.reproduce.recorded import interval_of, recorded
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.papers import Measure, Observation
from qaml_qiskit.papers.consistency import figures_of
from qaml_qiskit.papers.schema import Fields

_COMMA = ", "


class Results:
    """What was found for a paper.

    Args:
        planning: what was run.
        found: all of its jobs that were asked for, and what was found beside them.
    """

    def __init__(self, planning: Planning, found: Mapping[Job, Found]) -> None:
        self.planning, self._found = planning, found
        self._rows: dict[Job, list[Row]] = {}

    def rows(self, run: str) -> list[Row]:
        """The rows of a run of the plan, or of a model's training.

        The plan's names stand in place of folders; where there are several seeds, a column ``seed`` says whose row it
        is.

        Raises:
            DamagedFileError: a run is damaged.
        """
        jobs = self._jobs(run)
        several = jobs[0].seed is not None
        return [{"seed": job.seed, **row} if several else dict(row) for job in jobs for row in self._of(job)]

    def places(self, run: str) -> tuple[Path, ...]:
        """The folders of a run of the plan, or of a model: one a seed, or the one of all seeds."""
        return tuple(self._found[job].place for job in self._jobs(run))

    def command_lines(self, run: str) -> tuple[str, ...]:
        """The commands that :meth:`places` come from, for a shell."""
        return tuple(recorded(place).command_line for place in self.places(run))

    def observe(self, measure: Measure) -> Observation | None:
        """What was measured for a figure of merit; None where nothing of the kind was run in this tier.

        Raises:
            ConfigurationError: the results have no such row, or several, or not this column.
            DamagedFileError: a run is damaged.
        """
        name, is_model = (measure.model, True) if measure.run is None else (measure.run, False)
        assert name is not None
        jobs = self.planning.of_model(name) if is_model else self.planning.of_run(name)
        if not {*jobs} <= {*self._found} or missing_cell(self.planning, measure) is not None:
            return None
        values, hits, intervals = zip(*(self._one(job, measure) for job in jobs), strict=True)
        has_hits = all(each is not None for each in hits)
        observation = Observation(
            np.array(values, dtype=np.float64),
            hits if has_hits else None,
            tuple(job.seed for job in jobs if job.seed is not None),
            intervals if not has_hits and all(each is not None for each in intervals) else None,
        )
        if measure.minus is None:
            return observation
        taken = self.observe(measure.minus)
        if taken is not None and not observation.is_of_the_same_images(taken):
            raise ConfigurationError(
                f"{self._told(measure)}: what is taken off is of other images",
                got=f"{measure.minus.run or measure.minus.model}",
                expected="a measure of as many images",
                remedy="correct minus in claims.yaml, or images in plan.yaml",
            )
        return None if taken is None else observation - taken

    def _jobs(self, name: str) -> tuple[Job, ...]:
        if name in self.planning.paper.plan.runs:
            return self.planning.of_run(name)
        return self.planning.of_model(name)

    def _of(self, job: Job) -> list[Row]:
        if job not in self._rows:
            names = self._names(job)
            rows = Run(self._found[job].place, {}).metrics()["results"]
            self._rows[job] = [{column: _in_plans_words(cell, names) for column, cell in row.items()} for row in rows]
        return self._rows[job]

    def _names(self, job: Job) -> dict[str, str]:
        """The plan's names of what a run was made with, by what the run calls it: that depends on where it lay then."""
        planned, ours = self.planning.jobs[job], self.planning.requests[job].model_dump(mode="json")
        theirs = recorded(self._found[job].place).request.model_dump(mode="json")
        names: dict[str, str] = {}
        for field, value in ours.items():
            alone = takes_model(planned.command, field)
            names |= counterparts(theirs.get(field), value, planned.needs, alone=alone)
        # Some commands show no more of a folder than its own name.
        return {**{Path(found).name: name for found, name in names.items()}, **names}

    def _one(self, job: Job, measure: Measure) -> tuple[float, Hits | None, tuple[float, float] | None]:
        """The number of one seed, the hits behind it, and the interval that the run gives it."""
        rows = self._of(job)
        if job.is_model and not measure.row:
            # The test images' figures stand behind those of the epochs.
            having = (number for number, row in enumerate(rows) if {measure.column, f"test_{measure.column}"} & {*row})
            chosen = [max(having, default=len(rows) - 1)]
        else:
            chosen = [number for number, row in enumerate(rows) if _fits(row, measure.row)]
        if len(chosen) != 1:
            raise self._no_single_row(job, measure, len(chosen))
        row, column = rows[chosen[0]], measure.column
        if job.is_model and column not in row and f"test_{column}" in row:
            column = f"test_{column}"
        if not isinstance(value := row.get(column), int | float):
            raise ConfigurationError(
                f"{self._told(measure)}: the row has no number there",
                got=f"{column} = {row.get(column)!r} of {job}",
                expected=f"one of {', '.join(name for name in row if isinstance(row[name], int | float))}",
                remedy="correct the measure's column in claims.yaml",
            )
        hits = hits_of(self._found[job].place, self.planning.jobs[job].command, chosen[0], row, column)
        return float(value), hits, interval_of(row, column)

    def _no_single_row(self, job: Job, measure: Measure, count: int) -> ConfigurationError:
        rows = self._of(job)
        near = [row for row in rows if sum(_same(row.get(name), value) for name, value in measure.row.items())]
        nearest = max(near, key=lambda row: sum(_same(row.get(k), v) for k, v in measure.row.items()), default={})
        told = {name: nearest.get(name) for name in measure.row}
        return ConfigurationError(
            f"{self._told(measure)}: {'several rows fit' if count else 'no row fits'}",
            got=f"{count} of {len(rows)} rows of {job} with {_words(measure.row)}",
            expected="one row" + (f"; the nearest has {_words(told)}" if nearest and not count else ""),
            remedy="correct the measure's row in claims.yaml" + (", or what is run in plan.yaml" if not count else ""),
        )

    def _told(self, measure: Measure) -> str:
        """Whose measure it is: the claims that have it."""
        paper = self.planning.paper
        of = [claim.id for claim in paper.said.claims if measure in figures_of(claim)]
        return f"{paper.name}, claim {of[0]}, {measure.run or measure.model}" if of else f"{paper.name}, {measure.run}"


def _in_plans_words(value: Any, names: Mapping[str, str]) -> Any:
    """A cell of a row; several names may stand in one text, with commas."""
    if isinstance(value, str):
        return _COMMA.join(str(renamed(each, names)) for each in value.split(_COMMA))
    return renamed(value, names)


def _fits(row: Row, wanted: Fields) -> bool:
    return all(_same(row.get(name), value) for name, value in wanted.items())


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, int | float) and isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
    return bool(found == wanted)


def _words(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items()) or "no condition"
