"""How a model holds up when its own images are attacked: the work behind ``qaml attack``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import AdversarialImages, Pool, Row, Run, digest, open_pool, open_run
from qaml_qiskit.attacks import DefenceReport, DefenceSettings, drawn_accuracy
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.confidence import Probabilities
from qaml_qiskit.datasets import Dataset
from qaml_qiskit.deployments import (
    Batch,
    Deployment,
    load_batch,
    load_training,
    parse_deployment,
    read_deployments,
    written,
)
from qaml_qiskit.deployments.defence_views import twin_of
from qaml_qiskit.deployments.networks import code_of, network_data
from qaml_qiskit.evaluation import Proportion, success_rate
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome, audit_tables, brief_rows
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import (
    Audited,
    Cell,
    Defence,
    attack_columns,
    audit_cells,
    audit_defences,
    confidence_columns,
    make_adversarial,
    verdict_columns,
)
from qaml_qiskit.studies.targets import check_every_class, target_labels, training_file
from qaml_qiskit.workflows.attack.report import ASKED_ANEW, write_report
from qaml_qiskit.workflows.attack.request import AttackRequest
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.outcomes import TRAINING, AttackOutcome

#: Further tables of a run.
_TABLES = ("audit", "defence", "gains")


@takes(AttackRequest)
def attack(
    request: AttackRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> AttackOutcome:
    """Attack a model with full knowledge of it. Each attack and strength is kept as it finishes.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    parsed = parse_deployment(request.model, noise=request.noise, strength=request.strength)
    data = network_data(request.dataset, request.loading(data_dir))
    names = [written(*parsed), *request.sources]
    everyone = read_deployments(names, compute=compute, data=data, progress=progress, seed=request.seed)
    victim = everyone[0]
    for each in everyone:
        each.check_attackable(request.attacks())
    batch, test = _images(request, everyone, data_dir)
    if request.targets is not None and test is not None:
        check_every_class(target_labels(request.targets, batch.labels, victim.num_classes, request.seed), test.labels)
    weights = {each.name: each.weights for each in everyone}
    resolved = {"weights": weights, "images": digest(batch.images), **code_of(everyone), **compute.record()}
    cells = {f"{each.name}-eps{each.budget}": Cell(victim.name, each) for each in request.attacks()}
    with opening as pool, computing(compute), open_run("attack", request, resolved, out) as run:
        if not run.complete:
            made = make_adversarial(
                run, cells, [victim], batch, progress, pool, targets=request.targets, seed=request.seed
            )
            audits: dict[str, Audited] = {}
            reports: dict[str, DefenceReport] = {}
            if request.audit:
                some, rivals = batch.first(request.audit_images), [source.name for source in everyone[1:]]
                audits = audit_cells(run, cells, everyone, some, request.seed, progress, pool, rivals=rivals)
                reports = _audited_defence(run, request, everyone, some, progress, pool)
            rows = _clean_rows(request, victim, batch, made)
            rows += [_attacked_row(victim, each, batch, audits.get(key)) for key, each in made.items()]
            if test is not None and request.targets is not None:
                for key, led in made.items():
                    run.write(f"{TRAINING}/{key}.npz", training_file(led, test))
            write_report(run, request, everyone, rows, made, audits, reports, batch)
    # Runs of earlier versions know nothing of defences.
    return AttackOutcome.of(run, *(name for name in _TABLES if name in run.metrics()), brief=_brief)


def _images(request: AttackRequest, everyone: list[Deployment], data_dir: Path | None) -> tuple[Batch, Dataset | None]:
    """What is attacked; of training images, the test part beside them."""
    or_all = request.is_default("images")
    if request.part == "test":
        return load_batch(request.images, everyone, data_dir, or_all=or_all), None
    return load_training(request.images, everyone, data_dir, or_all=or_all)


def _brief(outcome: Outcome) -> Brief:
    # What failed is in the table of the audit.
    rows = brief_rows(outcome.results)
    short = [{name: cell for name, cell in row.items() if name != "failed_checks"} for row in rows]
    tables = audit_tables(outcome.tables.get("audit", []))
    return Brief(short, {**tables, **{n: t for n, t in outcome.tables.items() if n != "audit"}}, outcome.notes)


