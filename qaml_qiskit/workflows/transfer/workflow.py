"""Whether images made on one model fool another: the work behind ``qaml transfer``."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages, Row, Run, open_pool, open_run
from qaml_qiskit.artifacts.adversarial import ADVERSARIAL
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.evaluation import Proportion, success_rate
from qaml_qiskit.formats import npz
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome, audit_tables, strengths_side_by_side
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import (
    Audited,
    Cell,
    Score,
    attack_columns,
    audit_cells,
    make_adversarial,
    score_images,
    verdict_columns,
)
from qaml_qiskit.studies.attacking import adversarial_key
from qaml_qiskit.studies.tracing import CLEAN, trace_images
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.transfer.plan import TransferPlan
from qaml_qiskit.workflows.transfer.report import write_report
from qaml_qiskit.workflows.transfer.request import TransferRequest


@takes(TransferRequest)
def transfer(
    request: TransferRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Outcome:
    """Make adversarial images once on every source, and score them on every victim.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    plan = TransferPlan(request, data_dir, backends, compute, progress)
    resolved = {**plan.resolved, **compute.record()}
    with opening as pool, computing(compute), open_run("transfer", request, resolved, out, backends=backends) as run:
        if not run.complete:
            batch, cells = plan.batch, plan.cells
            made = make_adversarial(run, cells, plan.sources, batch, progress, pool)
            audits: dict[str, Audited] = {}
            if request.audit:
                some, audited = batch.first(request.audit_images), _audited(plan)
                audits = audit_cells(run, audited, plan.sources, some, request.seed, progress, pool, made=made.values())
            for key, file in plan.given.items():
                if run.kept(adversarial_key(key), ADVERSARIAL) is None:
                    run.keep(adversarial_key(key), file, ADVERSARIAL)
            made |= plan.given
            sets = {CLEAN: batch.images, **{key: torch.from_numpy(each.images) for key, each in made.items()}}
            told = {CLEAN: "clean images", **plan.told}
            scored = score_images(run, sets, plan.victims, told, progress, pool)
            rows = [_row(plan, victim, scored) for victim in plan.victims]
            rows += [
                _row(plan, victim, scored, key, made[key], audits.get(key)) for key in made for victim in plan.victims
            ]
            _tell_substitutes(plan, rows, scored)
            _write_outcomes(run, plan, made, scored)
            traced = None
            if request.trace:
                asked = (request.trace, batch.labels, sets, plan.victims, plan.temperatures, scored)
                traced = trace_images(run, *asked, progress, pool)
            write_report(run, plan, rows, made, audits, traced)
    return Outcome.of(run, "audit", *(("traces", "critical") if request.trace else ()), brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    # The rows are in transfer.csv; a terminal gets the strengths side by side.
    tables = audit_tables(outcome.tables.get("audit", []))
    traced = {"critical strengths": outcome.tables["critical"]} if "critical" in outcome.tables else {}
    return Brief(strengths_side_by_side(outcome.results), {**tables, **traced}, outcome.notes)


def _audited(plan: TransferPlan) -> dict[str, Cell]:
    """Each source's attacks, at the middle of the strengths that can be audited."""
    chosen: dict[str, Cell] = {}
    for source, attack in product(plan.sources, plan.request.attacks):
        mine = [
            (key, cell) for key, cell in plan.cells.items() if (cell.source, cell.attack.name) == (source.name, attack)
        ]
        mine = [(key, cell) for key, cell in mine if cell.attack.can_be_audited]
        chosen |= sorted(mine, key=lambda each: each[1].attack.budget or 0)[len(mine) // 2 :][:1]
    return chosen


def _row(
    plan: TransferPlan,
    victim: Deployment,
    scored: Mapping[tuple[str, str], Score],
    key: str = CLEAN,
    made: AdversarialImages | None = None,
    audited: Audited | None = None,
) -> Row:
    """What a victim makes of a set of images; of the clean ones without ``made``."""
    labels, score = plan.batch.labels, scored[key, victim.name]
    right, right_before = (scored[each, victim.name].predicted == labels for each in (key, CLEAN))
    kept = Proportion(int(right.sum()), len(labels))
    success = None if made is None else success_rate(right_before, ~right)
    at_home = None if made is None else success_rate(made.clean_correct, made.fooled)
    request = plan.request
    return {
        "source": None if made is None else made.provenance.source,
        "victim": victim.name,
        "victim_kind": victim.kind,
        **attack_columns(made),
        "accuracy": kept.value,
        "interval": list(kept.interval),
        "attack_success_rate": success,
        "transfer_gap": None if success is None or at_home is None else at_home - success,
        "sampled_accuracy": score.device and score.device.sampled(labels, request.shots, request.seed)[0],
        **verdict_columns(audited),
        "images": len(labels),
    }


def _tell_substitutes(plan: TransferPlan, rows: list[Row], scored: Mapping[tuple[str, str], Score]) -> None:
    """Add to all rows how a source was made that is a substitute, where there is one."""
    cards, by_name = plan.substitutes, {source.name: source for source in plan.sources}
    said = {name: by_name[name].logits(plan.batch.images).numpy().argmax(1) for name in cards}
    for row in rows if cards else ():
        name = row["source"]
        agrees = said[name] == scored[CLEAN, row["victim"]].predicted if name in cards else None
        row["queries"] = cards[name].queries if name in cards else None
        row["agreement"] = None if agrees is None else float(agrees.mean())


def _write_outcomes(
    run: Run,
    plan: TransferPlan,
    made: Mapping[str, AdversarialImages],
    scored: Mapping[tuple[str, str], Score],
) -> None:
    """What every victim said of every image, with names enough to read it alone."""
    victims, found = [victim.name for victim in plan.victims], [each.provenance for each in made.values()]
    predicted: list[list[NDArray[np.int64]]] = [
        [scored[key, victim].predicted for victim in victims] for key in (CLEAN, *made)
    ]
    run.write(
        "outcomes.npz",
        npz(
            predicted=np.array(predicted, dtype=np.int64),
            labels=plan.batch.labels,
            indices=plan.batch.indices,
            victims=np.array(victims),
            sources=np.array(["", *(each.source for each in found)]),
            attacks=np.array(["none", *(each.attack for each in found)]),
            eps=np.array([0.0, *(np.inf if each.eps is None else each.eps for each in found)]),
        ),
    )
