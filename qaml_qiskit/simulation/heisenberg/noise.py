"""What an Aer noise model does to an instruction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qiskit_aer.noise import NoiseModel

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import ReadoutMap
from qaml_qiskit.noise import aer_model
from qaml_qiskit.simulation.heisenberg.channels import Channel, FloatArray, split
from qaml_qiskit.simulation.heisenberg.instructions import error_transfer


def readout_map(model: NoiseModel | None, qubits: Sequence[int]) -> ReadoutMap:
    """What the model's readout errors make of the ⟨Z⟩ of these qubits.

    Raises:
        ConfigurationError: if the model describes the reading of a qubit together with others.
    """
    table = NoiseTable(model)
    offset, contrast = np.array([table.readout(qubit)[[0, 2]] for qubit in qubits]).T
    return ReadoutMap.affine(contrast, offset)


class NoiseTable:
    """Looks up a model's errors as Aer does: by label or name, those of particular qubits before those of all.

    Args:
        model: the noise model; None for no noise.
        is_split: whether errors come as the cheaper parts that they are products of, or each as one channel.
    """

    def __init__(self, model: NoiseModel | None, *, is_split: bool = True) -> None:
        self._is_split = is_split
        model = model or NoiseModel()
        self._everywhere, self._local = aer_model.errors_everywhere(model), aer_model.local_errors(model)
        self._readout, self._local_readout = aer_model.readout_error(model), aer_model.local_readout_errors(model)
        self._known: dict[str, list[Channel]] = {}
        #: Aer's own passes, which insert noise where a circuit waits; None where the model has none.
        self.passes = aer_model.waiting_passes(model)
        #: Labels and names of instructions whose error was asked for and found.
        self.touched: set[str] = set()

    @property
    def instructions(self) -> set[str]:
        """Labels and names of all instructions that have an error, measurements left out."""
        return ({*self._everywhere} | {*self._local}) - {"measure"}

    def channels(self, label: str, qubits: Sequence[int]) -> list[Channel]:
        """The error of the instruction on these qubits, in time order; empty where there is none.

        Raises:
            ConfigurationError: for an error on more qubits than the instruction has.
        """
        error = self._local.get(label, {}).get(tuple(qubits), self._everywhere.get(label))
        if error is None:
            return []
        if error.num_qubits != len(qubits):
            raise ConfigurationError(
                f"the noise model's error for '{label}' does not fit",
                got=f"an error on {error.num_qubits} qubits, an instruction on qubits {list(qubits)}",
                expected="an error on as many qubits as the instruction has",
                remedy="correct the noise model",
            )
        self.touched.add(label)
        if error.id not in self._known:
            whole = Channel(tuple(range(error.num_qubits)), error_transfer(error))
            self._known[error.id] = split(whole) if self._is_split else [whole]
        return [part.on(qubits)._replace(source=(label, tuple(qubits))) for part in self._known[error.id]]

    def readout(self, qubit: int) -> FloatArray:
        """The observable that reading the qubit as ±1 measures: its coefficients of I, X, Z, Y, shape (4,).

        Raises:
            ConfigurationError: if the model describes the reading of this qubit together with others.
        """
        joint = [qubits for qubits in self._local_readout if len(qubits) > 1 and qubit in qubits]
        if joint:
            raise ConfigurationError(
                "cannot fold in a readout error of several qubits",
                got=f"one on qubits {list(joint[0])}",
                expected="readout errors of one qubit each",
                remedy="describe the readout of each qubit by itself, or leave it out",
            )
        error = self._local_readout.get((qubit,), self._readout)
        if error is None:
            return np.array([0.0, 0.0, 1.0, 0.0])
        # Row s of the probabilities: to read 0 and to read 1 where the qubit is in state s.
        values = np.asarray(error.probabilities, dtype=np.float64) @ (1.0, -1.0)
        return np.array([(values[0] + values[1]) / 2, 0.0, (values[0] - values[1]) / 2, 0.0])
