"""What every contestant computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.int64]


class Answer(NamedTuple):
    """Result of a step.

    Attributes:
        loss: mean cross-entropy of the batch.
        gradient: with respect to the weights (training) or to the images (attack), as a flat array.
    """

    loss: float
    gradient: NDArray[np.floating]


Step = Callable[[Array, Labels], Answer]


@dataclass(frozen=True)
class Problem:
    """The benchmark QVC and its size: cross-entropy of scale·⟨Z_k⟩ for amplitude-encoded images.

    Attributes:
        num_qubits: n.
        num_layers: L; a layer is RZ·RY·RZ on every qubit, then CZ on (0,1) … (n−2,n−1).
        num_classes: class k is read from ⟨Z_k⟩.
        num_pixels: the images' length before padding with zeros to 2ⁿ.
        scale: logits are ⟨Z_k⟩ times this.
    """

    num_qubits: int = 10
    num_layers: int = 200
    num_classes: int = 10
    num_pixels: int = 784
    scale: float = 20.0

    @classmethod
    def of_size(cls, num_qubits: int, num_layers: int) -> Problem:
        """All classes that fit; the pixel counts of MNIST (n = 10) and CIFAR (n = 12), else ¾ of the amplitudes."""
        pixels = {10: 28 * 28, 12: 3 * 32 * 32}.get(num_qubits, 3 * 2**num_qubits // 4)
        return cls(num_qubits, num_layers, min(num_qubits, 10), pixels)

    def weights(self) -> Array:
        """Angles N(0, 0.1²) in the order layer, qubit, rotation; shape (3·n·L,)."""
        size = 3 * self.num_qubits * self.num_layers
        return (0.1 * np.random.default_rng(0).standard_normal(size)).astype(np.float32)

    def batch(self, size: int) -> tuple[Array, Labels]:
        """Random images, shape (size, num_pixels) in [0, 1), and labels."""
        generator = np.random.default_rng(1)
        images = generator.random((size, self.num_pixels), dtype=np.float32)
        return images, generator.integers(0, self.num_classes, size)

    def z_signs(self) -> Array:
        """Eigenvalues of Z_q on every basis state, shape (2ⁿ, n); qubit 0 is the least significant bit."""
        basis = np.arange(2**self.num_qubits)[:, None]
        return (1 - 2 * (basis >> np.arange(self.num_qubits) & 1)).astype(np.float32)

    def cz_signs(self) -> Array:
        """The diagonal of a layer's CZ chain, shape (2ⁿ,)."""
        ones = self.z_signs() < 0
        return np.where((ones[:, 1:] & ones[:, :-1]).sum(1) % 2, -1, 1).astype(np.float32)
