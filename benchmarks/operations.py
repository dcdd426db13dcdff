"""Counted operations of the normal form: what this algorithm takes, wire by wire.

With N = 2ⁿ amplitudes, K walls (one a layer) and K + 1 diagonals, one state of one sample takes

- a wall: 2nN multiply-adds. RY(a) = cos(a/2)·[[1, −t], [t, 1]] with t = tan(a/2); the cosines go into the next
  diagonal, so that a rotation costs one multiply-add for each of the 2N real numbers;
- a diagonal: 4N, a complex product an amplitude.

The forward pass moves the state through everything; an attack step then moves the adjoint back, a training step the
adjoint and the state. Gradients of a training step:

- a wall: Σ λ₁ψ₀ − λ₀ψ₁ for every qubit. Two qubits together take one product for each of the 2N numbers instead of
  two, so a wall costs 2N·⌈n/2⌉;
- a diagonal: Im(λ̄ψ) an amplitude, 2N.

Both steps end and begin with |ψ|² and its derivative, 4N together. Additions without a product (the sums and
differences of the two-qubit trick, signed sums over amplitudes and over the batch) are not counted, as if they were
free; so are the tables of cosines and sines, which a batch shares. The floor is therefore a little below what any
processor can reach that rotates one qubit after the other. Beside the adjoint the kernel turns two qubits together,
with three products for four and twice as many additions (decision 0092), which the count leaves out.

A frozen model is one matrix, from d pixels to the 2N real and imaginary parts of the amplitudes. Its attack step takes
one product with it and one with its transpose, 2·2N·d multiply-adds a sample. No form can be left out where the loss
reads every class; the squares and their signs, a thousandth of that for each class, are not counted.
"""

from __future__ import annotations

from benchmarks.problem import Problem


def forward(num_qubits: int, num_walls: int) -> int:
    """Multiply-adds to move one state through the circuit, in either direction."""
    size = 1 << num_qubits
    return num_walls * 2 * num_qubits * size + (num_walls + 1) * 4 * size


def gradients(num_qubits: int, num_walls: int) -> int:
    """Multiply-adds of one sample's weight gradients."""
    size = 1 << num_qubits
    return num_walls * 2 * size * -(-num_qubits // 2) + (num_walls + 1) * 2 * size


def training(num_qubits: int, num_walls: int) -> int:
    """Multiply-adds of one sample in a training step."""
    return 3 * forward(num_qubits, num_walls) + gradients(num_qubits, num_walls) + (4 << num_qubits)


def attack(num_qubits: int, num_walls: int) -> int:
    """Multiply-adds of one sample in an attack step that simulates the circuit."""
    return 2 * forward(num_qubits, num_walls) + (4 << num_qubits)


def collapsed(num_qubits: int, num_pixels: int) -> int:
    """Multiply-adds of one sample in an attack step of a frozen model, whose circuit is one matrix."""
    return 2 * num_pixels * (2 << num_qubits)


#: For every counted step the row that is measured and the row of its floor.
ROWS = {
    "train": ("train/kernel", "train/floor"),
    "attack": ("attack/kernel", "attack/floor"),
    "attack, collapsed": ("attack/collapsed", "attack/collapsed/floor"),
}


def counted(problem: Problem, batch: int) -> dict[str, int]:
    """Multiply-adds of the steps of :data:`ROWS` on a batch."""
    size = (problem.num_qubits, problem.num_layers)
    counts = (training(*size), attack(*size), collapsed(problem.num_qubits, problem.num_pixels))
    return {step: batch * count for step, count in zip(ROWS, counts, strict=True)}
