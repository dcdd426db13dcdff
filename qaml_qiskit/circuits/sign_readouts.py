"""Readouts that need no training: the sign of an average, or an average a class."""

import numpy as np

from qaml_qiskit.circuits.readout import Readout
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead, ZString


class SingleReadout(Readout):
    """Two classes by one qubit, as binary classifiers of the literature: logits ⟨Z_0⟩ and −⟨Z_0⟩, times a scale."""

    name = "single"

    def check(self) -> None:
        """Raise ConfigurationError unless there are two classes."""
        _check_two_classes(self)

    @property
    def strings(self) -> tuple[ZString, ...]:
        """Z of qubit 0."""
        return ((0,),)

    @property
    def head(self) -> LinearHead:
        """⟨Z_0⟩ and −⟨Z_0⟩."""
        return _opposite()


class ParityReadout(Readout):
    """Two classes by the parity of all qubits, ±⟨Z…Z⟩; or with observables the k-th of them for class k.

    A single observable serves two classes by its sign, too.
    """

    name = "parity"
    takes_observables = True

    def check(self) -> None:
        """Raise ConfigurationError unless there are two classes, or an observable for each."""
        if len(self.observed) <= 1:
            _check_two_classes(self)
        elif len(self.observed) != self.num_classes:
            raise ConfigurationError(
                "cannot read the classes from the observables",
                got=f"{self.num_classes} classes and {len(self.observed)} observables",
                expected=f"{self.num_classes} observables, one for each class",
                remedy="give one for each class, or choose --readout linear, which weighs any number of them",
            )

    @property
    def strings(self) -> tuple[ZString, ...]:
        """The observables, or Z on all qubits."""
        return self.observed or (tuple(range(self.num_qubits)),)

    @property
    def head(self) -> LinearHead:
        """An average a class, or one average for both."""
        return _opposite() if len(self.strings) == 1 else super().head


def _check_two_classes(readout: Readout) -> None:
    """Raise ConfigurationError unless there are two classes, which one average tells apart by its sign."""
    if readout.num_classes != 2:
        raise ConfigurationError(
            f"cannot read the classes with the readout {readout.name}",
            got=f"{readout.num_classes} classes",
            expected="two, told apart by the sign of one average",
            remedy="choose two classes with --classes, or a readout for more, such as --readout linear",
        )


def _opposite() -> LinearHead:
    """The head of two classes and one average: ⟨P⟩ for the first class, −⟨P⟩ for the second."""
    return LinearHead(np.array([[1.0], [-1.0]]), np.zeros(2))
