"""A command that is killed, or finds the disk full, at any write: the same command finishes to the same bytes."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

import qaml_qiskit
from qaml_qiskit import Outcome, RunRequest, SweepRequest, TrainRequest, sweep, train
from qaml_qiskit.artifacts.run import CONFIG_FILE
from qaml_qiskit.errors import QamlError
from tests.integration.hardware import workspace

Command = Callable[[Path], Outcome]
#: Of the points at which a command can be killed, every so manieth is tried; all of them in the slow suite.
STRIDE = 17


class Killed(BaseException):
    """The process is gone: nothing that would run afterwards may have an effect."""


class Disk:
    """Every step that changes the disk below a folder, and what happens from the k-th on.

    Args:
        monkeypatch: puts the steps in place of those of ``os``.
        folder: what is watched.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.steps, self._limit, self._full = 0, -1, False
        self._folder, self._inside = str(folder), set[int]()
        self._real = {name: getattr(os, name) for name in ("open", "write", "fsync", "close")}
        monkeypatch.setattr(os, "open", self._open)
        monkeypatch.setattr(os, "write", self._write)
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(os, "close", self._close)
        for name in ("replace", "mkdir", "unlink", "truncate"):
            monkeypatch.setattr(os, name, self._guarded(getattr(os, name), grows=name == "mkdir"))

    @contextmanager
    def until(self, step: int, *, full: bool) -> Iterator[None]:
        """From this step on the process is killed, or the disk is full."""
        self.steps, self._limit, self._full = 0, step, full
        try:
            yield
        finally:
            self._limit = -1

    def _step(self, *, grows: bool) -> bool:
        """Count; whether this step fails."""
        self.steps += 1
        return 0 <= self._limit < self.steps and (grows or not self._full)

    def _failure(self) -> BaseException:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if self._full else Killed()

    def _below(self, path: Any) -> bool:
        return isinstance(path, str | Path) and str(path).startswith(self._folder)

    def _guarded(self, real: Callable[..., Any], *, grows: bool) -> Callable[..., Any]:
        def call(path: Any, *others: Any, **options: Any) -> Any:
            if self._below(path) and self._step(grows=grows):
                raise self._failure()
            return real(path, *others, **options)

        return call

    def _open(self, path: Any, flags: int, *others: Any, **options: Any) -> int:
        changes = self._below(path) and bool(flags & os.O_CREAT)
        if changes and not Path(path).exists() and self._step(grows=True):
            raise self._failure()
        descriptor: int = self._real["open"](path, flags, *others, **options)
        if changes:
            self._inside.add(descriptor)
        return descriptor

    def _write(self, descriptor: int, data: Any) -> int:
        if descriptor in self._inside and self._step(grows=True):
            self._real["write"](descriptor, bytes(data)[: len(data) // 2])
            raise self._failure()
        return int(self._real["write"](descriptor, data))

    def _fsync(self, descriptor: int) -> None:
        if descriptor in self._inside and self._step(grows=True):
            raise self._failure()
        # No disk has to be waited for in a test.

    def _close(self, descriptor: int) -> None:
        self._inside.discard(descriptor)
        self._real["close"](descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Disk:
    monkeypatch.setattr(Figure, "savefig", lambda figure, buffer, **options: buffer.write(b"a picture"))
    (tmp_path / "runs").mkdir()
    return Disk(monkeypatch, tmp_path / "runs")


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, Command]:
    place = workspace(tmp_path / "work")
    given: dict[str, Any] = {"images": str(place / "images.npz")}
    training = TrainRequest(classes=(0, 1), layers=1, epochs=2, train_images=40, seed=1)
    grid = SweepRequest(model=(str(place / "model"),), noise=("depolarizing",), strengths=(0.1,), **given)
    on_target = {"model": str(place / "model"), "target": "ideal", "recipe": "quick", "shots": 20}
    inference = RunRequest(images_per_job=3, **on_target, **given)
    return {
        "train": lambda out: train(training, out=out),
        "sweep": lambda out: sweep(grid, out=out),
        "run": lambda out: qaml_qiskit.run(inference, out=out),
    }


def found(out: Path, outcome: Outcome) -> dict[str, Any]:
    """What must not depend on when the command was stopped."""
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    kept = ("model.safetensors", "predictions.npz", "sweep.csv", "results.csv", CONFIG_FILE)
    return {
        "results": outcome.results,
        "names": names,
        **{name: (out / name).read_bytes() for name in kept if name in names},
    }


def steps(total: int, command: str, full: bool, every: int) -> range:
    """Others for every command and way to fail, so that together they see more."""
    first = (3 * ("train", "sweep", "run").index(command) + 5 * full) % every
    return range(first, total, every)


def walk(disk: Disk, command: Command, name: str, full: bool, every: int, place: Path) -> None:
    with disk.until(10**9, full=full):
        undisturbed = found(place / "whole", command(place / "whole"))
    for step in steps(disk.steps, name, full, every):
        out = place / f"step-{step}"
        stopped: BaseException | None = None
        try:
            with disk.until(step, full=full):
                command(out)
        except (Killed, QamlError) as error:
            stopped = error
        if isinstance(stopped, QamlError):
            assert full
            assert stopped.exit_code in (2, 6)
            assert "No space left on device" in str(stopped)
        else:
            # A full disk does no harm when nothing is left but names to change.
            assert full == (stopped is None)
        assert found(out, command(out)) == undisturbed, f"stopped at step {step}"


@pytest.mark.parametrize("full", [False, True], ids=["killed", "disk full"])
@pytest.mark.parametrize("name", ["train", "sweep", "run"])
def test_any_moment(disk: Disk, commands: dict[str, Command], name: str, full: bool, tmp_path: Path) -> None:
    walk(disk, commands[name], name, full, STRIDE, tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("full", [False, True], ids=["killed", "disk full"])
@pytest.mark.parametrize("name", ["train", "sweep", "run"])
def test_every_moment(disk: Disk, commands: dict[str, Command], name: str, full: bool, tmp_path: Path) -> None:
    walk(disk, commands[name], name, full, 1, tmp_path / "runs")
