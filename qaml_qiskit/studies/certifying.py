"""How far images are from another label: a row an image, and what the rows come to."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.artifacts import HERE, JSON, Bar, Codec, Pool, Row, Run
from qaml_qiskit.certificates import (
    DecisionForms,
    L2Certificates,
    certify_l2,
    hypothesis_testing_radii,
    l2_attack,
    linf_attack,
    linf_lower_bounds,
    lipschitz_radii,
    shot_margins,
    shot_radii,
)
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.forms import QuadraticForms
from qaml_qiskit.models import predict
from qaml_qiskit.progress import Advance, Progress

#: Images certified between two files: what a kill can lose.
CHUNK = 250
#: How far beyond the boundary, relative to the radius, the model is asked: in double precision, then in single.
_DOUBLE_OVERSHOOT = 1e-7
_SINGLE_OVERSHOOTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
#: Rounding of a pixel at the end of its range.
_BOX_TOLERANCE = 1e-9
#: l2 distances, in pixel units, of tables of certified accuracy.
DISTANCES = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0)
_STRENGTHS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Certified:
    """Certificates of some images.

    Attributes:
        rows: one an image, with the columns of ``certificates.csv``.
        seconds: that the exact radii took, with the pairs of classes that were decomposed for them.
    """

    rows: list[Row]
    seconds: float


@dataclass(frozen=True)
class ShotPromise:
    """What is asked of a label that is measured.

    Attributes:
        shots: S, of the circuit, for one image.
        confidence: the probability with which they must give the right label.
    """

    shots: int
    confidence: float


CERTIFIED: Codec[Certified] = JSON.of(vars, lambda content: Certified(**content))


class Certifying:
    """Certifies slices of images: a work for :meth:`~qaml_qiskit.artifacts.Run.map`.

    The matrices of the model are computed for the first slice, the spectrum of a pair of classes when it is first
    needed, once a process; they are not pickled.

    Args:
        deployment: whose logits are quadratic forms of the image.
        batch: the images, of which a task is a slice.
        seed: of the attack's starts.
        measured: adds the radii of labels that are measured; None for none.

    Raises:
        ConfigurationError: the logits are no such forms, or nothing measures them.
    """

    def __init__(
        self, deployment: Deployment, batch: Batch, seed: int = 0, measured: ShotPromise | None = None
    ) -> None:
        deployment.check_forms()
        if measured is not None:
            deployment.check_measurable()
        self._deployment, self._batch, self._seed, self._measured = deployment, batch, seed, measured

    def __call__(self, chunk: slice, advance: Advance) -> Certified:
        """Rows of the images of a slice with a first one."""
        decisions, forms = self._deployment.decisions(advance), self._deployment.forms()
        images, labels = self._batch.images[chunk], self._batch.labels[chunk]
        found = _certify(forms, decisions, images, labels, chunk.start, self._seed)
        return found if self._measured is None else _with_shots(found, self._measured, forms, decisions, images)


def certify_batch(
    run: Run,
    deployment: Deployment,
    batch: Batch,
    seed: int,
    progress: Progress,
    pool: Pool = HERE,
    measured: ShotPromise | None = None,
) -> Certified:
    """The certificates of all images, kept in the run chunk by chunk.

    Args:
        run: keeps them below ``chunks/``.
        deployment: as for :class:`Certifying`.
        batch: at least one image.
        seed: of the attack's starts.
        progress: told about every chunk.
        pool: where they are computed.
        measured: as for :class:`Certifying`.
    """
    starts = range(0, len(batch), CHUNK)
    chunks = {f"chunks/{start:06d}": slice(start, min(start + CHUNK, len(batch))) for start in starts}
    told = {key: f"images {chunk.start} to {chunk.stop - 1}" for key, chunk in chunks.items()}
    bar = Bar(progress, "certifying", told, {key: chunk.stop - chunk.start for key, chunk in chunks.items()})
    found = run.map(chunks, Certifying(deployment, batch, seed, measured), CERTIFIED, bar=bar, pool=pool).values()
    return Certified([row for part in found for row in part.rows], sum(part.seconds for part in found))


def _certify(
    forms: QuadraticForms, decisions: DecisionForms, images: Tensor, labels: NDArray[np.int64], first: int, seed: int
) -> Certified:
    pixels = images.flatten(1).double().numpy()
    start = time.perf_counter()
    found = certify_l2(decisions, pixels, labels)
    seconds = time.perf_counter() - start
    attack = l2_attack(decisions, pixels, labels, seed=seed + first)
    lower = linf_lower_bounds(decisions, pixels, labels, found.radius)
    upper = linf_attack(decisions, pixels, labels, lower)
    columns: dict[str, Any] = {
        "index": np.arange(first, first + len(labels)),
        "label": labels,
        "predicted": found.predicted,
        "radius": found.radius,
        "runner_up": found.runner_up,
        **_witnesses(forms, found, images, labels),
        "linf_lower": lower,
        "linf_upper": upper,
        "linf_gap": _gap(upper, lower),
        "attack": attack,
        "attack_gap": _gap(attack, found.radius),
        "duality_gap": _gap(found.distance, found.radius),
    }
    if forms.highest is not None:
        columns["lipschitz"] = lipschitz_radii(decisions, pixels, labels, forms.highest)
        columns["hypothesis_testing"] = hypothesis_testing_radii(decisions, pixels, labels, forms.highest)
    rows = [dict(zip(columns, map(_plain, values), strict=True)) for values in zip(*columns.values(), strict=True)]
    return Certified(rows, seconds)


def _with_shots(
    found: Certified, measured: ShotPromise, forms: QuadraticForms, decisions: DecisionForms, images: Tensor
) -> Certified:
    """The same rows, each with ``radius_shots`` beside ``radius``."""
    assert forms.highest is not None, "checked by Deployment.check_measurable"
    labels = np.array([row["label"] for row in found.rows], dtype=np.int64)
    margins = shot_margins(forms.highest, measured.shots, measured.confidence)
    radii = shot_radii(decisions, images.flatten(1).double().numpy(), labels, margins)
    rows: list[Row] = []
    for row, radius in zip(found.rows, radii, strict=True):
        place = list(row).index("radius") + 1
        items = list(row.items())
        rows.append(dict([*items[:place], ("radius_shots", _plain(radius)), *items[place:]]))
    return Certified(rows, found.seconds)


def _witnesses(
    forms: QuadraticForms, found: L2Certificates, images: Tensor, labels: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """What the model itself says of the witnesses, and whether they are images."""
    double = _labels(forms.double, found.beyond(_DOUBLE_OVERSHOOT), images, torch.float64)
    overshoot = np.full(len(labels), np.inf)
    for size in reversed(_SINGLE_OVERSHOOTS):
        single = _labels(forms.single, found.beyond(size), images, torch.float32)
        overshoot[single != labels] = size
    outside = (found.boundary < -_BOX_TOLERANCE) | (found.boundary > 1 + _BOX_TOLERANCE)
    wrong = found.radius == 0
    return {
        # A misclassified image is its own witness.
        "witness_flips": (found.flips | wrong) & (double != labels),
        "float32_overshoot": np.where(wrong, 0.0, overshoot),
        "witness_in_box": ~outside.any(1),
        "pixels_outside": outside.mean(1),
    }


def _labels(model: nn.Module, pixels: Floats, images: Tensor, dtype: torch.dtype) -> NDArray[np.int64]:
    return predict(model, torch.from_numpy(pixels).to(dtype).reshape(images.shape)).argmax(1).numpy()


def _gap(upper: Floats, lower: Floats) -> Floats:
    """(upper − lower)/lower; infinite where there is nothing to compare."""
    usable = (lower > 0) & np.isfinite(lower) & np.isfinite(upper)
    gap = np.full(len(lower), np.inf)
    gap[usable] = upper[usable] / lower[usable] - 1
    return gap


def _plain(value: np.generic) -> object:
    """A number that JSON knows; None where there is none."""
    number = value.item()
    return None if isinstance(number, float) and not np.isfinite(number) else number


def summary_of(rows: list[Row]) -> Row:
    """One row for all images; medians and shares are over those that are classified rightly."""
    right = [row for row in rows if row["predicted"] == row["label"]]

    def column(name: str) -> Floats:
        return np.array([row[name] for row in right if row.get(name) is not None], dtype=float)

    def median(name: str) -> float | None:
        return float(np.median(column(name))) if len(column(name)) else None

    def largest(name: str) -> float | None:
        return float(column(name).max()) if len(column(name)) else None

    return {
        "images": len(rows),
        "accuracy": len(right) / len(rows),
        "median_radius": median("radius"),
        **({"median_radius_shots": median("radius_shots")} if "radius_shots" in rows[0] else {}),
        "witnesses_flip": f"{sum(row['witness_flips'] for row in right)} of {len(right)}",
        "largest_float32_overshoot": largest("float32_overshoot"),
        "witnesses_in_box": f"{sum(row['witness_in_box'] for row in right)} of {len(right)}",
        "median_attack_gap": median("attack_gap"),
        "largest_attack_gap": largest("attack_gap"),
        "largest_duality_gap": largest("duality_gap"),
        "median_linf_lower": median("linf_lower"),
        "median_linf_upper": median("linf_upper"),
        "median_linf_gap": median("linf_gap"),
        "largest_linf_gap": largest("linf_gap"),
        "median_lipschitz": median("lipschitz"),
        "median_hypothesis_testing": median("hypothesis_testing"),
    }


def certified_accuracy(rows: list[Row]) -> list[Row]:
    """The share of images that stay right at some distances: certified, and as the attacks leave it."""
    grids = [("l2", DISTANCES, "radius", "attack"), ("l∞", _STRENGTHS, "linf_lower", "linf_upper")]
    levels: list[Row] = [
        {"norm": norm, "distance": level, "certified": _above(rows, safe, level), "attacked": _above(rows, hit, level)}
        for norm, levels, safe, hit in grids
        for level in levels
    ]
    if "radius_shots" in rows[0]:
        for each in levels:
            by_shots = each["norm"] == "l2"
            each["certified_with_shots"] = _above(rows, "radius_shots", each["distance"]) if by_shots else None
    return levels


def _above(rows: list[Row], name: str, level: float) -> float:
    return sum(row[name] is None or row[name] > level for row in rows) / len(rows)
