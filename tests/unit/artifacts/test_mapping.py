"""A run's map: what is kept is read, what is missing is computed, and the files are the same wherever that happens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import torch
from pydantic import BaseModel, Field

from qaml_qiskit.artifacts import ARRAYS, HERE, JSON, Bar, Codec, Pool, Run, open_pool, open_run
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Silent

TASKS = {f"cells/{number}": number for number in range(6)}


class Options(BaseModel):
    seed: int = 0


class Shown:
    """A display that remembers."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.notes: list[str] = []

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        self.total, self.done = total, done

        def advance(steps: int, note: str = "") -> None:
            self.done += steps
            self.notes.append(note)

        yield advance

    def say(self, message: str) -> None:
        pass


class Sum:
    """A work with one expensive preparation, which is not sent anywhere, and arithmetic that threads would split."""

    def __init__(self) -> None:
        self.prepared: torch.Tensor | None = None
        self.calls = 0

    def __getstate__(self) -> dict[str, object]:
        return {"prepared": None, "calls": 0}

    def __call__(self, task: int, advance: Advance) -> Arrays:
        self.calls += 1
        if self.prepared is None:
            self.prepared = torch.randn(200, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        symmetric = self.prepared + self.prepared.T + task
        return {
            "eigenvalues": np.linalg.eigvalsh(symmetric.numpy()),
            "solved": torch.linalg.solve(symmetric, self.prepared[:, 0]).numpy(),
            "threads": np.array(torch.get_num_threads()),
        }


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with open_run("demo", Options(), out=tmp_path / "run") as opened:
        yield opened


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Pool]:
    pytest.importorskip("distributed")
    with open_pool(workers=2) as pool:
        yield pool


def bar(**more: object) -> Bar:
    return Bar(Silent(), "computing", **more)  # type: ignore[arg-type]


def cells(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run.path / "cells").iterdir()}


def test_workers_write_the_bytes_of_this_process(run: Run, tmp_path: Path, two_workers: Pool) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        here = run.map(TASKS, Sum(), ARRAYS, bar=bar())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert {int(value["threads"]) for value in here.values()} == {1}
    with open_run("demo", Options(), out=tmp_path / "spread") as other:
        spread = other.map(TASKS, Sum(), ARRAYS, bar=bar(), pool=two_workers)
        assert list(spread) == list(here) == list(TASKS)
        assert cells(other) == cells(run)


@pytest.mark.parametrize("damage", [None, b"", b"{}", b'{"mark": "0", "content": 4}'])
def test_only_what_is_missing_or_damaged_is_computed(run: Run, damage: bytes | None) -> None:
    asked: list[int] = []

    def square(task: int, advance: Advance) -> int:
        asked.append(task)
        return task * task

    whole = run.map(TASKS, square, JSON, bar=bar())
    before, file = cells(run), run.path / "cells" / "3.json"
    file.unlink() if damage is None else file.write_bytes(damage)
    asked.clear()
    assert run.map(TASKS, square, JSON, bar=bar()) == whole == {f"cells/{n}": n * n for n in range(6)}
    assert asked == [3]
    assert cells(run) == before


def test_what_was_finished_before_an_error_is_kept(run: Run) -> None:
    def refuse(task: int, advance: Advance) -> int:
        if task == 3:
            raise InputError("cannot use this", got=task, expected="another", remedy="change it")
        return task

    with pytest.raises(InputError, match="cannot use this"):
        run.map(TASKS, refuse, JSON, bar=bar())
    assert sorted(cells(run)) == ["0.json", "1.json", "2.json"]


def test_a_fresh_value_is_what_will_be_read(run: Run) -> None:
    codec: Codec[tuple[int, ...]] = JSON.of(list, tuple)
    first = run.map({"a": 2}, lambda task, advance: (task, 1), codec, bar=bar())
    assert first == run.map({"a": 2}, lambda task, advance: (0, 0), codec, bar=bar()) == {"a": (2, 1)}


def test_a_file_beside_belongs_to_the_value(run: Run) -> None:
    codec = JSON.with_file(".txt", lambda value: str(value).encode())
    counted = iter(range(9))
    assert run.map({"a": 0}, lambda task, advance: next(counted), codec, bar=bar()) == {"a": 0}
    assert (run.path / "a.txt").read_bytes() == b"0"
    (run.path / "a.txt").unlink()
    assert run.map({"a": 0}, lambda task, advance: next(counted), codec, bar=bar()) == {"a": 1}


def test_the_bar_moves_inside_a_task_and_never_too_far(run: Run) -> None:
    def step(task: int, advance: Advance) -> int:
        for _ in range(task):
            advance(2, "a batch")
        return task

    shown, steps = Shown(), dict.fromkeys(TASKS, 5)
    run.keep("cells/5", 5, JSON)
    run.map(TASKS, step, JSON, bar=Bar(shown, "computing", {"cells/0": "the first"}, steps))
    assert (shown.done, shown.total) == (30, 30)
    assert shown.notes[:2] == ["the first", "the first is done"]
    assert "cells/4: a batch" in shown.notes
    untouched = Shown()
    run.map(TASKS, step, JSON, bar=Bar(untouched, "computing"))
    assert untouched.notes == []


