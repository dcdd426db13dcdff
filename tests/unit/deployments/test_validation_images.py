"""The images that models set aside, found again from their cards."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import qaml_qiskit as qaml
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import deploy, fitted_temperature, load_validation
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import MEAN


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    how = {"dataset": "digits", "classes": (3, 8), "layers": 2, "epochs": 1, "validation": 0.2}
    seeds = {"one": {}, "alike": {"seed": 1, "validation_seed": 0}, "other": {"seed": 1}}
    return {name: qaml.train(**how, **seed, out=folder / name) for name, seed in seeds.items()}


def test_the_card_leads_to_what_was_set_aside(trained):
    deployment = deploy(trained["one"])
    found = load_validation(None, [deployment])
    split = load_dataset("digits", classes=(3, 8))
    np.testing.assert_array_equal(found.images.numpy(), split.train.images[found.indices])
    np.testing.assert_array_equal(found.labels, split.train.labels[found.indices])
    assert len(found) == round(0.2 * len(split.train))
    card = deployment.card.temperature
    assert fitted_temperature(deployment, found).value == pytest.approx(card.value, rel=MEAN)
    assert card.images == len(found)


def test_the_record_of_an_earlier_training_will_do(trained, tmp_path):
    folder = Path(trained["one"])
    (tmp_path / "earlier").mkdir()
    for name in ("model.safetensors", "config.yaml"):
        (tmp_path / "earlier" / name).write_bytes((folder / name).read_bytes())
    deployment = deploy(folder)
    without = deployment.card.model_copy(update={"held_out": None, "temperature": None})
    (tmp_path / "earlier/model.json").write_text(without.model_dump_json())
    earlier = deploy(tmp_path / "earlier")
    assert earlier.card.held_out == deployment.card.held_out
    with pytest.raises(ConfigurationError, match="no probabilities"):
        earlier.predict_proba(torch.rand(1, 1, 8, 8))


def test_models_share_what_all_of_them_set_aside(trained):
    one, alike, other = (deploy(trained[name]) for name in ("one", "alike", "other"))
    mine = load_validation(None, [one]).indices
    np.testing.assert_array_equal(load_validation(None, [one, alike]).indices, mine)
    both = load_validation(None, [one, other]).indices
    np.testing.assert_array_equal(both, np.intersect1d(mine, load_validation(None, [other]).indices))
    some = load_validation("10", [one], seed=1)
    assert len(some) == 10
    assert set(some.indices) < set(mine)
    np.testing.assert_array_equal(load_validation(None, [one], most=10, seed=1).indices, some.indices)
    assert len(load_validation(None, [one], most=1000)) == len(mine)
    with pytest.raises(ConfigurationError, match=f"at most {len(mine)}"):
        load_validation("1000", [one])


def test_a_network_needs_others_or_a_file(trained, tmp_path):
    network = deploy(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), data=deploy(trained["one"]).card, name="mine")
    with pytest.raises(ConfigurationError, match="nobody knows which images mine"):
        load_validation(None, [network])
    assert len(load_validation(None, [network, deploy(trained["one"])])) == len(
        load_validation(None, [deploy(trained["one"])])
    )
    np.savez(tmp_path / "mine.npz", images=np.full((3, 1, 8, 8), 0.5, np.float32), labels=[0, 1, 0])
    found = load_validation(str(tmp_path / "mine.npz"), [network])
    assert len(found) == 3
    with pytest.raises(InputError, match="the same 3 images"):
        load_validation(str(tmp_path / "mine.npz"), [network], test=found)


def test_a_model_in_memory_has_no_record(trained):
    stored = deploy(trained["one"]).stored
    bare = replace(stored, card=stored.card.model_copy(update={"held_out": None}))
    with pytest.raises(ConfigurationError, match="nobody knows"):
        load_validation(None, [deploy(bare)])


def test_probabilities_are_at_the_temperature(trained):
    deployment = deploy(trained["one"])
    images = load_validation("5", [deployment]).images
    found = deployment.predict_proba(images)
    expected = (deployment.logits(images).double() / deployment.temperature.value).softmax(1)
    np.testing.assert_allclose(found, expected.numpy(), rtol=MEAN)
    hotter = deployment.temperature.model_copy(update={"value": 1e6})
    np.testing.assert_allclose(deployment.calibrated(hotter).predict_proba(images), 0.5, atol=MEAN)
