"""The tables, pictures and page of ``qaml attack``."""

from collections.abc import Iterator, Mapping, Sequence

from qaml_qiskit.artifacts.adversarial import AdversarialImages
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.attacking import Cell, labels_given
from qaml_qiskit.deployments.auditing import Audited
from qaml_qiskit.reports import (
    AUDIT_READING,
    Report,
    attack_curves,
    audit_notes,
    one_of_each_class,
    perturbation_picture,
)
from qaml_qiskit.workflows.attack.request import AttackRequest

_READING = (
    "robust_accuracy: share of all images that are right before and after the attack, with its 95 % Wilson interval "
    "over the images. attack_success_rate: share of the images that were right before which are wrong now. Sizes are "
    "those of the changes that fooled the model."
)
_CURVES = "Accuracy under attack against its strength; bars: 95 % intervals. Crosses: the audit failed."
_PERTURBATIONS = "Clean images, adversarial images with the label that the attacked model gives them, and the change."


def write_report(
    run: Run,
    request: AttackRequest,
    victim: Deployment,
    rows: list[Row],
    cells: Sequence[Cell],
    adversarial: Mapping[str, AdversarialImages],
    audits: Mapping[str, Audited],
    batch: Batch,
) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        request: what was asked for.
        victim: the attacked model.
        rows: one an attack and strength.
        cells: the attacks.
        adversarial: adversarial images by the key of the cell.
        audits: by the key of the cell; empty without audit.
        batch: the clean images.
    """
    checks = [
        row
        for cell in cells
        if cell.key in audits
        for row in audits[cell.key].rows({"attack": cell.attack_name, "eps": cell.attack.budget})
    ]
    notes = [_READING, *_noise_notes(victim), *audit_notes(audits)]
    report = Report(run, request.command_line(run.config), f"{victim.name} under attack")
    report.table("Accuracy under attack", rows, *notes, file="attack.csv")
    report.picture("attack.png", attack_curves(rows, chance=1 / victim.num_classes), _CURVES)
    if cells:
        report.picture(
            "perturbations.png", _perturbations(victim, cells, adversarial, batch), _PERTURBATIONS, "Perturbations"
        )
    if checks:
        report.table("Audit", checks, AUDIT_READING, file="audit.csv")
    report.finish(_lead(rows), rows, notes, audit=checks)


def _noise_notes(victim: Deployment) -> Iterator[str]:
    if victim.kind == "noisy":
        yield (
            "The noise is exact, as endless shots would show it, on the native gates of the layers and the readout; "
            "the encoding is taken as noiseless. The attacker knows it and follows the gradient through it."
        )


def _lead(rows: Sequence[Row]) -> str:
    worst = min(rows, key=lambda row: float(row["robust_accuracy"]))
    lead = f"{worst['images']} images, {worst['clean_accuracy']:.1%} of them right."
    if worst["attack"] == "none":
        return lead
    size = "" if worst["eps"] is None else f" with ε = {worst['eps']:g}"
    return f"{lead} Under {worst['attack']}{size} {worst['robust_accuracy']:.1%} stay right."


def _perturbations(
    victim: Deployment, cells: Sequence[Cell], adversarial: Mapping[str, AdversarialImages], batch: Batch
) -> bytes:
    """Every attack at its largest strength."""
    shown = one_of_each_class(batch.labels)
    strongest = {cell.attack_name: cell for cell in cells}
    series = {}
    for name, cell in strongest.items():
        size = "" if cell.attack.budget is None else f", ε = {cell.attack.budget:g}"
        images = adversarial[cell.key].images[shown]
        series[f"{name}{size}"] = (images, labels_given(victim, images))
    return perturbation_picture(batch.images.numpy()[shown], batch.labels[shown], series)
