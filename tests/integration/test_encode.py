"""`qaml encode`: images as circuits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit import qpy
from qiskit.quantum_info import Statevector, state_fidelity

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.encodings import amplitudes
from tests.integration.conftest import Finished
from tests.tolerances import VALUE

Qaml = Callable[..., Finished]


def test_each_image_gets_the_fewest_layers_that_reach_the_threshold(qaml: Qaml, tmp_path: Path) -> None:
    finished = qaml("encode", "--images", 8, "--threshold", 0.96, "--out", "run", "--json")
    assert finished.code == 0, finished.err
    rows = finished.json()["results"]
    assert len({row["encoding_layers"] for row in rows}) > 1
    images = torch.from_numpy(load_dataset("digits").test.images[:8]).double()
    wanted = amplitudes(images, 6, "gray").numpy()
    for layers in {row["encoding_layers"] for row in rows}:
        with (tmp_path / "run" / f"template-{layers}.qpy").open("rb") as file:
            (template,) = qpy.load(file)
        with np.load(tmp_path / "run" / f"angles-{layers}.npz") as archive:
            angles, indices = archive["angles"], archive["indices"]
        for values, index in zip(angles, indices, strict=True):
            reached = state_fidelity(Statevector(template.assign_parameters(values)), wanted[index])
            assert reached == pytest.approx(rows[index]["fidelity"], abs=VALUE[torch.float32])
            assert rows[index]["encoding_layers"] == layers
            assert rows[index]["reached"] == (reached >= 0.96)


def test_a_threshold_that_no_template_reaches_is_reported(qaml: Qaml) -> None:
    words = ("encode", "--images", 3, "--threshold", 0.9999, "--encoding-layers", 1, "--encoding-layers", 2)
    document = qaml(*words, "--out", "run", "--json").json()
    assert not any(row["reached"] for row in document["results"])
    assert {row["encoding_layers"] for row in document["results"]} == {2}
    first = document["results"][0]
    assert "3 of 3 images do not reach 0.9999" in document["notes"][1]
    assert f"image {first['index']}: {first['fidelity']:.3f} with 2 layers" in document["notes"][1]


def test_points_become_one_rotation_a_feature(qaml: Qaml, tmp_path: Path) -> None:
    document = qaml(
        "encode", "--dataset", "moons", "--images", 3, "--encoding", "angle", "--out", "run", "--json"
    ).json()
    assert [row["fidelity"] for row in document["results"]] == [1.0] * 3
    with np.load(tmp_path / "run" / "angles-0.npz") as archive:
        assert archive["angles"] == pytest.approx(np.pi * load_dataset("moons").test.images[:3].reshape(3, 2))


def broken(name: str) -> np.ndarray:
    images = np.full((3, 1, 4, 4), 0.5, dtype=np.float32)
    match name:
        case "zero":
            images[1] = 0
        case "nan":
            images[1, 0, 0, 0] = np.nan
    return images


@pytest.mark.parametrize("encoding", ["approximate", "multiplexed"])
def test_constant_images_encode(qaml: Qaml, encoding: str) -> None:
    np.savez("images.npz", images=broken("constant"), labels=np.zeros(3, dtype=int))
    document = qaml("encode", "--images", "images.npz", "--encoding", encoding, "--out", "run", "--json").json()
    assert all(row["fidelity"] == pytest.approx(1.0) for row in document["results"])


@pytest.mark.parametrize("encoding", ["approximate", "multiplexed"])
@pytest.mark.parametrize(("name", "complaint"), [("zero", "image 1"), ("nan", "1")])
def test_unusable_images_leave_nothing_behind(qaml: Qaml, encoding: str, name: str, complaint: str) -> None:
    np.savez("images.npz", images=broken(name), labels=np.zeros(3, dtype=int))
    refused = qaml("encode", "--images", "images.npz", "--encoding", encoding, "--out", "run")
    assert refused.code == 2
    assert complaint in refused.err
    assert not Path("run").exists()


def test_an_angle_encoded_qvc_learns_the_moons(qaml: Qaml) -> None:
    words = ("train", "--dataset", "moons", "--encoding", "angle", "--layers", 4, "--epochs", 15, "--out", "run")
    finished = qaml(*words, "--json")
    assert finished.code == 0, finished.err
    assert finished.json()["results"][-1]["test_accuracy"] > 0.8


def test_digits_do_not_fit_an_angle_encoding(qaml: Qaml) -> None:
    refused = qaml("train", "--encoding", "angle", "--out", "run")
    assert refused.code == 2
    assert "one qubit a" in refused.err
    assert not Path("run").exists()
