"""What endless shots would give of a readout's products of Z, and of the others that their errors follow from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation import Correction, Products, ReadoutMap, ZString
from qaml_qiskit.formats import Arrays

Floats = NDArray[np.floating]
#: Averages (N, K) of K products of Z, given by their bits, with the readout errors in them or without.
Ask = Callable[[Sequence[ZString], bool], Floats]


@dataclass(frozen=True)
class Averages:
    """Averages over endless shots of N images.

    Attributes:
        read: of the products, with the readout errors in them, shape (N, S).
        overlaps: of :attr:`.Products.overlaps`, also as read; None where there are none.
        bare: of the products and those that are shorter, without readout errors; None where a straight line of ``read``
            gives them, or where they are not asked for.
    """

    read: Floats
    overlaps: Floats | None = None
    bare: Floats | None = None

    @classmethod
    def asked(cls, products: Products, ask: Ask, *, bare: bool) -> "Averages":
        """Those that are needed, by a way to average any products.

        Args:
            products: that the readout averages.
            ask: averages products.
            bare: whether those without readout errors are wanted.
        """
        size, wanted = len(products.strings), bare and not products.are_single
        read = ask((*products.strings, *products.overlaps), True)
        without = ask((*products.strings, *products.shorter), False) if wanted else None
        return cls(read[:, :size], read[:, size:] if products.overlaps else None, without)

    def arrays(self) -> Arrays:
        """By name, to be kept in a run; ``z`` is what is read."""
        found = {"z": self.read, "overlaps": self.overlaps, "bare": self.bare}
        return {name: values for name, values in found.items() if values is not None}

    @classmethod
    def joined(cls, blocks: Sequence[Arrays]) -> "Averages":
        """Of several blocks of images."""

        def of(name: str) -> Floats | None:
            return np.concatenate([block[name] for block in blocks]) if name in blocks[0] else None

        read = of("z")
        assert read is not None
        return cls(read, of("overlaps"), of("bare"))

    def in_double(self) -> "Averages":
        """The same in double precision."""
        return Averages.joined([{name: values.astype(np.float64) for name, values in self.arrays().items()}])

    def without_errors(self, products: Products, readout: ReadoutMap) -> Floats:
        """The products without readout errors, shape (N, S), in the precision of what is read."""
        if self.bare is not None:
            return self.bare[:, : len(products.strings)].astype(self.read.dtype)
        bits = [string[0] for string in products.strings]
        own = ReadoutMap(readout.p10[bits], readout.p01[bits])
        return own.inverted(self.read).astype(self.read.dtype)

    def spread(self, products: Products) -> Floats:
        """Covariance of one shot, shape (N, S, S); products that share no qubit are taken as independent."""
        columns = dict(zip(products.strings, self.read.T, strict=True))
        if self.overlaps is not None:
            columns |= dict(zip(products.overlaps, self.overlaps.T, strict=True))
        return products.spread(columns)

    def correction(self, products: Products, readout: ReadoutMap) -> Correction:
        """The readout errors inverted, by a calibration like ``readout``."""
        if self.bare is None:
            return Correction(products, readout, products.single_partials())
        columns = dict(zip((*products.strings, *products.shorter), self.bare.T, strict=True))
        return Correction(products, readout, products.partials(columns, readout))
