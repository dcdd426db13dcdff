"""What a classifier makes of measured bits: averages of products of Z, and a linear head."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import LinearHead, Products, ZString


@dataclass(frozen=True)
class ZProducts:
    """Logits from averages of products of Z, each of whose Z may be changed by an affine map, as by readout errors.

    Such maps mix a product with the products of fewer of its qubits, so those have to be known too.

    Attributes:
        strings: the products that the logits are made of, by the places of their qubits.
        head: from their averages to logits; None where they are the logits.
    """

    strings: tuple[ZString, ...]
    head: LinearHead[Tensor] | None = None

    @property
    def known(self) -> tuple[ZString, ...]:
        """The strings and all products of fewer of their qubits, in the order in which averages are given."""
        return self._products.parts

    @property
    def num_qubits(self) -> int:
        """How many qubits are measured."""
        return self._products.num_bits

    @cached_property
    def _products(self) -> Products:
        return Products(self.strings, 1 + max(place for string in self.strings for place in string))

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
        matrix, constant = (
            torch.from_numpy(part).to(values)
            for part in self._products.mixing(contrast.cpu().double().numpy(), offset.cpu().double().numpy())
        )
        return values @ matrix.T + constant

    def logits(self, values: Tensor) -> Tensor:
        """Logits, shape (N, m), from averages of the strings."""
        return values if self.head is None else self.head.converted(lambda part: part.to(values)).logits(values)
