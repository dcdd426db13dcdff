"""What decides the result of a step is in its fingerprint, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest

from qaml_qiskit.campaigns.steps import CommandStep

TABLE = "a,b,class\n0.1,0.2,0\n0.3,0.4,1\n"


def fingerprint(command: str, depends: dict[str, str] | None = None, **fields: Any) -> str:
    return CommandStep("step", command, fields, depends or {}).fingerprint


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_steps_of_earlier_versions_are_found() -> None:
    fields = {"sources": ["net"], "victims": ["net@depolarizing:0.01"], "attacks": ["fgsm"], "eps": [0.1]}
    assert fingerprint("transfer", {"net": "0123456789abcdef"}, **fields) == "d3f0283d"


def test_content_of_own_files_decides_and_their_age_does_not(here: Path) -> None:
    before = fingerprint("train", dataset="mine.csv")
    (here / "mine.csv").touch()
    assert fingerprint("train", dataset="mine.csv") == before
    (here / "mine.csv").write_text(TABLE.replace("0.4", "0.5"))
    assert fingerprint("train", dataset="mine.csv") != before
    (here / "mine.csv").write_text(TABLE)
    assert fingerprint("train", dataset="mine.csv") == before


@pytest.mark.parametrize("dataset", ["photos", "./photos"])
def test_content_of_own_folders_decides(here: Path, dataset: str) -> None:
    (here / "photos" / "cats").mkdir(parents=True)
    (here / "photos" / "cats" / "1.png").write_bytes(b"one")
    before = fingerprint("train", dataset=dataset)
    (here / "photos" / "cats" / "2.png").write_bytes(b"two")
    assert fingerprint("train", dataset=dataset) != before


def test_files_that_a_word_happens_to_name_decide_nothing(here: Path) -> None:
    before = fingerprint("train", dataset="digits", model="qvc")
    for name in ("digits", "qvc"):
        (here / name).write_text("something")
    assert fingerprint("train", dataset="digits", model="qvc") == before


def test_of_what_a_step_depends_on_the_fingerprint_alone_decides(here: Path) -> None:
    found = set()
    for place in ("one", "two"):
        (here / place).mkdir()
        (here / place / "model.json").write_text(place)
        found.add(fingerprint("attack", {f"./{place}": "0123456789abcdef"}, model=f"./{place}", images="9"))
    assert len(found) == 1


def test_a_text_that_no_file_can_be_called() -> None:
    assert fingerprint("train", dataset=f"{'long' * 300}.csv") != fingerprint("train", dataset="mine.csv")
