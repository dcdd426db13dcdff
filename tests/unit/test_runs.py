import json
import os
from pathlib import Path

import pytest

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.runs import CONFIG_FILE, environment, open_run

CONFIG = {"eps": 0.1, "classes": [0, 1], "seed": 0, "name": "ψ"}


def test_new_run_has_configuration_and_environment(tmp_path: Path) -> None:
    run = open_run("demo", CONFIG, tmp_path / "run")
    assert not run.complete
    assert "eps: 0.1" in (run.path / CONFIG_FILE).read_text()
    assert json.loads((run.path / "environment.json").read_text())["packages"]["qiskit"]


def test_same_command_finds_its_unfinished_run_and_leaves_a_finished_one() -> None:
    first = open_run("demo", CONFIG)
    assert open_run("demo", CONFIG).path == first.path
    assert open_run("demo", {**CONFIG, "seed": 1}).path != first.path
    first.finish({"results": []})
    second = open_run("demo", CONFIG)
    assert second.path.name == first.path.name + "-2"
    assert not second.complete


def test_finished_run_given_by_name_is_read_back(tmp_path: Path) -> None:
    open_run("demo", CONFIG, tmp_path / "run").finish({"results": [1]})
    run = open_run("demo", CONFIG, tmp_path / "run")
    assert run.complete
    assert run.metrics() == {"results": [1]}


def test_folder_of_another_configuration_is_refused_and_untouched(tmp_path: Path) -> None:
    path = open_run("demo", CONFIG, tmp_path / "run").path
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    with pytest.raises(ConfigurationError, match="differs in eps, seed"):
        open_run("demo", {**CONFIG, "eps": 0.2, "seed": 4}, path)
    assert before == {file.name: file.read_bytes() for file in path.iterdir()}


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigurationError, match="not a run"):
        open_run("demo", CONFIG, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match="--out"):
            open_run("demo", CONFIG, path)


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run("demo", CONFIG, tmp_path / "run")
    run.write("a.txt", "old")

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        run.write("a.txt", "new")
    assert run.read("a.txt") == b"old"


def test_json_is_the_same_bytes_for_the_same_content(tmp_path: Path) -> None:
    run = open_run("demo", CONFIG, tmp_path / "run")
    content = {"a": [0.1, 2], "b": None}
    assert run.write_json("x.json", content).read_bytes() == run.write_json("y.json", content).read_bytes()


def test_environment_names_no_user_or_host() -> None:
    text = json.dumps(environment())
    for secret in (os.environ.get("USER"), os.uname().nodename):
        assert not secret or len(secret) < 3 or secret not in text
