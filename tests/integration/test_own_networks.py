"""A user's own networks in whole commands: sources and victims beside a QVC, resumed, and on workers."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from qaml_qiskit import AttackRequest, attack, run, transfer
from qaml_qiskit.artifacts import open_pool, open_run
from qaml_qiskit.artifacts.adversarial import read_adversarial
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.deployments import deploy, load_batch
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import load_model
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import score_images
from tests.integration.conftest import Finished, results

Qaml = Callable[..., Finished]
IMAGES = 20
FAST = ("--steps", "2", "--images", IMAGES, "--json")

CODE = """
from pathlib import Path

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(144, 3)
        self.layers = nn.Sequential(*layers)

    def forward(self, images):
        return self.layers(2 * images - 1)


class Cut(Net):
    def forward(self, images):
        return super().forward(images.detach())


def trained():
    network = Net()
    network.load_state_dict(torch.load(Path(__file__).with_name("weights.pt")))
    return network
"""


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Path]:
    """A package with a network in the working directory, with some steps of training; Python forgets it afterwards."""
    path, modules = list(sys.path), set(sys.modules)
    folder = tmp_path / "ownnets"
    folder.mkdir()
    (folder / "nets.py").write_text(CODE)
    sys.path.insert(0, str(tmp_path))
    from ownnets.nets import Net  # type: ignore[import-not-found]

    torch.manual_seed(1)
    network, data = Net(), load_dataset("digits", classes=(0, 1, 2)).train
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(torch.from_numpy(data.images)), torch.from_numpy(data.labels))
        loss.backward()
        optimizer.step()
    torch.save(network.state_dict(), folder / "weights.pt")
    sys.path[:] = path
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("ownnets"):
            del sys.modules[name]


def program(package: Path) -> Path:
    """The same network as a file, for exactly eight images."""
    network, path = deploy("ownnets.nets:trained", data=load_dataset("digits", classes=(0, 1, 2))), package / "net.pt2"
    torch.export.save(torch.export.export(network.module.network, (torch.rand(8, 1, 8, 8),)), path)
    return path


def test_a_network_and_a_qvc_attack_each_other(qaml: Qaml, trained: Path, package: Path, tmp_path: Path) -> None:
    factory, file = "ownnets.nets:trained", program(package)
    words = ("--sources", trained, factory, file, "--victims", trained, factory, file, "--eps", "0.1")
    finished = qaml("transfer", *words, *FAST, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    document = finished.json()
    rows = {(row["source"], row["victim"]): row for row in document["results"]}
    assert len(rows) == 3 * 4
    qvc, network = load_model(trained).model, deploy(factory, data=load_model(trained).card)
    labels = load_dataset("digits", classes=(0, 1, 2)).test.labels[:IMAGES]
    for number, source in enumerate((str(trained), factory)):
        key = f"{number}-{Path(source).name.replace(':', '-')}-pgd-eps0.1"
        made = torch.from_numpy(read_adversarial(tmp_path / "run" / "adversarial" / f"{key}.npz").images)
        assert rows[source, factory]["accuracy"] == (network.logits(made).argmax(1).numpy() == labels).mean()
        with torch.no_grad():
            assert rows[source, str(trained)]["accuracy"] == (qvc(made).argmax(1).numpy() == labels).mean()
    # A file and a factory of one network are one network.
    assert rows[None, str(file)]["accuracy"] == rows[None, factory]["accuracy"] > 0.8
    assert sum("ran that code" in note for note in document["notes"]) == 2
    resolved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["resolved"]
    assert resolved["code"].keys() == {factory, str(file)}
    assert resolved["weights"].keys() == {str(trained), factory, str(file)}


def test_what_code_is_run_is_said_before(qaml: Qaml, package: Path, tmp_path: Path) -> None:
    words = ("--dataset", "digits", "--classes", "0,1,2", "--images", 5, "--steps", 1)
    finished = qaml("attack", "ownnets.nets:trained", *words, "--out", tmp_path / "run")
    assert finished.code == 0, finished.err
    assert finished.err.startswith("ownnets.nets:trained: code of yours, or of whoever wrote it, is run")
    assert "ownnets.nets:trained" in (tmp_path / "run" / "report.html").read_text()


def test_a_run_is_not_continued_with_other_weights(qaml: Qaml, package: Path, tmp_path: Path) -> None:
    words = ("attack", "ownnets.nets:trained", "--dataset", "digits", "--classes", "0,1,2", *FAST)
    assert qaml(*words, "--out", tmp_path / "run").code == 0
    assert qaml(*words, "--out", tmp_path / "run").code == 0
    state = torch.load(package / "weights.pt")
    torch.save({name: value * 2 for name, value in state.items()}, package / "weights.pt")
    finished = qaml(*words, "--out", tmp_path / "run")
    assert finished.code == 2
    assert "differs in resolved" in finished.err


def test_gradient_free_attacks_on_a_network_without_gradients(qaml: Qaml, package: Path, tmp_path: Path) -> None:
    words = ("attack", "ownnets.nets:Cut", "--dataset", "digits", "--classes", "0,1,2", "--images", 5, "--json")
    refused = qaml(*words, "--attack", "square", "pgd", "--out", tmp_path / "run")
    assert (refused.code, (tmp_path / "run").exists()) == (2, False)
    assert "cannot be attacked by pgd" in refused.err
    done = qaml(*words, "--attack", "square", "--param", "queries=5", "--out", tmp_path / "run")
    assert done.code == 0, done.err


def test_workers_make_the_same_files(qaml: Qaml, package: Path, far_worker: str, tmp_path: Path) -> None:
    names = ("--sources", "ownnets.nets:trained", "--victims", program(package), "--eps", "0.1", *FAST)
    words = ("transfer", *names, "--dataset", "digits", "--classes", "0,1,2")
    assert qaml(*words, "--out", tmp_path / "here").code == 0
    there = qaml(*words, "--out", tmp_path / "there", "--scheduler", far_worker)
    assert there.code == 0, there.err
    here, far = (results(tmp_path / name) for name in ("here", "there"))
    same = [name for name in here if name != "environment.json"]
    assert {name: here[name] for name in same} == {name: far[name] for name in same}


def test_what_cannot_be_pickled_is_not_sent(far_worker: str, tmp_path: Path) -> None:
    class Unsendable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(64, 10)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.linear(images.flatten(1))

        def __reduce__(self) -> str:
            raise TypeError("cannot be pickled")

        def __deepcopy__(self, memo: object) -> "Unsendable":
            return self

    victim = deploy(Unsendable(), data=load_dataset("digits"))
    images = load_batch("5", [victim], None).images
    with (
        open_pool(scheduler=far_worker) as pool,
        open_run(
            "attack", AttackRequest(model="ownnets.nets:trained", dataset="digits"), None, tmp_path / "r"
        ) as opened,
        pytest.raises(ConfigurationError, match="cannot be sent to workers: got TypeError: cannot be pickled"),
    ):
        score_images(opened, {"clean": images}, [victim], {"clean": "clean"}, Silent(), pool)


def test_from_python_as_from_the_command_line(package: Path, tmp_path: Path) -> None:
    request = AttackRequest(model="ownnets.nets:trained", dataset="digits", classes=(0, 1, 2), images="5", steps=1)
    outcome = attack(request, out=tmp_path / "run")
    assert outcome.results[0]["model"] == "ownnets.nets:trained"
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["results"][0]["images"] == 5
    assert np.isfinite(outcome.results[0]["robust_accuracy"])


def test_a_hybrid_is_trained_resumed_attacked_and_run(qaml: Qaml, tmp_path: Path) -> None:
    words = ("--model", "hybrid", "--layers", 3, "--epochs", 2, "--classes", "0,1", "--maps", 2, "--train-images", 100)
    trained = qaml("train", *words, "--out", tmp_path / "hybrid", "--json")
    assert trained.code == 0, trained.err
    assert qaml("train", *words, "--out", tmp_path / "hybrid", "--json").out == trained.out
    hybrid = tmp_path / "hybrid"
    for command in (
        ("attack", hybrid, *FAST),
        ("run", hybrid, "--images", 3, "--shots", 100, "--target", "fake-torino", "--recipe", "quick", "--json"),
        ("transfer", "--sources", hybrid, f"{hybrid}@depolarizing:0.01", "--victims", hybrid, "--eps", "0.1", *FAST),
        ("sweep", hybrid, "--noise", "depolarizing", "--strengths", "0.01", "--images", 3, "--json"),
    ):
        finished = qaml(*command)
        assert finished.code == 0, finished.err
    refused = qaml("certify", hybrid, "--images", 2)
    assert refused.code == 2
    assert "got a hybrid" in refused.err


def test_a_deployed_module_stands_for_its_name(trained: Path) -> None:
    data = load_dataset("digits", classes=(0, 1, 2))
    mine = deploy(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), data=data)
    rows = transfer(sources=[mine], victims=[str(trained), mine], eps=0.1, steps=1, images=5).results
    assert {row["victim"] for row in rows} == {str(trained), mine.stored.key}
    alone = attack(mine, eps=0.1, steps=1, images=5).results
    assert alone[0]["robust_accuracy"] == next(row["accuracy"] for row in rows if row["source"] == row["victim"])
    with pytest.raises(ConfigurationError, match="every model here says itself"):
        attack(mine, dataset="digits", images=5)
    with pytest.raises(ConfigurationError, match=r"got a Linear; .*deploy\(module, data=…\)"):
        attack(nn.Linear(64, 3), images=5)
    with pytest.raises(ConfigurationError, match="has no quantum circuit"):
        run(mine, images=5)
