"""Programs run in the compiled kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from qaml_qiskit.memory import check_memory
from qaml_qiskit.simulation.native import Kernel
from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Pullback, Wanted
from qaml_qiskit.simulation.readings import Strings, signed_sums, string_signs

#: Amplitudes of a batch below which nobody asks how much memory there is.
_NOTABLE = 2**22


class _Program(ctypes.Structure):
    """QamlProgram of native/prepare.hpp."""

    _fields_ = (
        ("num_qubits", ctypes.c_int64),
        ("num_walls", ctypes.c_int64),
        ("num_angles", ctypes.c_int64),
        ("cosines", ctypes.c_void_p),
        ("sines", ctypes.c_void_p),
        ("wanted", ctypes.c_void_p),
        ("cz", ctypes.c_void_p),
        ("num_cz", ctypes.c_int64),
        ("pairs", ctypes.c_void_p),
        ("num_pairs", ctypes.c_int64),
    )


class KernelEngine:
    """Runs programs in the compiled kernel; a state is a flat tensor in the kernel's own order.

    Args:
        kernel: the loaded library.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._latest: _NativeProgram | None = None

    def forward(self, program: Program, angles: Tensor, amplitudes: Tensor) -> Tensor:
        """The final state, for angles (A,) float64 and amplitudes (B, 2**n), real or complex."""
        amplitudes = amplitudes.detach().resolve_conj().contiguous()
        batch = len(amplitudes)
        if batch << program.num_qubits >= _NOTABLE:
            self._check_fits(program, batch, _real(amplitudes))
        state = amplitudes.new_empty(self._state_size(program, batch, _real(amplitudes)), dtype=_real(amplitudes))
        native = self._native(program, angles)
        is_complex = int(amplitudes.is_complex())
        self._call("qaml_forward", state, native.pointer, batch, amplitudes.data_ptr(), is_complex, state.data_ptr())
        return state

    def memory_needed(self, program: Program, batch: int, dtype: torch.dtype) -> int:
        """Bytes that a step takes beside the amplitudes and the gradients of a batch, with as many threads as torch.

        Args:
            program: the compiled circuit.
            batch: samples.
            dtype: float32 or float64.
        """
        is_double, threads = int(dtype == torch.float64), torch.get_num_threads()
        size = (program.num_qubits, batch)
        space = self._kernel.library.qaml_workspace_size(
            self._kernel.level, is_double, threads, *size, program.num_walls
        )
        return int(space) + self._state_size(program, batch, dtype) * dtype.itemsize

    def _check_fits(self, program: Program, batch: int, dtype: torch.dtype) -> None:
        # Where gradients are wanted, those of the amplitudes come on top, complex.
        needed = self.memory_needed(program, batch, dtype) + 2 * dtype.itemsize * (batch << program.num_qubits)
        check_memory(
            f"cannot simulate {batch} states of {program.num_qubits} qubits",
            needed,
            remedy="use smaller batches, fewer qubits, single precision, or a machine with more memory",
        )

    def _state_size(self, program: Program, batch: int, dtype: torch.dtype) -> int:
        """Numbers in a packed state."""
        is_double = int(dtype == torch.float64)
        size: int = self._kernel.library.qaml_state_size(self._kernel.level, is_double, program.num_qubits, batch)
        return size

    def amplitudes(self, program: Program, state: Tensor, batch: int) -> Tensor:
        """The state as complex amplitudes, shape (B, 2**n)."""
        result = state.new_empty((batch, 2**program.num_qubits), dtype=state.dtype.to_complex())
        self._call("qaml_amplitudes", state, program.num_qubits, batch, state.data_ptr(), result.data_ptr())
        return result

    def expectations(self, program: Program, state: Tensor, strings: Strings, batch: int) -> Tensor:
        """Averages of the strings, shape (B, number of strings)."""
        wires = _single(strings)
        if wires is None:
            amplitudes = self.amplitudes(program, state, batch)
            weights = amplitudes.real.square() + amplitudes.imag.square()
            return signed_sums(weights, string_signs(program.num_qubits, strings, weights))
        values = state.new_empty((batch, len(wires)))
        arguments = (program.num_qubits, batch, state.data_ptr(), _ints(wires), len(wires), values.data_ptr())
        self._call("qaml_expectations", state, *arguments)
        return values

    def pull_back_amplitudes(
        self, program: Program, angles: Tensor, state: Tensor, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the final amplitudes, shape (B, 2**n) complex."""
        cotangent = cotangent.resolve_conj().contiguous()
        seed = (cotangent.data_ptr(), None, 0, None)
        return self._pull_back(program, angles, state, len(cotangent), seed, wanted)

    def pull_back_expectations(
        self, program: Program, angles: Tensor, state: Tensor, strings: Strings, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the averages of the strings, shape (B, number of strings)."""
        wires, cotangent = _single(strings), cotangent.contiguous()
        if wires is None:
            signs = string_signs(program.num_qubits, strings, cotangent)
            seeds = 2 * (cotangent @ signs.T) * self.amplitudes(program, state, len(cotangent))
            return self.pull_back_amplitudes(program, angles, state, seeds, wanted)
        seed = (None, _ints(wires), len(wires), cotangent.data_ptr())
        return self._pull_back(program, angles, state, len(cotangent), seed, wanted)

    def _pull_back(
        self, program: Program, angles: Tensor, state: Tensor, batch: int, seed: tuple[Any, ...], wanted: Wanted
    ) -> Pullback:
        inputs = by_angle = None
        if wanted.inputs:
            inputs = state.new_empty((batch, 2**program.num_qubits), dtype=state.dtype.to_complex())
        if wanted.angles:
            by_angle = state.new_zeros((batch, program.num_angles) if wanted.per_sample else program.num_angles)
        native = self._native(program, angles)
        results = (_pointer(inputs), _pointer(by_angle))
        arguments = (native.pointer, batch, state.data_ptr(), *seed, int(wanted.per_sample), *results)
        self._call("qaml_pull_back", state, *arguments)
        return Pullback(inputs, by_angle)

    def _native(self, program: Program, angles: Tensor) -> _NativeProgram:
        """The program with these angles; a backward pass asks for the same as the forward pass before it."""
        known = self._latest
        if known is None or known.program is not program or known.angles is not angles:
            known = self._latest = _NativeProgram(program, angles)
        return known

    def _call(self, name: str, like: Tensor, *arguments: object) -> None:
        self._kernel.call(name, _real(like) == torch.float64, torch.get_num_threads(), *arguments)


class _NativeProgram:
    """A program with its angles in the kernel's structure; keeps the memory alive that it points into."""

    def __init__(self, program: Program, angles: Tensor) -> None:
        half = 0.5 * angles.detach()
        self.program, self.angles = program, angles
        self._cosines, self._sines = half.cos(), half.sin()
        self._native = _Program(
            program.num_qubits,
            program.num_walls,
            program.num_angles,
            self._cosines.data_ptr(),
            self._sines.data_ptr(),
            program.moving.ctypes.data,
            program.cz.ctypes.data,
            len(program.cz),
            program.pairs.ctypes.data,
            len(program.pairs),
        )
        self.pointer = ctypes.addressof(self._native)


@lru_cache(maxsize=64)
def _single(strings: Strings) -> tuple[int, ...] | None:
    """The wires where every string is Z of one, which the kernel reads itself; None elsewhere."""
    return tuple(string[0] for string in strings) if all(len(string) == 1 for string in strings) else None


def _ints(values: Sequence[int]) -> Any:
    return (ctypes.c_int * len(values))(*values)


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _real(tensor: Tensor) -> torch.dtype:
    return tensor.dtype.to_real() if tensor.is_complex() else tensor.dtype
