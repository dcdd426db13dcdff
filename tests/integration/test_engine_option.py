"""``--engine`` of the commands that sample on a target, and what they say of it."""

import html
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from qaml_qiskit import run, submit
from qaml_qiskit.execution import Workload
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
HOW = ("--images", 4, "--shots", 40, "--target", "poor-readout", "--recipe", "quick")


def test_runs_are_simulated_exactly_unless_aer_is_asked_for(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    found = {}
    for name, more in {"default": (), "exact": ("--engine", "exact"), "aer": ("--engine", "aer")}.items():
        document = qaml("run", trained, *HOW, *more, "--out", name, "--json").json()
        (told,) = [note for note in document["notes"] if note.startswith("Simulated")]
        assert told == "Simulated by Aer." if name == "aer" else "exactly" in told
        workload = Workload.load(tmp_path / name)
        assert workload.settings.engine == ("aer" if name == "aer" else "exact")
        config = yaml.safe_load((tmp_path / name / "config.yaml").read_text())
        asked = None if name == "default" else name
        assert config.get("engine") == config["resolved"]["target"].get("engine") == asked
        assert told in html.unescape((tmp_path / name / "report.html").read_text())
        with np.load(tmp_path / name / "predictions.npz") as arrays:
            found[name] = arrays["z_raw"]
    assert (found["default"] == found["exact"]).all()
    assert (found["default"] != found["aer"]).any()


def test_a_plan_says_what_will_simulate(qaml: Qaml, trained: Path) -> None:
    assert any("Simulated exactly" in note for note in qaml("plan", trained, *HOW, "--json").json()["notes"])
    fallen = qaml("plan", trained, *HOW, "--mitigation", "trex", "--json").json()["notes"]
    assert any(note.startswith("Simulated by Aer: the mitigation trex") for note in fallen)


@pytest.mark.parametrize("more", [("--mitigation", "trex"), ("--target", "ibm-torino")])
def test_what_cannot_be_simulated_exactly_is_refused(
    qaml: Qaml, trained: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    finished = qaml("run", trained, *HOW[:-4], "--engine", "exact", "--target", "poor-readout", *more)
    assert finished.code in (2, 3)
    assert len(finished.err.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_run_that_was_begun_by_aer_goes_on_with_it(trained: Path, tmp_path: Path) -> None:
    how = {"images": 4, "shots": 40, "target": "poor-readout", "recipe": "quick"}
    whole = run(trained, **how, engine="aer", out=tmp_path / "whole")
    submit(trained, **how, out=tmp_path / "begun")
    # As an earlier version wrote it: no word of an engine.
    Workload.load(tmp_path / "whole").save(tmp_path / "other")
    for name in ("workload.json", "values.npy", "isa.qpy"):
        (tmp_path / "begun" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    lines = (tmp_path / "begun" / "jobs.jsonl").read_text().splitlines()
    (tmp_path / "begun" / "jobs.jsonl").write_text("\n".join(lines[:1]) + "\n")
    assert Workload.load(tmp_path / "begun").settings.engine == "aer"
    again = run(trained, **how, out=tmp_path / "begun")
    with np.load(tmp_path / "whole" / "predictions.npz") as one, np.load(tmp_path / "begun" / "predictions.npz") as two:
        assert (one["z_raw"] == two["z_raw"]).all()
    assert again.accuracy == whole.accuracy
