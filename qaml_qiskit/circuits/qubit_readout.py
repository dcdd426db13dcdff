"""The readout of the benchmark."""

from qaml_qiskit.circuits.readout import Readout
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import ZString


class QubitReadout(Readout):
    """Every class has a qubit of its own: the logit of class k is ⟨Z_k⟩ of qubit k, times a scale."""

    name = "qubits"

    def check(self) -> None:
        """Raise ConfigurationError unless every class has a qubit of its own to be read from."""
        num_classes, num_qubits = self.num_classes, self.num_qubits
        if num_classes >= 2 > num_qubits:
            raise ConfigurationError(
                "cannot read the classes from the qubits",
                got=f"{num_classes} classes on {num_qubits} qubit{'s' * (num_qubits != 1)}",
                expected=f"at least {num_classes} qubits, one for each class",
                remedy="use larger images, or for a few features the angle encoding, which has a qubit for each of "
                "them; two classes can be read from one qubit with --readout single",
            )
        if not 2 <= num_classes <= num_qubits:
            raise ConfigurationError(
                "cannot read the classes from the qubits",
                got=f"{num_classes} classes on {num_qubits} qubits",
                expected=f"2 to {num_qubits} classes, one qubit each",
                remedy="choose --readout linear, which reads any number of classes from the qubits there are, fewer "
                "classes, or larger images",
            )

    @property
    def strings(self) -> tuple[ZString, ...]:
        """Z of the qubits 0 … m−1."""
        return tuple((qubit,) for qubit in range(self.num_classes))
