"""``qaml certify --method smoothing`` as a whole: two classifiers in one table."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.stats import norm

from qaml_qiskit.certificates import certify_l2
from tests.integration.conftest import Finished
from tests.tolerances import CERTIFICATE, MEAN

Qaml = Callable[..., Finished]
WORDS = ("--method", "smoothing", "--smoothing-sigma", 0.1, "--samples", 200, "--images", 12)


def test_the_smoothed_radius_stands_beside_the_exact_one(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    finished = qaml("certify", trained, *WORDS, "--out", tmp_path / "run", "--json")
    assert finished.code == 0, finished.err
    document = finished.json()
    rows, exact = document["results"], qaml("certify", trained, "--images", 12, "--json", "--out", tmp_path / "exact")
    np.testing.assert_allclose(
        [row["base_radius"] for row in rows], [row["radius"] for row in exact.json()["results"]], rtol=CERTIFICATE
    )
    assert [row["predicted"] for row in rows] == [row["predicted"] for row in exact.json()["results"]]
    most = 0.1 * norm.ppf(0.001 ** (1 / 200))
    for row in rows:
        right = row["smoothed"] == row["label"]
        assert row["smoothed_radius"] <= most * (1 + CERTIFICATE)
        assert row["smoothed_radius"] == pytest.approx(0.1 * norm.ppf(row["share"]) if right else 0, rel=MEAN)
    assert sum(row["smoothed_radius"] > 0 for row in rows) > 6
    levels = document["certified_accuracy"]
    assert set(levels[0]) == {"distance", "smoothed", "smoothed_without_draws", "base"}
    assert any("Neither holds for the other" in note for note in document["notes"])
    assert len(list(csv.DictReader((tmp_path / "run" / "smoothing.csv").read_text().splitlines()))) == 12
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["samples"] == 200
    assert "method" not in yaml.safe_load((tmp_path / "exact" / "config.yaml").read_text())


def test_a_killed_run_draws_the_same_again(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qaml_qiskit.studies.smoothing.CHUNK", 5)

    def killed(*arguments: object) -> object:
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return certify_l2(*arguments)

    calls: list[None] = []
    whole = qaml("certify", trained, *WORDS, "--json", "--out", tmp_path / "whole").json()["results"]
    with monkeypatch.context() as patch:
        patch.setattr("qaml_qiskit.studies.smoothing.certify_l2", killed)
        assert qaml("certify", trained, *WORDS, "--out", tmp_path / "run").code == 130
    assert qaml("certify", trained, *WORDS, "--json", "--out", tmp_path / "run").json()["results"] == whole


def test_any_network_can_be_smoothed(qaml: Qaml, trained_convnet: Path, tmp_path: Path) -> None:
    words = ("--method", "smoothing", "--samples", 50, "--images", 2, "--out", tmp_path / "run", "--json")
    finished = qaml("certify", trained_convnet, *words)
    assert finished.code == 0, finished.err
    assert "base_radius" not in finished.json()["results"][0]


def test_noise_that_shrinks_all_logits_alike_leaves_every_radius(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    rows = [
        qaml("certify", f"{trained}{noise}", *WORDS, "--out", tmp_path / str(i), "--json").json()["results"]
        for i, noise in enumerate(("", "@global-depolarizing:0.001"))
    ]
    for name in ("base_radius", "smoothed_without_draws", "share"):
        np.testing.assert_allclose([row[name] for row in rows[0]], [row[name] for row in rows[1]], rtol=MEAN)