def _audited_defence(
    run: Run, request: AttackRequest, everyone: list[Deployment], batch: Batch, progress: Progress, pool: Pool
) -> dict[str, DefenceReport]:
    """Audits of what defends the model, where it is random or has an undefended twin."""
    defence = Defence(everyone[0], twin_of(everyone[0]), tuple(everyone[1:]))
    attacks = [each for each in request.attacks() if each.can_be_audited]
    if not attacks or (defence.twin is None and not defence.views.is_random):
        return {}
    return audit_defences(run, defence, attacks, batch, DefenceSettings(seed=request.seed), progress, pool)


def _clean_rows(
    request: AttackRequest, victim: Deployment, batch: Batch, made: Mapping[str, AdversarialImages]
) -> list[Row]:
    """The row of strength 0, if it was asked for."""
    if request.eps is None or 0 not in request.eps:
        return []
    if made:
        right = next(iter(made.values())).clean_correct
    else:
        right = victim.logits(batch.images).numpy().argmax(1) == batch.labels
    said = {**_drawn(victim, batch.images, batch), **_confidence(victim, batch.images, batch)}
    none = {"attack_success_rate": None, **_sizes("linf", None), **_sizes("l2", None)}
    return [_row(victim.name, None, right, right, {**none, **said}, None)]


def _attacked_row(victim: Deployment, made: AdversarialImages, batch: Batch, audited: Audited | None) -> Row:
    """The figures of one attack at one strength; sizes are those of the changes that fooled the model."""
    right, fooled = made.clean_correct, made.fooled
    change = (made.images - batch.images.numpy()).reshape(len(right), -1)[fooled]
    figures = {
        "attack_success_rate": success_rate(right, fooled),
        **_sizes("linf", np.abs(change).max(1, initial=0.0)),
        **_sizes("l2", np.linalg.norm(change, axis=1)),
        **_reached(victim, made),
        **_drawn(victim, torch.from_numpy(made.images), batch),
        **_confidence(victim, torch.from_numpy(made.images), batch),
    }
    return _row(made.provenance.source, made, right, right & ~fooled, figures, audited)


def _reached(victim: Deployment, made: AdversarialImages) -> Row:
    """How many of all images the model names as it should; nothing without targets."""
    if made.targets is None:
        return {}
    said = victim.logits(torch.from_numpy(made.images)).numpy().argmax(1)
    found = Proportion(int((said == made.targets).sum()), len(said))
    return {"target_rate": found.value, "target_interval": list(found.interval)}


def _drawn(victim: Deployment, images: Tensor, batch: Batch) -> Row:
    """How often a random victim is right about images when it is asked anew; nothing of any other."""
    if victim.drawing_rule is None:
        return {}
    labels = torch.from_numpy(batch.labels)
    found = drawn_accuracy(victim.module, victim.compute.placed(images), labels, ASKED_ANEW, seed=victim.seed)
    return {"drawn_accuracy": found.value, "drawn_interval": list(found.interval)}


def _confidence(victim: Deployment, images: Tensor, batch: Batch) -> Row:
    """How sure the victim is of images, and what that is worth; nothing without a temperature."""
    if not victim.has_temperature:
        return {}
    values = victim.predict_proba(images)
    return confidence_columns(Probabilities(values, np.zeros_like(values)), batch.labels)


def _row(
    model: str,
    made: AdversarialImages | None,
    right: NDArray[np.bool_],
    right_now: NDArray[np.bool_],
    figures: Row,
    audited: Audited | None,
) -> Row:
    robust = Proportion(int(right_now.sum()), len(right))
    return {
        "model": model,
        **attack_columns(made),
        "clean_accuracy": float(right.mean()),
        "robust_accuracy": robust.value,
        "interval": list(robust.interval),
        **figures,
        **verdict_columns(audited),
        "images": len(right),
    }


def _sizes(norm: str, values: NDArray[np.floating[Any]] | None) -> Row:
    if values is None or not len(values):
        return {f"mean_{norm}": None, f"max_{norm}": None}
    return {f"mean_{norm}": float(values.mean()), f"max_{norm}": float(values.max())}
