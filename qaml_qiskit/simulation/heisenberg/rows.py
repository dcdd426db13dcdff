"""Values for a circuit's parameters, checked."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation.heisenberg.channels import FloatArray

_ROWS = "shape (N, {}), N ≥ 1: a column for every parameter, finite numbers"
_NOT_FINITE = " with values that are not finite"


def check_rows(values: FloatArray, num_parameters: int) -> FloatArray:
    """The values as an array, shape (N, P).

    Raises:
        InputError: for another shape, or values that are not finite numbers.
    """
    try:
        values = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        # Rows of several lengths, a tensor that is differentiated, or one on another device.
        raise _misfit("what is no array", _ROWS.format(num_parameters)) from None
    real = values.dtype.kind in "biuf"
    fits = values.ndim == 2 and len(values) > 0 and values.shape[1] == num_parameters
    if not fits or not real or not np.isfinite(values).all():
        problem = _NOT_FINITE if fits and real else ""
        raise _misfit(f"shape {values.shape} and type {values.dtype}{problem}", _ROWS.format(num_parameters))
    return values


def check_values(values: Tensor, num_parameters: int) -> Tensor:
    """One value a parameter as a tensor, shape (P,), which may be differentiated.

    Raises:
        InputError: for another shape, or values that are not finite numbers.
    """
    values = as_tensor(values, "the values")
    fits = values.shape == (num_parameters,)
    if not fits or not bool(torch.isfinite(values).all()):
        got = f"shape {tuple(values.shape)}{_NOT_FINITE if fits else ''}"
        raise _misfit(got, f"shape ({num_parameters},): a finite number for every parameter")
    return values


def _misfit(got: str, expected: str) -> InputError:
    return InputError(
        "the values do not fit the circuit",
        got=got,
        expected=expected,
        remedy="give the parameters' values in the order of circuit.parameters",
    )
