"""The images that deployments take."""

import pytest

from qaml_qiskit.deployments import deploy
from qaml_qiskit.deployments.images import load_batch, load_images
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC, DataCard, ModelCard, QVCConfig, StoredModel


def test_too_many_images_names_the_option_and_how_many_there_are() -> None:
    card = DataCard(dataset="digits", classes=(0, 1))
    with pytest.raises(InputError, match=r"got a request for 1000; .* Give --images \d+ or fewer"):
        load_images("1000", card, None)


def test_a_small_test_set_is_taken_whole_where_nobody_asked_for_a_number() -> None:
    """What was taken is what adversarial images say they were made from."""
    config = QVCConfig(image_shape=(1, 8, 8), num_classes=2, num_layers=1)
    card = ModelCard(model=config, data=DataCard(dataset="digits", classes=(0, 1)))
    batch = load_batch("1000", [deploy(StoredModel(QVC(config, seed=0), card), name="model")], None, or_all=True)
    assert len(batch) == 108
    assert batch.origin == "108"
