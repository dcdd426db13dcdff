"""A substitute's queries, its answers and where it goes on after a kill."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from torch import Tensor

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.errors import PartialResultError
from qaml_qiskit.models import FNNConfig, Model, TrainingConfig, load_model
from qaml_qiskit.progress import Silent, Stopping, never
from qaml_qiskit.studies import Substituting, first_images
from tests.integration.small import ideal, images, stored
from tests.tolerances import VALUE

CONFIG = FNNConfig(image_shape=(1, 2, 4), num_classes=3, hidden=(8, 6), dropout=0.2)
TRAINING = TrainingConfig(epochs=3, batch_size=10, learning_rate=0.01, seed=5)


class Options(BaseModel):
    seed: int = 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The images that any deployment is asked about."""
    seen: list[Tensor] = []
    answer = Deployment.logits

    def logits(self: Deployment, images: Tensor, *more: object) -> Tensor:
        seen.append(images)
        return answer(self, images, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Deployment, "logits", logits)
    return seen


def study(victim: Deployment | None = None, queries: int = 25) -> Substituting:
    return Substituting(victim or ideal(), CONFIG, TRAINING, queries, 0.1)


def trained(run: Run, stopping: Stopping = never, victim: Deployment | None = None) -> list[tuple[int, Model]]:
    with run:
        return list(study(victim).rounds(images(6), run, Silent(), stopping))


def opened(path: Path) -> Run:
    return open_run("demo", Options(), out=path)


def test_the_victim_is_asked_as_often_as_was_agreed(asked: list[Tensor], tmp_path: Path) -> None:
    rounds = trained(opened(tmp_path))
    assert [queries for queries, _ in rounds] == [6, 12, 24, 25]
    assert [len(each) for each in asked] == [6, 6, 12, 1]
    known = torch.cat(asked)
    for later, before in ((known[6:12], known[:6]), (known[12:24], known[:12])):
        # Each is moved by the step in every pixel that is not at its bounds.
        moved = (later - before).abs()
        assert moved.max() == pytest.approx(0.1, abs=VALUE[torch.float32])
        inside = (before > 0.1) & (before < 0.9)
        torch.testing.assert_close(moved[inside], torch.full_like(moved[inside], 0.1))
        assert 0 <= later.min() <= later.max() <= 1
    card = load_model(tmp_path).card
    assert card.model == CONFIG
    told = card.substitute
    assert told is not None
    assert (told.victim, told.weights, told.queries, told.first) == ("small", ideal().weights, 25, 6)


def test_nothing_but_labels_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (_, whole) = trained(opened(tmp_path / "logits"))[-1]
    answer = Deployment.logits

    def labels(self: Deployment, images: Tensor, *more: object) -> Tensor:
        return torch.nn.functional.one_hot(answer(self, images, *more).argmax(1), 3).double()  # type: ignore[arg-type]

    monkeypatch.setattr(Deployment, "logits", labels)
    (_, same) = trained(opened(tmp_path / "labels"))[-1]
    assert all(torch.equal(mine, its) for mine, its in zip(whole.parameters(), same.parameters(), strict=True))


@pytest.mark.parametrize("steps", [1, 4, 14])
def test_a_stopped_substitute_goes_on_to_the_same_weights(tmp_path: Path, steps: int, asked: list[Tensor]) -> None:
    (_, whole) = trained(opened(tmp_path / "whole"))[-1]
    queries = sum(map(len, asked))
    asked.clear()
    left = [steps]

    @contextmanager
    def stopping() -> Iterator[Callable[[], bool]]:
        def should_stop() -> bool:
            left[0] -= 1
            return left[0] < 0

        yield should_stop

    with pytest.raises(PartialResultError):
        trained(opened(tmp_path / "stopped"), stopping)
    (_, again) = trained(opened(tmp_path / "stopped"))[-1]
    assert all(torch.equal(mine, its) for mine, its in zip(whole.parameters(), again.parameters(), strict=True))
    assert sum(map(len, asked)) == queries  # no image twice


def test_the_attackers_images_are_not_those_of_the_comparison() -> None:
    batch = Batch(images(9), np.zeros(9, dtype=np.int64), np.arange(9), "9")
    compared, first = first_images(batch, 4, seed=0)
    assert len(compared) == 5
    assert torch.equal(first, batch.images[5:])
    some, other = (first_images(batch, 2, seed)[1] for seed in (0, 1))
    assert not torch.equal(some, other)


def test_other_models_say_nothing_of_a_victim() -> None:
    assert "substitute" not in stored(ideal().qvc).card.model_dump()
