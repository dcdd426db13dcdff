"""The compiled kernel's library, called through ctypes (which releases the interpreter's lock). Knows no torch."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import lru_cache

from qaml_qiskit.compiled import Signatures, load_library

_MODULE = "qaml_qiskit.simulation._kernel"
_MIN_QUBITS, _MAX_QUBITS = 2, 20

_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
_INTERFACE_VERSION = 4
_SIGNATURES: Signatures = {
    "qaml_interface_version": ([], _INT),
    "qaml_best_level": ([], _INT),
    "qaml_level_name": ([_INT], ctypes.c_char_p),
    "qaml_state_size": ([_INT, _INT, _INT, _LONG], _LONG),
    "qaml_workspace_size": ([_INT, _INT, _INT, _INT, _LONG, _LONG], _LONG),
    "qaml_forward": ([_INT, _INT, _INT, _POINTER, _LONG, _POINTER, _INT, _POINTER], _INT),
    "qaml_amplitudes": ([_INT, _INT, _INT, _INT, _LONG, _POINTER, _POINTER], _INT),
    "qaml_expectations": ([_INT, _INT, _INT, _INT, _LONG, _POINTER, _POINTER, _INT, _POINTER], _INT),
    "qaml_pull_back": (
        [_INT, _INT, _INT, _POINTER, _LONG, *([_POINTER] * 3), _INT, _POINTER, _INT, _POINTER, _POINTER],
        _INT,
    ),
    "qaml_propagate": ([_INT, _INT, _INT, *([_POINTER] * 3)], _INT),
    "qaml_filled_up": ([_INT, _INT, _LONG], _LONG),
    "qaml_pack": ([_INT, _INT, _INT, *([_LONG] * 2), *([_POINTER] * 2)], _INT),
    "qaml_product": ([_INT, _INT, _INT, *([_LONG] * 2), _POINTER, _LONG, *([_POINTER] * 2)], _INT),
    "qaml_forms_forward": (
        [_INT, _INT, _INT, *([_LONG] * 3), *([_POINTER] * 2), _LONG, *([_POINTER] * 4)],
        _INT,
    ),
    "qaml_forms_backward": (
        [_INT, _INT, _INT, *([_LONG] * 3), *([_POINTER] * 2), _LONG, *([_POINTER] * 6)],
        _INT,
    ),
    "qaml_overlaps": ([_INT, _INT, _INT, *([_POINTER] * 4)], _INT),
}


@dataclass(frozen=True)
class Kernel:
    """The loaded library at one level of vector instructions (0 generic, 1 avx2, 2 avx512).

    Attributes:
        library: the library with declared signatures.
        level: an instruction level that this machine has.
    """

    library: ctypes.CDLL
    level: int

    @property
    def instructions(self) -> str:
        """The level's name, for example ``"avx512"``."""
        name: bytes = self.library.qaml_level_name(self.level)
        return name.decode()

    def serves(self, num_qubits: int) -> bool:
        """Whether circuits of this size run in the kernel."""
        return _MIN_QUBITS <= num_qubits <= _MAX_QUBITS

    def call(self, name: str, is_double: bool, threads: int, *arguments: object) -> int:
        """Call a function that takes level, precision and threads first and returns 1 without memory.

        Returns:
            0, or what else the function says.
        """
        status: int = getattr(self.library, name)(self.level, int(is_double), threads, *arguments)
        if status == 1:
            raise MemoryError
        return status


@lru_cache(maxsize=1)
def load_kernel() -> Kernel | None:
    """The kernel at the best level of this machine, or None where it was not built or was built for another version."""
    library = load_library(_MODULE, _SIGNATURES, version=("qaml_interface_version", _INTERFACE_VERSION))
    return None if library is None else Kernel(library, library.qaml_best_level())
