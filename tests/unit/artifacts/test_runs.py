"""The run folder: one writer, found again after any kill, and nobody else's folder is touched."""

import json
import os
import secrets
import stat
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from qaml_qiskit.artifacts import ARRAYS, JSON
from qaml_qiskit.artifacts.opening import load_run, open_run
from qaml_qiskit.artifacts.run import CONFIG_FILE, ENVIRONMENT_FILE, METRICS_FILE
from qaml_qiskit.environment import describe_environment
from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError, StorageError
from qaml_qiskit.files import append, write_atomically


class Options(BaseModel):
    """What some command is asked for."""

    model_config = ConfigDict(extra="allow")


CONFIG = Options(eps=0.1, classes=[0, 1], seed=0, name="ψ")


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_new_run_has_configuration_and_environment(tmp_path: Path) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        assert not run.complete
        assert "eps: 0.1" in (run.path / CONFIG_FILE).read_text()
        assert json.loads((run.path / ENVIRONMENT_FILE).read_text())["packages"]["qiskit"]


def test_same_command_finds_its_unfinished_run_and_leaves_a_finished_one() -> None:
    with open_run("demo", CONFIG) as first:
        pass
    with open_run("demo", Options(**{**dict(CONFIG), "seed": 1})) as other:
        assert other.path != first.path
    with open_run("demo", CONFIG) as again:
        assert again.path == first.path
        again.finish({"results": []})
    with open_run("demo", CONFIG) as second:
        assert second.path.name == first.path.name + "-2"
        assert not second.complete


def test_finished_run_given_by_name_is_read_back(tmp_path: Path) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        run.finish({"results": [{"a": 1}]})
    # A complete run is only read: two may hold it, and its folder may be read-only.
    with open_run("demo", CONFIG, out=tmp_path / "run") as one, open_run("demo", CONFIG, out=tmp_path / "run") as two:
        assert one.complete
        assert one.metrics() == two.metrics() == {"results": [{"a": 1}]}


def test_one_writer_a_folder(tmp_path: Path) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run"):
        with pytest.raises(ConfigurationError, match=f"in use.*number {os.getpid()}"):
            open_run("demo", CONFIG, out=tmp_path / "run")
        with pytest.raises(ConfigurationError, match="in use"), load_run(tmp_path / "run", "demo"):
            pass
    with open_run("demo", CONFIG, out=tmp_path / "run"), pytest.raises(ConfigurationError, match="in use"):
        open_run("demo", CONFIG, out=tmp_path / "run")


@pytest.mark.parametrize("leftover", [".lock", ".config.yaml.tmp", ".config.yaml.0123456789abcdef.tmp"])
def test_folder_with_only_our_own_unfinished_files_is_ours(tmp_path: Path, leftover: str) -> None:
    path = tmp_path / "run"
    path.mkdir()
    (path / leftover).write_text("comma")
    with open_run("demo", CONFIG, out=path):
        assert {file.name for file in path.iterdir()} == {".lock", CONFIG_FILE, ENVIRONMENT_FILE}


@pytest.mark.parametrize("damage", [None, b"", b"{", b"[]", b'{"packages": 3}', b"\xff"])
def test_lost_environment_is_written_again(tmp_path: Path, damage: bytes | None) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run"):
        pass
    file = tmp_path / "run" / ENVIRONMENT_FILE
    whole = file.read_bytes()
    file.unlink() if damage is None else file.write_bytes(damage)
    with open_run("demo", CONFIG, out=tmp_path / "run"):
        assert file.read_bytes() == whole


@pytest.mark.parametrize("damage", [b"", b"command: demo\n  - x: [", b"\x00\xff", b"seed", b"a: &a [*a]"])
def test_damaged_configuration_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "run"
    with open_run("demo", CONFIG, out=path):
        pass
    (path / CONFIG_FILE).write_bytes(damage)
    for attempt in (lambda: open_run("demo", CONFIG, out=path), lambda: load_run(path, "demo")):
        with pytest.raises((InputError, ConfigurationError), match=r"config\.yaml|differs in") as found:
            attempt()
        assert "--out" in str(found.value)
    assert (path / CONFIG_FILE).read_bytes() == damage


def test_what_does_not_fit_in_the_configuration_is_shown(tmp_path: Path) -> None:
    class Target(BaseModel):
        kind: str

    with open_run("demo", CONFIG, {"target": {"kin": "fake"}}, tmp_path) as run:
        with pytest.raises(DamagedFileError, match=r"resolved\.target of .*got \{'kin': 'fake'\}"):
            run.resolved("target", Target.model_validate)
        with pytest.raises(DamagedFileError, match=r"resolved\.recipe of .*got nothing"):
            run.resolved("recipe", Target.model_validate)


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"{}", b"[" * 5000])
def test_damaged_metrics_are_named(tmp_path: Path, damage: bytes) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        run.finish({"results": []})
    (tmp_path / "run" / METRICS_FILE).write_bytes(damage)
    with pytest.raises(DamagedFileError, match=r"metrics\.json.*Delete the file"):
        open_run("demo", CONFIG, out=tmp_path / "run").metrics()["results"]


