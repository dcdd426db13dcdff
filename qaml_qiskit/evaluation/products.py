"""Averages of products of Z over the same shots, and which other averages their errors follow from."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.readout import ReadoutMap

#: The qubits whose Z are multiplied, ascending: a circuit's qubits, or their classical bits. None for the number 1.
ZString = tuple[int, ...]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Products:
    """S products of Z of n measured qubits.

    Attributes:
        strings: of each product its classical bits, in ascending order.
        num_bits: n.
    """

    strings: tuple[ZString, ...]
    num_bits: int

    @classmethod
    def of_bits(cls, num_bits: int) -> "Products":
        """Z of every measured qubit by itself."""
        return cls(tuple((bit,) for bit in range(num_bits)), num_bits)

    @cached_property
    def members(self) -> NDArray[np.bool_]:
        """Which bits each product has, shape (S, n)."""
        return np.array([[bit in string for bit in range(self.num_bits)] for string in self.strings])

    @property
    def are_single(self) -> bool:
        """Whether each is Z of one qubit, whose readout errors are a straight line."""
        return all(len(string) == 1 for string in self.strings)

    def contrast(self, readout: ReadoutMap) -> NDArray[np.float64]:
        """What readout errors leave of each product beside smaller ones: ∏(1 − p10 − p01), shape (S,)."""
        return np.where(self.members, readout.contrast, 1.0).prod(axis=1)

    @cached_property
    def shorter(self) -> tuple[ZString, ...]:
        """The products without one of their qubits that are not among the products."""
        found = (tuple(b for b in string if b != bit) for string in self.strings for bit in string)
        return self._others(found)

    @cached_property
    def overlaps(self) -> tuple[ZString, ...]:
        """What two products that share a qubit make of each other, for those that are not among the products."""
        return self._others(_times(s, t) for s in self.strings for t in self.strings if s != t and {*s} & {*t})

    @cached_property
    def parts(self) -> tuple[ZString, ...]:
        """Every product of some of the qubits of any of them, which readout errors mix into it; the shortest first."""
        found = {part for string in self.strings for part in _parts_of(string) if part}
        return tuple(sorted(found, key=lambda part: (len(part), part)))

    @property
    def below(self) -> tuple[ZString, ...]:
        """The :attr:`parts` of the products and of their overlaps."""
        return Products((*self.strings, *self.overlaps), self.num_bits).parts

    def _others(self, found: Iterable[ZString]) -> tuple[ZString, ...]:
        return tuple(string for string in dict.fromkeys(found) if string and string not in self.strings)

    @cached_property
    def _places(self) -> tuple[NDArray[np.intp], ...]:
        """Where the parts of each product, as :func:`_parts_of` gives them, are among 1 and :attr:`parts`."""
        place = {part: number for number, part in enumerate(((), *self.parts))}
        return tuple(np.array([place[part] for part in _parts_of(string)]) for string in self.strings)

    def mixing(
        self, contrast: NDArray[np.float64], offset: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What stands for the products where contrast·Z + offset stands for every Z: ∏(contrast·Z + offset).

        Args:
            contrast: shape (n,).
            offset: shape (n,).

        Returns:
            The K :attr:`parts` go in by a matrix, shape (S, K), and a constant is added, shape (S,).
        """
        factors = np.zeros((len(self.strings), 1 + len(self.parts)))
        for row, string, places in zip(factors, self.strings, self._places, strict=True):
            weights = np.ones(1)
            for bit in reversed(string):
                weights = np.outer(weights, (offset[bit], contrast[bit])).ravel()
            row[places] = weights
        return factors[:, 1:], factors[:, 0]

    def read(self, bare: Mapping[ZString, Floats], readout: ReadoutMap) -> Floats:
        """What is read of them on average, shape (N, S).

        Args:
            bare: averages without readout errors of all :attr:`parts`, each of shape (N,).
            readout: the errors, shape (n,).
        """
        matrix, constant = self.mixing(readout.contrast, readout.offset)
        read: Floats = np.stack([bare[part] for part in self.parts], axis=1) @ matrix.T + constant
        return read

    def spread(self, read: Mapping[ZString, Floats]) -> Floats:
        """Covariance of one shot's products, shape (N, S, S), in the precision of the averages.

        Products that share no qubit are taken as independent.

        Args:
            read: averages over endless shots, each of shape (N,), of the products and their :attr:`overlaps`.
        """
        size, first = len(self.strings), read[self.strings[0]]
        found = np.zeros((len(first), size, size), dtype=first.dtype)
        for k, one in enumerate(self.strings):
            found[:, k, k] = np.maximum(1 - read[one] ** 2, 0)
            for j, other in enumerate(self.strings[:k]):
                if {*one} & {*other}:
                    found[:, k, j] = found[:, j, k] = read[_times(one, other)] - read[one] * read[other]
        return found

    def single_partials(self) -> NDArray[np.float64]:
        """See :attr:`.Correction.partials`, where every product is one qubit: 1 for it, for any number of images."""
        return self.members[None].astype(np.float64)

    def partials(self, values: Mapping[ZString, Floats], readout: ReadoutMap) -> NDArray[np.float64]:
        """See :attr:`.Correction.partials`, from averages without readout errors.

        Args:
            values: each of shape (N,), of the products and those :attr:`shorter`.
            readout: the errors, shape (n,).
        """
        found = np.zeros((len(values[self.strings[0]]), len(self.strings), self.num_bits))
        for k, string in enumerate(self.strings):
            for bit in string:
                rest = tuple(b for b in string if b != bit)
                left = values[rest] if rest else 1.0
                found[:, k, bit] = left * readout.contrast[list(rest)].prod()
        return found


def _parts_of(string: ZString) -> Iterator[ZString]:
    """Products of some of the qubits, from none to all; bit k of a part's number says whether the k-th is in it."""
    for number in range(2 ** len(string)):
        yield tuple(bit for place, bit in enumerate(string) if number >> place & 1)


def _times(one: ZString, other: ZString) -> ZString:
    """The product of two products: where both have a qubit, Z² is 1."""
    return tuple(sorted({*one} ^ {*other}))
