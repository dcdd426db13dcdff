"""Devices that tests run on: the CPU by a GPU's code path, and a GPU where there is one."""

from collections.abc import Iterator

import pytest
import torch

from qaml_qiskit.simulation import statevector
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


def as_on_a_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchedEngine]:
    """For a fixture: what is asked of tensors on the CPU is computed by the engine of devices."""
    engine = engine_for("cpu")
    monkeypatch.setattr(statevector, "choose_engine", lambda program, amplitudes: engine)
    yield engine
