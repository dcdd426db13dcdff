"""The quadratic forms of a classifier and the spectra of its decisions."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.labels import check_labels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A = V diag(a) Vᵀ, where xᵀAx > 0 decides for one class against another.

    Attributes:
        values: a, shape (d,).
        vectors: V, shape (d, d), eigenvectors as columns.
    """

    values: Floats
    vectors: Floats

    def negated(self) -> "Spectrum":
        """The spectrum of −A, the same decision seen from the other class."""
        return Spectrum(-self.values, self.vectors)


@dataclass(frozen=True, eq=False)
class DecisionForms:
    """A classifier that gives x the class k with the largest xᵀM_k x; the first of equals.

    Dividing all logits by xᵀx, or multiplying them by a scale, changes no label, so a QVC on amplitude-encoded images
    is such a classifier.

    Attributes:
        matrices: M_k, shape (m, d, d), symmetric, on the d pixels of an image.
        spectra: for classes j < k the spectrum of M_j − M_k. 8·d² bytes each, m(m − 1)/2 of them: 221 MB for ten
            classes and 784 pixels.
    """

    matrices: Floats
    spectra: dict[tuple[int, int], Spectrum]

    @property
    def num_classes(self) -> int:
        """How many classes there are, m."""
        return len(self.matrices)

    def spectrum(self, label: int, opponent: int) -> Spectrum:
        """The spectrum of M_label − M_opponent."""
        if label < opponent:
            return self.spectra[label, opponent]
        return self.spectra[opponent, label].negated()

    def products(self, images: Floats) -> Floats:
        """M_k x, shape (m, N, d), for images of shape (N, d)."""
        # Symmetric matrices: rows times M are the products, transposed.
        return images @ self.matrices

    def differences(self, images: Floats, labels: Integers, opponents: Integers) -> Floats:
        """(M_label − M_opponent)x for every image with its own two classes, shape (N, d)."""
        result = np.empty_like(images)
        for j, k in np.unique(np.stack([labels, opponents], 1), axis=0):
            mine = (labels == j) & (opponents == k)
            result[mine] = images[mine] @ (self.matrices[j] - self.matrices[k])
        return result

    def values(self, images: Floats) -> Floats:
        """xᵀM_k x, shape (N, m), for images of shape (N, d), not normalised."""
        return np.einsum("knd,nd->nk", self.products(images), images)

    def labels(self, images: Floats) -> Integers:
        """The winning class, shape (N,)."""
        return self.values(images).argmax(1)


def decompose(matrices: Floats, advance: Callable[[int], object] = lambda steps: None) -> DecisionForms:
    """Diagonalise every decision between two classes: one-off work, 0.14 s a pair for 784 pixels on one thread.

    Args:
        matrices: shape (m, d, d), m ≥ 2. Only the symmetric part counts.
        advance: called with 1 after every pair.

    Raises:
        InputError: another shape, or entries that are not finite.
    """
    array = np.asarray(matrices, dtype=np.float64)
    if array.ndim != 3 or len(array) < 2 or array.shape[1] != array.shape[2] or not np.isfinite(array).all():
        raise InputError(
            "these matrices are no classifier",
            got=f"shape {array.shape}" + ("" if np.isfinite(array).all() else " with entries that are not finite"),
            expected="shape (m, d, d) with m ≥ 2, finite",
            remedy="give one square matrix for every class",
        )
    symmetric = (array + array.transpose(0, 2, 1)) / 2
    spectra = {}
    for j, k in combinations(range(len(symmetric)), 2):
        spectra[j, k] = Spectrum(*np.linalg.eigh(symmetric[j] - symmetric[k]))
        advance(1)
    return DecisionForms(symmetric, spectra)


def check_bounds(bounds: object, count: int, what: str) -> Floats:
    """One bound an image, shape (count,), in double precision; infinite ones are allowed.

    Raises:
        InputError: another shape, or a bound that is negative or NaN.
    """
    array = np.asarray(bounds)
    if array.shape != (count,) or array.dtype.kind not in "biuf" or not (array >= 0).all():
        raise InputError(
            f"the {what} do not fit the images",
            got=f"shape {array.shape} and type {array.dtype}",
            expected=f"shape ({count},), from 0 up",
            remedy="pass what was certified for these very images",
        )
    return array.astype(np.float64)


def check_images(forms: DecisionForms, images: object, labels: object) -> tuple[Floats, Integers]:
    """Images (N, d) in double precision and their labels (N,) as 64-bit integers; N may be 0.

    Args:
        forms: the classifier.
        images: an array or a tensor on the CPU, of real numbers.
        labels: classes of ``forms``, integers of any width.

    Raises:
        InputError: images that are not finite or of another shape, or labels that are no classes.
    """
    size, array = forms.matrices.shape[1], np.asarray(images)
    fits = array.ndim == 2 and array.shape[1] == size and array.dtype.kind in "biuf"
    if not fits or not np.isfinite(array).all():
        raise InputError(
            "the images cannot be certified",
            got=f"images of shape {array.shape} and type {array.dtype}"
            + (" with pixels that are not finite" if fits else ""),
            expected=f"finite real images of shape (N, {size})",
            remedy="flatten the images and check their pixels",
        )
    return array.astype(np.float64, copy=False), check_labels(labels, len(array), forms.num_classes)
