"""Rows of values for a circuit's parameters, checked."""

from __future__ import annotations

import numpy as np

from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation.heisenberg.channels import FloatArray


def check_rows(values: FloatArray, num_parameters: int) -> FloatArray:
    """The values as an array, shape (N, P).

    Raises:
        InputError: for another shape, or values that are not finite numbers.
    """
    try:
        values = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        # Rows of several lengths, a tensor that is differentiated, or one on another device.
        raise _misfit("what is no array", num_parameters) from None
    real = values.dtype.kind in "biuf"
    fits = values.ndim == 2 and len(values) > 0 and values.shape[1] == num_parameters
    if not fits or not real or not np.isfinite(values).all():
        problem = " with values that are not finite" if fits and real else ""
        raise _misfit(f"shape {values.shape} and type {values.dtype}{problem}", num_parameters)
    return values


def _misfit(got: str, num_parameters: int) -> InputError:
    return InputError(
        "the values do not fit the circuit",
        got=got,
        expected=f"shape (N, {num_parameters}), N ≥ 1: a column for every parameter, finite numbers",
        remedy="give the parameters' values in the order of circuit.parameters",
    )
