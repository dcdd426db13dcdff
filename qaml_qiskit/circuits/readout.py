"""From measured qubits to classes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from qaml_qiskit.circuits.observables import read_observables
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead, Products, ZString


class Readout(ABC):
    """Which products of Z are averaged over the shots, and which linear function of these averages the logits are.

    Every product comes from the same counts in the computational basis, so none costs a device anything more.

    Args:
        num_classes: m.
        num_qubits: n, of the ansatz.
        observables: products of Z of the user's own, such as ``ZIIZ``; the rightmost letter is qubit 0.

    Raises:
        ConfigurationError: the classes do not fit the qubits or the observables, or these are none of this readout's.
    """

    #: As it is registered in :data:`qaml_qiskit.circuits.READOUTS`.
    name: ClassVar[str]
    #: Whether :attr:`head` is only where training starts.
    trained: ClassVar[bool] = False
    #: Whether the user may say which products are read.
    takes_observables: ClassVar[bool] = False

    def __init__(self, num_classes: int, num_qubits: int, observables: Sequence[str] = ()) -> None:
        if observables and not self.takes_observables:
            raise ConfigurationError(
                f"the readout {self.name} has products of Z of its own",
                got=f"{len(observables)} observable{'s' * (len(observables) != 1)}",
                expected="none",
                remedy="leave out --observables, or choose --readout parity or linear",
            )
        self.num_classes, self.num_qubits = num_classes, num_qubits
        #: The user's products of Z; empty for none.
        self.observed = read_observables(observables, num_qubits)
        self.check()
        self._check_itself()

    @abstractmethod
    def check(self) -> None:
        """Raise ConfigurationError unless the classes fit the qubits."""

    @property
    @abstractmethod
    def strings(self) -> tuple[ZString, ...]:
        """The products of Z whose averages the logits are made of, each as its qubits in ascending order."""

    @property
    def qubits(self) -> tuple[int, ...]:
        """The qubits that are measured; classical bit i holds the i-th."""
        return tuple(sorted({qubit for string in self.strings for qubit in string}))

    @property
    def bits(self) -> tuple[ZString, ...]:
        """:attr:`strings` by classical bits: of each product the places of its qubits in :attr:`qubits`."""
        place = {qubit: bit for bit, qubit in enumerate(self.qubits)}
        return tuple(tuple(place[qubit] for qubit in string) for string in self.strings)

    @property
    def products(self) -> Products:
        """:attr:`bits` as averages of the measured qubits."""
        return Products(self.bits, len(self.qubits))

    @property
    def head(self) -> LinearHead:
        """From ⟨P⟩ of :attr:`strings` to logits of scale 1: class k is the k-th average, if not overridden."""
        size = len(self.strings)
        return LinearHead(np.eye(size), np.zeros(size))

    @property
    def reads_classes(self) -> bool:
        """Whether the logit of class k is ⟨Z⟩ of the k-th measured qubit times a scale, as with ``qubits``."""
        return not self.trained and self.head.is_scale and self.products == Products.of_bits(len(self.qubits))

    def _check_itself(self) -> None:
        strings, (classes, width) = self.strings, self.head.matrix.shape
        sound = all(string == tuple(sorted({*string} & {*range(self.num_qubits)})) != () for string in strings)
        if not sound or len({*strings}) < len(strings) or (classes, width) != (self.num_classes, len(strings)):
            raise ConfigurationError(
                f"the readout {self.name} does not add up",
                got=f"the strings {strings} and a head of shape {(classes, width)}",
                expected=f"different strings of ascending qubits below {self.num_qubits}, and a head with a row for "
                f"each of {self.num_classes} classes and a column for each string",
                remedy="correct its strings or its head",
            )
