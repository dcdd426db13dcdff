"""From the outcomes of shots to averages of products of Z, and how sure these are."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.evaluation import Products

#: Numbers that are computed of outcomes at a time.
MOST_OUTCOMES = 2**23


def z_from_bits(bits: BitArray) -> NDArray[np.float64]:
    """⟨Z_k⟩ of every classical bit for a broadcast PUB of N images: shape (N, n)."""
    return averages(bits, Products.of_bits(bits.num_bits))


def averages(bits: BitArray, products: Products) -> NDArray[np.float64]:
    """⟨P_s⟩ of products of Z for a broadcast PUB of N images, all from the same shots: shape (N, S)."""
    return 1 - 2 * _parities(bits, products).mean(axis=-2)


def average_covariance(bits: BitArray, products: Products) -> NDArray[np.float64]:
    """Covariance of :func:`averages`, from the shots themselves: shape (N, S, S).

    Products share shots, so the errors of their averages are correlated, and whether a label is safe depends on the
    difference of two logits. One shot tells nothing about its own spread; it gets the largest, 1.
    """
    return np.concatenate(
        [covariance_of_means(1.0 - 2.0 * _parities(piece, products)) for piece in pieces_of(bits, products)]
    )


def covariance_of_means(outcomes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Covariance of the means of outcomes (N, shots, S), shape (N, S, S)."""
    images, shots, size = outcomes.shape
    if shots < 2:
        return np.broadcast_to(np.eye(size), (images, size, size)).copy()
    centred = outcomes - outcomes.mean(axis=-2, keepdims=True)
    return np.swapaxes(centred, -1, -2) @ centred / (shots - 1) / shots


def pieces_of(bits: BitArray, products: Products) -> Iterator[BitArray]:
    """The outcomes of some images at a time: what is computed of them takes a hundred times their memory."""
    outcomes = bits.array.reshape(-1, *bits.array.shape[-2:])
    size = max(1, MOST_OUTCOMES // (bits.num_shots * (products.num_bits + len(products.strings))))
    for start in range(0, len(outcomes), size):
        yield BitArray(outcomes[start : start + size], bits.num_bits)


def _parities(bits: BitArray, products: Products) -> NDArray[np.uint8]:
    """Whether each shot found an odd number of ones among a product's bits, shape (N, shots, S)."""
    unpacked = outcomes_of(bits)
    if products == Products.of_bits(bits.num_bits):
        return unpacked
    parities = (np.bitwise_xor.reduce(unpacked[..., list(string)], axis=-1) for string in products.strings)
    return np.stack(list(parities), axis=-1)


def outcomes_of(bits: BitArray) -> NDArray[np.uint8]:
    """Outcomes as zeros and ones, shape (N, shots, n)."""
    # They are packed eight to a byte, bit 0 in the last place of the last byte.
    unpacked = np.unpackbits(bits.array, axis=-1)[..., ::-1][..., : bits.num_bits]
    return unpacked.reshape(-1, *unpacked.shape[-2:])


def bits_between(bits: BitArray, first: int, last: int) -> BitArray:
    """The classical bits from ``first`` up to, and without, ``last`` alone, as if nothing else had been measured."""
    stop = bits.array.shape[-1]
    # Only the bytes that hold them: a shot of many tiles unpacks into a number a bit.
    held = bits.array[..., stop - 1 - (last - 1) // 8 : stop - first // 8]
    start = first % 8
    own = np.unpackbits(held, axis=-1)[..., ::-1][..., start : start + last - first]
    padded = np.zeros((*own.shape[:-1], -(-(last - first) // 8) * 8), dtype=np.uint8)
    padded[..., : last - first] = own
    return BitArray(np.packbits(padded[..., ::-1], axis=-1), last - first)
