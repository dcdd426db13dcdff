"""`qaml train --noise-layers`, from Python and from the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from qaml_qiskit import train
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, Hybrid, QVCClassifier, load_model
from tests.integration.conftest import Finished
from tests.tolerances import VALUE

Qaml = Callable[..., Finished]

SMALL = {"layers": 2, "classes": (0, 1), "epochs": 1, "train_images": 60, "batch_size": 20}
SHORT = ["train", "--layers", 2, "--classes", "0,1", "--epochs", 1, "--train-images", 60, "--batch-size", 20]
RULE = ["--noise-layers", "0.4", "--noise-variance", "0.5", "--noise-distribution", "gaussian-bernoulli"]
RULE += ["--noise-probability", "0.8", "--noise-phases", "both"]
LAYERS = NoiseLayers(beta=0.4, variance=0.5, distribution="gaussian-bernoulli", probability=0.8)


def test_noise_layers_are_trained_and_told(qaml: Qaml) -> None:
    """The card, the last row, the page; and the accuracy is that of the exact average."""
    document = qaml(*SHORT, *RULE, "--ansatz", "cnot", "--defence", "combined", "--json", "--out", "run").json()
    model = load_model("run").model
    assert isinstance(model, QVC)
    assert model.config.noise_layers == LAYERS
    last, metrics = document["results"][-1], json.loads(Path("run/metrics.json").read_text())
    for row in (last, metrics["results"][-1]):
        assert row["betas"] == pytest.approx(model.betas.tolist())
        assert row["mean_beta"] == pytest.approx(float(model.betas.abs().mean()))
    assert metrics["test_accuracy"] == last["test_accuracy"]
    assert last["betas"] != pytest.approx([0.4, 0.4])
    page = Path("run/report.html").read_text()
    assert "Noise layers" in page
    assert f"{last['betas'][0]:.3f}" in page
    assert "computed exactly" in page
    for told in ("The defence in training is combined: every image paired", "attacked by pgd with ε = 0.1"):
        assert any(told in note for note in document["notes"])
    assert "images, attacked by pgd with ε = 0.1; the test images were used once" in metrics["lead"]
    written = yaml.safe_load(Path("run/config.yaml").read_text())
    assert {name: written[name] for name in written if name.startswith("noise_")} == {
        "noise_layers": 0.4,
        "noise_variance": 0.5,
        "noise_distribution": "gaussian-bernoulli",
        "noise_probability": 0.8,
        "noise_phases": "both",
    }


def test_python_and_the_command_line_train_the_same(qaml: Qaml) -> None:
    rule = {"noise_variance": 0.5, "noise_distribution": "gaussian-bernoulli", "noise_probability": 0.8}
    outcome = train(dataset="digits", **SMALL, noise_layers=0.4, **rule, out="mine")
    assert qaml(*SHORT, *RULE, "--out", "theirs").code == 0
    first, second = load_model("mine").model, load_model("theirs").model
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert len(outcome.results[-1]["betas"]) == 2


def test_a_training_without_noise_layers_says_nothing_of_them(qaml: Qaml) -> None:
    document = qaml(*SHORT, "--json", "--out", "run").json()
    assert "betas" not in document["results"][-1]
    for file in ("config.yaml", "model.json", "report.html"):
        text = (Path("run") / file).read_text()
        assert "noise_layers" not in text
        assert "noise_variance" not in text


def test_layers_of_training_alone_are_not_there_in_use(qaml: Qaml) -> None:
    assert qaml(*SHORT, *RULE[:4], "--noise-phases", "training", "--out", "run").code == 0
    model = load_model("run").model
    assert isinstance(model, QVC)
    images = torch.rand(3, 1, 8, 8)
    twin = model.without_noise_layers()
    assert (model(images) - twin(images)).abs().max() < VALUE[torch.float32]
    assert "circuit without them" in Path("run/report.html").read_text()


def test_hybrids_and_estimators_have_noise_layers() -> None:
    train(dataset="digits", model="hybrid", **SMALL, noise_layers=0.3, out="hybrid")
    model = load_model("hybrid").model
    assert isinstance(model, Hybrid)
    assert model.betas.shape == (2,)
    images = torch.rand(20, 4, 4).numpy()
    classifier = QVCClassifier(num_layers=2, epochs=1, noise_layers=LAYERS, random_state=1)
    classifier.fit(images, [0, 1] * 10)
    assert classifier.model_.config.noise_layers == LAYERS
    assert classifier.predict(images).shape == (20,)


def test_python_refuses_as_the_command_line_does() -> None:
    with pytest.raises(ConfigurationError, match="no noise layers that"):
        train(dataset="digits", **SMALL, noise_variance=0.3)
    with pytest.raises(ConfigurationError, match="noise_variance does not fit"):
        train(dataset="digits", **SMALL, noise_layers=0.3, noise_variance=-0.3)
