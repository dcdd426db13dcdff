"""``qaml monitor``: streams of every format, what is found in them, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import qaml_qiskit as front
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]


def scores(count: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    confidence = np.clip(generator.normal(0.8 - 0.1 * shift, 0.1, count), 0, 1)
    return {"confidence": confidence, "disagreement": (generator.random(count) < 0.05 + 0.3 * shift).astype(float)}


def write(file: Path, values: dict[str, np.ndarray]) -> Path:
    rows = [dict(zip(values, map(float, row), strict=True)) for row in zip(*values.values(), strict=True)]
    match file.suffix:
        case ".csv":
            lines = [",".join(values), *(",".join(map(repr, row.values())) for row in rows)]
            file.write_text("\n".join(lines) + "\n")
        case ".jsonl":
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case _:
            np.savez(file, **values)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npz"])
def test_a_change_is_found_in_a_stream_of_any_format(qaml: Qaml, tmp_path: Path, suffix: str) -> None:
    before, after = scores(100, 1), scores(100, 2, shift=1.0)
    stream = write(tmp_path / f"s{suffix}", {name: np.concatenate([before[name], after[name]]) for name in before})
    clean = write(tmp_path / f"clean{suffix}", scores(300, 3))
    asked = ("--rising", "disagreement", "--falling", "confidence", "--change", 100, "--within", 200)
    found = qaml("monitor", stream, clean, *asked, "--json", "--out", tmp_path / "run")
    assert found.code == 0, found.err
    rows = {row["field"]: row for row in found.json()["results"]}
    assert [*rows] == ["disagreement", "confidence"]
    for row in rows.values():
        assert row["alarm_at"] == 100 + row["delay"]
        assert not row["false_alarm"]
        assert row["false_alarms"] == pytest.approx(0.005)
    assert rows["confidence"]["direction"] == "falling"
    assert rows["confidence"]["clean_mean"] == pytest.approx(0.8, abs=0.05)
    sums = np.genfromtxt(tmp_path / "run" / "sums.csv", delimiter=",", names=True)
    assert sums["confidence"][rows["confidence"]["alarm_at"]] > rows["confidence"]["threshold"]


def test_a_quiet_stream_raises_no_alarm_from_python(tmp_path: Path) -> None:
    clean, stream = (write(tmp_path / name, scores(80, seed)) for name, seed in (("a.csv", 4), ("b.csv", 5)))
    found = front.monitor(stream, clean=clean, falling="confidence", within=80)
    assert found.alarm_at == [None]
    assert found.results[0]["delay"] is None
    assert "No alarm" in found.lead


CLEAN = "score\n" + "\n".join(str(k % 7) for k in range(60)) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "words", "said"),
    [
        ("s.csv", "score,other\n1,2\n", "--rising confidence", ["line 2", "'confidence'"]),
        ("s.csv", "score,other\n1,2\n3\n", "--rising other", ["clean.csv", "line 2", "'other'"]),
        ("s.csv", "score\n1\n\n2\nmuch\n", "--rising score", ["s.csv", "line 5", "score = 'much'"]),
        ("s.csv", "score\n1\nnan\n", "--rising score", ["line 3", "finite"]),
        ("s.csv", "score\n", "--rising score", ["no image"]),
        ("s.csv", "", "--rising score", ["no image"]),
        ("s.csv", 'score\n"1\n', "--rising score", ["line", "comma-separated"]),
        ("s.jsonl", '{"score": 1}\n{"conf": 2}\n', "--rising score", ["line 2", "'score'"]),
        ("s.jsonl", '{"score": 1}\n{"score": null}\n', "--rising score", ["line 2", "score = None"]),
        ("s.jsonl", '{"score": 1}\nnothing\n', "--rising score", ["line 2", "JSON"]),
        ("s.jsonl", "[1]\n", "--rising score", ["line 1", "JSON object"]),
        ("s.jsonl", "", "--rising score", ["no image"]),
        ("s.npz", "hello", "--rising score", ["s.npz"]),
        ("s.txt", "1", "--rising score", [".csv"]),
        ("s.csv", CLEAN, "", ["--rising"]),
        ("s.csv", CLEAN, "--rising score --falling score", ["both rising and falling"]),
        ("s.csv", CLEAN, "--rising score --false-alarms 1", ["--false-alarms"]),
        ("s.csv", CLEAN, "--rising score --false-alarms 0", ["--false-alarms"]),
        ("s.csv", CLEAN, "--rising score --drift 0", ["--drift"]),
        ("s.csv", CLEAN, "--rising score --change 60", ["ends before it changes"]),
        ("s.csv", CLEAN, "--rising score --false-alarms 1e-6", ["too rare"]),
    ],
)
def test_a_stream_that_cannot_be_watched_is_told(
    qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, words: str, said: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(content)
    (tmp_path / "clean.csv").write_text(CLEAN)
    before = {*tmp_path.rglob("*")}
    # The clean file is read first: it has what the stream lacks, unless the case is about that.
    clean = name if "clean.csv" not in said else "clean.csv"
    found = qaml("monitor", name, clean, *words.split())
    assert found.code == 2
    assert all(each in found.err for each in said), found.err
    assert {*tmp_path.rglob("*")} == before


def test_too_few_clean_images_are_told(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "few.csv", scores(49, 1))
    found = qaml("monitor", "few.csv", "few.csv", "--falling", "confidence")
    assert found.code == 2
    assert "at least 50" in found.err
    assert not (tmp_path / "runs").exists()


def test_a_stream_that_lacks_a_field_of_the_clean_file_is_named(
    qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean.csv").write_text(CLEAN)
    (tmp_path / "s.jsonl").write_text('{"score": 1}\n{"confidence": 1}\n')
    found = qaml("monitor", "s.jsonl", "clean.csv", "--rising", "score")
    assert found.code == 2
    assert "cannot read s.jsonl: got line 2 without 'score', with ['confidence']" in found.err
