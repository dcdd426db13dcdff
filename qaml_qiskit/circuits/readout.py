"""From measured qubits to classes."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeVar

import numpy as np

from qaml_qiskit.evaluation.head import LinearHead

#: The qubits whose Z are multiplied.
ZString = tuple[int, ...]
#: ⟨Z⟩ as an array or a tensor, shape (N, number of measured qubits), and what becomes of it.
Values = TypeVar("Values", bound=Any)


class Readout(ABC):
    """Which products of Z are averaged over the shots, and which linear function of these averages the logits are.

    Every product comes from the same counts in the computational basis, so none costs a device anything more.

    Args:
        num_classes: m.
        num_qubits: n, of the ansatz.

    Raises:
        ConfigurationError: the classes do not fit the qubits.
    """

    #: As it is registered in :data:`qaml_qiskit.circuits.READOUTS`.
    name: ClassVar[str]
    #: Whether :attr:`head` is only where training starts.
    trained: ClassVar[bool] = False
    #: Whether the logit of class k is ⟨Z⟩ of the k-th qubit times the scale. Targets, sweeps, certificates and
    #: tampering take it for granted, and refuse a readout that does not say so.
    reads_z: ClassVar[bool] = False

    def __init__(self, num_classes: int, num_qubits: int) -> None:
        self.num_classes, self.num_qubits = num_classes, num_qubits
        self.check()

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
    def head(self) -> LinearHead:
        """From ⟨P⟩ of :attr:`strings` to logits of scale 1: class k is the k-th average, if not overridden."""
        size = len(self.strings)
        return LinearHead(np.eye(size), np.zeros(size))

    @abstractmethod
    def logits(self, z: Values, scale: float) -> Values:
        """Logits, shape (N, m), from ⟨Z⟩ of :attr:`qubits`, shape (N, number of qubits)."""
