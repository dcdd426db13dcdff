"""The fit of :mod:`.v_layers` in compiled code, image by image: what it computes is the same up to rounding."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import normalize

from qaml_qiskit.compiled import Signatures, load_library
from qaml_qiskit.encodings.rotations import PRODUCTS, rotation_matrix
from qaml_qiskit.encodings.v_layers import INERTIA, MOMENTUM, PREFERENCE, REFERENCE

_MODULE = "qaml_qiskit.encodings._fit"
_VERSION = 1
_INT, _LONG, _DOUBLE, _POINTER = ctypes.c_int, ctypes.c_int64, ctypes.c_double, ctypes.c_void_p
_SIGNATURES: Signatures = {
    "qaml_fit_version": ([], _INT),
    "qaml_fit_best_level": ([], _INT),
    "qaml_fit_scratch": ([_POINTER], _LONG),
    "qaml_fit": ([_INT, _INT, _POINTER, _LONG, _POINTER, _POINTER, _POINTER], _INT),
}
#: Bytes that all threads together may work in.
_SCRATCH = 2**30
#: Amplitudes of the images of one call, which cannot be interrupted: about a second.
_CHUNK = 2**19


class _Fit(ctypes.Structure):
    """``QamlFit`` of native/fit.hpp."""

    _fields_ = [
        ("num_qubits", _LONG),
        ("layers", _LONG),
        ("sweeps", _LONG),
        ("momentum", _DOUBLE),
        ("inertia", _DOUBLE),
        ("preference", _DOUBLE),
        ("products", _POINTER),
        ("reference", _POINTER),
    ]


@dataclass(frozen=True)
class CompiledFit:
    """The loaded library at one level of vector instructions (0 generic, 1 avx2, 2 avx512).

    Attributes:
        library: the library with declared signatures.
        level: an instruction level that this machine has.
    """

    library: ctypes.CDLL
    level: int

    def rotors(self, states: Tensor, layers: int, sweeps: int) -> Tensor:
        """:func:`.refine` from :func:`.analytic_start`: rotors in the order of time, shape (L(n−1), N, 2, 4).

        Args:
            states: what to prepare, shape (N, 2ⁿ), unit norm, float64, on the CPU; no gradients flow through.
            layers: L.
            sweeps: how often to go through all rotations.
        """
        return self._fitted(states, layers, sweeps, torch.empty(0))

    def prepared(self, states: Tensor, layers: int, sweeps: int) -> Tensor:
        """The states that :meth:`rotors` prepare, shape (N, 2ⁿ)."""
        made = torch.empty_like(states, memory_format=torch.contiguous_format)
        self._fitted(states, layers, sweeps, made)
        return made

    def _fitted(self, states: Tensor, layers: int, sweeps: int, made: Tensor) -> Tensor:
        """Rotors, and the prepared states in ``made`` unless it is empty."""
        states = states.detach().contiguous()
        num_qubits = states.shape[1].bit_length() - 1
        products = PRODUCTS.contiguous()
        reference = rotation_matrix(normalize(torch.tensor(REFERENCE, dtype=torch.float64), dim=-1)).contiguous()
        tables = products.data_ptr(), reference.data_ptr()
        fit = _Fit(num_qubits, layers, sweeps, MOMENTUM, INERTIA, PREFERENCE, *tables)
        threads = torch.get_num_threads()
        threads = max(1, min(threads, _SCRATCH // self.library.qaml_fit_scratch(ctypes.byref(fit))))
        rotors = torch.empty(len(states), layers * (num_qubits - 1), 2, 4, dtype=torch.float64)
        for part in _parts(states):
            pointers = [each[part].data_ptr() if len(each) else None for each in (states, rotors, made)]
            count = part.stop - part.start
            if self.library.qaml_fit(self.level, threads, ctypes.byref(fit), count, *pointers):
                raise MemoryError
        return rotors.transpose(0, 1)


def _parts(states: Tensor) -> Iterator[slice]:
    step = max(1, _CHUNK // states.shape[1])
    return (slice(start, min(start + step, len(states))) for start in range(0, len(states), step))


@lru_cache(maxsize=1)
def load_fit() -> CompiledFit | None:
    """The library at the best level of this machine; None where it was not built, or built for another version."""
    library = load_library(_MODULE, _SIGNATURES, version=("qaml_fit_version", _VERSION))
    return None if library is None else CompiledFit(library, library.qaml_fit_best_level())
