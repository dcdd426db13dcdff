"""What a classifier keeps of its accuracy when its quantum parts are tampered with: the work of ``qaml tamper``."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from torch import Tensor

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Brief, Outcome, Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.attacks.quantum import Budget, Damage, QuantumAttack, StateAttack, damage_curve
from qaml_qiskit.deployments import Deployment, OnTarget, deploy, load_batch, parse_deployment, refusals
from qaml_qiskit.evaluation import Proportion, ReadoutMap
from qaml_qiskit.models import QVC
from qaml_qiskit.progress import Advance, Progress, Silent
from qaml_qiskit.reports import Report, curves
from qaml_qiskit.workflows.tamper.cells import Joined, KeptAttack, block_name, blocks_of, cell_file
from qaml_qiskit.workflows.tamper.parts import (
    Victim,
    attacks_on,
    calibration_attack,
    symmetric_readout,
    target_readout,
)
from qaml_qiskit.workflows.tamper.request import PARTS, READOUT, TamperedPart, TamperRequest

#: The attack on the states decomposes matrices of 2ⁿ rows; on more qubits than this it must be asked for.
_MOST_QUBITS = 10

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


def tamper(
    request: TamperRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Tamper with one part of a classifier after the other, and score the images before and after.

    Every part and strength is kept as it finishes, the encoding every 500 images; a run that was killed goes on there.

    Raises:
        QamlError: the request cannot be served; for example a model without quantum parts.
    """
    progress = progress or Silent()
    name, condition = parse_deployment(request.model, target=request.target, recipe=request.recipe)
    deployment = deploy(name, condition, backends=backends)
    if deployment.kind == "noisy":
        raise refusals.needs_no_noise(deployment.name)
    model, readout = deployment.qvc, _readout(deployment, request)
    batch = load_batch(request.images, [deployment], data_dir)
    victim = Victim.of(model, batch.images, batch.labels, readout)
    parts = request.part or _allowed(model)
    if "calibration" in parts:
        # A readout that mitigation cannot invert is refused before anything is written.
        calibration_attack(victim)
    resolved = {
        "weights": deployment.weights_digest,
        "images": digest(batch.images),
        "labels": digest(victim.labels),
        "part": list(parts),
        "readout": readout.document(),
        **deployment.resolved(),
    }
    with open_run("tamper", request, resolved, out, backends=backends) as run:
        if not run.complete:
            rows = _rows(request, run, victim, parts, progress)
            _write(run, request, rows, _notes(request, deployment, parts), 1 / deployment.num_classes)
    return Outcome.of(run, brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    figures, access = figures_and_access(outcome.results)
    return Brief(figures, {"What each attack assumes": access}, outcome.notes)


def figures_and_access(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The figures, and what the attack on each part assumes, in a table of its own."""
    assumed = ("changes", "knows")
    figures = [{name: value for name, value in row.items() if name not in assumed} for row in rows]
    access = {row["part"]: {name: row[name] for name in ("part", *assumed)} for row in rows}
    return figures, list(access.values())


def _allowed(model: QVC) -> tuple[TamperedPart, ...]:
    """All parts, but the encoding only where its exact attack takes seconds or minutes."""
    return tuple(part for part in PARTS if part != "encoding" or model.config.num_qubits <= _MOST_QUBITS)


def _readout(deployment: Deployment, request: TamperRequest) -> ReadoutMap[Tensor]:
    """The honest readout errors."""
    if deployment.kind == "device":
        return target_readout(deployment)
    probability = READOUT if request.readout is None else request.readout
    return symmetric_readout(probability, deployment.num_classes)


def _rows(
    request: TamperRequest, run: Run, victim: Victim, parts: tuple[TamperedPart, ...], progress: Progress
) -> list[Row]:
    blocks = [block_name(block.start) for block in blocks_of(len(victim.labels))]
    names = [name for part in parts for name in (blocks if part == "encoding" else [part])]
    files = [cell_file(name, strength) for name in names for strength in request.strengths]
    done = sum(run.kept_json(file) is not None for file in files)
    budgets = [Budget(strength, request.components) for strength in request.strengths]
    rows = []
    with progress.task("tampering with parts", len(files), done) as advance:
        for part in parts:
            attack = _kept(part, request, run, victim, advance)
            rows += [_row(part, damage, len(victim.labels)) for damage in damage_curve(attack, budgets)]
    return rows


def _kept(part: TamperedPart, request: TamperRequest, run: Run, victim: Victim, advance: Advance) -> QuantumAttack:
    """The attack on a part, whose results are kept in the run."""
    if part != "encoding":
        return KeptAttack(part, part, run, attacks_on(victim, request)[part], advance)
    states, matrices = cache(victim.states), cache(victim.matrices)
    blocks = blocks_of(len(victim.labels))

    def made(block: slice) -> QuantumAttack:
        return StateAttack(states()[block], matrices(), victim.labels[block])

    # A change here is a state for every image: megabytes that nobody asked for.
    attacks = [
        KeptAttack(
            block_name(block.start),
            f"encoding of images {block.start} to {block.stop - 1}",
            run,
            partial(made, block),
            advance,
            keeps_change=False,
        )
        for block in blocks
    ]
    return Joined(attacks, [block.stop - block.start for block in blocks])


def _row(part: TamperedPart, damage: Damage, images: int) -> Row:
    scored = Proportion(round(damage.after * images), images)
    return {
        "part": part,
        "changes": damage.access.changes,
        "knows": ", ".join(damage.access.knows),
        "strength": damage.budget.strength,
        "spent": damage.strength,
        "components": damage.components,
        "accuracy": scored.value,
        "interval": list(scored.interval),
        "accuracy_before": damage.before,
        "images": images,
    }


def _notes(request: TamperRequest, deployment: Deployment, parts: tuple[TamperedPart, ...]) -> list[str]:
    notes = [*_NOTES, *(_OF_PARTS[part] for part in parts)]
    if "readout" in parts or "calibration" in parts:
        own = READOUT if request.readout is None else request.readout
        target = deployment.condition.target if isinstance(deployment.condition, OnTarget) else None
        whose = f"those of {target}" if target else f"{own:g} for every qubit, either way"
        notes.append(f"Honest readout errors: {whose}.")
    if not request.part and "encoding" not in parts:
        count = deployment.qvc.config.num_qubits
        notes.append(f"encoding: left out, because it takes long on {count} qubits; ask for it with --part encoding.")
    return notes


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
