"""Readouts with a trained linear head: any number of classes from the qubits there are."""

from collections.abc import Sequence

import numpy as np

from qaml_qiskit.circuits.readout import Readout
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead, ZString


class LinearReadout(Readout):
    """Logits W·⟨P⟩ + b of the averages of all Z_q, or of the observables; W and b are trained with the circuit."""

    name = "linear"
    trained = True
    takes_observables = True

    def check(self) -> None:
        """Raise ConfigurationError for fewer than two classes, or more than the strings have outcomes.

        r strings of which none is a product of others have 2^r outcomes. With more classes than that, some class would
        be the answer to no outcome, and could only win where the averages waver between those of others.
        """
        if self.num_classes < 2:
            raise ConfigurationError(
                "cannot read the classes with a linear head",
                got=f"{self.num_classes} class",
                expected="at least two",
                remedy="choose more classes",
            )
        rank = _independent(self.strings)
        if self.num_classes > 2**rank:
            raise ConfigurationError(
                "the linear head has more outputs than its features can tell apart",
                got=f"{self.num_classes} classes from {len(self.strings)} average{'s' * (len(self.strings) != 1)} of "
                f"products of Z, which have {2**rank} outcomes",
                expected=f"at most {2**rank} classes, an outcome for each",
                remedy="choose fewer classes, more observables or larger images",
            )

    @property
    def strings(self) -> tuple[ZString, ...]:
        """The observables, or Z of every qubit."""
        return self.observed or tuple((qubit,) for qubit in range(self.num_qubits))

    @property
    def head(self) -> LinearHead:
        """Class k reads the k-th average; where there are more classes, they lie around a circle, in all frequencies.

        The rows have unit length, and no two are equal.
        """
        size = len(self.strings)
        if self.num_classes <= size:
            return LinearHead(np.eye(self.num_classes, size), np.zeros(self.num_classes))
        angles = 2 * np.pi * np.arange(self.num_classes) / self.num_classes
        waves = [np.cos if column % 2 == 0 else np.sin for column in range(size)]
        columns = [wave(angles * (column // 2 + 1)) for column, wave in enumerate(waves)]
        matrix = np.stack(columns, axis=1)
        return LinearHead(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.zeros(self.num_classes))


class LinearZZReadout(LinearReadout):
    """As linear, from the averages of all Z_q and all Z_q·Z_{q+1}."""

    name = "linear-zz"
    takes_observables = False

    @property
    def strings(self) -> tuple[ZString, ...]:
        """Z of every qubit, then of every two neighbours."""
        return (*super().strings, *((qubit, qubit + 1) for qubit in range(self.num_qubits - 1)))


def _independent(strings: Sequence[ZString]) -> int:
    """How many of the strings are no product of others: the rank over the field of two elements."""
    basis: list[int] = []
    for string in strings:
        rest = sum(1 << qubit for qubit in string)
        for known in basis:
            rest = min(rest, rest ^ known)
        if rest:
            basis.append(rest)
    return len(basis)