def pair(log: Path, task: tuple[str, int], advance: Advance) -> int:
    """Notes the process and what it was asked for."""
    with log.open("a") as file:
        file.write(json.dumps([*task, torch.get_num_threads()]) + "\n")
    return task[1]


def test_tasks_that_share_a_search_go_together(run: Run, tmp_path: Path, two_workers: Pool) -> None:
    tasks = {f"{name}-{number}": (name, number) for name in "abcd" for number in range(3)}
    log = tmp_path / "log"
    found = run.map(tasks, partial(pair, log), JSON, bar=bar(), pool=two_workers, together=lambda task: task[0])
    assert found == {key: number for key, (_, number) in tasks.items()}
    asked = [json.loads(line) for line in log.read_text().splitlines()]
    for name in "abcd":
        assert [number for letter, number, _ in asked if letter == name] == [0, 1, 2]


@pytest.mark.parametrize("package", ["python", "torch", "qiskit-aer"])
def test_workers_of_other_versions_are_refused(package: str) -> None:
    pytest.importorskip("distributed")
    from qaml_qiskit.artifacts.dask_client import check_versions, result_versions

    ours = result_versions()
    check_versions(ours, {"tcp://one": ours})
    with pytest.raises(ConfigurationError, match=rf"{package} 0\.1 in tcp://two; expected {package} .*in this process"):
        check_versions(ours, {"tcp://one": ours, "tcp://two": {**ours, package: "0.1"}})


def test_wrong_pools_are_refused_by_the_call() -> None:
    for words in ({"workers": 0}, {"workers": 2, "scheduler": "tcp://127.0.0.1:9"}):
        with pytest.raises(ConfigurationError, match="cannot spread"):
            open_pool(**words)  # type: ignore[arg-type]
    with open_pool() as pool:
        assert pool is HERE


def test_files_of_the_version_before_are_kept(run: Run) -> None:
    """Their marks, written out, are those of configuration, name and content."""
    import hashlib

    config = json.dumps({"command": "demo", "seed": 0}, sort_keys=True)
    content = json.dumps({"rows": [1, "ψ"]}, indent=2, ensure_ascii=False) + "\n"
    mark = hashlib.sha256("\0".join((config, "cells/0.json", content)).encode()).hexdigest()[:16]
    kept = json.dumps({"mark": mark, "content": {"rows": [1, "ψ"]}}, indent=2, ensure_ascii=False) + "\n"
    (run.path / "cells").mkdir()
    (run.path / "cells" / "0.json").write_text(kept)
    z = np.arange(3.0)
    words = f"z <f8 (3,) {hashlib.sha256(z.tobytes()).hexdigest()}"
    mark = hashlib.sha256("\0".join((config, "cells/0.npz", words)).encode()).hexdigest()[:16]
    np.savez_compressed(run.path / "cells" / "0.npz", z=z, mark=np.array(mark))

    def never(task: int, advance: Advance) -> Arrays:
        raise AssertionError

    assert run.map({"cells/0": 0}, never, JSON, bar=bar()) == {"cells/0": {"rows": [1, "ψ"]}}
    np.testing.assert_array_equal(run.map({"cells/0": 0}, never, ARRAYS, bar=bar())["cells/0"]["z"], z)


class LaterOptions(Options):
    """The same command's, in a version that has one more."""

    ansatz: str = "ladder"


def test_a_run_from_before_an_option_goes_on_or_says_what_to_do(run: Run) -> None:
    kept = run.map(TASKS, lambda task, advance: task, JSON, bar=bar())
    before = cells(run)
    run.__exit__(None, None, None)
    with open_run("demo", LaterOptions(), out=run.path) as later:
        assert later.map(TASKS, lambda task, advance: -1, JSON, bar=bar()) == kept
    with pytest.raises(ConfigurationError, match=r"differs in ansatz.*Choose another folder with --out"):
        open_run("demo", LaterOptions(ansatz="brickwork"), out=run.path)
    assert cells(run) == before


class ChangedOptions(Options):
    """The same command's, in a version that has a choice where there was none, and another default."""

    readout: Annotated[str, Field(exclude_if=lambda name: name == "qubits")] = "linear"


def test_a_run_from_before_a_choice_is_not_that_of_a_later_default(run: Run) -> None:
    run.__exit__(None, None, None)
    with pytest.raises(ConfigurationError, match="differs in readout"):
        open_run("demo", ChangedOptions(), out=run.path)
    with open_run("demo", ChangedOptions(readout="qubits"), out=run.path) as later:
        assert later.config == run.config
