"""The machine's peak of multiply-adds, measured with a small C program."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_SOURCE = Path(__file__).with_name("peak.c")


def load_peak() -> Callable[[int], None] | None:
    """A function that performs a number of float32 multiply-adds at the peak rate, or None without a C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        for native in (["-march=native"], ["-mcpu=native"], []):
            command = [compiler, "-O3", *native, "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
            if subprocess.run(command, check=False, capture_output=True).returncode == 0:
                return _function(ctypes.CDLL(str(library)))
    return None


def _function(library: ctypes.CDLL) -> Callable[[int], None]:
    per_round = library.multiply_adds_per_round()
    library.run_rounds.argtypes, library.run_rounds.restype = [ctypes.c_long], ctypes.c_float

    def run(multiply_adds: int) -> None:
        library.run_rounds(multiply_adds // per_round)

    return run
