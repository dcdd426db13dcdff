"""From items, tier and seeds to steps: what is trained or taken, what is run on it, in which order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qaml_qiskit.campaigns.naming import mentioned, renamed
from qaml_qiskit.campaigns.steps import CommandStep, request_class
from qaml_qiskit.datasets import dataset_spec, fetch, is_here
from qaml_qiskit.datasets.references import is_path
from qaml_qiskit.datasets.store import missing_data
from qaml_qiskit.errors import ConfigurationError, QamlError, unknown_name
from qaml_qiskit.papers.consistency import models_of
from qaml_qiskit.papers.merging import run_fields, train_fields
from qaml_qiskit.papers.schema import Fields, Paper, PlannedItem, PlannedModel, Tier
from qaml_qiskit.workflows.fields import NamesModel, marks
from qaml_qiskit.workflows.request import Request


@dataclass(frozen=True, order=True)
class Job:
    """A model or a run of the plan, for one seed.

    Attributes:
        name: in the plan.
        seed: None where all seeds share one.
        is_model: whether it is trained.
    """

    name: str
    seed: int | None
    is_model: bool

    def __str__(self) -> str:
        return self.name if self.seed is None else f"{self.name}, seed {self.seed}"


@dataclass(frozen=True)
class Found:
    """A job that is finished.

    Attributes:
        name: stands for it in the fields of others: a reference, or a folder.
        fingerprint: of what others depend on.
        place: its folder.
    """

    name: str
    fingerprint: str
    place: Path


@dataclass(frozen=True)
class Planned:
    """What a job needs and asks for.

    Attributes:
        command: of the package.
        fields: of its request, with the plan's names.
        needs: by the plan's names, what has to be there first.
        kept: the name of the reference or the kept run that may serve in its place.
        weights: which fingerprint a kept model must have; None where any will do.
    """

    command: str
    fields: Fields
    needs: Mapping[str, Job]
    kept: str | None = None
    weights: str | None = None

    def step(self, job: Job, found: Mapping[Job, Found]) -> CommandStep:
        """The step, with everything that it needs in place of its name.

        Args:
            job: what it is.
            found: all that it needs.
        """
        there = {name: found[need] for name, need in self.needs.items()}
        fields = named_in(self.command, self.fields, {name: each.name for name, each in there.items()})
        name = job.name if job.seed is None else f"{job.name}-seed{job.seed}"
        return CommandStep(name, self.command, fields, {each.name: each.fingerprint for each in there.values()})


class Planning:
    """What a paper's items come to.

    Attributes:
        asked: the jobs whose results are asked for.
        jobs: these, and all that they need, in the order in which they are run.
        requests: of all jobs, with the plan's names in place of models and files.

    Args:
        paper: the paper.
        items: of its plan.
        tier: how much.
        seeds: how many.

    Raises:
        ConfigurationError: a plan that does not fit the package's commands.
    """

    def __init__(self, paper: Paper, items: tuple[str, ...], tier: Tier, seeds: int) -> None:
        self.paper, self.items, self.tier, self.seeds = paper, items, tier, seeds
        self._seeded: dict[str, bool] = {}
        self._looked_at: list[str] = []
        self.jobs: dict[Job, Planned] = {}
        self.requests: dict[Job, Request] = {}
        self.asked = tuple(
            dict.fromkeys(
                [
                    *(job for name in self.models for job in self.of_model(name)),
                    *(job for name in self.runs for job in self.of_run(name)),
                ]
            )
        )
        for job in self.asked:
            self._add(job)
        # Models come first: whatever is run on them waits for them.
        self.jobs = dict(sorted(self.jobs.items(), key=lambda each: not each[0].is_model))

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the runs that the items ask for."""
        return tuple(dict.fromkeys(run for item in self._items for run in item.runs))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models whose training the items, their pictures or their claims ask for."""
        plan, claims = self.paper.plan, self.paper.said.claims
        asked = [model for item in self._items for model in item.models]
        drawn = [run for item in self._items for each in item.pictures for run in each.runs if run in plan.models]
        of = [claim for claim in claims if claim.item in self.items and plan.items[claim.item].not_run is None]
        return tuple(dict.fromkeys([*asked, *drawn, *(model for claim in of for model in models_of(claim))]))

    @property
    def _items(self) -> list[PlannedItem]:
        """The items of which anything is run."""
        items = [self.paper.plan.items[item] for item in self.items]
        return [item for item in items if item.not_run is None]

    def of_run(self, name: str) -> tuple[Job, ...]:
        """The jobs of a run: one a seed where it depends on one."""
        return self._jobs(name, is_model=False)

    def of_model(self, name: str) -> tuple[Job, ...]:
        """The jobs of a model."""
        return self._jobs(name, is_model=True)

    def _jobs(self, name: str, *, is_model: bool) -> tuple[Job, ...]:
        seeds = range(self.seeds) if self._is_seeded(name, is_model=is_model) else (None,)
        return tuple(Job(name, seed, is_model) for seed in seeds)

    def _is_seeded(self, name: str, *, is_model: bool) -> bool:
        plan = self.paper.plan
        if is_model:
            return plan.models[name].seeded
        if name not in self._seeded:
            if name in self._looked_at:
                raise ConfigurationError(
                    f"{self.paper.name}/plan.yaml: the run {name} needs itself",
                    got=" needs ".join([*self._looked_at, name]),
                    expected="runs that can be run one after the other",
                    remedy="take one of these files from elsewhere",
                )
            self._looked_at.append(name)
            command, fields = plan.runs[name].command, run_fields(plan, name, self.tier)
            needs = self._needs(name, command, fields)
            self._seeded[name] = any([self._is_seeded(each, is_model=each in plan.models) for each in needs])
            self._looked_at.pop()
        return self._seeded[name]

    def _needs(self, name: str, command: str, fields: Fields) -> list[str]:
        """What a run's fields name, in the order of the plan."""
        plan = self.paper.plan
        for file in _files(fields):
            if file["run"] not in plan.runs and file["run"] not in plan.models:
                raise unknown_name(
                    f"{self.paper.name}/plan.yaml, {name}: there is no such run",
                    file["run"],
                    [*plan.runs, *plan.models],
                )
        found = names_in(command, fields, {*plan.models, *plan.runs} - {name})
        if patterns := sorted(each for each in found if each in plan.models and plan.models[each].only_pattern):
            raise ConfigurationError(
                f"run {name} of {self.paper.name} takes a model that is never trained",
                got=patterns[0],
                expected="a model that is like it",
                remedy="name another model, or take only_pattern back",
            )
        return [each for each in (*plan.models, *plan.runs) if each in found]

    def _add(self, job: Job) -> None:
        if job not in self.jobs:
            planned = self._trained(job) if job.is_model else self._run(job)
            self.requests[job] = self._checked(job, planned)
            for need in planned.needs.values():
                self._add(need)
            self.jobs[job] = planned

    def _trained(self, job: Job) -> Planned:
        model: PlannedModel = self.paper.plan.models[job.name]
        seed = job.seed or 0
        fields = {"seed": seed, **train_fields(self.paper.plan, job.name, self.tier)}
        if job.seed is not None:
            fields["seed"] = seed
        return Planned("train", fields, {}, model.kept.get(seed), model.weights.get(seed))

    def _run(self, job: Job) -> Planned:
        plan = self.paper.plan
        planned, fields = plan.runs[job.name], run_fields(plan, job.name, self.tier)
        if job.seed is not None and "seed" in request_class(planned.command).model_fields:
            fields = {"seed": job.seed, **fields}
        needs = {}
        for name in self._needs(job.name, planned.command, fields):
            is_model = name in plan.models
            seed = job.seed if self._is_seeded(name, is_model=is_model) else None
            needs[name] = Job(name, seed, is_model)
        kept = planned.kept.get(self.tier)
        return Planned(planned.command, fields, needs, kept and kept.replace("{seed}", str(job.seed or 0)))

    def _checked(self, job: Job, planned: Planned) -> Request:
        """The request, with fields refused that the command would refuse, before anything is computed."""
        try:
            kind = request_class(planned.command)
            return kind.model_validate(
                named_in(planned.command, planned.fields, {name: name for name in planned.needs})
            )
        except QamlError as error:
            raise ConfigurationError(
                f"{self.paper.name}/plan.yaml, {job.name}: {error.what}",
                got=error.got,
                expected=error.expected,
                remedy=error.remedy,
            ) from error


