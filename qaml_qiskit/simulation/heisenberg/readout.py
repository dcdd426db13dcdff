"""What is read of a propagated state or observable: averages of products of Z, and frequencies of bitstrings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors
from qaml_qiskit.simulation.readings import Reading, qubits_of

_I, _Z = 0, 2
#: What reading a qubit as ±1 measures where nothing is misread: coefficients of I, X, Z, Y.
PERFECT_READOUT = np.array([0.0, 0.0, 1.0, 0.0])


def zero_state(num_digits: int) -> FloatArray:
    """|0…0⟩ as a product of single-digit vectors, shape (1, D, 4)."""
    zero = np.zeros((1, num_digits, 4))
    zero[:, :, [_I, _Z]] = 1.0
    return zero


def observables_at(
    readings: Sequence[Reading], digit: Mapping[int, int], readout: Mapping[int, FloatArray], num_digits: int
) -> FloatArray:
    """What is read, as products of single-digit vectors, shape (m, D, 4).

    Args:
        readings: qubits, or tuples of them for products of Z.
        digit: of each qubit.
        readout: what reading each qubit measures, coefficients of I, X, Z, Y.
        num_digits: D.
    """
    factors = np.zeros((len(readings), num_digits, 4))
    factors[:, :, _I] = 1.0
    for row, reading in zip(factors, readings, strict=True):
        for qubit in qubits_of(reading):
            row[digit[qubit]] = readout[qubit]
    return factors


def expectation(values: Tensor, strides: Sequence[int], factors: FloatArray) -> Tensor:
    """The sum over strings of coefficient times value, for a product of sums of I and Z."""
    places, weights = np.zeros(1, dtype=np.int64), np.ones(1)
    for digit, row in enumerate(factors):
        # Whole numbers even where a readout that tells nothing leaves no term.
        terms = np.array([pauli for pauli in (_I, _Z) if row[pauli]], dtype=np.int64)
        places = np.add.outer(places, strides[digit] * terms).ravel()
        weights = np.multiply.outer(weights, row[terms]).ravel()
    chosen = values[torch.from_numpy(places).to(values.device)]
    return (torch.from_numpy(weights).to(chosen) * chosen).sum()


def read_strings(vectors: PauliVectors, digits: Sequence[int], readout: Sequence[FloatArray]) -> Tensor:
    """What is read on average of propagated states: products of Z of all sets of k digits, shape (B, 2^k).

    Args:
        vectors: expectation values of all strings.
        digits: those that are read; a set has the number with the bits of its digits in this order.
        readout: what reading each of them as ±1 measures, coefficients of I, X, Z, Y.
    """
    values = _z_strings(vectors, digits)
    for k, row in enumerate(readout):
        without, z = values.view(len(values), -1, 2, 2**k).unbind(2)
        values = torch.stack([without, float(row[_I]) * without + float(row[_Z]) * z], dim=2)
    return values.reshape(len(vectors.numbers), -1)


def bitstring_frequencies(vectors: PauliVectors, digits: Sequence[int], readout: Sequence[FloatArray]) -> Tensor:
    """How often every bitstring is read of propagated states, shape (B, 2^k), the first digit in the lowest bit.

    The 2^k strings of I and Z are the Walsh–Hadamard transform of the distribution. Frequencies are at least 0 and sum
    to 1: what rounding leaves below 0 is cut.

    Args:
        vectors: expectation values of all strings.
        digits: of the k qubits that are read.
        readout: what reading each of them as ±1 measures, coefficients of I, X, Z, Y.
    """
    values = _z_strings(vectors, digits)
    for k, row in enumerate(readout):
        # Of one qubit: the frequencies of 0 and 1 are (1 ± z)/2 with the read z = offset + contrast·⟨Z⟩.
        without, z = values.view(len(values), -1, 2, 2**k).unbind(2)
        offset, contrast = float(row[_I]), float(row[_Z]) * z
        values = torch.stack([(1 + offset) * without + contrast, (1 - offset) * without - contrast], dim=2) / 2
    frequencies = values.reshape(len(vectors.numbers), -1).clamp(min=0)
    # Summed by halves: in the same order whatever runs are beside it.
    total = frequencies
    while total.shape[1] > 1:
        total = total[:, ::2] + total[:, 1::2]
    return frequencies / total


def _z_strings(vectors: PauliVectors, digits: Sequence[int]) -> Tensor:
    """Expectation values of all products of Z of some digits, shape (B, 2^k)."""
    places = torch.zeros(1, dtype=torch.int64, device=vectors.numbers.device)
    for digit in digits:
        places = torch.cat([places, places + _Z * vectors.strides[digit]])
    return vectors.numbers[:, places]
