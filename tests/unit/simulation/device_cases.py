"""Devices that tests run on: the CPU by a GPU's code path, and a GPU where there is one."""

import pytest
import torch

from qaml_qiskit.simulation.batched.engine import BatchedEngine, engine_on
from qaml_qiskit.simulation.batched.replays import Replays, record_in_place

HAS_CUDA = torch.cuda.is_available()
#: For ``pytest.mark.parametrize``.
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=[pytest.mark.cuda, pytest.mark.skipif(not HAS_CUDA, reason="no CUDA device")]),
]


def engine_for(device: str) -> BatchedEngine:
    """The engine of a device; the CPU's records and replays, too."""
    return BatchedEngine(Replays(record_in_place)) if device == "cpu" else engine_on(torch.device("cuda:0"))
