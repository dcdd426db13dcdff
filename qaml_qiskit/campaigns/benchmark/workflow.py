"""One protocol for every classifier: the work behind ``qaml benchmark``."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.artifacts.opening import load_run
from qaml_qiskit.campaigns.benchmark.card import Card, DataOfCard, ModelOfCard, ProtocolOfCard
from qaml_qiskit.campaigns.benchmark.contestants import Contestant, read_contestants
from qaml_qiskit.campaigns.benchmark.figures import Figure, missing, read_figure
from qaml_qiskit.campaigns.benchmark.protocol import load_protocol
from qaml_qiskit.campaigns.benchmark.report import brief_of, write_report
from qaml_qiskit.campaigns.benchmark.request import BenchmarkRequest
from qaml_qiskit.campaigns.steps import STEPS_FOLDER, StepPool
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome
from qaml_qiskit.text import slug
from qaml_qiskit.workflows.calling import takes


@takes(BenchmarkRequest, lasts=lambda request, around: True)
def benchmark(
    request: BenchmarkRequest,
    *,
    out: Path | None = None,
    steps_dir: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Take models through a fixed protocol: a row and a card for each.

    Every step of the protocol is a command, whose run is kept in ``steps_dir`` and found again by what decides its
    result, the model's fingerprint among it: a call that was interrupted goes on, and other benchmarks and
    reproductions take what is finished.

    Raises:
        QamlError: a model that the protocol cannot judge; nothing was computed.
    """
    progress, protocol = progress or Silent(), load_protocol(request.version)
    everyone = read_contestants(request, protocol, progress, data_dir)
    _check_names(everyone)
    resolved = {
        "protocol": protocol.fingerprint,
        "weights": {each.name: each.deployment.weights for each in everyone},
    }
    around = {"data_dir": data_dir, "workers": workers, "scheduler": scheduler, "progress": progress}
    pool = StepPool(steps_dir or STEPS_FOLDER, around)
    if not all(pool.finished(each.step(name)) for each in everyone for name in each.applicable):
        pool.check_folder()
    with open_run("benchmark", request, resolved, out) as run:
        if not run.complete:
            cards = []
            for contestant in everyone:
                card = card_of(contestant, pool, request.note, progress)
                run.write_json(f"cards/{slug(contestant.short_name)}.json", card.model_dump(mode="json"))
                cards.append(card)
            write_report(run, request, protocol, cards)
        return Outcome.of(run, brief=brief_of)


def card_of(contestant: Contestant, pool: StepPool, note: str, progress: Progress) -> Card:
    """The card of a model; the steps that are missing are run.

    Args:
        contestant: the model.
        pool: the runs of the steps.
        note: a sentence of whoever runs it.
        progress: told about every step.

    Raises:
        QamlError: of a step.
    """
    protocol, arena = contestant.protocol, contestant.arena
    runs: dict[str, Run] = {}
    commands = {}
    for name in contestant.applicable:
        plan, step = protocol.steps[name], contestant.step(name)
        starting = partial(progress.say, f"{contestant.short_name}: {plan.told}")
        runs[name] = load_run(pool.run(step, starting), plan.command)
        commands[name] = contestant.command_line(name)
    tables = {name: run.metrics() for name, run in runs.items()}
    return Card(
        protocol=ProtocolOfCard(version=protocol.version, fingerprint=protocol.fingerprint),
        model=ModelOfCard(**contestant.described()),
        data=DataOfCard(
            dataset=contestant.dataset,
            test_images=arena.test.images,
            fingerprint=arena.test.fingerprint,
            source=arena.source.model,
            source_weights=arena.source.weights,
        ),
        figures={name: _figure(name, contestant, tables) for name in protocol.figures},
        commands=commands,
        versions=_versions(runs),
        note=note,
    )


def _figure(name: str, contestant: Contestant, tables: Mapping[str, Mapping[str, Any]]) -> Figure:
    plan = contestant.protocol.figures[name]
    if plan.step in contestant.reasons:
        return missing(contestant.reasons[plan.step])
    return read_figure(name, plan, contestant.arena, tables[plan.step])


def _versions(runs: Mapping[str, Run]) -> dict[str, str | None]:
    """The packages that computed the figures; the last step's, where a resumed benchmark met another version."""
    found: dict[str, str | None] = {}
    for run in runs.values():
        made = run.environment()
        found |= {"python": made["python"], **made["packages"]}
    return found


def _check_names(everyone: Sequence[Contestant]) -> None:
    names = [slug(each.short_name) for each in everyone]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(
                "two models cannot have one card",
                got=f"{names.count(name)} of the name {name}",
                expected="names that differ behind their folders",
                remedy="benchmark them one by one, or rename a folder",
            )
