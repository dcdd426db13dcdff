"""Averages of products of Z over the same shots, and which other averages their errors follow from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.readout import ReadoutMap

#: The classical bits whose ±1 are multiplied, in ascending order; none for the number 1.
BitString = tuple[int, ...]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Products:
    """S products of Z of n measured qubits.

    Attributes:
        strings: of each product its classical bits, in ascending order.
        num_bits: n.
    """

    strings: tuple[BitString, ...]
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
    def shorter(self) -> tuple[BitString, ...]:
        """The products without one of their qubits that are not among the products."""
        found = (tuple(b for b in string if b != bit) for string in self.strings for bit in string)
        return self._others(found)

    @cached_property
    def overlaps(self) -> tuple[BitString, ...]:
        """What two products that share a qubit make of each other, for those that are not among the products."""
        return self._others(_times(s, t) for s in self.strings for t in self.strings if s != t and {*s} & {*t})

    @cached_property
    def below(self) -> tuple[BitString, ...]:
        """Every product of some of the qubits of a product or an overlap: readout errors mix them into it."""
        found = (
            part
            for string in (*self.strings, *self.overlaps)
            for size in range(1, len(string) + 1)
            for part in combinations(string, size)
        )
        return (*self.strings, *self._others(found))

    def _others(self, found: Iterable[BitString]) -> tuple[BitString, ...]:
        return tuple(string for string in dict.fromkeys(found) if string and string not in self.strings)

    def spread(self, read: Mapping[BitString, Floats]) -> Floats:
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

    def partials(self, values: Mapping[BitString, Floats], readout: ReadoutMap) -> NDArray[np.float64]:
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


def read_average(bare: Mapping[BitString, Floats], readout: ReadoutMap, string: BitString) -> Floats:
    """What is read of a product of Z on average: ∏(contrast·Z + offset), multiplied out.

    Args:
        bare: averages without readout errors of all products of its qubits, arrays of one shape.
        readout: the errors of all measured qubits.
        string: the product.
    """

    def rest(left: BitString, taken: BitString) -> Any:
        if not left:
            return bare[taken] if taken else 1.0
        bit, others = left[0], left[1:]
        found = readout.contrast[bit] * rest(others, (*taken, bit))
        return found + readout.offset[bit] * rest(others, taken) if readout.offset[bit] else found

    read: Floats = rest(string, ())
    return read


def _times(one: BitString, other: BitString) -> BitString:
    """The product of two products: where both have a qubit, Z² is 1."""
    return tuple(sorted({*one} ^ {*other}))
