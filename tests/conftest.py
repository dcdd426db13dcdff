"""What every test starts from: a clean environment, no network, seeded property tests."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# Fixtures that some modules import and others load as a plugin, in any order.
pytest.register_assert_rewrite("tests.integration.loopback.fixtures")

settings.register_profile("default", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("default")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """What is imported and collected stays: the garbage collector does not search it, now or between the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No account, catalogue or workspace of the person who runs the tests may be seen by them."""
    for name in list(os.environ):
        if name.startswith(("QAML_BACKENDS", "QISKIT_IBM", "IBM_QUANTUM")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(20)
