"""What tests of jobs share: a service that is asked without waiting, and a place for a run."""

from pathlib import Path

import pytest


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qaml_qiskit.execution.reconciliation.LOOK_AGAIN", (0.0, 0.0))
    monkeypatch.setattr("qaml_qiskit.execution.collection.POLL_FIRST", 0.001)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"
