"""Exact l2 radii: how far the nearest image of another label is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.certificates.forms import DecisionForms, Floats, Integers, check_images
from qaml_qiskit.certificates.nearest import nearest_flips
from qaml_qiskit.certificates.opponents import most_promising, radius_bounds

#: The witness goes this much further than the nearest boundary, relative to the radius.
OVERSHOOT = 1e-9


@dataclass(frozen=True, eq=False)
class L2Certificates:
    """What is certain about N images.

    Attributes:
        predicted: the classifier's labels, shape (N,).
        radius: shape (N,): every image closer than this in l2, whatever its pixels, has the same, right label. From the
            dual value, so it is a lower bound up to rounding. Zero for a misclassified image; infinite where no image
            has another label.
        runner_up: the class whose boundary is nearest, shape (N,); the predicted one for a misclassified image, −1
            where the radius is infinite.
        boundary: the nearest images of the boundary, shape (N, d); the image itself where there is none.
        distance: of those from the images, shape (N,): an upper bound of the exact radius, which lies between.
        flips: whether the forms, in double precision, give :meth:`beyond` another label, shape (N,).
    """

    images: Floats
    predicted: Integers
    radius: Floats
    runner_up: Integers
    boundary: Floats
    distance: Floats
    flips: NDArray[np.bool_]

    def beyond(self, overshoot: float = OVERSHOOT) -> Floats:
        """Witnesses: on the ray from the image through the boundary, (1 + overshoot) times as far, shape (N, d)."""
        return self.images + (1 + overshoot) * (self.boundary - self.images)


def certify_l2(forms: DecisionForms, images: Floats, labels: Integers) -> L2Certificates:
    """Exact l2 radii, against all classes.

    The label of x' differs from j exactly where x'ᵀ(M_j − M_k)x' < 0 for some k, so the radius is the least distance of
    these sets, and each of them is found by :func:`nearest_flips`, unless a bound tells that it is not the least.

    Args:
        forms: the classifier.
        images: shape (N, d), not normalised: the radius is in units of their pixels.
        labels: the true classes, shape (N,).

    Raises:
        InputError: images or labels that do not fit.
    """
    images, labels = check_images(forms, images, labels)
    predicted = forms.labels(images)
    radius = np.where(predicted == labels, np.inf, 0.0)
    runner_up = np.where(predicted == labels, -1, predicted)
    boundary = images.copy()
    right = np.flatnonzero(predicted == labels)
    bounds, best = radius_bounds(forms, images[right], labels[right]), radius[right]
    for label, opponent, rows in most_promising(labels[right], bounds, best):
        spectrum, mine = forms.spectrum(label, opponent), right[rows]
        nearest = nearest_flips(spectrum.values, images[mine] @ spectrum.vectors)
        # Of equally near ones the first.
        closer = (nearest.lower < best[rows]) | ((nearest.lower == best[rows]) & (opponent < runner_up[mine]))
        best[rows[closer]] = nearest.lower[closer]
        runner_up[mine[closer]] = opponent
        boundary[mine[closer]] = nearest.points[closer] @ spectrum.vectors.T
    radius[right] = best
    distance = np.linalg.norm(boundary - images, axis=1)
    distance[np.isinf(radius)] = np.inf
    found = L2Certificates(images, predicted, radius, runner_up, boundary, distance, np.zeros(len(images), dtype=bool))
    flips = (forms.labels(found.beyond()) != labels) & np.isfinite(radius)
    return L2Certificates(images, predicted, radius, runner_up, boundary, distance, flips)
