"""The tables, pictures and page of ``qaml attack``."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.adversarial import AdversarialImages
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.attacking import Batch, Cell
from qaml_qiskit.deployments.auditing import NOT_AUDITED, Audited
from qaml_qiskit.deployments.deployment import Classifier
from qaml_qiskit.models import predict
from qaml_qiskit.reports import Section, attack_curves, image_grid, to_csv
from qaml_qiskit.reports.pages import write_page
from qaml_qiskit.workflows.attack.request import AttackRequest

Images = NDArray[np.floating]

#: Images in the picture of perturbations, at most.
_SHOWN = 6
_READING = (
    "robust_accuracy: share of all images that are right before and after the attack, with its 95 % Wilson interval "
    "over the images. attack_success_rate: share of the images that were right before which are wrong now. Sizes are "
    "those of the changes that fooled the model."
)
_PERTURBATIONS = "Clean images, adversarial images with the label that the attacked model gives them, and the change."


def write_report(
    run: Run,
    request: AttackRequest,
    victim: Classifier,
    rows: list[Row],
    cells: Sequence[Cell],
    made: Mapping[str, AdversarialImages],
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
        made: adversarial images by the key of the cell.
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
    run.write("attack.csv", to_csv(rows))
    picture = attack_curves(rows, chance=1 / victim.num_classes)
    run.write("attack.png", picture)
    caption = "Accuracy under attack against its strength; bars: 95 % intervals. Crosses: the audit failed."
    sections = [Section("Accuracy under attack", notes, rows, picture, caption)]
    if cells:
        grid = _perturbations(victim, cells, made, batch)
        run.write("perturbations.png", grid)
        sections.append(Section("Perturbations", [], [], grid, _PERTURBATIONS))
    if checks:
        run.write("audit.csv", to_csv(checks))
        sections.append(Section("Audit", [AUDIT_READING], checks))
    write_page(run, request, f"{victim.name} under attack", _lead(rows), sections)
    run.finish({"command": "attack", "results": rows, "audit": checks, "notes": notes})


#: What the verdicts mean.
AUDIT_READING = (
    "sound: no check failed. weak attack: the attack is not as strong as it could be, so its robust accuracy is too "
    "high. masked: the gradients of the model mislead, so attacks by gradients say nothing about its robustness."
)


def audit_notes(audits: Mapping[str, Audited]) -> list[str]:
    """What a reader of audited rows must know: the meaning of verdicts, and what was not audited."""
    if not audits:
        return []
    count = max(each.images for each in audits.values())
    reasons = dict.fromkeys(each.reason for each in audits.values() if each.verdict == NOT_AUDITED)
    failures = [
        f"{each.verdict}, {key}: {check.name}. {check.explanation}"
        for key, each in audits.items()
        for check in each.checks
        if not check.passed
    ]
    return [
        f"The audit used {count} images. {AUDIT_READING}",
        *failures,
        *(f"Not audited: {reason}" for reason in reasons),
    ]


def _noise_notes(victim: Classifier) -> Iterator[str]:
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
    victim: Classifier, cells: Sequence[Cell], made: Mapping[str, AdversarialImages], batch: Batch
) -> bytes:
    """Every attack at its largest strength."""
    strongest = {cell.attack_name: cell for cell in cells}
    series = {}
    for name, cell in strongest.items():
        size = "" if cell.attack.budget is None else f", ε = {cell.attack.budget:g}"
        series[f"{name}{size}"] = (victim, made[cell.key].images)
    return perturbation_picture(batch, series)


def perturbation_picture(batch: Batch, series: Mapping[str, tuple[Classifier, Images]]) -> bytes:
    """A few images of different classes: clean, and for each series adversarial and the difference.

    Args:
        batch: the clean images.
        series: the model whose labels are shown, and adversarial images of shape (N, C, H, W), by title.
    """
    shown = np.sort(np.unique(batch.labels, return_index=True)[1])[:_SHOWN]
    clean = batch.images.numpy()[shown]
    rows: dict[str, Images] = {"clean": clean}
    captions: dict[str, list[str]] = {"clean": [str(label) for label in batch.labels[shown]]}
    for title, (model, images) in series.items():
        adversarial = images[shown]
        rows[title] = adversarial
        named = predict(model.module, batch.images.new_tensor(adversarial)).numpy().argmax(1)
        captions[title] = [f"→ {label}" for label in named]
        # The mean over the colours, because a signed change has no colour.
        rows[f"Δ {title}"] = (adversarial - clean).mean(1, keepdims=True)
    return image_grid(rows, captions)
