"""Run by ``make old-processor`` on an emulated processor: the kernel without torch, on a circuit that numpy can follow.

Whatever the kernel executes that the processor lacks ends this process. That the numbers are right is checked, too: ⟨Z⟩
of a circuit of RY, RZ and CZ, and its gradient, in both precisions and both layouts.
"""

import ctypes
import sys

import numpy as np

from qaml_qiskit.simulation.native import Kernel, load_kernel

QUBITS, WALLS = 5, 3
LONG = ctypes.c_int64


class Program(ctypes.Structure):
    """QamlProgram of native/prepare.hpp."""

    _fields_ = (
        ("num_qubits", LONG),
        ("num_walls", LONG),
        ("num_angles", LONG),
        ("cosines", ctypes.c_void_p),
        ("sines", ctypes.c_void_p),
        ("wanted", ctypes.c_void_p),
        ("cz", ctypes.c_void_p),
        ("num_cz", LONG),
        ("pairs", ctypes.c_void_p),
        ("num_pairs", LONG),
    )


CZ = np.array([(wall, q, q + 1) for wall in range(WALLS + 1) for q in range(QUBITS - 1)], dtype=np.int64)
NONE = np.zeros((0, 3), dtype=np.int64)


def expected(angles: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """⟨Z_0⟩ of every row, by one matrix after the other."""
    walls = angles[: WALLS * QUBITS].reshape(WALLS, QUBITS)
    turns = angles[WALLS * QUBITS : -1].reshape(WALLS + 1, QUBITS)
    bits = np.arange(2**QUBITS)[:, None] >> np.arange(QUBITS) & 1
    signs = np.where((bits[:, 1:] & bits[:, :-1]).sum(1) % 2, -1.0, 1.0)
    state = rows.astype(complex)
    for step in range(WALLS + 1):
        state = state * np.exp(-0.5j * (1 - 2 * bits) @ turns[step]) * signs
        for qubit in range(QUBITS if step < WALLS else 0):
            c, s = np.cos(walls[step, qubit] / 2), np.sin(walls[step, qubit] / 2)
            other = state[:, np.arange(2**QUBITS) ^ (1 << qubit)]
            state = c * state + s * np.where(bits[:, qubit], 1, -1) * other
    return (np.abs(state) ** 2) @ (1 - 2 * bits[:, 0])


def aligned(size: int, precision: type) -> np.ndarray:
    """Numbers that start at a multiple of 64 bytes, as torch's do."""
    memory = np.empty(size * np.dtype(precision).itemsize + 64, dtype=np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : len(memory) - 64 + start].view(precision)


def check(kernel: Kernel, precision: type, batch: int) -> None:
    """Compare one batch."""
    generator = np.random.default_rng(batch)
    angles = generator.normal(size=WALLS * QUBITS + (WALLS + 1) * QUBITS + 1)
    rows = np.ascontiguousarray(generator.normal(size=(batch, 2**QUBITS)).astype(precision))
    cosines, sines, wanted = np.cos(angles / 2), np.sin(angles / 2), np.ones(len(angles), dtype=np.uint8)
    program = Program(
        QUBITS, WALLS, len(angles), cosines.ctypes.data, sines.ctypes.data, wanted.ctypes.data,
        CZ.ctypes.data, len(CZ), NONE.ctypes.data, 0,
    )  # fmt: skip
    double, pointer = precision is np.float64, ctypes.addressof(program)
    state = aligned(kernel.library.qaml_state_size(kernel.level, int(double), QUBITS, batch), precision)
    values, gradient = np.empty((batch, 1), dtype=precision), np.zeros(len(angles), dtype=precision)
    wire, ones = np.zeros(1, dtype=np.int32), np.ones((batch, 1), dtype=precision)
    kernel.call("qaml_forward", double, 1, pointer, batch, rows.ctypes.data, 0, state.ctypes.data)
    kernel.call(
        "qaml_expectations", double, 1, QUBITS, batch, state.ctypes.data, wire.ctypes.data, 1, values.ctypes.data
    )
    kernel.call(
        "qaml_pull_back", double, 1, pointer, batch, state.ctypes.data, None, wire.ctypes.data, 1,
        ones.ctypes.data, 0, None, gradient.ctypes.data,
    )  # fmt: skip
    shift = 1e-5 * np.eye(len(angles))
    slopes = [(expected(angles + e, rows).sum() - expected(angles - e, rows).sum()) / 2e-5 for e in shift]
    close = 1e-7 if double else 1e-3
    assert np.allclose(values[:, 0], expected(angles, rows), atol=close, rtol=close)
    assert np.allclose(gradient, slopes, atol=100 * close, rtol=close)


def main() -> None:
    """Check both precisions, alone and in full and partial chunks."""
    kernel = load_kernel()
    if kernel is None:
        sys.exit("the compiled kernel was not built")
    for precision in (np.float32, np.float64):
        for batch in (1, 4, 7):
            check(kernel, precision, batch)
    print(f"the kernel's level on this processor: {kernel.instructions}")


if __name__ == "__main__":
    main()
