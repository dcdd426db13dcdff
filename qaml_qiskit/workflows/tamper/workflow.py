"""What a classifier keeps of its accuracy when its quantum parts are tampered with: the work of ``qaml tamper``."""

from collections.abc import Sequence
from pathlib import Path

import torch

from qaml_qiskit.artifacts import Row, Run, digest, open_pool, open_run
from qaml_qiskit.attacks.quantum import Budget
from qaml_qiskit.deployments import Deployment, OnTarget, deploy, load_batch, parse_deployment, refusals
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome, Report, curves
from qaml_qiskit.studies import (
    PARTS,
    TamperedPart,
    Tampering,
    check_invertible,
    check_parts,
    honest_readout,
    parts_of,
    tamper_parts,
)
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.tamper.request import READOUT, TamperRequest

_NOTES = (
    "strength: half the diamond distance by which a component may be changed: with 0 nobody can tell, with 1 one use "
    "can suffice. spent: that of the strongest change. components: how many were changed; the parts differ in how many "
    "they have, so equal strengths are not equal efforts.",
    "The change is chosen on the very images that it is scored on. Exact expectation values, as endless shots would "
    "give them.",
)
_OF_PARTS: dict[TamperedPart, str] = {
    "weights": "weights: wrong angles, found by gradient ascent; a worse choice may exist.",
    "gates": "gates: rotations left out that turn by no more than the strength; without --components one, the worst.",
    "encoding": "encoding: another real pure state for every image, the worst within the trace distance. Exact.",
    "readout": "readout: flips added to a readout with errors of its own; found by search.",
    "calibration": "calibration: a false record of the readout errors, which mitigation then inverts; found by search.",
    "crosstalk": "crosstalk: RZZ between neighbours after each layer, a coupling with the same angle in every layer; "
    "found by search. The strength is that of one use, and the layers add up.",
}


@takes(TamperRequest)
def tamper(
    request: TamperRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Tamper with one part of a classifier after the other, and score the images before and after.

    Every part and strength is kept as it finishes, the encoding every 500 images; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example a model without quantum parts.
    """
    opening = open_pool(workers, scheduler)
    name, condition = parse_deployment(request.model, target=request.target, recipe=request.recipe)
    deployment = deploy(name, condition, backends=backends)
    if deployment.kind == "noisy":
        raise refusals.needs_no_noise(deployment.name)
    deployment.check_exact()
    parts = request.part or parts_of(deployment)
    check_parts(deployment, parts)
    readout = honest_readout(deployment, _probability(request))
    batch = load_batch(request.images, [deployment], data_dir, or_all=request.is_default("images"))
    if "calibration" in parts:
        check_invertible(readout)
    resolved = {
        "weights": deployment.weights_digest,
        "images": digest(batch.images),
        "labels": digest(torch.from_numpy(batch.labels)),
        "part": list(parts),
        "readout": readout.document(),
        **deployment.resolved(),
    }
    with opening as pool, open_run("tamper", request, resolved, out, backends=backends) as run:
        if not run.complete:
            work = Tampering(deployment, batch, readout, request.steps, request.seed)
            budgets = [Budget(strength, request.components) for strength in request.strengths]
            rows = tamper_parts(run, work, parts, budgets, progress or Silent(), pool)
            _write(run, request, rows, _notes(request, deployment, parts), 1 / deployment.num_classes)
    return Outcome.of(run, brief=_brief)


def _probability(request: TamperRequest) -> float:
    return READOUT if request.readout is None else request.readout


def _brief(outcome: Outcome) -> Brief:
    figures, access = figures_and_access(outcome.results)
    return Brief(figures, {"What each attack assumes": access}, outcome.notes)


def figures_and_access(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The figures, and what the attack on each part assumes, in a table of its own."""
    assumed = ("changes", "knows")
    figures = [{name: value for name, value in row.items() if name not in assumed} for row in rows]
    access = {row["part"]: {name: row[name] for name in ("part", *assumed)} for row in rows}
    return figures, list(access.values())


def _notes(request: TamperRequest, deployment: Deployment, parts: tuple[TamperedPart, ...]) -> list[str]:
    notes = [*_NOTES, *(_OF_PARTS[part] for part in parts), *deployment.notes]
    if "readout" in parts or "calibration" in parts:
        target = deployment.condition.target if isinstance(deployment.condition, OnTarget) else None
        whose = f"those of {target}" if target else f"{_probability(request):g} for every qubit, either way"
        notes.append(f"Honest readout errors: {whose}.")
    config = deployment.qvc.config
    why: dict[TamperedPart, str] = {
        "encoding": f"it takes long on {config.num_qubits} qubits; ask for it with --part encoding",
        "gates": f"those of the ansatz {config.ansatz} are not all rotations",
        "crosstalk": f"the ansatz {config.ansatz} has no layers",
    }
    if deployment.has_noise_layers:
        why |= dict.fromkeys(("weights", "gates", "crosstalk"), "noise layers act by their average between the gates")
    left_out = () if request.part else [part for part in PARTS if part not in parts]
    return [*notes, *(f"{part}: left out, because {why[part]}." for part in left_out)]


def _write(run: Run, request: TamperRequest, rows: list[Row], notes: list[str], chance: float) -> None:
    strongest = request.strengths[-1]
    left = ", ".join(f"{row['part']} {row['accuracy']:.1%}" for row in rows if row["strength"] == strongest)
    lead = (
        f"{rows[0]['images']} images, {rows[0]['accuracy_before']:.1%} right before. What is left after tampering with "
        f"one part at strength {strongest:g}: {left}."
    )
    caption = (
        "Accuracy against the strength of the change. Bars: 95 % intervals over the images. Points of equal strength "
        "are drawn side by side."
    )
    figures, access = figures_and_access(rows)
    report = Report(run, request.command_line(run.config), f"{request.model}, tampered with")
    report.csv("tamper.csv", rows)
    report.table("Accuracy against strength", figures, *notes)
    if strongest > 0:
        report.picture("tamper.png", _picture(rows, chance), caption)
    known = "images, labels: a labelled sample to choose the change by."
    report.table("What each attack assumes", access, known)
    report.finish(lead, rows, notes)


def _picture(rows: Sequence[Row], chance: float) -> bytes:
    """A line a part against the strengths above 0."""
    parts: dict[str, list[tuple[float, float, float, float]]] = {}
    for row in rows:
        if row["strength"] > 0:
            parts.setdefault(row["part"], []).append((row["strength"], row["accuracy"], *row["interval"]))
    levels = {"honest": rows[0]["accuracy_before"], "chance": chance}
    label = "strength of the change: half the diamond distance of each component"
    return curves({part: sorted(points) for part, points in parts.items()}, label, levels, side_by_side=True)
