"""A run's report: what is written, where, and in which order."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from qaml_qiskit.artifacts import open_run
from qaml_qiskit.reports import AUDIT_READING, Report, audit_notes, image_grid, one_of_each_class, perturbation_picture


class Request(BaseModel):
    """What a run of these tests is asked for."""

    seed: int = 0


ROWS = [{"attack": "pgd", "accuracy": 0.5, "interval": [0.4, 0.6]}]
PNG = image_grid({"clean": np.zeros((1, 1, 2, 2))}, {})


def report_in(folder: Path) -> Report:
    return Report(open_run("attack", Request(), out=folder), "qaml attack 'my model'", "Under attack")


def test_everything_is_written_and_the_metrics_come_last(tmp_path: Path) -> None:
    report = report_in(tmp_path / "run")
    report.table("Accuracy", ROWS, "first paragraph", "second paragraph", file="attack.csv")
    report.picture("attack.png", PNG, "what is seen")
    report.picture("other.png", PNG, "something else", "Other")
    report.csv("all.csv", [*ROWS, *ROWS])
    assert not (tmp_path / "run/attack.csv").exists()
    report.write("A lead.")
    assert not (tmp_path / "run/metrics.json").exists()
    report.finish("A lead.", ROWS, ["a note"], audit=[])
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics == {"command": "attack", "lead": "A lead.", "results": ROWS, "audit": [], "notes": ["a note"]}
    assert (tmp_path / "run/attack.csv").read_text().splitlines() == [
        "attack,accuracy,interval_low,interval_high",
        "pgd,0.5,0.4,0.6",
    ]
    assert len((tmp_path / "run/all.csv").read_text().splitlines()) == 3
    assert (tmp_path / "run/attack.png").read_bytes() == PNG


def test_the_page_has_them_in_their_order(tmp_path: Path) -> None:
    report = report_in(tmp_path / "run")
    report.table("Accuracy", ROWS, "first paragraph", "second paragraph")
    report.picture("attack.png", PNG, "below the table")
    report.picture("other.png", PNG, "by itself", "Other")
    report.finish("A lead.", ROWS)
    page = (tmp_path / "run/report.html").read_text()
    words = ("Under attack", "A lead.", "Accuracy", "first paragraph", "second paragraph", "0.400 – 0.600")
    after = ("<figcaption>below the table", "Other", "<figcaption>by itself", "qaml attack &#39;my model&#39;")
    places = [page.index(word, page.index("<body")) for word in (*words, *after)]
    assert places == sorted(places)
    assert page.count("<h2>") >= 2


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    explanation: str


@dataclass(frozen=True)
class Audit:
    verdict: str
    images: int
    reason: str = ""
    checks: tuple[Check, ...] = ()


def test_notes_on_audits_name_what_failed_and_what_was_not_audited() -> None:
    checks = (Check("restarts", True, "fine"), Check("steps", False, "More steps find more."))
    audits = {"pgd": Audit("weak attack", 50, checks=checks), "fab": Audit("not audited", 40, "fab has no strength.")}
    read, failed, left = audit_notes(audits)
    assert read == f"The audit used 50 images. {AUDIT_READING}"
    assert failed == "weak attack, pgd: steps. More steps find more."
    assert left == "Not audited: fab has no strength."
    assert audit_notes({}) == []


def test_a_picture_shows_one_image_of_each_class() -> None:
    labels = np.array([2, 2, 0, 1, 0, 3])
    assert one_of_each_class(labels).tolist() == [0, 2, 3, 5]
    assert len(one_of_each_class(np.arange(10))) == 6


@pytest.mark.parametrize("channels", [1, 3])
def test_perturbations_of_grey_and_colour_images_are_drawn(channels: int) -> None:
    clean = np.random.default_rng(0).random((2, channels, 4, 4))
    attacked = {"pgd": (np.clip(clean + 0.1, 0, 1), np.array([1, 0]))}
    assert perturbation_picture(clean, np.array([0, 1]), attacked).startswith(b"\x89PNG")
