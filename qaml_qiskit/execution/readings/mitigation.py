"""Readout mitigation: our own calibration circuits, inverted qubit by qubit, or by mthree."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Correction, Estimates, Products, ReadoutMap
from qaml_qiskit.evaluation.estimates import joined
from qaml_qiskit.execution.readings.calibration import Calibration, invertible_readout
from qaml_qiskit.execution.readings.counts import averages, covariance_of_means, outcomes_of, pieces_of
from qaml_qiskit.execution.readings.m3 import m3_averages

#: |⟨Z⟩| that drift since the calibration may explain; half as much again as is possible is something else.
_FAR = 1.5
_SIGMAS = 5.0


@dataclass(frozen=True)
class ReadoutCorrection:
    """Inverts the readout errors of a calibration record, in any circuit that measures a subset of its qubits.

    Attributes:
        calibration: the record.
        method: ``readout`` inverts each qubit's Z by the errors of its own qubit, shot by shot in products, which is
            exact and unbiased at any number of shots for errors that are independent. ``m3`` inverts all qubits at once
            within the bitstrings that occurred (Nation et al., PRX Quantum 2, 040326): biased as long as the shots have
            not seen most of those that there are.
    """

    calibration: Calibration
    method: Literal["readout", "m3"]

    def estimates(self, bits: BitArray, measured: Sequence[int], products: Products | None = None) -> Estimates:
        """⟨P_s⟩ without the readout errors, with the covariance of their shots.

        Args:
            bits: outcomes of a broadcast PUB of N images with n classical bits.
            measured: the physical qubit behind each classical bit.
            products: of Z; by default Z of every classical bit.

        Returns:
            Values can leave [−1, 1] by shot noise; they are not clipped, because clipping biases.

        Raises:
            ConfigurationError: the calibration lacks a measured qubit, a qubit's readout carries no information, or
                values far beyond [−1, 1], which no shot noise explains.
        """
        products = products or Products.of_bits(bits.num_bits)
        found = self.by_qubit(bits, measured, products)
        if self.method == "m3":
            found = replace(found, values=m3_averages(self.calibration, bits, measured, products))
        self._check_possible(found, bits.num_shots, measured)
        return found

    def z_from_bits(self, bits: BitArray, measured: Sequence[int]) -> NDArray[np.floating]:
        """⟨Z_k⟩ of every classical bit without the readout errors, shape (N, n); see :meth:`estimates`."""
        return self.estimates(bits, measured).values

    def by_qubit(self, bits: BitArray, measured: Sequence[int], products: Products) -> Estimates:
        """As :meth:`estimates`, by inverting every qubit by itself whatever the method; impossible values are kept."""
        readout = self._checked(measured)
        return joined([self._inverted(piece, readout, products) for piece in pieces_of(bits, products)])

    def _inverted(self, bits: BitArray, readout: ReadoutMap, products: Products) -> Estimates:
        read, shots = averages(bits, products), 1.0 - 2.0 * outcomes_of(bits)
        shifted = shots - readout.offset
        values, outcomes = np.empty_like(read), np.empty((*shots.shape[:2], len(products.strings)))
        partials, contrast = np.zeros((len(read), *products.members.shape)), products.contrast(readout)
        for k, string in enumerate(products.strings):
            for bit in string:
                partials[:, k, bit] = shifted[..., [b for b in string if b != bit]].prod(axis=-1).mean(axis=-1)
            if len(string) == 1:
                # A straight line: the average is enough, and what it is shifted by has no part in its covariance.
                values[:, k] = (read[:, k] - readout.offset[string[0]]) / contrast[k]
                outcomes[..., k] = shots[..., string[0]]
            else:
                outcomes[..., k] = shifted[..., list(string)].prod(axis=-1)
                values[:, k] = outcomes[..., k].mean(axis=-1) / contrast[k]
        return Estimates(values, covariance_of_means(outcomes), Correction(products, readout, partials))

    def _checked(self, measured: Sequence[int]) -> ReadoutMap:
        """The readout errors of the measured qubits, after all of them were found to be invertible."""
        record = self.calibration
        missing = [qubit for qubit in measured if qubit not in record.qubits]
        if missing:
            raise ConfigurationError(
                "the readout calibration does not cover the circuit",
                got=f"qubits {list(record.qubits)}",
                expected=f"also qubits {missing}",
                remedy="calibrate again for this layout",
            )
        return invertible_readout(record, measured, "choose a layout without this qubit, or leave out the mitigation")

    def _check_possible(self, found: Estimates, shots: int, measured: Sequence[int]) -> None:
        """Raise ConfigurationError for |⟨P⟩| far above 1, which only a calibration of something else can give."""
        assert found.correction is not None
        products, contrast = found.correction.products, found.correction.contrast
        # Of a product each of its qubits may have drifted as far, and each has its own errors by the calibration.
        size = np.array([len(string) for string in products.strings])
        margin = _SIGMAS * (shots**-0.5 + (size / self.calibration.shots) ** 0.5) / contrast
        largest = np.abs(found.values).max(axis=0)
        for string, value, limit in zip(products.strings, largest, _FAR**size + margin, strict=True):
            if value > limit:
                qubits = [measured[bit] for bit in string]
                told = f"qubit {qubits[0]}" if len(qubits) == 1 else f"qubits {', '.join(map(str, qubits))}"
                raise ConfigurationError(
                    f"the readout calibration does not belong to what {told} read",
                    got=f"|⟨{'Z' * len(qubits)}⟩| up to {value:.3g} after mitigation",
                    expected=f"at most 1, or {limit:.3g} with the shot noise of {shots} shots and of the calibration",
                    remedy="measure a new calibration under the same options, or score the raw counts with "
                    "--mitigation none",
                )
