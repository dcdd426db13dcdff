"""The tables, pictures and page of a transfer."""

from collections.abc import Iterator, Mapping, Sequence

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks import ATTACKS
from qaml_qiskit.deployments.attacking import Cell, labels_given, load_adversarial
from qaml_qiskit.deployments.auditing import Audited
from qaml_qiskit.reports import (
    AUDIT_READING,
    Report,
    audit_notes,
    one_of_each_class,
    perturbation_picture,
    transfer_curves,
)
from qaml_qiskit.workflows.transfer.plan import TransferPlan

_READING = (
    "accuracy: share of all images that the victim names correctly, with its 95 % Wilson interval over the images. "
    "attack_success_rate: share of the images that this victim got right when clean which it gets wrong now. "
    "transfer_gap: success rate on the source itself less that on the victim.",
)
_KINDS = {
    "noisy": "noisy: exact expectation values under the noise on the layers and the readout, the encoding "
    "noiseless unless the name ends in :encoding.",
    "device": "device: the device's own noise model on every gate, encoding included, readout errors inverted qubit "
    "by qubit (mitigation readout). accuracy is that of endless shots; sampled_accuracy is expected with {shots:,} "
    "shots of each image and of the calibration.",
}
_CURVES = (
    "Accuracy against the strength of the attack. Thick: the source itself. Dashed: exact noise. Dotted: a device. "
    "Bands: 95 % intervals. Crosses: the audit failed."
)
_PERTURBATIONS = "Clean images, adversarial images with the label that their source gives them, and the change."


def write_report(run: Run, plan: TransferPlan, rows: list[Row], audits: Mapping[str, Audited]) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        plan: what was done.
        rows: all of them.
        audits: by the key of the cell; empty without audit.
    """
    notes = [*_notes(plan), *audit_notes(audits)]
    checks = [
        row
        for cell in plan.cells
        if cell.key in audits
        for row in audits[cell.key].rows(
            {"source": cell.source.name, "attack": cell.attack_name, "eps": cell.attack.budget}
        )
    ]
    report = Report(run, plan.request.command_line(run.config), "Transfer of adversarial images")
    report.csv("transfer.csv", rows)
    report.table("Accuracy under attack", strengths_side_by_side(rows), *notes)
    report.picture("transfer.png", transfer_curves(rows, chance=1 / plan.victims[0].num_classes), _CURVES)
    if plan.cells:
        report.picture("perturbations.png", _perturbations(run, plan), _PERTURBATIONS, "Perturbations")
    if checks:
        report.table("Audit", checks, AUDIT_READING, file="audit.csv")
    report.table("All figures", rows)
    lead = f"{len(plan.batch.images)} images, {_count(plan.sources, 'source')}, {_count(plan.victims, 'victim')}."
    report.finish(lead, rows, notes, audit=checks)


def strengths_side_by_side(rows: Sequence[Row]) -> list[Row]:
    """Accuracies with the strengths side by side: a row a source, attack and victim."""
    clean = {row["victim"]: row["accuracy"] for row in rows if row["source"] is None}
    attacked = [row for row in rows if row["source"] is not None]
    if not attacked:
        return [{"victim": victim, "ε = 0": accuracy} for victim, accuracy in clean.items()]
    strengths = sorted({row["eps"] for row in attacked if row["eps"] is not None})
    with_verdict = any(row["verdict"] for row in attacked)
    table = []
    for source, attack, victim in dict.fromkeys((row["source"], row["attack"], row["victim"]) for row in attacked):
        mine = [r for r in attacked if (r["source"], r["attack"], r["victim"]) == (source, attack, victim)]
        by_eps = {row["eps"]: row for row in mine}
        line: Row = {"source": source, "attack": attack, "victim": victim, "kind": mine[0]["victim_kind"]}
        line["ε = 0"] = clean[victim]
        line |= {f"{eps:g}": by_eps[eps]["accuracy"] if eps in by_eps else None for eps in strengths}
        if None in {row["eps"] for row in attacked}:
            line["no bound"] = by_eps[None]["accuracy"] if None in by_eps else None
        if with_verdict:
            line["verdict"] = ", ".join(f"{row['verdict']} at {row['eps']:g}" for row in mine if row["verdict"])
        table.append(line)
    return table


def _notes(plan: TransferPlan) -> Iterator[str]:
    yield from _READING
    kinds = {victim.kind for victim in plan.victims}
    for kind, text in _KINDS.items():
        if kind in kinds:
            yield text.format(shots=plan.request.shots)
    variants = {cell.attack.name: cell.attack_name for cell in plan.cells if cell.attack_name != cell.attack.name}
    for name, variant in variants.items():
        yield f"{variant}: {name} as far as it is defined for {plan.victims[0].num_classes} classes."


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _perturbations(run: Run, plan: TransferPlan) -> bytes:
    """Every source under one attack at its largest strength: the first that takes steps, if there is one."""
    stepping = [name for name in plan.request.attacks if ATTACKS[name].traits.kind == "iterative"]
    chosen = (stepping or list(plan.request.attacks))[0]
    shown = one_of_each_class(plan.batch.labels)
    series = {}
    for source in plan.sources:
        mine: list[Cell] = [c for c in plan.cells if c.source is source and c.attack.name == chosen]
        cell = max(mine, key=lambda each: each.attack.budget or 0)
        title = f"{source.name.rpartition('/')[2]}\n{cell.attack_name}, ε = {cell.attack.budget:g}"
        if title in series:
            title = f"{source.name}\n{cell.attack_name}, ε = {cell.attack.budget:g}"
        images = load_adversarial(run, cell.key).images[shown]
        series[title] = (images, labels_given(source, images))
    return perturbation_picture(plan.batch.images.numpy()[shown], plan.batch.labels[shown], series)
