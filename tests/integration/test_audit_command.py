"""``qaml audit`` as a whole: rows, verdict, files, a kill, and the same part of ``qaml attack --audit``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import qaml_qiskit
from qaml_qiskit import AuditRequest, audit, deploy
from qaml_qiskit.attacks.auditing import defence as auditing
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
FAST = ("--images", "20", "--steps", "3", "--queries", "5")


def test_a_rescaling_is_proven_to_gain_nothing(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ("audit", trained, "--defence", "global-depolarizing:0.002", "--eps", "0.05", "0.1", *FAST)
    finished = qaml(*words, "--out", run, "--json")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    document = finished.json()
    rows = document["results"]
    everybody = ["expectation", "scale-free", "twin", "queries", "worst"]
    assert [row["attacker"] for row in rows] == ["nothing", *everybody, *everybody]
    assert {"attacker", "draws", "eps", "accuracy", "interval", "verdict"} <= set(rows[0])
    assert rows[-1]["verdict"] == "nil"
    assert [row["verdict"] for row in rows[:-1]].count("nil") == 1
    for row in rows:
        assert row["model"] == f"{trained}@global-depolarizing:0.002"
        assert row["accuracy"] == pytest.approx(row["undefended_accuracy"])
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
    assert [row["is_proven"] for row in document["rescaling"]] == [True, True]
    assert {row["gain"] for row in document["gains"]} == {"clean", "published kind", "left", "lost"}
    assert all(row["value"] == 0 for row in document["gains"] if row["gain"] in ("clean", "left"))
    # A share of no gain is none.
    assert {row["share_of_published"] for row in document["gains"]} == {None}
    assert any("Mere rescaling" in note for note in document["notes"])
    page = (run / "report.html").read_text()
    assert page.count("Every gain is a difference") == page.count("Are the defended logits") == 1
    for name in ("audit.csv", "gains.csv", "rescaling.csv", "attackers.png", "report.html", "metrics.json"):
        assert (run / name).is_file()
    (listed,) = qaml("runs", "list", run, "--json").json()["results"]
    assert listed["accuracy"] == min(row["accuracy"] for row in rows)
    # The condition may stand behind an @, too.
    same = qaml("audit", f"{trained}@global-depolarizing:0.002", *words[4:], "--out", tmp_path / "same", "--json")
    assert same.json()["results"] == rows


def test_a_plain_model_as_twin_and_images_of_others(
    qaml: Qaml, trained: Path, trained_convnet: Path, tmp_path: Path
) -> None:
    words = ("audit", trained, "--twin", trained_convnet, "--sources", trained_convnet, *FAST)
    finished = qaml(*words, "--out", tmp_path / "run", "--json")
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    by_name = {row["attacker"]: row for row in rows}
    assert by_name[str(trained_convnet)]["undefended_accuracy"] == by_name["twin"]["undefended_accuracy"]
    assert rows[-1]["accuracy"] <= min(row["accuracy"] for row in rows)
    told = qaml(*words, "--out", tmp_path / "run")
    assert f"The undefended model is {trained_convnet}" in told.out


def test_without_a_twin_nothing_is_decided(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    document = qaml("audit", trained, *FAST, "--out", tmp_path / "run", "--json").json()
    assert document["results"][-1]["verdict"] == "cannot be decided"
    assert "gains" not in document
    assert any("no undefended model" in note for note in document["notes"])


def test_a_killed_audit_repeats_no_attacker(
    qaml: Qaml, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = auditing.run_attack, []

    def killed(*arguments: object, **options: object) -> object:
        calls.append("call")
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(auditing, "run_attack", killed)
    words = ("audit", f"{trained}@depolarizing:0.01", *FAST, "--json")
    assert qaml(*words, "--out", tmp_path / "run").code == 130
    again = qaml(*words, "--out", tmp_path / "run")
    assert len(calls) == 3 + 2
    whole = qaml(*words, "--out", tmp_path / "whole")
    assert whole.json()["results"] == again.json()["results"]


def test_from_python_with_models_in_place_of_names(trained: Path) -> None:
    model = deploy(trained)
    words = {"images": 15, "steps": 2, "queries": 5, "eps": 0.1}
    found = audit(model.under("amplitude-damping", 0.05), twin=model, **words)
    assert found.verdict[-1] in ("holds", "smaller than published", "nil", "cannot be decided")
    assert found.lead.startswith("pgd with ε = 0.1")
    same = audit(model, defence="amplitude-damping:0.05", **words)
    assert [row["accuracy"] for row in same.results] == [row["accuracy"] for row in found.results]
    assert qaml_qiskit.audit is audit


def test_an_audited_attack_on_a_model_under_noise_judges_its_defence(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    words = ("attack", f"{trained}@amplitude-damping:0.05", "--audit", "--steps", "3", "--images", "20")
    run = tmp_path / "run"
    document = qaml(*words, "--out", run, "--json").json()
    assert document["defence"][-1]["attacker"] == "worst"
    assert document["defence"][-1]["verdict"]
    assert (run / "defence.csv").is_file()
    assert "defence" in qaml(*words, "--out", run).out
    plain = qaml("attack", trained, "--audit", "--steps", "3", "--images", "20", "--out", tmp_path / "plain", "--json")
    assert "defence" not in plain.json()
    # A run of an earlier version has no such table.
    metrics = json.loads((run / "metrics.json").read_text())
    kept = {name: value for name, value in metrics.items() if name not in ("defence", "gains")}
    (run / "metrics.json").write_text(json.dumps(kept))
    older = qaml(*words, "--out", run, "--json").json()
    assert older["results"] == document["results"]
    assert "defence" not in older


def test_noise_layers_are_audited_by_their_draws(qaml: Qaml, tmp_path: Path) -> None:
    model = tmp_path / "model"
    words = ("--classes", "0,1,2", "--layers", "2", "--epochs", "1", "--train-images", "60", "--noise-layers", "2")
    assert qaml("train", *words, "--out", model).code == 0
    asked = ("--draws", "3", "--judged", "4", "--images", "12", "--steps", "2", "--queries", "3", "--json")
    exact, drawn, smoothed = (
        qaml("audit", model, *more, *asked, "--out", tmp_path / f"run-{number}").json()
        for number, more in enumerate([(), ("--defence", "layers:majority:2"), ("--defence", "smoothing:0.1:2")])
    )
    for document in (exact, drawn, smoothed):
        rows = document["results"]
        assert [row["draws"] for row in rows if row["attacker"] == "draws"] == [1, 3]
        assert "gradient noise" in {row["gain"] for row in document["gains"]}
        assert rows[0]["undefended_accuracy"] is not None
    # The exact average is known of layers, and not of a smoothed vote.
    assert [any(row["attacker"] == "expectation" for row in each["results"]) for each in (exact, drawn, smoothed)] == [
        True,
        True,
        False,
    ]
    assert (tmp_path / "run-1" / "draws.png").is_file()
    words = ("attack", f"{model}@layers:mean:2", "--audit", "--audit-images", "4", "--images", "6", "--steps", "1")
    audited = qaml(*words, "--out", tmp_path / "attack", "--json").json()
    assert audited["results"][0]["verdict"] is not None
    assert audited["defence"][-1]["verdict"] is not None


def test_what_is_written_is_asked_for_again() -> None:
    request = AuditRequest(model="m@depolarizing:0.01", twin="n", eps=(0.1, 0.2), draws=(1, 5))
    assert request.command_line() == ("qaml audit m@depolarizing:0.01 --twin n --eps 0.1,0.2 --draws 1,5")
    assert request.defended == "m@depolarizing:0.01"
    assert AuditRequest(model="m", defence="depolarizing:0.01").defended == "m@depolarizing:0.01"
