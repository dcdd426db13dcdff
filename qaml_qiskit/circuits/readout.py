"""From measured qubits to classes."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeVar

#: ⟨Z⟩ as an array or a tensor, shape (N, number of measured qubits), and what becomes of it.
Values = TypeVar("Values", bound=Any)


class Readout(ABC):
    """Which qubits are measured, how many classes they can tell apart, and how ⟨Z⟩ becomes logits.

    Args:
        num_classes: m.
        num_qubits: n, of the ansatz.

    Raises:
        ConfigurationError: the classes do not fit the qubits.
    """

    #: As it is registered in :data:`qaml_qiskit.circuits.READOUTS`.
    name: ClassVar[str]
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
    def qubits(self) -> tuple[int, ...]:
        """The qubits that are measured; classical bit i holds the i-th."""

    @abstractmethod
    def logits(self, z: Values, scale: float) -> Values:
        """Logits, shape (N, m), from ⟨Z⟩ of :attr:`qubits`, shape (N, number of qubits)."""
