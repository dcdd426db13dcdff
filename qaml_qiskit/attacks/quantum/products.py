"""What a classifier makes of measured bits: averages of products of Z, and a linear head."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import LinearHead

#: The places of the qubits whose Z are multiplied.
Places = tuple[int, ...]


@dataclass(frozen=True)
class ZProducts:
    """Logits from averages of products of Z, each of whose Z may be changed by an affine map, as by readout errors.

    Such maps mix a product with the products of fewer of its qubits, so those have to be known too.

    Attributes:
        strings: the products that the logits are made of.
        head: from their averages to logits; None where they are the logits.
        known: the strings and all products of fewer of their qubits, in the order in which averages are given.
    """

    strings: tuple[Places, ...]
    head: LinearHead[Tensor] | None = None
    known: tuple[Places, ...] = field(init=False)
    # Of every string the rows of its parts, in the order of :func:`_parts_of`; the empty one has row 0, then `known`.
    _parts: tuple[Tensor, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the products of fewer qubits."""
        of_each = [list(_parts_of(string)) for string in self.strings]
        parts = {part for each in of_each for part in each} - {()}
        known = tuple(sorted(parts, key=lambda part: (len(part), part)))
        place = {part: number for number, part in enumerate(((), *known))}
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "_parts", tuple(torch.tensor([place[part] for part in each]) for each in of_each))

    @property
    def num_qubits(self) -> int:
        """How many qubits are measured."""
        return 1 + max(place for string in self.strings for place in string)

    def check(self, values: Tensor) -> None:
        """Raise InputError unless there is a column for every known product."""
        if values.dim() != 2 or values.shape[1] != len(self.known):
            raise InputError(
                "the measured values do not fit what is read",
                got=f"shape {tuple(values.shape)}",
                expected=f"(N, {len(self.known)}): the strings and all products of fewer of their qubits",
                remedy="give the averages of `known`, in its order",
            )

    def changed(self, values: Tensor, contrast: Tensor, offset: Tensor) -> Tensor:
        """Averages of the strings, shape (N, S), where contrast·Z + offset stands for the Z of every qubit.

        Args:
            values: averages of :attr:`known`, shape (N, K).
            contrast: shape (qubits,).
            offset: shape (qubits,).
        """
        factors = values.new_zeros((1 + len(self.known), len(self.strings)))
        for column, (string, parts) in enumerate(zip(self.strings, self._parts, strict=True)):
            weights = values.new_ones(1)
            for qubit in reversed(string):
                weights = torch.outer(weights, torch.stack((offset[qubit], contrast[qubit])).to(values)).flatten()
            factors[parts, column] = weights
        return values @ factors[1:] + factors[0]

    def logits(self, values: Tensor) -> Tensor:
        """Logits, shape (N, m), from averages of the strings."""
        return values if self.head is None else self.head.converted(lambda part: part.to(values)).logits(values)


def _parts_of(string: Places) -> Iterator[Places]:
    """The products of some of the qubits, from none to all; bit k of a part's number says whether qubit k is in it."""
    for number in range(2 ** len(string)):
        yield tuple(place for bit, place in enumerate(string) if number >> bit & 1)