def check_data(planning: Planning, missing: Mapping[Job, Planned], data_dir: Path | None) -> None:
    """See that data sets are here, or can be downloaded now, before anything is computed.

    Args:
        planning: everything.
        missing: what will be run; what it needs may be there, but its images are needed again.
        data_dir: where data sets are.

    Raises:
        ConfigurationError: one is not here; the message says how to get it.
    """
    used = [each for planned in missing.values() for each in (planned, *map(planning.jobs.get, planned.needs.values()))]
    names = {str(each.fields["dataset"]) for each in used if each and each.fields.get("dataset") is not None}
    for name in sorted(names):
        if not is_path(name) and not is_here(name, data_dir):
            spec = dataset_spec(name)
            if not spec.downloadable:
                raise missing_data(spec, data_dir)
            try:
                fetch(name)
            except ConfigurationError as error:
                raise missing_data(spec, data_dir, tried=f"{error.what}, {error.got}") from error


def names_in(command: str, fields: Fields, names: set[str]) -> set[str]:
    """Which names of the plan stand in fields; see :func:`named_in`."""
    found = {value["run"] for value in _files(fields)}
    for name, value in fields.items():
        found |= mentioned(value, names, alone=takes_model(command, name))
    return found


def named_in(command: str, fields: Fields, names: Mapping[str, str]) -> dict[str, Any]:
    """Fields with other names of models: where a command takes a model, and behind a ``=`` in other texts.

    Args:
        command: whose fields they are.
        fields: as the plan has them.
        names: what stands for the plan's names; also in place of the runs in ``{run: NAME, file: FILE}``.
    """
    return {
        name: renamed(_with_paths(value, names), names, alone=takes_model(command, name))
        for name, value in fields.items()
    }


def takes_model(command: str, field: str) -> bool:
    """Whether a field of a command's request names models."""
    found = request_class(command).model_fields.get(field)
    return found is not None and any(isinstance(mark, NamesModel) for mark in marks(found))


def _is_file(value: Any) -> bool:
    return (
        isinstance(value, Mapping) and {*value} == {"run", "file"} and all(isinstance(x, str) for x in value.values())
    )


def _files(value: Any) -> Iterator[Mapping[str, str]]:
    """Every ``{run: NAME, file: FILE}`` in a value."""
    if _is_file(value):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _files(each)


def _with_paths(value: Any, names: Mapping[str, str]) -> Any:
    if _is_file(value):
        return f"{names[value['run']]}/{value['file']}"
    if isinstance(value, list | tuple):
        return [_with_paths(each, names) for each in value]
    return value
