"""``qaml decide`` as a whole: drawn and sampled, resumed, and refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import qaml_qiskit as front
from tests.integration.conftest import Finished, results

Qaml = Callable[..., Finished]
#: The smallest promises that the few images keep which the training of digits sets aside.
COMMON = ("--recipe", "quick", "--validation", 20, "--confidence", "0.9", "--round", 20)
FEW = (*COMMON, "--target", "poor-readout", "--images", 12, "--shots", 80, "--repetitions", 2)


def test_policies_are_compared_on_the_same_shots(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    found = qaml("decide", trained, *FEW, "--json", "--out", tmp_path / "run")
    assert found.code == 0, found.err
    document = found.json()
    rows = {row["policy"]: row for row in document["results"]}
    assert [*rows] == ["fixed", "abstain", "more-shots", "sequential", "sequential, abstain"]
    assert rows["fixed"]["shots"] == 80
    assert rows["sequential"]["shots"] <= 80
    assert rows["more-shots"]["promised"] == rows["sequential"]["promised"] == pytest.approx(0.1)
    assert 0 < rows["sequential, abstain"]["coverage"] <= 1
    assert [row["shots"] for row in document["fixed_budgets"]] == [20, 40, 60, 80]
    with np.load(tmp_path / "run" / "decisions.npz") as kept:
        assert kept["label_sequential"].shape == (2, 12)
        right = (kept["label_fixed"] == kept["labels"]).mean()
    assert rows["fixed"]["accuracy"] == pytest.approx(right)
    assert {"policies.csv", "policies.png", "report.html"} <= {each.name for each in (tmp_path / "run").iterdir()}
    said = " ".join(document["notes"])
    assert "need not be the true label" in said


def test_sampled_rounds_go_on_where_they_were_killed(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    few = ("--target", "ideal", "--images", 6, "--shots", 60, "--engine", "sampler")
    words = ("decide", trained, *COMMON, *few, "--policy", "sequential")
    assert qaml(*words, "--out", tmp_path / "whole").code == 0
    whole = results(tmp_path / "whole")
    assert "rounds/00/outcomes/images-0000.npz" in whole
    assert qaml(*words, "--out", tmp_path / "again").code == 0
    (tmp_path / "again" / "metrics.json").unlink()
    # As if it had been killed in the second round: the first one's answers are read, not measured again.
    first = tmp_path / "again" / "rounds" / "00" / "outcomes" / "images-0000.npz"
    stamp = first.stat().st_mtime_ns
    for place in sorted((tmp_path / "again" / "rounds").glob("*/outcomes/*.npz"))[1:]:
        place.unlink()
    assert qaml(*words, "--out", tmp_path / "again").code == 0
    assert first.stat().st_mtime_ns == stamp
    metrics = [json.loads(results(tmp_path / name)["metrics.json"]) for name in ("whole", "again")]
    assert metrics[0] == metrics[1]
    # Nobody measured to the end: there is no fixed budget to compare with.
    assert metrics[0]["fixed_budgets"] == []
    assert metrics[0]["results"][0]["unlike_budget"] is None


def test_a_network_answers_in_doubt_from_python(trained: Path) -> None:
    found = front.decide(
        trained,
        fallback=f"{trained}@depolarizing:0.01",
        policy=("fall-back", "sequential"),
        target="poor-readout",
        recipe="quick",
        images="6",
        validation=10,
        confidence=0.8,
        round=10,
        shots=20,
        repetitions=1,
        mitigation="readout",
    )
    assert found.policy == ["fall-back", "sequential", "sequential, abstain", "sequential, fall-back"]
    assert found.results[-1]["coverage"] == 1
    assert "(betting)" in " ".join(found.notes)
    assert "policy" in repr(found)
