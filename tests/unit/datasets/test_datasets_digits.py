"""The embedded digits and their fixed parts."""

import hashlib

import numpy as np

from qaml_qiskit.datasets import data_status, fetch, load_dataset, verify


def test_all_digits_in_both_parts():
    split = load_dataset("digits")
    assert (len(split.train), len(split.test)) == (1258, 539)
    assert split.train.image_shape == (1, 8, 8)
    assert split.train.class_names == tuple("0123456789")
    pixels = np.concatenate([split.train.images, split.test.images]) * 16
    np.testing.assert_array_equal(pixels, pixels.round())
    assert (pixels.min(), pixels.max()) == (0, 16)


def test_every_class_has_its_thirty_per_cent_in_the_test_part():
    split = load_dataset("digits")
    tested, trained = np.bincount(split.test.labels), np.bincount(split.train.labels)
    np.testing.assert_array_less(abs(tested - 0.3 * (tested + trained)), 1)


def test_no_image_is_in_both_parts_and_none_is_lost():
    from sklearn.datasets import load_digits

    split = load_dataset("digits")
    ours = sorted(image.tobytes() for part in (split.train, split.test) for image in part.images)
    theirs = sorted((image / 16).astype(np.float32).tobytes() for image in load_digits().images)
    assert ours == theirs


def test_the_parts_never_change():
    # Recorded results name positions in these parts: whoever changes this line invalidates them.
    test = load_dataset("digits").test
    fingerprint = hashlib.sha256((test.images * 16).astype(np.uint8).tobytes() + test.labels.astype(np.uint8).tobytes())
    assert fingerprint.hexdigest() == "5f53bf1efe22932508d26dc6d38c6f25387593dcee1da78a27ec5deb01b2e735"


def test_six_classes():
    split = load_dataset("digits", classes=range(6))
    assert split.train.class_names == tuple("012345")
    assert set(split.train.labels) == set(split.test.labels) == set(range(6))


def test_there_is_nothing_to_find_or_fetch(tmp_path):
    assert fetch("digits") == ()
    assert [row.state for row in verify("digits")] == ["embedded"]
    assert [row.state for row in data_status("digits")] == ["embedded"]
    assert len(load_dataset("digits", data_dir=tmp_path / "absent", download=False).test) == 539
