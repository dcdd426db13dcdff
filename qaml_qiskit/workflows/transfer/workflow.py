"""Whether images made on one model fool another: the work behind ``qaml transfer``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.adversarial import AdversarialImages
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Brief, Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.deployments.attacking import Cell, adversarial_file, load_adversarial, make_adversarial
from qaml_qiskit.deployments.auditing import NOT_AUDITED, Audited, audit_cells, audit_tables
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.formats import npz
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.simulation import computing
from qaml_qiskit.workflows.transfer.plan import TransferPlan
from qaml_qiskit.workflows.transfer.report import strengths_side_by_side, write_report
from qaml_qiskit.workflows.transfer.request import TransferRequest
from qaml_qiskit.workflows.transfer.scoring import CLEAN, Scores, score_transfer

Scored = dict[tuple[str, str], Scores]


def transfer(
    request: TransferRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Outcome:
    """Make adversarial images once on every source, and score them on every victim.

    Args:
        request: sources, victims, attacks and strengths.
        out: the run folder.
        data_dir: where the data sets are.
        backends: the backends.yaml of the devices.
        progress: told about every batch of images.
        compute: what the adversarial images are made with. Audits and scores are computed as ever, in single precision
            on the processor, as the images are kept.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    plan = TransferPlan(request, data_dir, backends)
    resolved = {**plan.resolved, **compute.record()}
    with computing(compute), open_run("transfer", request, resolved, out, backends=backends) as run:
        if not run.complete:
            _work(run, plan, progress or Silent(), compute)
    return Outcome.of(run, "audit", brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    # The rows are in transfer.csv; a terminal gets the strengths side by side.
    return Brief(strengths_side_by_side(outcome.results), audit_tables(outcome.tables.get("audit", [])), outcome.notes)


def _work(run: Run, plan: TransferPlan, progress: Progress, compute: Compute) -> None:
    request = plan.request
    make_adversarial(run, plan.cells, plan.batch, progress, compute)
    for name, key in plan.given_keys.items():
        if run.kept_arrays(adversarial_file(key)) is None:
            run.keep_arrays(adversarial_file(key), plan.given[name].arrays())
    audits = _audits(run, plan, progress) if request.audit else {}
    keys = [cell.key for cell in plan.cells] + list(plan.given_keys.values())
    made = {cell.key: cell.told for cell in plan.cells}
    told = {CLEAN: "clean images", **made, **{key: Path(name).name for name, key in plan.given_keys.items()}}
    scored = score_transfer(
        run,
        [CLEAN, *keys],
        plan.victims,
        plan.batch,
        shots=request.shots,
        seed=request.seed,
        told=told,
        progress=progress,
    )
    rows = [_clean_row(victim, scored, plan.batch.labels) for victim in plan.victims]
    for key in keys:
        images = load_adversarial(run, key)
        rows += _rows(key, images, plan.victims, scored, audits.get(key))
    _write_outcomes(run, plan, keys, scored)
    write_report(run, plan, rows, audits)


def _audits(run: Run, plan: TransferPlan, progress: Progress) -> dict[str, Audited]:
    """Each source's attacks, at the middle of the strengths that can be audited."""
    chosen: list[Cell] = []
    for source in plan.sources:
        for attack in plan.request.attacks:
            mine = [cell for cell in plan.cells if cell.source is source and cell.attack.name == attack]
            mine = [cell for cell in mine if cell.attack.can_be_audited]
            chosen += sorted(mine, key=lambda cell: cell.attack.budget or 0)[len(mine) // 2 :][:1]
    batch = plan.batch.first(plan.request.audit_images)

    def transferred(cell: Cell) -> dict[str, Tensor]:
        """The images that the other sources' cells have already made."""
        return {
            other.source.name: torch.from_numpy(load_adversarial(run, other.key).images[: len(batch.images)])
            for other in plan.cells
            if other.source is not cell.source and other.attack == cell.attack
        }

    return audit_cells(run, chosen, batch, transferred, plan.request.seed, progress)


def _clean_row(victim: Deployment, scored: Scored, labels: NDArray[np.int64]) -> Row:
    """The victim without attack."""
    score = scored[CLEAN, victim.name]
    kept = Proportion(int((score.predicted == labels).sum()), len(labels))
    return {
        "source": None,
        "victim": victim.name,
        "victim_kind": victim.kind,
        "attack": "none",
        "norm": None,
        "eps": 0.0,
        "accuracy": kept.value,
        "interval": list(kept.interval),
        "attack_success_rate": None,
        "transfer_gap": None,
        "sampled_accuracy": score.sampled_accuracy,
        "verdict": None,
        "failed_checks": None,
        "images": len(labels),
    }


@dataclass(frozen=True)
class _Success:
    """Share of the images that a model got right when clean which it gets wrong now; None when it got none right."""

    rate: float | None

    @classmethod
    def of(cls, right: NDArray[np.bool_], wrong_now: NDArray[np.bool_]) -> "_Success":
        return cls(float((right & wrong_now).sum() / right.sum()) if right.any() else None)

    def less(self, other: "_Success") -> float | None:
        return None if self.rate is None or other.rate is None else self.rate - other.rate


def _rows(
    key: str, made: AdversarialImages, victims: Sequence[Deployment], scored: Scored, audited: Audited | None
) -> Iterator[Row]:
    labels, provenance = made.labels, made.provenance
    at_home = _Success.of(made.clean_correct, made.fooled)
    told = audited is not None and audited.verdict != NOT_AUDITED
    for victim in victims:
        score, clean = scored[key, victim.name], scored[CLEAN, victim.name]
        kept = Proportion(int((score.predicted == labels).sum()), len(labels))
        success = _Success.of(clean.predicted == labels, score.predicted != labels)
        yield {
            "source": provenance.source,
            "victim": victim.name,
            "victim_kind": victim.kind,
            "attack": provenance.attack,
            "norm": provenance.norm,
            "eps": provenance.eps,
            "accuracy": kept.value,
            "interval": list(kept.interval),
            "attack_success_rate": success.rate,
            "transfer_gap": at_home.less(success),
            "sampled_accuracy": score.sampled_accuracy,
            "verdict": audited.verdict if audited is not None and told else None,
            "failed_checks": audited.failed if audited is not None and told else None,
            "images": len(labels),
        }


def _write_outcomes(run: Run, plan: TransferPlan, keys: Sequence[str], scored: Scored) -> None:
    """What every victim said of every image, with names enough to read it alone."""
    everything = [CLEAN, *keys]
    predicted = [[scored[key, victim.name].predicted for victim in plan.victims] for key in everything]
    found = [load_adversarial(run, key).provenance for key in keys]
    run.write(
        "outcomes.npz",
        npz(
            predicted=np.array(predicted, dtype=np.int64),
            labels=plan.batch.labels,
            indices=plan.batch.indices,
            victims=np.array([victim.name for victim in plan.victims]),
            sources=np.array(["", *(each.source for each in found)]),
            attacks=np.array(["none", *(each.attack for each in found)]),
            eps=np.array([0.0, *(np.inf if each.eps is None else each.eps for each in found)]),
        ),
    )
