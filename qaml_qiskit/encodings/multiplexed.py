"""Exact amplitude encoding by uniformly controlled RY rotations, as one parameterised circuit for all images.

Qubits are set one after the other from the most significant bit b₀ down; each gets a rotation whose angle depends on
the bits already set. A rotation controlled by k bits is 2ᵏ plain RYs with CZs between them, the controls following a
Gray code (Möttönen et al., quant-ph/0407010). The last CZ of every level is left out: those gates are all CZ(b₀, bₖ),
they commute to the end of the circuit, and their sign s(b) = (−1)^{b₀(b₁+…+bₙ₋₁)} is folded into the amplitudes
instead. That leaves 2ⁿ − n − 1 CZ and 2ⁿ − 1 RY.
"""

from functools import cached_property

import torch
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor

from qaml_qiskit.batches import real_batch
from qaml_qiskit.encodings.amplitude import amplitudes
from qaml_qiskit.encodings.linear import LinearEncoding


class MultiplexedEncoding(LinearEncoding):
    """One circuit of fixed structure that prepares any real state exactly, given its 2ⁿ − 1 angles.

    Args:
        num_qubits: n; nothing is built until asked for.
        order: which pixel becomes which amplitude.
    """

    name = "multiplexed"

    @cached_property
    def parameters(self) -> ParameterVector:
        """The angles: level by level from the most significant qubit, 2ᵏ of them for level k."""
        return ParameterVector("x", 2**self.num_qubits - 1)

    @cached_property
    def template(self) -> QuantumCircuit:
        """See :attr:`Encoding.template`."""
        n = self.num_qubits
        circuit = QuantumCircuit(n, name="encoding")
        for level in range(n):
            target, size = n - 1 - level, 2**level
            for i in range(size):
                circuit.ry(self.parameters[size - 1 + i], target)
                if i + 1 < size:
                    # Between steps i and i+1 the Gray code flips the bit of i+1's lowest set bit; bit j of the
                    # prefix sits j+1 qubits above the target, so the fastest bit is the nearest neighbour.
                    lowest_set_bit = ((i + 1) & -(i + 1)).bit_length() - 1
                    circuit.cz(target + 1 + lowest_set_bit, target)
        return circuit

    @torch.no_grad()
    def angles(self, images: Tensor) -> Tensor:
        """The circuit's angles for a batch.

        Args:
            images: shape (N, ...) with at most 2ⁿ values an image; negative values keep their sign.

        Returns:
            Shape (N, 2ⁿ − 1) in radians, float64, in the order of :attr:`parameters`. Not differentiable: take
            gradients through :meth:`state`.

        Raises:
            InputError: as :func:`amplitudes`.
        """
        n = self.num_qubits
        signed = amplitudes(real_batch(images).to("cpu", torch.float64), n, self.order) * self._sign_fold
        # atan2(0, −0) would be π on black pixels; adding +0 turns −0 into +0.
        signed = signed + 0.0
        norms = [signed]
        for _ in range(n - 1):
            norms.append(norms[-1].unflatten(1, (-1, 2)).norm(dim=2))
        levels = []
        for level, children in enumerate(reversed(norms)):
            pair = children.unflatten(1, (-1, 2))
            conditional = 2 * torch.atan2(pair[..., 1], pair[..., 0])
            levels.append(_walsh_hadamard(conditional)[:, _gray_code(level)] / 2**level)
        return torch.cat(levels, dim=1)

    @cached_property
    def _sign_fold(self) -> Tensor:
        """s(b) = (−1)^{b₀(b₁+…)}, b₀ the most significant bit: −1 where the top bit is set and the others are odd."""
        top = 2 ** (self.num_qubits - 1)
        return torch.tensor([-1.0 if b & top and (b ^ top).bit_count() % 2 else 1.0 for b in range(2 * top)]).double()


def _gray_code(level: int) -> Tensor:
    index = torch.arange(2**level)
    return index ^ (index >> 1)


def _walsh_hadamard(values: Tensor) -> Tensor:
    """Σ_x (−1)^{x·g} v_x for every g, over the last axis, by butterflies."""
    batch, size = values.shape
    stride = 1
    while stride < size:
        pairs = values.reshape(batch, -1, 2, stride)
        values = torch.stack((pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]), dim=2)
        values = values.reshape(batch, size)
        stride *= 2
    return values
