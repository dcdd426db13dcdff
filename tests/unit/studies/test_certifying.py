"""Certificates as a work for maps, and what their rows come to."""

import pickle

import numpy as np
import pytest
import torch

from qaml_qiskit.deployments import Batch, deploy
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, ConvNet, ConvNetConfig, DataCard, ModelCard, QVCConfig, StoredModel
from qaml_qiskit.progress import ignore
from qaml_qiskit.studies import Certifying, certified_accuracy, summary_of
from tests.tolerances import VALUE


def stored(model: QVC | ConvNet) -> StoredModel:
    return StoredModel(model, ModelCard(model=model.config, data=DataCard(dataset="digits", classes=(0, 1))))


def batch() -> Batch:
    images = torch.rand(5, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    return Batch(images, np.array([0, 1, 0, 1, 0]), np.arange(5), "5")


def test_a_chunk_has_the_same_rows_alone_and_elsewhere() -> None:
    model = stored(QVC(QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2), 3))
    work = Certifying(deploy(model).under("bit-flip", 0.01), batch())
    told: list[str] = []
    whole = work(slice(0, 5), lambda steps, note="": told.append(note)).rows
    assert [row["index"] for row in whole] == list(range(5))
    assert told == ["computing the quadratic forms", "1 of 1 pairs of classes decomposed"]
    work(slice(0, 5), lambda steps, note="": told.append(note))
    assert len(told) == 2, "the one-off work is done once"
    sent = pickle.dumps(work)
    # Texts that are one object are sent once, so that a copy may need some bytes more.
    assert abs(len(sent) - len(pickle.dumps(pickle.loads(sent)))) < 100, "what was computed does not travel"
    assert pickle.loads(sent)(slice(0, 5), ignore).rows == whole
    # A product with another number of columns may round otherwise, on some processors.
    radii = [row["radius"] for row in work(slice(3, 5), ignore).rows]
    assert radii == pytest.approx([row["radius"] for row in whole[3:]], rel=0, abs=VALUE[torch.float64])


def test_what_is_no_quadratic_form_is_refused() -> None:
    model = stored(ConvNet(ConvNetConfig(image_shape=(1, 8, 8), num_classes=2, hidden=2)))
    with pytest.raises(ConfigurationError, match="no quadratic forms"):
        Certifying(deploy(model), batch())


def test_accuracies_and_summary_of_rows() -> None:
    def row(label: int, radius: float | None, linf: float) -> dict[str, object]:
        sizes = {"radius": radius, "attack": radius, "linf_lower": linf, "linf_upper": 2 * linf}
        return {"predicted": 0, "label": label, "witness_flips": True, "witness_in_box": False, **sizes}

    rows = [row(0, 0.15, 0.02), row(0, 0.6, 0.04), row(0, None, 0.3), row(1, 0.0, 0.0)]
    shares = {(each["norm"], each["distance"]): each for each in certified_accuracy(rows)}
    assert shares["l2", 0.1]["certified"] == 3 / 4
    # No image of another label at all is beyond every distance.
    assert shares["l2", 2.0]["certified"] == 1 / 4
    assert (shares["l∞", 0.03]["certified"], shares["l∞", 0.03]["attacked"]) == (2 / 4, 3 / 4)
    summary = summary_of(rows)
    assert (summary["images"], summary["accuracy"], summary["witnesses_flip"]) == (4, 3 / 4, "3 of 3")
    assert summary["median_radius"] == (0.15 + 0.6) / 2
    assert summary["median_lipschitz"] is None
