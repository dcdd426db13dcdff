"""Attackers who know detectors, in a run: of some rows, and at the strengths of the attacks beside them."""

from pathlib import Path

import numpy as np
import torch

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.attacks import CWConfig, PGDConfig
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import Batch
from qaml_qiskit.detection import Adaptive, make_detectors
from qaml_qiskit.detection.disagreement import FittedDisagreement
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import (
    AdaptiveAttempt,
    AttackStrength,
    attacked_sets,
    attacked_strengths,
    make_adaptive,
    mixed_set,
    without_target,
)
from tests.integration.small import deployed, ideal, images, strong_readout
from tests.tolerances import BOUND
from tests.unit.studies.test_resuming import Options

EPS = 0.1
ATTACKS = [PGDConfig(eps=EPS, steps=2), PGDConfig(eps=0.2, steps=2)]


def batch() -> Batch:
    return Batch(images(6), ideal().logits(images(6)).argmax(1).numpy(), np.arange(6) + 10, "6")


def made(run: Run, rows: tuple[int, ...]) -> np.ndarray:
    models = [
        each.calibrated(Temperature(value=1.0, images=10)) for each in (ideal(), ideal().under("depolarizing", 0.05))
    ]
    detectors, fitted = make_detectors(["disagreement"]), {"disagreement": FittedDisagreement((1.0, 1.0))}
    attacker = Adaptive(eps=EPS, steps=2, restarts=1)
    attempt = AdaptiveAttempt("disagreement", 0.0, attacker, rows, (), "an attacker")
    return make_adaptive(run, {"one": attempt}, models, detectors, fitted, batch(), 3, Silent())["one"]


def test_some_rows_are_attacked_alone(tmp_path: Path) -> None:
    with open_run("demo", Options(), out=tmp_path / "run") as run:
        found = made(run, rows=(1, 4))

    assert found.shape == (2, 1, 2, 4)
    assert np.abs(found - batch().images.numpy()[[1, 4]]).max() <= EPS + BOUND


def test_strengths_are_those_of_the_attacks_in_l_infinity() -> None:
    apart = attacked_sets("0", "small", [*ATTACKS, CWConfig(eps=1.0)])
    assert attacked_strengths(apart) == {
        AttackStrength(EPS): ["0-pgd-eps0.1"],
        AttackStrength(0.2): ["0-pgd-eps0.2"],
    }
    mixed = attacked_strengths(mixed_set("0", "small", ATTACKS, 30, seed=1))
    assert sorted(row for strength in mixed for row in strength.rows or ()) == list(range(30))
    assert {strength.eps for strength in mixed} == {EPS, 0.2}


def test_a_model_on_a_target_is_computed_without_its_noise() -> None:
    device = deployed(strong_readout())
    torch.testing.assert_close(without_target(device).logits(images()), ideal().logits(images()), rtol=0, atol=BOUND)
    noisy = ideal().under("depolarizing", 0.1)
    assert without_target(noisy) is noisy
