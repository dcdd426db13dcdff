"""How a model holds up when its own images are attacked: the work behind ``qaml attack``."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.adversarial import AdversarialImages
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Brief, Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments import Batch, Deployment, deploy, load_batch, parse_deployment, read_deployments
from qaml_qiskit.deployments.attacking import Cell, load_adversarial, make_adversarial
from qaml_qiskit.deployments.auditing import NOT_AUDITED, Audited, audit_cells, audit_tables, made_on
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.simulation import computing
from qaml_qiskit.workflows.attack.report import write_report
from qaml_qiskit.workflows.attack.request import AttackRequest


def attack(
    request: AttackRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Outcome:
    """Attack a model with full knowledge of it. Each attack and strength is kept as it finishes.

    Args:
        request: what to do.
        out: the run folder.
        data_dir: where the data sets are.
        progress: told about every batch of images.
        compute: what the adversarial images are made with. Audits and scores are computed as ever, in single precision
            on the processor, as the images are kept.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    progress = progress or Silent()
    victim = deploy(*parse_deployment(request.model, noise=request.noise, strength=request.strength))
    sources = read_deployments(request.sources)
    for each in (victim, *sources):
        each.check_differentiable()
    batch = load_batch(request.images, [victim, *sources], data_dir)
    resolved = {
        "weights": {each.name: each.weights for each in (victim, *sources)},
        "images": digest(batch.images),
        **compute.record(),
    }
    with computing(compute), open_run("attack", request, resolved, out) as run:
        if not run.complete:
            _work(run, request, victim, sources, batch, progress, compute)
    return Outcome.of(run, "audit", brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    # What failed is in the table of the audit.
    short = [{name: cell for name, cell in row.items() if name != "failed_checks"} for row in outcome.results]
    return Brief(short, audit_tables(outcome.tables.get("audit", [])), outcome.notes)


def _work(
    run: Run,
    request: AttackRequest,
    victim: Deployment,
    sources: list[Deployment],
    batch: Batch,
    progress: Progress,
    compute: Compute,
) -> None:
    cells = [Cell(f"{each.name}-eps{each.budget}", victim, each) for each in request.attacks()]
    make_adversarial(run, cells, batch, progress, compute)
    audits: dict[str, Audited] = {}
    if request.audit:
        some = batch.first(request.audit_images)
        audits = audit_cells(run, cells, some, made_on(sources, some), request.seed, progress)
    made = {cell.key: load_adversarial(run, cell.key) for cell in cells}
    rows = _clean_rows(request, victim, batch, made)
    rows += [attack_row(cell, made[cell.key], batch, audits.get(cell.key)) for cell in cells]
    write_report(run, request, victim, rows, cells, made, audits, batch)


def _clean_rows(
    request: AttackRequest, victim: Deployment, batch: Batch, made: dict[str, AdversarialImages]
) -> list[Row]:
    """The row of strength 0, if it was asked for."""
    if request.eps is None or 0 not in request.eps:
        return []
    if made:
        right = next(iter(made.values())).clean_correct
    else:
        right = victim.logits(batch.images).numpy().argmax(1) == batch.labels
    kept = Proportion(int(right.sum()), len(right))
    none = dict.fromkeys(("attack_success_rate", "mean_linf", "max_linf", "mean_l2", "max_l2", "verdict"))
    return [
        {
            "model": victim.name,
            "attack": "none",
            "norm": None,
            "eps": 0.0,
            "clean_accuracy": kept.value,
            "robust_accuracy": kept.value,
            "interval": list(kept.interval),
            **none,
            "failed_checks": None,
            "images": len(right),
        }
    ]


def attack_row(cell: Cell, made: AdversarialImages, batch: Batch, audited: Audited | None) -> Row:
    """The figures of one attack at one strength; sizes are those of the changes that fooled the model.

    Args:
        cell: the attack.
        made: what it made.
        batch: the clean images.
        audited: its audit; None without one.
    """
    right, fooled = made.clean_correct, made.fooled
    robust = Proportion(int((right & ~fooled).sum()), len(right))
    change = (made.images - batch.images.numpy()).reshape(len(right), -1)[fooled]
    linf, length = np.abs(change).max(1, initial=0.0), np.linalg.norm(change, axis=1)
    return {
        "model": cell.source.name,
        "attack": cell.attack_name,
        "norm": cell.attack.traits.norm,
        "eps": cell.attack.budget,
        "clean_accuracy": float(right.mean()),
        "robust_accuracy": robust.value,
        "interval": list(robust.interval),
        "attack_success_rate": float(fooled.sum() / right.sum()) if right.any() else None,
        **_sizes("linf", linf),
        **_sizes("l2", length),
        "verdict": None if audited is None or audited.verdict == NOT_AUDITED else audited.verdict,
        "failed_checks": None if audited is None or audited.verdict == NOT_AUDITED else audited.failed,
        "images": len(right),
    }


def _sizes(norm: str, values: NDArray[np.floating]) -> Row:
    if not len(values):
        return {f"mean_{norm}": None, f"max_{norm}": None}
    return {f"mean_{norm}": float(values.mean()), f"max_{norm}": float(values.max())}
