"""Setting validation images aside."""

import numpy as np
import pytest

from qaml_qiskit.datasets import Dataset, HeldOut, Split, validation_split
from qaml_qiskit.errors import ConfigurationError, InputError


def _dataset(labels) -> Dataset:
    # The pixel tells which image it was.
    images = np.linspace(0, 1, len(labels), dtype=np.float32)[:, None, None, None]
    return Dataset("toy", images, np.asarray(labels), ("a", "b", "c"))


def test_every_class_gives_its_share_and_nothing_is_lost():
    train = _dataset([0] * 50 + [1] * 30 + [2] * 20)
    rest, held_out = validation_split(train, 0.1, seed=0)
    np.testing.assert_array_equal(np.bincount(held_out.labels), [5, 3, 2])
    both = np.concatenate([rest.images, held_out.images]).ravel()
    np.testing.assert_array_equal(np.sort(both), train.images.ravel())
    for part in (rest, held_out):
        assert (np.diff(part.images.ravel()) > 0).all()


def test_the_seed_decides():
    train = _dataset([0, 1, 2] * 20)
    first, again, other = (validation_split(train, 0.3, seed)[1].images for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.01, 1), (0.99, 3)])
def test_no_class_is_missing_from_either_part(fraction, held_out):
    rest, validation = validation_split(_dataset([0, 1, 0, 1, 0, 1, 0, 1]), fraction, seed=0)
    np.testing.assert_array_equal(np.bincount(validation.labels), [held_out] * 2)
    np.testing.assert_array_equal(np.bincount(rest.labels), [4 - held_out] * 2)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_a_fraction_that_leaves_nothing_is_refused(fraction):
    with pytest.raises(ConfigurationError, match="fraction"):
        validation_split(_dataset([0, 0, 1, 1]), fraction, seed=0)


def test_a_single_image_of_a_class_cannot_be_split():
    with pytest.raises(InputError, match="'b'"):
        validation_split(_dataset([0, 0, 1]), 0.5, seed=0)


def test_what_was_set_aside_is_found_again():
    train = _dataset([0, 1, 2] * 20)
    split = Split(train, _dataset([0, 1, 2]))
    for choice in (HeldOut(fraction=0.2, seed=3), HeldOut(fraction=0.2, seed=3, train_images=30, train_seed=5)):
        learned, held_out = choice.parts(split)
        np.testing.assert_array_equal(train.images[choice.places(train)], held_out.images)
        assert not set(learned.images.ravel()) & set(held_out.images.ravel())
        assert len(learned) + len(held_out) == (choice.train_images or len(train))
        np.testing.assert_array_equal(choice.parts(split)[0].images, learned.images)
    np.testing.assert_array_equal(
        validation_split(train, 0.2, 3)[1].images, HeldOut(fraction=0.2, seed=3).parts(split)[1].images
    )


def test_data_with_a_validation_part_keep_it():
    split = Split(_dataset([0, 1, 2] * 9), _dataset([0, 1, 2]), _dataset([0, 1, 2, 0]))
    learned, held_out = HeldOut(fraction=0.5, seed=1).parts(split)
    assert held_out is split.validation
    assert len(learned) == 27


def test_more_images_than_there_are_cannot_be_drawn():
    with pytest.raises(InputError, match="not enough training images"):
        HeldOut(fraction=0.5, seed=1, train_images=7).places(_dataset([0, 0, 1, 1, 2, 2]))
