"""Averages of products of Z by the frequencies of bitstrings, and what readout errors make of these."""

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.evaluation.products import Products
from qaml_qiskit.evaluation.readout import ReadoutMap

Floats = NDArray[np.floating]


def product_signs(products: Products) -> NDArray[np.float64]:
    """±1 of every product for every bitstring, the first qubit in the lowest bit, shape (2^n, S)."""
    return _factors(products, np.ones(products.num_bits), np.zeros(products.num_bits))


def readout_derivatives(bare: Floats, products: Products, readout: ReadoutMap) -> Floats:
    """Derivative of every average by the scale of each qubit's readout errors, at 1; shape (N, S, n).

    A qubit whose errors are λ times as frequent reads 1 + λ·(contrast − 1) times Z and λ·offset.

    Args:
        bare: how often every bitstring is there before it is read, shape (N, 2^n), the first qubit in the lowest bit.
        products: of the n measured qubits.
        readout: as calibrated.
    """
    found = np.zeros((len(bare), len(products.strings), products.num_bits))
    for bit in range(products.num_bits):
        contrast, offset = readout.contrast.copy(), readout.offset.copy()
        contrast[bit] -= 1
        mine = products.members[:, bit]
        found[:, mine, bit] = bare @ _factors(products, contrast, offset)[:, mine]
    return found


def read_frequencies(bare: Floats, readout: ReadoutMap) -> Floats:
    """How often every bitstring is read, shape (N, 2^n), by how often it is there before it is read."""
    n = len(readout.p10)
    tensor = bare.reshape(-1, *[2] * n)
    for bit, (p10, p01) in enumerate(zip(readout.p10, readout.p01, strict=True)):
        transition = np.array([[1 - p10, p01], [p10, 1 - p01]])
        tensor = np.moveaxis(np.tensordot(transition, tensor, (1, n - bit)), 0, n - bit)
    return np.asarray(tensor.reshape(len(bare), -1))


def _factors(products: Products, contrast: Floats, offset: Floats) -> NDArray[np.float64]:
    """∏(offset + contrast·Z) over the qubits of each product, for every bitstring, shape (2^n, S)."""
    n = products.num_bits
    z = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    factors: NDArray[np.float64] = np.where(products.members, (offset + contrast * z)[:, None, :], 1.0).prod(axis=2)
    return factors
