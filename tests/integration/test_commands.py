"""Whole commands on good input."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from qiskit import qpy

from qaml_qiskit import RunRequest, __version__
from qaml_qiskit.models import load_model
from tests.integration.conftest import Finished
from tests.tolerances import BOUND, EXACT_FIDELITY, VALUE

Qaml = Callable[..., Finished]

SMALL_DEMO = [
    *("--layers", 2, "--epochs", 3, "--convnet-epochs", 1, "--images", 20),
    *("--shots", 50, "--steps", 2, "--recipe", "quick", "--target", "poor-readout"),
]
RUN_FILES = {"config.yaml", "environment.json", "metrics.json", "predictions.npz", "report.html"}


class Links(HTMLParser):
    """Everything that a page would load, and the tags that it opens."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_demo(qaml: Qaml, tmp_path: Path) -> None:
    finished = qaml("demo", *SMALL_DEMO, "--out", "run", "--json")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    document = finished.json()
    assert document["command"] == "demo"
    assert document["run"] == "run"
    keys = {(row["stage"], row["images"]) for row in document["results"]}
    assert keys == {(s, i) for s in ("ideal", "noisy", "mitigated") for i in ("clean", "transfer", "whitebox")}
    for row in document["results"]:
        low, high = row["interval"]
        assert 0 <= low <= row["accuracy"] <= high <= 1
        assert row["count"] == 20
    assert [row["circuit"] for row in document["resources"]] == ["as built", "for poor-readout"]
    assert [row["images"] for row in document["convnet"]] == ["clean", "transfer", "whitebox"]
    run = tmp_path / "run"
    expected = RUN_FILES | {"isa.qpy", "calibration.json", "jobs.jsonl", "images.npz", "results.csv", "accuracy.png"}
    assert expected <= files(run)
    assert not [name for name in files(run) if name.endswith(".tmp") or "checkpoint" in name]


def test_demo_page_is_one_file_with_the_runs_own_numbers(qaml: Qaml, tmp_path: Path) -> None:
    finished = qaml("demo", *SMALL_DEMO, "--seed", 5, "--out", "run", "--json")
    page = (tmp_path / "run" / "report.html").read_text()
    links = Links()
    links.feed(page)
    assert all(source.startswith("data:image/png;base64,") for source in links.sources)
    assert not {"script", "link", "iframe"} & set(links.tags)
    for row in finished.json()["results"]:
        assert f"{row['accuracy']:.3f}" in page
    assert "--seed 5" in page


def test_demo_attacks_do_not_help_and_stay_small(qaml: Qaml, tmp_path: Path) -> None:
    document = qaml("demo", *SMALL_DEMO, "--out", "run", "--json").json()
    ideal = {row["images"]: row["accuracy"] for row in document["results"] if row["stage"] == "ideal"}
    assert ideal["whitebox"] <= ideal["clean"]
    with np.load(tmp_path / "run" / "images.npz") as images:
        for name in ("transfer", "whitebox"):
            assert 0 < np.abs(images[name] - images["clean"]).max() <= 0.1 + BOUND


