"""What every test starts from: a clean environment, no network, seeded property tests."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.child import unwaited_sync

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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a test that takes many seconds come first, so that in the end no worker is left alone with one."""
    long = {item.path for item in items if item.get_closest_marker("first")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(autouse=True, scope="session")
def no_disk_is_waited_for() -> Iterator[None]:
    """Files are written as ever and a wrong descriptor is refused, but no test waits until a disk has them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", unwaited_sync)
        yield


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
