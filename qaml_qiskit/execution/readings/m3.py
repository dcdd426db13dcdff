"""M3's inverse of readout errors, by mthree, which is not installed everywhere."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from qaml_qiskit.evaluation import Products
from qaml_qiskit.execution.options import needs_mthree
from qaml_qiskit.execution.readings.calibration import Calibration


def m3_averages(
    record: Calibration, bits: BitArray, measured: Sequence[int], products: Products
) -> NDArray[np.float64]:
    """⟨P_s⟩ of the quasi-probabilities that M3 makes of the bitstrings that occurred (Nation et al., 2021).

    Args:
        record: the readout errors of physical qubits.
        bits: outcomes of a broadcast PUB of N images with n classical bits.
        measured: the physical qubit behind each classical bit.
        products: of Z.

    Returns:
        Shape (N, S).

    Raises:
        ConfigurationError: mthree is not installed, or cannot be loaded.
    """
    matrices: list[NDArray[np.float64] | None] = [None] * (max(record.qubits) + 1)
    for qubit, p10, p01 in zip(record.qubits, record.p10, record.p01, strict=True):
        matrices[qubit] = np.array([[1 - p10, p01], [p10, 1 - p01]])
    mitigation = _mitigation()
    mitigation.cals_from_matrices(matrices)
    counts = [bits.get_counts(i) for i in range(bits.size)]
    corrected = mitigation.apply_correction(counts, [list(measured)] * len(counts), distance=-1)
    # The rightmost letter is bit 0.
    observables = ["".join("Z" if has else "I" for has in row[::-1]) for row in products.members]
    return np.array([[quasi.expval(observable) for observable in observables] for quasi in corrected])


def _mitigation() -> Any:
    try:
        from mthree import M3Mitigation
    except ModuleNotFoundError as error:
        raise needs_mthree(f"no package mthree for Python {platform.python_version()}") from error
    except ImportError as error:
        raise needs_mthree(f"a package mthree that cannot be loaded: {error}") from error
    return M3Mitigation()
