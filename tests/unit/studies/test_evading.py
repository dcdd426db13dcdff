"""Attackers who know detectors, in pieces: each image at its own strength, and the same in any pieces."""

from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit.artifacts import open_run
from qaml_qiskit.deployments import Batch
from qaml_qiskit.detection import Adaptive, make_detectors
from qaml_qiskit.detection.disagreement import FittedDisagreement
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import Rule, Watched, evasive_attackers, make_evasive
from tests.integration.small import deployed, ideal, images, strong_readout
from tests.tolerances import BOUND
from tests.unit.studies.test_resuming import Options

STRENGTHS = np.array([0.1, 0.2, 0.1, 0.1, 0.2, 0.1])
ATTACK = Adaptive(steps=3, restarts=1)
RULE = Rule(0.0, None)


def test_every_image_is_attacked_once_at_its_strength() -> None:
    found = evasive_attackers("disagreement", RULE, ATTACK, STRENGTHS, together=3)

    assert [(each.attack.eps, each.rows) for each in found] == [(0.1, (0, 2, 3)), (0.1, (5,)), (0.2, (1, 4))]


@pytest.mark.parametrize("device", [False, True], ids=["exact", "device"])
def test_budgets_are_kept(tmp_path: Path, device: bool) -> None:
    # A device is attacked without its noise.
    models = (deployed(strong_readout()) if device else ideal(), ideal())
    batch = Batch(images(6), ideal().logits(images(6)).argmax(1).numpy(), np.arange(6), "6")
    detectors, fitted = make_detectors(["disagreement"]), {"disagreement": FittedDisagreement((1.0, 1.0))}
    attackers = evasive_attackers("disagreement", RULE, ATTACK, STRENGTHS)
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        watched = Watched(models, detectors, fitted, batch)
        found = make_evasive(run, {str(each.attack.eps): each for each in attackers}, watched, 0, Silent())

    clean = batch.images.numpy()
    for each in attackers:
        rows = list(each.rows)
        assert 0 < np.abs(found[str(each.attack.eps)] - clean[rows]).max() <= each.attack.eps + BOUND
