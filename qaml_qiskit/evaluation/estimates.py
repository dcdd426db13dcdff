"""Averages of products of Z as they were measured, and how sure they are, with the readout errors inverted or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.head import LinearHead
from qaml_qiskit.evaluation.products import Products
from qaml_qiskit.evaluation.readout import ReadoutMap

Floats = NDArray[np.floating]
#: Contrast of a calibration that is drawn, at least: its inverse stays finite.
_LEAST_DRAWN = 1e-3


@dataclass(frozen=True)
class Correction:
    """Readout errors that were inverted, qubit by qubit.

    Of a qubit that is read as r = ±1, (r − offset)/contrast is Z on average, whatever the state; the qubits' errors are
    independent, so ∏(r_i − o_i)/∏c_i is ∏Z_i. Shots and calibration act on the numerator and on the contrasts.

    Attributes:
        products: of n qubits.
        readout: their errors, as calibrated, shape (n,).
        partials: averages of ∏_{j≠i}(r_j − o_j) over the qubits of a product but qubit i: how its numerator goes
            with what qubit i reads. Shape (N, S, n), 0 for a qubit that the product does not have.
    """

    products: Products
    readout: ReadoutMap
    partials: Floats

    @classmethod
    def of_bits(cls, readout: ReadoutMap) -> "Correction":
        """Of Z of every measured qubit by itself."""
        products = Products.of_bits(len(readout.p10))
        return cls(products, readout, products.single_partials())

    @property
    def contrast(self) -> NDArray[np.float64]:
        """∏c_i of each product, shape (S,)."""
        return self.products.contrast(self.readout)

    def read(self, values: Floats) -> Floats:
        """What is read of averages without readout errors, to first order in the offsets, shape (N, S)."""
        read: Floats = self.contrast * values + self.shift(self.readout.offset)
        return read

    def images(self, rows: NDArray[np.integer]) -> "Correction":
        """That of some images."""
        return replace(self, partials=self.partials[rows]) if len(self.partials) > 1 else self

    def shift(self, offset: NDArray[np.float64]) -> Floats:
        """What these offsets of the qubits, shape (n,), add to what is read of the products, shape (N, S)."""
        return np.einsum("nsi,i->ns", self.partials, offset)

    def covariance(self, values: Floats) -> Floats:
        """Covariance of the numerators by the calibration's shots, to first order, shape (N, S, S).

        Per qubit, with σ² of p10 and p01 by the calibration: a product of one moves by (1 + Z)·δp10 − (1 − Z)·δp01.
        That all images share these errors is not in here.

        Args:
            values: averages without readout errors, shape (N, S).
        """
        of_p10, of_p01 = self.readout.variances()
        products = self.products
        rest = np.where(products.members, self.contrast[:, None] / self.readout.contrast, 0)
        scaled = values[:, :, None] * rest
        moved = (
            np.einsum("nsi,nti,i->nst", part, part, variance)
            for part, variance in ((self.partials + scaled, of_p10), (self.partials - scaled, of_p01))
        )
        found: Floats = sum(moved, np.zeros(()))
        return found


@dataclass(frozen=True)
class Estimates:
    """⟨P_s⟩ of S products of Z for N images, from a finite number of shots.

    Attributes:
        values: after mitigation, if there was any; shape (N, S).
        covariance: by the images' own shots, of what is read; after mitigation, of the numerators, which are not yet
            divided by the contrasts. Shape (N, S, S).
        correction: the readout errors that were inverted; None for none.
    """

    values: Floats
    covariance: Floats
    correction: Correction | None = None

    @property
    def read(self) -> Floats:
        """What is read on average, as the correction takes it; mitigation is affine in it. Shape (N, S).

        But for M3, which cuts to the bitstrings that occurred: what it makes of them is kept.
        """
        return self.values if self.correction is None else self.correction.read(self.values)

    @property
    def is_corrected(self) -> bool:
        """Whether readout errors were inverted, by a calibration that all images share."""
        return self.correction is not None

    def shot_covariance(self) -> Floats:
        """Covariance of the values by the images' own shots alone; shape (N, S, S)."""
        if self.correction is None:
            return self.covariance
        contrast = self.correction.contrast
        own: Floats = self.covariance / np.outer(contrast, contrast)
        return own

    def whole_covariance(self) -> Floats:
        """Covariance of the values by all shots, those of the calibration included; shape (N, S, S).

        That all images share the errors of a calibration is not in here.
        """
        if self.correction is None:
            return self.covariance
        contrast = self.correction.contrast
        whole: Floats = (self.covariance + self.correction.covariance(self.values)) / np.outer(contrast, contrast)
        return whole

    def standard_errors(self) -> NDArray[np.float64]:
        """Of every value, by its shots and by the calibration's; shape (N, S)."""
        errors: NDArray[np.float64] = np.sqrt(np.diagonal(self.whole_covariance(), axis1=1, axis2=2))
        return errors

    def images(self, rows: NDArray[np.integer]) -> "Estimates":
        """Those of some images."""
        correction = None if self.correction is None else self.correction.images(rows)
        return Estimates(self.values[rows], self.covariance[rows], correction)

    def logits(self, head: LinearHead) -> Floats:
        """Shape (N, m)."""
        logits: Floats = head.logits(self.values)
        return logits

    def corrected(self, read: Floats, offset: NDArray[np.float64], scale: NDArray[np.float64]) -> Floats:
        """Values from what is read, by a calibration that found these; see :meth:`calibrations`.

        Args:
            read: as :attr:`read`, shape (N, S).
            offset: of the qubits, shape (n,).
            scale: of the products, shape (S,).
        """
        if self.correction is None:
            return read
        corrected: Floats = (read - self.correction.shift(offset)) * scale
        return corrected

    def calibrations(
        self, generator: np.random.Generator, count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Offsets of the qubits (count, n) and inverse contrasts of the products (count, S) that calibrations find.

        By as many shots as the correction's; always the same where its errors are known exactly.
        """
        if self.correction is None:
            return np.zeros((count, 0)), np.ones((count, self.values.shape[1]))
        products, readout = self.correction.products, self.correction.readout
        if readout.shots is None:
            return np.tile(readout.offset, (count, 1)), np.tile(1 / self.correction.contrast, (count, 1))
        shape = (count, products.num_bits)
        drawn = ReadoutMap(
            *(generator.binomial(readout.shots, p, size=shape) / readout.shots for p in (readout.p10, readout.p01))
        )
        contrast = np.maximum(drawn.contrast, _LEAST_DRAWN)
        return drawn.offset, 1 / np.where(products.members, contrast[:, None], 1.0).prod(axis=2)


def joined(parts: Sequence[Estimates]) -> Estimates:
    """The estimates of several sets of images that were corrected alike, or not at all."""
    values, covariance = (
        np.concatenate(arrays) for arrays in zip(*((p.values, p.covariance) for p in parts), strict=True)
    )
    corrections = [part.correction for part in parts if part.correction is not None]
    if not corrections:
        return Estimates(values, covariance)
    partials = np.concatenate([each.partials for each in corrections])
    return Estimates(values, covariance, replace(corrections[0], partials=partials))


def factors(covariance: Floats) -> Floats:
    """F with F·Fᵀ = the covariance, shape (N, S, S); what rounding makes negative of it is none."""
    values, vectors = np.linalg.eigh(covariance)
    found: Floats = vectors * np.sqrt(np.maximum(values, 0))[:, None, :]
    return found
