"""The images that deployments take."""

import pytest

from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import DataCard


def test_too_many_images_names_the_option_and_how_many_there_are() -> None:
    card = DataCard(dataset="digits", classes=(0, 1))
    with pytest.raises(InputError, match=r"got a request for 1000; .* Give --images \d+ or fewer"):
        load_images("1000", card, None)
