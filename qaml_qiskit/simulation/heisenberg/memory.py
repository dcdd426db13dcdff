"""How much memory a propagation takes, said beforehand."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from qaml_qiskit.errors import InputError
from qaml_qiskit.memory import check_memory

#: Numbers that vectors take together where they run as a batch: on the CPU so few that they stay in its cache.
_BATCH_ON_CPU, _BATCH_ELSEWHERE = 2**20, 2**26
#: Numbers of all states that wait for their overlaps with the observables at a cut.
_RUNS_ON_CPU = 2**24
#: Vectors or batches that live at the same time: the state, its images, and what a conversion needs.
_COPIES = 5
#: Index tables and the plan, in bytes.
_TABLES = 2**26


def batch_numbers(device: torch.device) -> int:
    """How many numbers a batch of vectors may have, unless a single vector has more."""
    return _BATCH_ON_CPU if device.type == "cpu" else _BATCH_ELSEWHERE


def run_numbers(device: torch.device) -> int:
    """How many numbers the states at a cut may have together, unless a single one has more."""
    return _RUNS_ON_CPU if device.type == "cpu" else _BATCH_ELSEWHERE


def memory_needed(
    num_qubits: int,
    num_observables: int,
    dtype: torch.dtype = torch.float32,
    *,
    num_inputs: int | None = None,
    device: torch.device | str = "cpu",
) -> int:
    """An upper bound of the bytes that :func:`noisy_observables` takes at once, its result among them.

    Args:
        num_qubits: n, all qubits that the observables reach and all inputs.
        num_observables: m.
        dtype: as for :func:`noisy_observables`.
        num_inputs: k, the qubits that carry the input; n if None.
        device: where it runs.
    """
    inputs = num_qubits if num_inputs is None else num_inputs
    number = dtype.to_real().itemsize if dtype.is_complex else dtype.itemsize
    results = num_observables * 4**inputs * dtype.itemsize
    return (
        _TABLES + results + _COPIES * max(4**num_qubits, batch_numbers(torch.device(device))) * number + 2 * 4**inputs
    )


def cut_memory_needed(num_qubits: int, num_observables: int, dtype: torch.dtype, device: torch.device) -> int:
    """An upper bound of the bytes that a :class:`PreparedCircuit` takes where it cuts."""
    # Rows of the kernel's vectors lie a little apart.
    kept = (num_observables + 1) * 4**num_qubits * 17 // 16 + max(4**num_qubits, run_numbers(device))
    return memory_needed(num_qubits, 0, dtype, num_inputs=0, device=device) + kept * dtype.itemsize


def check_fits(needed: int, limit: int | None, num_qubits: int, device: torch.device) -> None:
    """Raise ConfigurationError where a propagation has no room; see :func:`qaml_qiskit.memory.check_memory`."""
    check_memory(
        f"{num_qubits} qubits are too many for the memory",
        needed,
        expected="a vector of 4^n numbers and its working space to fit",
        remedy="use fewer qubits or observables, single precision, or a machine with more memory",
        device=device,
        limit=limit,
    )


def check_dtype(dtype: torch.dtype, allowed: Sequence[torch.dtype]) -> None:
    """Raise InputError for a precision that is not among those."""
    if dtype not in allowed:
        raise InputError(
            "cannot propagate in this precision",
            got=str(dtype),
            expected=" or ".join(str(choice) for choice in allowed),
            remedy="choose one of them",
        )
