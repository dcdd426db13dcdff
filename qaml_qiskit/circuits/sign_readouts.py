"""Readouts that need no training: the sign of an average, or an average a class."""

from qaml_qiskit.circuits.readout import Readout, check_two_classes, opposite
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead, ZString


class SingleReadout(Readout):
    """Two classes by one qubit, as binary classifiers of the literature: logits ⟨Z_0⟩ and −⟨Z_0⟩, times a scale."""

    name = "single"

    def check(self) -> None:
        """Raise ConfigurationError unless there are two classes."""
        check_two_classes(self)

    @property
    def strings(self) -> tuple[ZString, ...]:
        """Z of qubit 0."""
        return ((0,),)

    @property
    def head(self) -> LinearHead:
        """⟨Z_0⟩ and −⟨Z_0⟩."""
        return opposite()


class ParityReadout(Readout):
    """Two classes by the parity of all qubits, ±⟨Z…Z⟩; or with observables the k-th of them for class k.

    A single observable serves two classes by its sign, too.
    """

    name = "parity"
    takes_observables = True

    def check(self) -> None:
        """Raise ConfigurationError unless there are two classes, or an observable for each."""
        if len(self.observed) <= 1:
            check_two_classes(self)
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
        return opposite() if len(self.strings) == 1 else super().head
