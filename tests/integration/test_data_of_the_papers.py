"""Moons on one qubit, states of spins, and the classical networks, through the commands that take models."""

from collections.abc import Callable

import pytest

from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]


def rows(finished: Finished) -> list[dict[str, object]]:
    assert finished.code == 0, finished.err
    found: list[dict[str, object]] = finished.json()["results"]
    return found


@pytest.mark.parametrize(("dataset", "readout", "images"), [("thin-moons", "single", 40), ("ising", "parity", 400)])
def test_models_of_few_features_are_trained_attacked_and_certified(
    qaml: Qaml, dataset: str, readout: str, images: int
) -> None:
    words = ("train", "--dataset", dataset, "--readout", readout, "--layers", 2, "--epochs", 3)
    *_, tested = rows(qaml(*words, "--out", "qvc", "--json"))
    assert tested["test_accuracy"] > 0.75
    rows(qaml("train", "--dataset", dataset, "--model", "fnn", "--epochs", 2, "--out", "fnn", "--json"))
    papers = ("--eps", 0.15, "--steps", 3, "--param", "step_size=0.05", "--images", images)
    attacked = rows(qaml("attack", "qvc", "--attack", "fgsm", "bim", "mim", *papers, "--json"))
    assert [row["attack"] for row in attacked] == ["fgsm", "bim", "mim"]
    assert all(row["robust_accuracy"] <= row["clean_accuracy"] for row in attacked)
    victims = ("qvc", "fnn", "qvc@depolarizing:0.01")
    transferred = rows(
        qaml("transfer", "--sources", "fnn", "--victims", *victims, "--attacks", "mim", *papers, "--json")
    )
    assert [(row["source"], row["victim"]) for row in transferred[-3:]] == [("fnn", name) for name in victims]
    certified = rows(qaml("certify", "qvc", "--images", 5, "--json"))
    assert all(0 <= row["certified_accuracy"] <= 1 for row in certified if "certified_accuracy" in row)
    assert rows(qaml("train", *words[1:], "--out", "qvc", "--json"))[-1] == tested


def test_a_cnn_is_a_source(qaml: Qaml) -> None:
    few = ("--classes", "1,9", "--train-images", 100, "--epochs", 1)
    rows(qaml("train", "--model", "cnn", *few, "--out", "cnn", "--json"))
    rows(qaml("train", "--layers", 1, *few, "--out", "qvc", "--json"))
    made = rows(
        qaml(
            "transfer",
            "--sources",
            "cnn",
            "--victims",
            "qvc",
            "--attacks",
            "mim",
            "--eps",
            0.1,
            "--images",
            10,
            "--json",
        )
    )
    assert [row["source"] for row in made] == [None, "cnn"]
