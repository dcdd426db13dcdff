"""How far images are inside or outside of the region where a class wins: signed distances, which move by r at most."""

from dataclasses import dataclass

import numpy as np

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_images
from qaml_qiskit.certificates.nearest import nearest_flips
from qaml_qiskit.certificates.opponents import most_promising, radius_bounds
from qaml_qiskit.errors import InputError


@dataclass(frozen=True, eq=False)
class LabelDistances:
    """Where N images lie with respect to the regions of their labels.

    Attributes:
        distance: signed, shape (N,): above 0 inside.
        boundary: the point of the deciding boundary that is nearest to each image, shape (N, d); the image itself where
            the distance is infinite.
    """

    distance: Floats
    boundary: Floats


def signed_distances(forms: DecisionForms, images: Floats, thresholds: Floats | float = 0.0) -> Floats:
    """d_y(x) of every class, shape (N, m): to how much inside of its region an image is, negative for outside.

    Against one other class, class y wins by a margin of at least t on the set {x : xᵀ(M_y − M_k − t)x ≥ 0} of images.
    With s_yk(x) for the distance of x to the complement of this set where x is in it, and minus the distance to the set
    where it is not,

        d_y(x) = min_k s_yk(x),   |d_y(x + δ) − d_y(x)| ≤ ‖δ‖.

    The proof: a distance to a set is 1-Lipschitz, by the triangle inequality. So is s_yk, on both sides of its
    boundary, and across it: a path from x to x + δ meets the boundary at a point z, |s_yk(x)| ≤ ‖x − z‖ and
    |s_yk(x + δ)| ≤ ‖x + δ − z‖, which add up to ‖δ‖. And a least one of 1-Lipschitz functions is 1-Lipschitz, too.

    With t = 0 it is the exact radius where y wins, :func:`certify_l2`. Where y does not win, −d_y is the distance to
    the farthest of the sets of images on which y beats one other class: no image on which it beats all is nearer. Each
    s_yk is found exactly, by :func:`nearest_flips`; rounding makes it smaller in size. Infinite where y beats k on
    all images, or on none.

    Args:
        forms: the classifier.
        images: shape (N, d).
        thresholds: t, in units of xᵀM_k x/xᵀx; for class y against class k in row y and column k, shape (m, m), or one
            for each class y, shape (m, 1), or one for all.

    Raises:
        InputError: images that do not fit, or thresholds of another shape.
    """
    images, _ = check_images(forms, images, np.zeros(len(images), dtype=np.int64))
    limits = _limits(forms, thresholds)
    found = np.full((len(images), forms.num_classes), np.inf)
    for (j, k), spectrum in forms.all_spectra().items():
        coordinates = images @ spectrum.vectors
        there = _signed(spectrum.values - limits[j, k], coordinates).distance
        same = limits[j, k] == -limits[k, j]
        back = -there if same else _signed(-spectrum.values - limits[k, j], coordinates).distance
        found[:, j], found[:, k] = np.minimum(found[:, j], there), np.minimum(found[:, k], back)
    return found


def label_distances(
    forms: DecisionForms, images: Floats, labels: Integers, thresholds: Floats | float = 0.0
) -> LabelDistances:
    """:func:`signed_distances` of one class an image, and the boundary that decides it.

    Args:
        forms: the classifier.
        images: shape (N, d).
        labels: the class y of each, shape (N,).
        thresholds: as for :func:`signed_distances`.

    Raises:
        InputError: images or labels that do not fit, or thresholds of another shape.
    """
    images, labels = check_images(forms, images, labels)
    limits, distance, boundary = _limits(forms, thresholds), np.full(len(images), np.inf), images.copy()
    chosen, bounds = np.full(len(images), forms.num_classes), radius_bounds(forms, images, labels, limits)
    for label, opponent, mine in most_promising(labels, bounds, distance):
        spectrum = forms.spectrum(label, opponent)
        found = _signed(spectrum.values - limits[label, opponent], images[mine] @ spectrum.vectors)
        # Of equally near ones the first.
        before = (found.distance == distance[mine]) & (opponent < chosen[mine])
        lower = (found.distance < distance[mine]) | (before & np.isfinite(found.distance))
        distance[mine[lower]], chosen[mine[lower]] = found.distance[lower], opponent
        boundary[mine[lower]] = found.boundary[lower] @ spectrum.vectors.T
    boundary[np.isinf(distance)] = images[np.isinf(distance)]
    return LabelDistances(distance, boundary)


def moved_out(images: Floats, found: LabelDistances, radius: float) -> Floats:
    """Images at a distance of ``radius`` whose signed distances are the least, or nearly, shape (N, d).

    From inside through the nearest point of the boundary, from outside away from it: along a line that is normal to
    the boundary, on which the distance falls by all of ``radius`` as long as no other part of the boundary is nearer.
    Pixels may leave [0, 1]. An image without a boundary stays.

    Args:
        images: shape (N, d).
        found: their :func:`label_distances`.
        radius: in l2, from 0.
    """
    way = (found.boundary - images) * np.sign(np.where(np.isfinite(found.distance), found.distance, 0))[:, None]
    length = np.linalg.norm(way, axis=1, keepdims=True)
    moved: Floats = images + radius * np.divide(way, length, out=np.zeros_like(way), where=length > 0)
    return moved


def _signed(values: Floats, coordinates: Floats) -> LabelDistances:
    """The signed distances s of points in the eigenbasis of one form, and the points of the boundary, in it, too."""
    inside = coordinates**2 @ values > 0
    distance, points = np.zeros(len(coordinates)), coordinates.copy()
    for rows, sign in ((inside, 1), (~inside, -1)):
        if rows.any():
            nearest = nearest_flips(sign * values, coordinates[rows])
            distance[rows], points[rows] = sign * nearest.lower, nearest.points
    return LabelDistances(distance, points)


def _limits(forms: DecisionForms, thresholds: Floats | float) -> Floats:
    count, array = forms.num_classes, np.asarray(thresholds, dtype=np.float64)
    if array.shape not in ((), (count, 1), (count, count)) or np.isnan(array).any():
        raise InputError(
            "the thresholds do not fit the classifier",
            got=f"shape {array.shape}" + (" with NaN" if np.isnan(array).any() else ""),
            expected=f"one number, or shape ({count}, 1) or ({count}, {count})",
            remedy="give one for every class, or for every two",
        )
    # Where everything is in the region, or nothing, any threshold beyond the spectra says the same.
    return np.broadcast_to(np.clip(array, -_BEYOND, _BEYOND), (count, count))


#: A threshold beyond the spectra of forms of any sensible scale, and yet finite.
_BEYOND = 1e100
