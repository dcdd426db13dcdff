"""The tables, pictures and page of a transfer."""

from collections.abc import Iterator, Mapping, Sequence

from qaml_qiskit.artifacts import AdversarialImages, Row, Run
from qaml_qiskit.attacks import ATTACKS
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.reports import (
    AUDIT_READING,
    MOST_TRACES,
    Report,
    audit_notes,
    strengths_side_by_side,
    trace_curves,
    transfer_curves,
)
from qaml_qiskit.studies import Audited, audit_rows, perturbations, readout_notes
from qaml_qiskit.studies.tracing import Traced, critical_rows, trace_notes, trace_rows
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
_TRACES = (
    "Probabilities of all labels of an image against the strength of the attack. Thick: the right label. Dotted: where "
    "it stops being the likeliest."
)
_PERTURBATIONS = "Clean images, adversarial images with the label that their source gives them, and the change."


def write_report(
    run: Run,
    plan: TransferPlan,
    rows: list[Row],
    made: Mapping[str, AdversarialImages],
    audits: Mapping[str, Audited],
    traced: Traced | None = None,
) -> None:
    """Write everything that a reader looks at, and the metrics, which finish the run.

    Args:
        run: the run.
        plan: what was done.
        rows: all of them.
        made: adversarial images, by their key.
        audits: by the key of the cell; empty without audit.
        traced: probabilities of single images; None where none were asked for.
    """
    notes = [*_notes(plan), *audit_notes(audits)]
    checks = audit_rows(audits, made, "source", "attack", "eps")
    report = Report(run, plan.request.command_line(run.config), "Transfer of adversarial images")
    report.csv("transfer.csv", rows)
    report.table("Accuracy under attack", strengths_side_by_side(rows), *notes)
    report.picture("transfer.png", transfer_curves(rows, chance=1 / plan.victims[0].num_classes), _CURVES)
    if plan.cells:
        picture = perturbations(plan.batch, _series(plan, made))
        report.picture("perturbations.png", picture, _PERTURBATIONS, "Perturbations")
    if checks:
        report.table("Audit", checks, AUDIT_READING, file="audit.csv")
    tables = {} if traced is None else _add_traces(report, plan, made, traced, notes)
    report.table("All figures", rows)
    lead = f"{len(plan.batch)} images, {_count(plan.sources, 'source')}, {_count(plan.victims, 'victim')}."
    report.finish(lead, rows, notes, audit=checks, **tables)


def _add_traces(
    report: Report, plan: TransferPlan, made: Mapping[str, AdversarialImages], traced: Traced, notes: list[str]
) -> dict[str, list[Row]]:
    """The section on single images; adds what its columns mean to the notes. Gives its tables by name."""
    names = [victim.name for victim in plan.victims]
    rows, critical = trace_rows(traced, made, names), critical_rows(traced, made, names)
    told = list(trace_notes(traced, plan.temperatures))
    notes += told
    report.table("Single images along the attack", critical, *told, file="critical.csv")
    report.csv("traces.csv", rows)
    classes = plan.victims[0].card.data.classes
    lines = len({(row["source"], row["attack"], row["index"]) for row in critical})
    caption = _TRACES + (f" The first {MOST_TRACES} of {lines}; all are in traces.csv." if lines > MOST_TRACES else "")
    report.picture("traces.png", trace_curves(rows, critical, classes), caption)
    return {"traces": rows, "critical": critical}


def _notes(plan: TransferPlan) -> Iterator[str]:
    yield from _READING
    kinds = {victim.kind for victim in plan.victims}
    for kind, text in _KINDS.items():
        if kind in kinds:
            yield text.format(shots=plan.request.shots)
    yield from readout_notes(victim for victim in plan.victims if victim.kind == "device")
    for name, card in plan.substitutes.items():
        yield f"{name}: a substitute, trained on {card.queries} answers of {card.victim} in place of labels."
    if plan.substitutes:
        yield (
            "queries: labels that the substitute's victim was asked for. agreement: share of the clean images that "
            "substitute and victim name alike."
        )
    classes = plan.victims[0].num_classes
    for name, variant in {each.attack.name: each.attack.variant(classes) for each in plan.cells.values()}.items():
        if variant != name:
            yield f"{variant}: {name} as far as it is defined for {classes} classes."
    yield from notes_of([*plan.sources, *plan.victims])


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _series(
    plan: TransferPlan, made: Mapping[str, AdversarialImages]
) -> dict[str, tuple[Deployment, AdversarialImages]]:
    """Every source under one attack at its largest strength: the first that takes steps, if there is one."""
    stepping = [name for name in plan.request.attacks if ATTACKS[name].traits.kind == "iterative"]
    chosen = (stepping or list(plan.request.attacks))[0]
    series: dict[str, tuple[Deployment, AdversarialImages]] = {}
    for source in plan.sources:
        mine = [key for key, cell in plan.cells.items() if (cell.source, cell.attack.name) == (source.name, chosen)]
        strongest = max((made[key] for key in mine), key=lambda each: each.provenance.eps or 0)
        title = f"{source.name.rpartition('/')[2]}\n{strongest.provenance.told}"
        series[f"{source.name}\n{strongest.provenance.told}" if title in series else title] = source, strongest
    return series
