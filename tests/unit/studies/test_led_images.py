"""Targets of attacked images, and training sets of such images."""

from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit.artifacts import AdversarialImages, Provenance, read_adversarial
from qaml_qiskit.datasets import Dataset, load_dataset
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import npz
from qaml_qiskit.studies.targets import check_every_class, target_labels, training_file
from tests.tolerances import SIGMAS

IMAGES = np.random.default_rng(0).random((6, 1, 2, 3), dtype=np.float32)
TEST = Dataset("digits", IMAGES[:3] / 2, np.array([0, 1, 0]), ("0", "1"))


def made(targets: list[int] | None) -> AdversarialImages:
    provenance = Provenance(
        model="m",
        weights="w",
        noise=None,
        attack="pgd",
        norm="linf",
        parameters={},
        eps=0.1,
        seed=0,
        dataset="digits",
        classes=(0, 1),
        images="6 of training",
        images_digest="d",
        targets=None if targets is None else "random",
        package_version="0",
    )
    wrong = np.zeros(6, dtype=bool)
    labels, known = np.array([0, 1] * 3), None if targets is None else np.array(targets)
    return AdversarialImages(IMAGES, labels, np.arange(6), ~wrong, wrong, provenance, known)


def test_the_next_label_is_never_the_right_one() -> None:
    assert target_labels("next", np.array([0, 1, 2]), 3, seed=7).tolist() == [1, 2, 0]


def test_random_labels_tell_nothing_of_the_image() -> None:
    labels = np.arange(20_000) % 4
    found = target_labels("random", labels, 4, seed=1)
    assert np.array_equal(found, target_labels("random", labels, 4, seed=1))
    assert not np.array_equal(found, target_labels("random", labels, 4, seed=2))
    expected = len(labels) / 16
    for label, target in np.ndindex(4, 4):
        count = ((labels == label) & (found == target)).sum()
        assert abs(count - expected) < SIGMAS * np.sqrt(expected)


def test_a_training_set_has_targets_in_training_and_true_labels_in_the_test(tmp_path: Path) -> None:
    (tmp_path / "led.npz").write_bytes(training_file(made([1, 1, 0, 0, 1, 0]), TEST))
    data = load_dataset(str(tmp_path / "led.npz"))
    assert np.array_equal(data.train.images, IMAGES)
    assert data.train.labels.tolist() == [1, 1, 0, 0, 1, 0]
    assert np.array_equal(data.test.images, TEST.images)
    assert data.test.labels.tolist() == [0, 1, 0]


def test_images_without_targets_and_classes_without_images_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="without targets"):
        training_file(made(None), TEST)
    with pytest.raises(ConfigurationError, match="1 have the target 1"):
        training_file(made([0, 0, 0, 1, 0, 0]), TEST)
    check_every_class(np.array([0, 0, 1, 1]), TEST.labels)


def test_files_keep_targets_and_files_from_before_have_none(tmp_path: Path) -> None:
    for targets in (None, [1, 0, 1, 0, 1, 1]):
        (tmp_path / "a.npz").write_bytes(npz(**made(targets).arrays()))
        found = read_adversarial(tmp_path / "a.npz")
        assert found.provenance == made(targets).provenance
        assert (found.targets is None) if targets is None else found.targets.tolist() == targets
        assert ("targets" in found.provenance.model_dump()) == (targets is not None)
