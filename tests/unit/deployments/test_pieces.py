"""What workflows share: how far they say that they are, and the images that they take."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.deployments.pieces import watched
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import DataCard
from qaml_qiskit.progress import Advance


class Counting:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.done = 0

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Advance]:
        def advance(steps: int, note: str = "") -> None:
            self.done += steps

        yield advance

    def say(self, message: str) -> None:
        raise NotImplementedError


def test_no_bar_passes_its_end() -> None:
    model, progress = nn.Identity(), Counting()
    with watched(model, "looking", 5, progress) as watching:
        for size in (1, 3, 3):
            watching(torch.zeros(size, 2))
    assert progress.done == 5


def test_too_many_images_names_the_option_and_how_many_there_are() -> None:
    card = DataCard(dataset="digits", classes=(0, 1))
    with pytest.raises(InputError, match=r"got a request for 1000; .* Give --images \d+ or fewer"):
        load_images("1000", card, None)