def test_same_seed_same_run_bit_for_bit_and_another_seed_differs(qaml: Qaml, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert qaml("demo", *SMALL_DEMO, "--seed", seed, "--out", name).code == 0
    same = [
        "metrics.json",
        "predictions.npz",
        "images.npz",
        "results.csv",
        "qvc/model.safetensors",
        "convnet/model.safetensors",
        "report.html",
        "accuracy.png",
    ]
    for name in same:
        a, b, c = ((tmp_path / run / name).read_bytes() for run in "abc")
        assert a == b, name
        if name != "accuracy.png":
            assert a != c, name


def test_the_command_of_a_submitted_run_goes_on_with_it(qaml: Qaml, trained: Path) -> None:
    arguments = [trained, "--images", 4, "--shots", 50, "--target", "poor-readout", "--recipe", "quick", "--json"]
    submitted = qaml("submit", *arguments).json()
    run = Path(submitted["run"])
    config = yaml.safe_load((run / "config.yaml").read_text())
    words = RunRequest.model_validate({name: config[name] for name in RunRequest.model_fields if name in config}).words(
        config
    )
    assert words[:2] == ["qaml", "run"]
    document = qaml(*words[1:], "--json").json()
    assert document["run"] == submitted["run"]
    assert [row["stage"] for row in document["results"]] == ["ideal", "raw", "mitigated"]
    sent = [line for line in (run / "jobs.jsonl").read_text().splitlines() if '"submitted"' in line]
    assert len(sent) == len(submitted["results"])


def test_train_then_run(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    assert RUN_FILES | {"learning_curve.csv", "learning_curve.png", "model.safetensors"} <= files(trained)
    arguments = ["run", trained, "--images", 12, "--shots", 100, "--target", "poor-readout", "--recipe", "quick"]
    document = qaml(*arguments, "--json", "--out", "run").json()
    assert [row["stage"] for row in document["results"]] == ["ideal", "raw", "mitigated"]
    run = tmp_path / "run"
    assert RUN_FILES | {"isa.qpy", "calibration.json", "jobs.jsonl"} <= files(run)
    with np.load(run / "predictions.npz") as predictions:
        assert predictions["z_raw"].shape == (12, 3)
        assert predictions["indices"].tolist() == list(range(12))
    with (run / "isa.qpy").open("rb") as stream:
        assert qpy.load(stream)[0].num_parameters == 63
    again = qaml(*arguments, "--json", "--out", "run").json()
    assert again == document


def test_images_of_a_job_are_as_many_as_the_shots_allow(qaml: Qaml, trained: Path) -> None:
    words = ("plan", trained, "--shots", 200_000, "--images", 50, "--target", "ideal", "--json")
    (row,) = qaml(*words).json()["results"]
    assert (row["jobs"], row["images"], row["mitigation"]) == (1 + 2, 50, "readout")


def test_a_device_without_a_working_pair_is_planned_with_a_warning(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    (tmp_path / "b.yaml").write_text("targets: {kyoto: {kind: fake, device: FakeKyoto}}\n")
    words = (
        "plan",
        trained,
        "--backends",
        tmp_path / "b.yaml",
        "--target",
        "kyoto",
        "--recipe",
        "quick",
        "--images",
        1,
    )
    assert "144 pairs of the device do not work" in " ".join(qaml(*words, "--json").json()["notes"])


def test_run_without_mitigation_and_with_own_images(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    images = np.random.default_rng(0).random((3, 1, 8, 8), np.float32)
    np.savez("mine.npz", images=images, labels=np.array([0, 1, 2]))
    arguments = ["--images", "mine.npz", "--shots", 20, "--target", "ideal", "--mitigation", "none"]
    document = qaml("run", trained, *arguments, "--out", "run", "--json").json()
    assert [row["stage"] for row in document["results"]] == ["ideal", "raw"]
    assert not (tmp_path / "run" / "calibration.json").exists()
    with np.load(tmp_path / "run" / "predictions.npz") as predictions:
        model = load_model(trained).model
        logits = model(torch.from_numpy(images)).detach().numpy() / model.config.logit_scale
        assert np.abs(predictions["z_ideal"] - logits).max() < VALUE[torch.float32]


def test_train_reports_a_row_an_epoch_and_the_test_accuracy_last(qaml: Qaml) -> None:
    document = qaml("train", "--epochs", 2, "--layers", 1, "--classes", "0,1", "--json").json()
    *epochs, last = document["results"]
    assert [row["epoch"] for row in epochs] == [1, 2]
    assert {"loss", "accuracy"} <= epochs[0].keys()
    assert 0 <= last["test_accuracy"] <= 1
    metrics = json.loads((Path(document["run"]) / "metrics.json").read_text())
    assert metrics["test_accuracy"] == last["test_accuracy"]


def test_configuration_file_and_command_line_wins(qaml: Qaml, tmp_path: Path) -> None:
    Path("options.yaml").write_text("epochs: 1\nlayers: 1\nclasses: [0, 1]\nlearning-rate: 0.01\n")
    document = qaml("train", "--config", "options.yaml", "--layers", 2, "--out", "first", "--json").json()
    resolved = yaml.safe_load((tmp_path / "first" / "config.yaml").read_text())
    assert (resolved["epochs"], resolved["layers"], resolved["learning_rate"]) == (1, 2, 0.01)
    again = qaml("train", "--config", "first/config.yaml", "--out", "second", "--json").json()
    assert again["results"] == document["results"]


def test_runs_get_names_of_their_own(qaml: Qaml) -> None:
    arguments = ["train", "--epochs", 1, "--layers", 1, "--classes", "0,1", "--json"]
    first, second = (qaml(*arguments).json()["run"] for _ in range(2))
    assert first.startswith("runs/train-")
    assert second == first + "-2"


def test_resources(qaml: Qaml) -> None:
    arguments = ["--qubits", 4, "--layers", 1, "--layers", 2, "--encoding", "multiplexed", "--encoding", "exact"]
    rows = qaml("resources", *arguments, "--encoding", "none", "--recipe", "quick", "--json").json()["results"]
    assert len(rows) == 3 * 2 * 2
    assert {"encoding", "layers", "target", "recipe", "two_qubit_gates", "two_qubit_depth", "depth"} <= rows[0].keys()
    for row in rows:
        if row["encoding"] == "none":
            assert row["fidelity"] is None
        else:
            assert row["fidelity"] == pytest.approx(1, abs=EXACT_FIDELITY)
        if row["target"] is None and row["encoding"] == "multiplexed":
            assert row["two_qubit_gates"] == 2**4 - 4 - 1 + 3 * row["layers"]


def test_init_writes_a_workspace_that_works_and_keeps_what_is_there(qaml: Qaml, tmp_path: Path) -> None:
    first = qaml("init", "--json").json()["results"]
    assert [row["status"] for row in first] == ["written", "written"]
    (tmp_path / "backends.yaml").write_text("targets: {mine: {kind: ideal}}\n")
    assert [row["status"] for row in qaml("init", "--json").json()["results"]] == ["kept", "kept"]
    rows = qaml("resources", "--qubits", 2, "--layers", 1, "--target", "mine", "--json").json()["results"]
    assert rows[-1]["target"] == "mine"


def test_edited_target_is_another_run(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    """A name in backends.yaml can change its meaning; results under the old one are not taken for the new."""
    arguments = ["run", trained, "--target", "mine", "--images", 3, "--shots", 20, "--recipe", "quick", "--json"]
    text = "targets: {{mine: {{kind: aer, noise: {{bit_flip: {}}}}}}}\n"
    (tmp_path / "backends.yaml").write_text(text.format(0.01))
    first = qaml(*arguments).json()
    (tmp_path / "backends.yaml").write_text(text.format(0.2))
    second = qaml(*arguments).json()
    assert first["run"] != second["run"]
    assert not second["run"].startswith(first["run"])
    finished = qaml(*arguments, "--out", first["run"])
    assert finished.code == 2
    assert "differs in resolved" in finished.err


def test_resources_counts_the_circuit_that_is_run(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    """As built; compiled counts also depend on the trained angles."""
    qaml("run", trained, "--images", 1, "--shots", 1, "--recipe", "quick", "--mitigation", "none", "--out", "run")
    ran = json.loads((tmp_path / "run" / "metrics.json").read_text())["resources"][0]
    row = qaml("resources", "--qubits", 6, "--layers", 3, "--recipe", "quick", "--json").json()["results"][0]
    assert all(row[name] == ran[name] for name in ("one_qubit_gates", "two_qubit_gates", "two_qubit_depth", "depth"))


def test_no_command_shows_the_help(qaml: Qaml) -> None:
    for arguments in ([], ["data"]):
        finished = qaml(*arguments)
        assert finished.code == 0
        assert finished.out.startswith("Usage: qaml")


def test_version_and_help(qaml: Qaml) -> None:
    version = qaml("--version")
    assert version.code == 0
    assert __version__ in version.out
    assert "engine:" in version.out
    for command in ("demo", "train", "run", "resources", "init", "data"):
        help_text = qaml(command, "--help")
        assert help_text.code == 0
        assert "Usage:" in help_text.out


def test_table_goes_to_stdout_and_the_rest_to_stderr(qaml: Qaml) -> None:
    finished = qaml("train", "--epochs", 1, "--layers", 1, "--classes", "0,1", "--out", "run")
    assert "training qvc" in finished.err
    assert "test accuracy" in finished.out
    assert "Report: run/report.html" in finished.out


def test_data_commands(qaml: Qaml, tmp_path: Path) -> None:
    rows = qaml("data", "list", "--data-dir", tmp_path, "--json").json()["results"]
    assert {"digits", "mnist", "fashion-mnist"} <= {row["dataset"] for row in rows}
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"wrong")
    finished = qaml("data", "verify", "mnist", "--data-dir", tmp_path, "--json")
    assert finished.code == 2
    assert "wrong" in {row["state"] for row in finished.json()["results"]}


def test_plan_counts_and_writes_nothing(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    finished = qaml("plan", trained, "--target", "fake-torino", "--recipe", "quick", "--images", 120, "--json")
    row = finished.json()["results"][0]
    # 50 images a job, and one job with the two calibration circuits.
    assert (row["images"], row["jobs"], row["pubs"]) == (120, 4, 5)
    assert row["executions"] == 1000 * (120 + 2)
    assert row["qpu_seconds"] == 0
    assert 0 < row["gate_survival"] < 1
    assert 0 < row["readout_survival"] < 1
    assert row["circuit_seconds"] > 0
    assert list(tmp_path.glob("runs/*")) == []


def test_backends_lists_every_target_without_credentials(qaml: Qaml) -> None:
    rows = {row["target"]: row for row in qaml("backends", "--json").json()["results"]}
    assert rows["fake-torino"]["qubits"] == 133
    assert rows["fake-torino"]["two_qubit_gate"] == "cz"
    assert 0 < rows["fake-torino"]["two_qubit_error"] < 0.1
    assert rows["ideal"]["status"] == "simulated"
    assert rows["ibm-torino"]["status"] == "no credentials"


def test_a_calibration_is_used_again(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    words = ("run", trained, "--target", "poor-readout", "--recipe", "quick", "--images", 4, "--shots", 200, "--json")
    first = qaml(*words, "--out", tmp_path / "first")
    again = qaml(*words, "--out", tmp_path / "again", "--calibration", tmp_path / "first")
    assert again.json()["results"] == first.json()["results"]
    events = (tmp_path / "again" / "jobs.jsonl").read_text()
    assert "calibration" not in events
    refused = qaml(*words, "--calibration", tmp_path / "first", "--max-calibration-age", 1e-9)
    assert refused.code == 2
    assert "--max-calibration-age" in refused.err


def test_options_that_a_simulator_ignores_are_said(qaml: Qaml, tmp_path: Path, trained: Path) -> None:
    (tmp_path / "b.yaml").write_text(
        "targets: {t: {kind: ideal, options: {dynamical_decoupling: {sequence: XY4}, max_execution_time: 9}}}\n"
    )
    finished = qaml(
        "run", trained, "--backends", tmp_path / "b.yaml", "--target", "t", "--images", 3, "--shots", 50, "--json"
    )
    notes = finished.json()["notes"]
    assert [note.split()[0] for note in notes] == ["Raw", "Probabilities", "dynamical_decoupling", "max_execution_time"]
    assert "was not applied" in notes[2]


def test_an_approximately_encoded_classifier_trains_and_runs(qaml: Qaml, tmp_path: Path) -> None:
    trained = tmp_path / "small"
    words = ("--classes", "0,1", "--layers", 2, "--epochs", 2, "--train-images", 100)
    assert qaml("train", "--encoding", "approximate", *words, "--out", trained).code == 0
    assert not (trained / "encoded").exists()
    rows = qaml(
        "run", trained, "--target", "ideal", "--images", 20, "--shots", 20000, "--mitigation", "none", "--json"
    ).json()["results"]
    # The state that was trained on is the state that the circuit prepares: nothing but shots is between them.
    assert rows[1]["z_error"] < 2 * rows[1]["standard_error"]
    assert rows[1]["slope"] == pytest.approx(1, abs=0.05)


def test_encoding_layers_need_an_approximate_encoding(qaml: Qaml) -> None:
    refused = qaml("train", "--encoding-layers", 2)
    assert refused.code == 2
    assert "such as approximate" in refused.err
