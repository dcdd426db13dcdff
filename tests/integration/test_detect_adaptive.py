"""``qaml detect --adaptive``: its column, its table, and that no row is better for the defender than without it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
FAST = ("--steps", "4", "--restarts", "1", "--images", "20", "--json")


def test_every_row_has_the_share_of_who_knows_the_detector(
    qaml: Qaml, trained: Path, trained_convnet: Path, tmp_path: Path
) -> None:
    words = ("--models", trained, trained_convnet, "--detector", "disagreement", "margin", "--eps", "0.2")
    adaptive = ("--adaptive", "selective,joint")
    finished = qaml(
        "detect", *words, *FAST, *adaptive, "--attacks", "pgd,cw", "--anomalies", "noise", "--out", tmp_path / "run"
    )
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    by_attack = {name: [row for row in rows if row["attack"] == name] for name in ("pgd", "cw", "noise")}
    assert all(row["adaptive"] is None for row in by_attack["cw"] + by_attack["noise"])
    assert all(row["evasion_rate"] is None for row in by_attack["noise"])
    for row in by_attack["pgd"]:
        assert row["evasion_rate"] == pytest.approx(row["fooled"] * (1 - row["caught_of_fooled"]) / 20)
        assert row["adaptive"] >= row["evasion_rate"]
        assert row["adaptive_interval"][0] <= row["adaptive"] <= row["adaptive_interval"][1]
    # Disagreement's own rule and both promises, by two variants.
    table = json.loads((tmp_path / "run" / "metrics.json").read_text())["adaptive"]
    assert len(table) == 3 * 2
    for each in table:
        rule = each["detector"], each["false_alarms"]
        (row,) = [row for row in by_attack["pgd"] if (row["detector"], row["false_alarms"]) == rule]
        assert each["evasion_rate"] <= row["adaptive"]
    assert (tmp_path / "run" / "adaptive.csv").is_file()
    with np.load(next((tmp_path / "run" / "adaptive").glob("margin-0-joint-*"))) as kept:
        assert kept["images"].shape == (20, 1, 8, 8)


def test_a_mix_is_attacked_at_its_own_strengths(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("--models", trained, "--detector", "margin", "--attacks", "pgd", "--eps", "0.05,0.3", "--mix")
    finished = qaml("detect", *words, *FAST, "--adaptive", "orthogonal", "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    (row,) = finished.json()["results"]
    table = json.loads((tmp_path / "run" / "metrics.json").read_text())["adaptive"]
    assert sum(each["images"] for each in table) == 20
    assert row["adaptive"] * 20 >= sum(each["evasion_rate"] * each["images"] for each in table) - 0.5
    assert {each["eps"] for each in table} == {0.05, 0.3}


def test_there_must_be_a_strength(qaml: Qaml, trained: Path) -> None:
    finished = qaml("detect", "--models", trained, "--attacks", "deepfool", "--adaptive", "selective", "--json")
    assert finished.code == 2
    assert "no strength for attackers who know the detector" in finished.err
