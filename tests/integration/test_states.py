"""`qaml states`: images as the states that models make of them, on a plane."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import qaml_qiskit
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, DataCard, QVCConfig, save_model
from tests.integration.conftest import Finished
from tests.tolerances import DIFFERENT, ROUNDED

Qaml = Callable[..., Finished]


@pytest.fixture
def layered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A QVC of two digits with strong noise layers, and a network without a circuit beside it."""
    monkeypatch.chdir(tmp_path)
    shape, card = (1, 8, 8), DataCard(dataset="digits", classes=(0, 1))
    layers = NoiseLayers(beta=1.0, variance=0.6)
    config = QVCConfig(image_shape=shape, num_classes=2, num_layers=2, noise_layers=layers)
    save_model(Path("layered"), QVC(config, 2), card)
    save_model(Path("network"), ConvNet(ConvNetConfig(image_shape=shape, num_classes=2, hidden=4), 1), card)
    return "layered"


def test_sets_lie_on_the_plane_of_the_clean_states(qaml: Qaml, layered: str) -> None:
    """Clean images have not moved; noise layers leave the encoding as it is, and disperse what is behind them."""
    given = (layered, f"{layered}@layers:off", "--attack", "fgsm", "--eps", "0.2", "--images", "12")
    document = qaml("states", *given, "--json", "--out", "run").json()
    rows = {(row["model"], row["set"]): row for row in document["results"]}
    assert len(rows) == 4
    for (_, name), row in rows.items():
        assert (row["moved"] == 0) == (name == "clean")
        assert row["eps"] == (0.2 if name == "fgsm" else 0)
        assert row["images"] == 12
    loud, quiet = (rows[name, "clean"]["off_plane"] for name in (layered, f"{layered}@layers:off"))
    assert loud > quiet + DIFFERENT
    with Path("run/points.csv").open() as file:
        points = list(csv.DictReader(file))
    assert len(points) == 48
    right = [each["right"] == "True" for each in points if (each["model"], each["set"]) == (layered, "fgsm")]
    assert np.mean(right) == pytest.approx(rows[layered, "fgsm"]["accuracy"])
    assert Path("run/states.png").is_file()
    again = qaml("states", *given, "--json", "--out", "run").json()
    assert again["results"] == document["results"]


def test_behind_the_encoding_states_are_images_of_unit_length(layered: str) -> None:
    data = load_dataset("digits", classes=(0, 1)).test
    outcome = qaml_qiskit.states(layered, behind="encoding", images=5, out="run")
    vectors = np.load("run/states.npz")["vectors"][0]
    images = torch.from_numpy(data.images[:5]).flatten(1).double()
    assert vectors == pytest.approx((images / images.norm(dim=1, keepdim=True)).numpy(), abs=ROUNDED)
    assert outcome.results[0]["accuracy"] == pytest.approx(
        float(
            (
                qaml_qiskit.deploy(layered).logits(torch.from_numpy(data.images[:5])).numpy().argmax(1)
                == data.labels[:5]
            ).mean()
        )
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["layered", "--eps", "0.2"], "--attack"),
        (["layered", "--sources", "layered"], "--attack"),
        (["layered", "layered@layers:off", "--attack", "fgsm", "--sources", "layered"], "1 sources for 2 models"),
        (["network"], "network"),
        (["layered", "--attack", "fgms"], "fgsm"),
        (["layered@fake-torino"], "fake-torino"),
    ],
)
def test_what_cannot_be_shown_is_refused(qaml: Qaml, layered: str, words: list[str], told: str) -> None:
    finished = qaml("states", *words, "--out", "run")
    assert finished.code == 2
    assert told in finished.err
    assert not Path("run").exists()