def test_folder_of_another_configuration_is_refused_and_untouched(tmp_path: Path) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        pass
    before = contents(run.path)
    with pytest.raises(ConfigurationError, match="differs in eps, seed"):
        open_run("demo", Options(**{**dict(CONFIG), "eps": 0.2, "seed": 4}), out=run.path)
    assert before == contents(run.path)


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigurationError, match="not a run"):
        open_run("demo", CONFIG, out=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "\0", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigurationError, match="--out"):
            open_run("demo", CONFIG, out=path)


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        run.write("a.txt", "old")

        def fail(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match="No space left on device") as found:
            run.write("a.txt", "new")
        assert found.value.exit_code == 6
        assert run.read("a.txt") == b"old"
        assert not list(run.path.glob(".*.tmp"))


def test_a_folder_that_was_moved_is_not_made_again(tmp_path: Path) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        run.path.rename(tmp_path / "elsewhere")
        with pytest.raises(StorageError, match="moved or deleted"):
            run.write("cells/a.txt", "x")
        assert not run.path.exists()


def test_json_is_the_same_bytes_for_the_same_content(tmp_path: Path) -> None:
    with open_run("demo", CONFIG, out=tmp_path / "run") as run:
        content = {"a": [0.1, 2], "b": None}
        assert run.write_json("x.json", content).read_bytes() == run.write_json("y.json", content).read_bytes()


def test_kept_parts_come_back_and_others_do_not(tmp_path: Path) -> None:
    arrays = {"z": np.arange(6.0).reshape(2, 3)}
    with (
        open_run("demo", CONFIG, out=tmp_path / "run") as run,
        open_run("demo", Options(seed=2), out=tmp_path / "other") as other,
    ):
        for each in (run, other):
            each.keep("a", {"rows": [0.1, None, "ψ"]}, JSON)
            each.keep("a", arrays, ARRAYS)
        assert run.kept("a", JSON) == {"rows": [0.1, None, "ψ"]}
        np.testing.assert_array_equal(run.kept("a", ARRAYS)["z"], arrays["z"])
        for codec in (JSON, ARRAYS):
            name = f"a{codec.suffix}"
            content = (run.path / name).read_bytes()
            assert run.kept("missing", codec) is None
            # Another part's bytes, another run's bytes, and every kind of damage.
            run.write(f"b{codec.suffix}", content)
            assert run.kept("b", codec) is None
            for bad in ((other.path / name).read_bytes(), b"", content[:-9], content[: len(content) // 2], b"{}"):
                run.write(name, bad)
                assert run.kept("a", codec) is None


def test_private_modes_and_no_links_are_followed(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with open_run("demo", CONFIG, out=tmp_path / "run") as run:
            precious = tmp_path / "precious"
            precious.write_text("mine")
            (run.path / "a.txt").symlink_to(precious)
            run.write("a.txt", "new")
            write_atomically(run.path / "secret" / "b.txt", "s", private=True)
            append(run.path / "jobs.jsonl", b"x\n", private=True)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((run.path / name).stat().st_mode) for name in ("", "a.txt", ".lock", "jobs.jsonl")}
    assert modes == {"": 0o755, "a.txt": 0o644, ".lock": 0o600, "jobs.jsonl": 0o600}
    assert stat.S_IMODE((run.path / "secret").stat().st_mode) == 0o700
    assert stat.S_IMODE((run.path / "secret" / "b.txt").stat().st_mode) == 0o600
    assert precious.read_text() == "mine"
    assert (run.path / "a.txt").read_text() == "new"


def test_temporary_names_cannot_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the name is taken all the same, nothing is written through it."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / ".a.txt.00.tmp").symlink_to(precious)
    monkeypatch.setattr(secrets, "token_hex", lambda length: "00")
    with pytest.raises(StorageError, match="File exists"):
        write_atomically(tmp_path / "a.txt", "new")
    assert precious.read_text() == "mine"
    monkeypatch.undo()
    names = set()
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (names.add(self.name), replace(self, to))[1])
    for _ in range(3):
        write_atomically(tmp_path / "a.txt", "new")
    assert len(names) == 3


def test_environment_names_no_user_or_host() -> None:
    text = json.dumps(describe_environment())
    for secret in (os.environ.get("USER"), os.uname().nodename):
        assert not secret or len(secret) < 3 or secret not in text
