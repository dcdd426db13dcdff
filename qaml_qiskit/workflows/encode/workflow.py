"""Images as circuits: angles, templates and what they are worth: the work behind ``qaml encode``."""

from pathlib import Path

import numpy as np

from qaml_qiskit.artifacts import Row, Run, digest, open_pool, open_run
from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.circuits.qpy_files import template_bytes
from qaml_qiskit.deployments.images import load_images_of
from qaml_qiskit.formats import npz
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome, Report
from qaml_qiskit.studies import Encoder, encode_images, movements
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.encode.request import EncodeRequest


@takes(EncodeRequest)
def encode(
    request: EncodeRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Encode images; the approximate encoding takes for each the fewest layers that reach the threshold.

    The run folder has a circuit of free angles for every template that is used (``template-L.qpy``) and the images'
    angles and positions (``angles-L.npz``).

    Raises:
        QamlError: images that cannot be encoded, or that are not there.
    """
    opening = open_pool(workers, scheduler)
    images, labels, indices = load_images_of(request.images, request.dataset, request.loading(data_dir))
    shape, templates = tuple(images.shape[1:]), request.encoding_layers
    encoder = Encoder(request.encoding, shape, templates, request.threshold, request.pixel_order)
    # Before the folder is opened, so that images that cannot be encoded leave nothing behind.
    encoder.check(images)
    moved = movements(encoder, images, request.movement)
    with opening as pool, open_run("encode", request, {"images": digest(images)}, out) as run:
        if not run.complete:
            found = encode_images(encoder, images, run, progress or Silent(), pool)
            layers, counts = found["layers"], {}
            for each in sorted(set(layers.tolist())):
                template, chosen = encoder.template(each).circuit, layers == each
                counts[each] = gate_counts(template)
                run.write(f"template-{each}.qpy", template_bytes(template))
                angles = npz(angles=found[f"angles-{each}"], indices=indices[chosen], labels=labels[chosen])
                run.write(f"angles-{each}.npz", angles)
            rows: list[Row] = [
                {
                    "index": int(index),
                    "encoding": request.encoding,
                    "encoding_layers": each or None,
                    "fidelity": fidelity,
                    "reached": fidelity >= request.threshold,
                    "two_qubit_gates": counts[each].two_qubit_gates,
                    "two_qubit_depth": counts[each].two_qubit_depth,
                    **movement,
                }
                for index, each, fidelity, movement in zip(
                    indices, layers.tolist(), found["fidelity"].tolist(), moved, strict=True
                )
            ]
            _write(run, request, rows, len(counts))
    return Outcome.of(run)


def _write(run: Run, request: EncodeRequest, rows: list[Row], templates: int) -> None:
    missed = [row for row in rows if not row["reached"]]
    fidelity, gates = (np.mean([row[name] for row in rows]) for name in ("fidelity", "two_qubit_gates"))
    notes = [
        f"{len(rows)} images: mean fidelity {fidelity:.3f}, {gates:.1f} two-qubit gates an image before "
        f"routing, {templates} circuits to compile."
    ]
    if missed:
        first = missed[0]
        notes.append(
            f"{len(missed)} of {len(rows)} images do not reach {request.threshold:g} with any template; each has the "
            f"one of highest fidelity. The first is image {first['index']}: {first['fidelity']:.3f} with "
            f"{first['encoding_layers']} layers."
        )
    report = Report(run, request.command_line(run.config), f"Images of {request.dataset} as circuits")
    report.table("Images", rows, *notes[1:], file="encoding.csv")
    report.finish(notes[0], rows, notes)
