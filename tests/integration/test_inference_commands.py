"""Every command on a model with noise layers: none drops them in silence, and what is drawn is drawn once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit import qpy

import qaml_qiskit
from qaml_qiskit import RunRequest
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.deployments import read_deployment
from qaml_qiskit.execution import Workload, read_outcomes
from qaml_qiskit.models import QVC, DataCard, QVCConfig, save_model
from qaml_qiskit.progress import Silent
from tests.integration.conftest import Finished, results
from tests.tolerances import DIFFERENT, ROUNDED, SIGMAS

Qaml = Callable[..., Finished]
IMAGES = 6
BACKENDS = """
targets:
  poor: {kind: aer, noise: {depolarizing: {one_qubit: 0.002, two_qubit: 0.01}}}
  manila: {kind: fake, device: FakeManilaV2}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A QVC on digits of four pixels, whose noise layers are strong."""
    layers = NoiseLayers(beta=1.0, variance=0.6)
    config = QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, noise_layers=layers)
    folder = tmp_path / "model"
    save_model(folder, QVC(config, 2), DataCard(dataset="digits", classes=(0, 1)))
    images = torch.rand(IMAGES, 1, 2, 2, generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1
    labels = read_deployment(str(folder)).logits(images).argmax(1).numpy()
    np.savez(tmp_path / "images.npz", images=images.numpy(), labels=labels)
    (tmp_path / "backends.yaml").write_text(BACKENDS)
    return folder


class Stopped(Silent):
    """A progress display that is interrupted when the first images are there."""

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
        def advance(steps: int, note: str = "") -> None:
            if steps:
                raise KeyboardInterrupt

        yield advance


def request(model: Path, rule: str, **more: object) -> RunRequest:
    options = {"target": "poor", "recipe": "quick", "shots": 500, "mitigation": "none", "seed": 4, **more}
    return RunRequest(model=f"{model}{rule}", images="images.npz", **options)


def notes(folder: Path) -> str:
    return " ".join(json.loads((folder / "metrics.json").read_text())["notes"])


_QUICK = ("--attacks", "fgsm", "--eps", "0.1", "--recipe", "quick")
_AUDIT = ("--eps", "0.1", "--steps", "2", "--draws", "1", "--judged", "4", "--queries", "5")
WALK = {
    "attack": (["attack", "{model}", "--attack", "fgsm", "--eps", "0.1", "--audit"], "exact average"),
    "audit": (["audit", "{model}", *_AUDIT], "exact average"),
    "audit a vote": (["audit", "{model}@layers:majority:3", *_AUDIT], "majority vote"),
    "audit a smoothed": (["audit", "{model}@smoothing:0.1:3", *_AUDIT], "Gaussian noise"),
    "attack a mean": (["attack", "{model}@layers:mean:3", "--attack", "pgd", "--eps", "0,0.1"], "fresh draws"),
    "attack a vote": (["attack", "{model}@layers:majority:3", "--attack", "pgd", "--eps", "0.1"], "majority vote"),
    "attack a smoothed": (
        ["attack", "{model}@smoothing:0.1:3", "--attack", "square", "--eps", "0.1"],
        "Gaussian noise",
    ),
    "attack under noise": (
        ["attack", "{model}@depolarizing:0.01", "--attack", "fgsm", "--eps", "0.1"],
        "exact average",
    ),
    "attack a mean under noise": (
        ["attack", "{model}@layers:mean:2@depolarizing:0.01", "--attack", "fgsm", "--eps", "0.1"],
        "2 fresh draws",
    ),
    "transfer": (
        [
            "transfer",
            "--sources",
            "{model}@layers:off",
            "--victims",
            "{model}@layers:mean:3,{model},{model}@poor",
            *_QUICK,
        ],
        "asked without them",
    ),
    "certify": (["certify", "{model}@depolarizing:0.01"], "exact average"),
    "certify on a target": (["certify", "{model}@layers:exact@poor", "--recipe", "quick"], "exact average"),
    "sweep": (["sweep", "{model}", "--noise", "depolarizing", "--strengths", "0.01"], "exact average"),
    "sweep by Aer": (
        ["sweep", "{model}@layers:exact", "--noise", "depolarizing", "--strengths", "0.01", "--engine", "aer-density"],
        "exact average",
    ),
    "forecast": (["forecast", "{model}", "--target", "poor", "--recipe", "quick"], "exact average"),
    "frontier": (["frontier", "{model}", "--target", "poor", "--recipe", "quick", "--steps", "2"], "exact average"),
    "tamper": (["tamper", "{model}", "--strengths", "0.1"], "left out, because noise layers act"),
    "tamper without": (["tamper", "{model}@layers:off", "--strengths", "0.1", "--steps", "2"], "without its noise"),
    "run": (["run", "{model}@layers:majority:3", "--target", "poor", "--recipe", "quick"], "majority vote"),
}


@pytest.mark.parametrize("name", WALK)
def test_every_command_says_what_became_of_the_noise_layers(name: str, model: Path, qaml: Qaml) -> None:
    words, said = WALK[name]
    words = [word.format(model=model) for word in words]
    backends = ["--backends", "backends.yaml"] if "poor" in " ".join(words) else []
    done = qaml(*words, "--images", "images.npz", "--out", "out", *backends)
    assert done.code == 0, done.err
    assert said in notes(Path("out"))
    if name.startswith("attack a"):
        row = json.loads(Path("out/metrics.json").read_text())["results"][-1]
        assert ("drawn_accuracy" in row) == ("random" in notes(Path("out")))
        low, high = row.get("drawn_interval", (0, 1))
        assert low <= row.get("drawn_accuracy", 1) <= high


def test_two_engines_say_the_same_of_a_noisy_model(model: Path, qaml: Qaml) -> None:
    words = ["sweep", model, "--noise", "depolarizing", "--strengths", "0.02", "--images", "images.npz"]
    found = [
        qaml(*words, "--engine", engine, "--out", engine, "--json").json()["results"]
        for engine in ("exact", "aer-density")
    ]
    for ours, aers in zip(*found, strict=True):
        assert ours["slope"] == pytest.approx(aers["slope"], rel=DIFFERENT**2)
        assert ours["accuracy"] == aers["accuracy"]


def test_a_broadcast_run_comes_to_the_exact_average(model: Path) -> None:
    draws = 150
    given = request(model, f"@layers:mean:{draws}", shots=100)
    done = qaml_qiskit.run(given, backends=Path("backends.yaml"), out=Path("r"))
    with np.load("r/predictions.npz") as arrays:
        found, error, without = arrays["z_raw"], arrays["standard_error_raw"], arrays["z_ideal"]
    with np.load("images.npz") as arrays:
        images = torch.from_numpy(arrays["images"])
    exact = read_deployment(f"{model}@poor", recipe="quick", backends=Path("backends.yaml")).expectations(images)
    assert (np.abs(found - exact) < SIGMAS * error).all()
    # The error is that of the draws more than that of the shots, and the target's noise is seen.
    assert (error > np.sqrt((1 - exact**2) / (100 * draws))).all()
    assert np.abs(without - exact).max() > DIFFERENT
    assert done.results[1]["images"] == IMAGES
    workload = Workload.load(Path("r"))
    assert workload.settings.draws == draws
    assert len(workload.values) == IMAGES * draws


def test_votes_are_those_of_the_draws(model: Path) -> None:
    done = qaml_qiskit.run(request(model, "@layers:majority:7"), backends=Path("backends.yaml"), out=Path("r"))
    with np.load("r/predictions.npz") as arrays:
        shares, labels = arrays["logits_raw"], arrays["labels"]
        np.testing.assert_allclose(arrays["probabilities_raw"], shares, rtol=ROUNDED)
        assert (arrays["probability_error_raw"] > 0).all()
    counts = shares * 7
    assert np.allclose(counts, counts.round())
    assert np.allclose(shares.sum(1), 1)
    assert done.results[1]["accuracy"] == (shares.argmax(1) == labels).mean()
    assert done.results[1]["endless_interval"] is None


def test_a_run_that_goes_on_sends_the_same_draws(model: Path) -> None:
    backends, given = Path("backends.yaml"), request(model, "@layers:mean:3", images_per_job=2, mitigation="readout")
    whole = qaml_qiskit.run(given, backends=backends, out=Path("whole"))
    qaml_qiskit.submit(given, backends=backends, out=Path("parts"))
    sent = Path("parts/values.npy").read_bytes()
    assert sent == Path("whole/values.npy").read_bytes()
    # Asked for once more: nothing else is sent.
    qaml_qiskit.submit(given, backends=backends, out=Path("parts"))
    assert Path("parts/values.npy").read_bytes() == sent
    with pytest.raises(KeyboardInterrupt):
        qaml_qiskit.collect(Path("parts"), progress=Stopped())
    assert len([*Path("parts/outcomes").glob("images-*")]) == 1
    parts = qaml_qiskit.collect(Path("parts"))
    assert parts.results == whole.results
    ours, theirs = results(Path("parts")), results(Path("whole"))
    assert ours["predictions.npz"] == theirs["predictions.npz"]
    assert [(job.start, job.stop) for job in Workload.load(Path("parts")).image_jobs] == [(0, 6), (6, 12), (12, 18)]


def test_a_part_of_the_jobs_is_scored_by_whole_images(model: Path) -> None:
    given, backends = request(model, "@layers:mean:3", images_per_job=2), Path("backends.yaml")
    qaml_qiskit.run(given, backends=backends, out=Path("r"))
    workload = Workload.load(Path("r"))
    Path("r/outcomes/images-0001.npz").unlink()
    found = read_outcomes(Path("r"), workload)
    assert found is not None
    assert found.rows.tolist() == [0, 1, 4, 5]
    assert found.drawn["raw"].shape == (4, 3, 2)


def test_the_plan_shows_what_draws_cost(model: Path, qaml: Qaml) -> None:
    how = ["--target", "manila", "--recipe", "quick", "--images", "images.npz", "--shots", 100]
    how += ["--mitigation", "none", "--json"]
    many, one, default = (
        qaml("plan", f"{model}{rule}", *how).json() for rule in ("@layers:mean:20", "@layers:off", "")
    )
    (many_row,), (one_row,) = many["results"], one["results"]
    assert many_row["images"] == one_row["images"] == IMAGES
    assert many_row["executions"] == 20 * one_row["executions"]
    assert any("20 draws an image" in note for note in many["notes"])
    assert default["results"][0]["executions"] == 10 * one_row["executions"]


@pytest.mark.parametrize(("rule", "free"), [("", 4), ("@layers:exact", 4), ("@layers:off", 0)])
def test_an_exported_circuit_has_the_noise_layers_free(model: Path, qaml: Qaml, rule: str, free: int) -> None:
    done = qaml("export", f"{model}{rule}", "--part", "layers", "--format", "qpy", "--out", "c.qpy", "--json").json()
    with Path("c.qpy").open("rb") as file:
        (circuit,) = qpy.load(file)
    assert circuit.num_parameters == done["results"][0]["free_angles"] == free
    assert any("noise layers" in note for note in done["notes"])
