"""The tables, pictures and page of ``qaml attack``."""

from collections.abc import Mapping, Sequence

from qaml_qiskit.artifacts import AdversarialImages, Row, Run
from qaml_qiskit.attacks import DefenceReport
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.reports import (
    AUDIT_READING,
    DEFENCE_READING,
    GAINS_READING,
    Report,
    attack_curves,
    audit_notes,
    brief_rows,
)
from qaml_qiskit.studies import (
    Audited,
    audit_rows,
    defence_notes,
    defence_rows,
    gain_rows,
    perturbations,
    told_temperature,
)
from qaml_qiskit.workflows.attack.request import AttackRequest

_READING = (
    "robust_accuracy: share of all images that are right before and after the attack, with its 95 % Wilson interval "
    "over the images. attack_success_rate: share of the images that were right before which are wrong now. Sizes are "
    "those of the changes that fooled the model."
)
#: How often a random model is asked about attacked images.
ASKED_ANEW = 10
_DRAWN = (
    "robust_accuracy is of the draws that the attack saw, some of which erred by chance. drawn_accuracy: share of "
    f"right answers when the random model is asked {ASKED_ANEW} times anew about the same images; drawn_interval: "
    "95 %, for other images and other draws. An attack through the exact average, or through more draws, may find more."
)
_NOISE = (
    "The noise is exact, as endless shots would show it, on the native gates of the layers and the readout; "
    "the encoding is taken as noiseless. The attacker knows it and follows the gradient through it."
)
_TARGETS = (
    "target_rate: share of all images that the model names as the label that it was led to, with its 95 % Wilson "
    "interval. {}"
)
_LED = {
    "random": "These labels are drawn evenly from all, the right one among them.",
    "next": "These labels are those behind the right ones.",
}
_TRAINING = (
    "training/*.npz: these images with the labels that they were led to, and the clean test images, for `qaml train "
    "--dataset`."
)
_CURVES = "Accuracy under attack against its strength; bars: 95 % intervals. Crosses: the audit failed."
_PERTURBATIONS = "Clean images, adversarial images with the label that the attacked model gives them, and the change."


def write_report(
    run: Run,
    request: AttackRequest,
    everyone: Sequence[Deployment],
    rows: list[Row],
    made: Mapping[str, AdversarialImages],
    audits: Mapping[str, Audited],
    reports: Mapping[str, DefenceReport],
    batch: Batch,
) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        request: what was asked for.
        everyone: the attacked model, and those whose images the audit compares with.
        rows: one an attack and strength.
        made: adversarial images by the key of the cell.
        audits: by the key of the cell; empty without audit.
        reports: audits of the model's defence by attack and strength; empty without one.
        batch: the clean images.
    """
    victim, checks = everyone[0], audit_rows(audits, made, "attack", "eps")
    how = {_DRAWN: victim.drawing_rule is not None, _NOISE: victim.kind == "noisy"}
    notes = [_READING, *(note for note, holds in how.items() if holds), *audit_notes(audits), *notes_of(everyone)]
    notes += [told_temperature(victim.temperature)] if victim.has_temperature else []
    notes += defence_notes(reports)
    if request.targets is not None:
        notes.append(_TARGETS.format(_LED[request.targets]))
    if request.part == "train":
        notes.append(f"The images are the first {len(batch)} of the training part, which models may have learned from.")
        notes += [_TRAINING] if request.targets is not None else []
    report = Report(run, request.command_line(run.config), f"{victim.name} under attack")
    report.table("Accuracy under attack", brief_rows(rows), *notes)
    report.csv("attack.csv", rows)
    report.picture("attack.png", attack_curves(rows, chance=1 / victim.num_classes), _CURVES)
    if made:
        # Every attack at the last of its strengths.
        last = {each.provenance.attack: each for each in made.values()}
        series = {each.provenance.told: (victim, each) for each in last.values()}
        report.picture("perturbations.png", perturbations(batch, series), _PERTURBATIONS, "Perturbations")
    if checks:
        report.table("Audit", checks, AUDIT_READING, file="audit.csv")
    defence = defence_rows(victim.name, reports.values())
    gains = [row for each in reports.values() for row in gain_rows(each)]
    if defence:
        report.table("The defence audited", defence, DEFENCE_READING, file="defence.csv")
    if gains:
        report.table("Gains of the defence", gains, GAINS_READING, file="gains.csv")
    report.finish(_lead(rows), rows, notes, audit=checks, defence=defence, gains=gains)


def _lead(rows: Sequence[Row]) -> str:
    worst = min(rows, key=lambda row: float(row["robust_accuracy"]))
    lead = f"{worst['images']} images, {worst['clean_accuracy']:.1%} of them right."
    if worst["attack"] == "none":
        return lead
    size = "" if worst["eps"] is None else f" with ε = {worst['eps']:g}"
    return f"{lead} Under {worst['attack']}{size} {worst['robust_accuracy']:.1%} stay right."
