"""The rows of a certificate: one an image, their summary, and the accuracy that is certain at a distance."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.certificates import (
    DecisionForms,
    L2Certificates,
    certify_l2,
    hypothesis_testing_radii,
    l2_attack,
    linf_attack,
    linf_lower_bounds,
    lipschitz_radii,
)
from qaml_qiskit.deployments.forms import QuadraticForms
from qaml_qiskit.models import predict

#: How far beyond the boundary, relative to the radius, the model is asked: in double precision, then in single.
_DOUBLE_OVERSHOOT = 1e-7
_SINGLE_OVERSHOOTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
#: Rounding of a pixel at the end of its range.
_BOX_TOLERANCE = 1e-9
_DISTANCES = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0)
_STRENGTHS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2)

Floats = NDArray[np.float64]


def certify_chunk(
    prepared: QuadraticForms, forms: DecisionForms, images: Tensor, labels: NDArray[np.int64], first: int, seed: int
) -> dict[str, Any]:
    """Rows of some images, and the ``seconds`` that their exact radii took.

    Args:
        prepared: the model.
        forms: its decisions.
        images: shape (N, C, H, W), in [0, 1].
        labels: shape (N,).
        first: index of the first image.
        seed: of the attack's starts.
    """
    pixels = images.flatten(1).double().numpy()
    start = time.perf_counter()
    found = certify_l2(forms, pixels, labels)
    seconds = time.perf_counter() - start
    attack = l2_attack(forms, pixels, labels, seed=seed + first)
    lower = linf_lower_bounds(forms, pixels, labels, found.radius)
    upper = linf_attack(forms, pixels, labels, lower)
    columns: dict[str, Any] = {
        "index": np.arange(first, first + len(labels)),
        "label": labels,
        "predicted": found.predicted,
        "radius": found.radius,
        "runner_up": found.runner_up,
        **_witnesses(prepared, found, images, labels),
        "linf_lower": lower,
        "linf_upper": upper,
        "linf_gap": _gap(upper, lower),
        "attack": attack,
        "attack_gap": _gap(attack, found.radius),
        "duality_gap": _gap(found.distance, found.radius),
    }
    if prepared.is_bounded:
        columns["lipschitz"] = lipschitz_radii(forms, pixels, labels)
        columns["hypothesis_testing"] = hypothesis_testing_radii(forms, pixels, labels)
    rows = [dict(zip(columns, map(_plain, values), strict=True)) for values in zip(*columns.values(), strict=True)]
    return {"rows": rows, "seconds": seconds}


def _witnesses(
    prepared: QuadraticForms, found: L2Certificates, images: Tensor, labels: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """What the model itself says of the witnesses, and whether they are images."""
    double = _labels(prepared.double, found.beyond(_DOUBLE_OVERSHOOT), images, torch.float64)
    overshoot = np.full(len(labels), np.inf)
    for size in reversed(_SINGLE_OVERSHOOTS):
        single = _labels(prepared.single, found.beyond(size), images, torch.float32)
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


def summary_row(rows: list[Row]) -> Row:
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


def accuracy_rows(rows: list[Row]) -> list[Row]:
    """The share of images that stay right at some distances: certified, and as the attacks leave it."""
    grids = [("l2", _DISTANCES, "radius", "attack"), ("l∞", _STRENGTHS, "linf_lower", "linf_upper")]
    return [
        {"norm": norm, "distance": level, "certified": _above(rows, safe, level), "attacked": _above(rows, hit, level)}
        for norm, levels, safe, hit in grids
        for level in levels
    ]


def _above(rows: list[Row], name: str, level: float) -> float:
    return sum(row[name] is None or row[name] > level for row in rows) / len(rows)
