"""The quadratic forms of a classifier and the spectra of its decisions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.labels import check_labels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: So many have no more pairs than classes.
FEW_CLASSES = 3
#: Of bounds of eigenvalues, relative to the largest one.
_ROUNDING = 1e-12


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
class _Kept:
    """What has been computed of a classifier: by pair of classes j < k, and by class."""

    spectra: dict[tuple[int, int], Spectrum] = field(default_factory=dict)
    extremes: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)
    classes: list[Floats] = field(default_factory=list)


def _untold(pairs: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True, eq=False)
class DecisionForms:
    """A classifier that gives x the class k with the largest xᵀM_k x; the first of equals.

    Dividing all logits by xᵀx, or multiplying them by a scale, changes no label, so a QVC on amplitude-encoded images
    is such a classifier.

    A decision between two classes is diagonalised when it is first asked for, and kept: 8·d² bytes each, m(m − 1)/2 of
    them, 221 MB for ten classes and 784 pixels. Few images need few of them.

    Attributes:
        matrices: M_k, shape (m, d, d), symmetric, on the d pixels of an image.
        advance: called with 1 after every pair that was diagonalised.
    """

    matrices: Floats
    # Made by a factory: as a class attribute the function would be documented as a method.
    advance: Callable[[int], object] = field(default_factory=lambda: _untold)
    _kept: _Kept = field(default_factory=_Kept)

    @property
    def num_classes(self) -> int:
        """How many classes there are, m."""
        return len(self.matrices)

    def __reduce__(self) -> tuple[object, ...]:
        # On its way to another process it leaves behind whom it told.
        return DecisionForms, (self.matrices, _untold, self._kept)

    def telling(self, advance: Callable[[int], object]) -> "DecisionForms":
        """The same classifier, with what is kept of it, that tells another one of every pair."""
        return DecisionForms(self.matrices, advance, self._kept)

    @property
    def num_decomposed(self) -> int:
        """How many pairs of classes have been diagonalised."""
        return len(self._kept.spectra)

    def spectrum(self, label: int, opponent: int) -> Spectrum:
        """The spectrum of M_label − M_opponent: 0.08 s for 784 pixels on one thread, unless it is kept."""
        if label > opponent:
            return self.spectrum(opponent, label).negated()
        if (label, opponent) not in self._kept.spectra:
            self._kept.spectra[label, opponent] = Spectrum(*np.linalg.eigh(self._difference(label, opponent)))
            self.advance(1)
        return self._kept.spectra[label, opponent]

    def all_spectra(self) -> dict[tuple[int, int], Spectrum]:
        """:meth:`spectrum` of all classes j < k."""
        return {(j, k): self.spectrum(j, k) for j, k in combinations(range(self.num_classes), 2)}

    def extremes(self, label: int, opponent: int) -> tuple[float, float]:
        """The least and the greatest eigenvalue of M_label − M_opponent: a third of the work of its spectrum."""
        if label > opponent:
            least, greatest = self.extremes(opponent, label)
            return -greatest, -least
        pair = label, opponent
        if pair not in self._kept.extremes:
            known = self._kept.spectra.get(pair)
            values = np.linalg.eigvalsh(self._difference(*pair)) if known is None else known.values
            self._kept.extremes[pair] = float(values.min()), float(values.max())
        return self._kept.extremes[pair]

    def least_bounds(self) -> Floats:
        """Lower bounds of the least eigenvalues of M_j − M_k, in row j and column k, shape (m, m).

        By Weyl's inequality from those of every M_k alone: m diagonalisations without vectors, for all pairs. Of up to
        three classes, which have no more pairs than that, the eigenvalues themselves.
        """
        if not self._kept.classes:
            if self.num_classes <= FEW_CLASSES:
                bounds = np.zeros((self.num_classes, self.num_classes))
                for j, k in combinations(range(self.num_classes), 2):
                    least, greatest = self.extremes(j, k)
                    bounds[j, k], bounds[k, j] = least, -greatest
            else:
                values = np.linalg.eigvalsh(self.matrices)
                bounds = values.min(1)[:, None] - values.max(1)
            self._kept.classes.append(bounds - _ROUNDING * np.abs(bounds).max())
        return self._kept.classes[0]

    def _difference(self, label: int, opponent: int) -> Floats:
        difference: Floats = self.matrices[label] - self.matrices[opponent]
        return difference

    def products(self, images: Floats) -> Floats:
        """M_k x, shape (m, N, d), for images of shape (N, d)."""
        # Symmetric matrices: rows times M are the products, transposed.
        return images @ self.matrices

    def differences(self, images: Floats, labels: Integers, opponents: Integers) -> Floats:
        """(M_label − M_opponent)x for every image with its own two classes, shape (N, d)."""
        result = np.empty_like(images)
        # Class by class: the difference of two matrices takes longer than their products with a few images.
        for j in np.unique(labels):
            result[labels == j] = images[labels == j] @ self.matrices[j]
        for k in np.unique(opponents):
            result[opponents == k] -= images[opponents == k] @ self.matrices[k]
        return result

    def values(self, images: Floats) -> Floats:
        """xᵀM_k x, shape (N, m), for images of shape (N, d), not normalised."""
        return np.einsum("knd,nd->nk", self.products(images), images)

    def labels(self, images: Floats) -> Integers:
        """The winning class, shape (N,)."""
        return self.values(images).argmax(1)


def decompose(matrices: Floats, advance: Callable[[int], object] = _untold) -> DecisionForms:
    """A classifier whose decisions between two classes are diagonalised, each when it is first asked for.

    Args:
        matrices: shape (m, d, d), m ≥ 2. Only the symmetric part counts.
        advance: called with 1 after every pair that was diagonalised.

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
    return DecisionForms((array + array.transpose(0, 2, 1)) / 2, advance)


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
