"""Shots as scores, rounds that are drawn and rounds that are sampled, and what policies come to."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.confidence import SequentialRule, Trail
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.evaluation import LinearHead, Products, ReadoutMap
from qaml_qiskit.execution import sampling_seconds
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import (
    OnDevice,
    PolicyScoring,
    PolicyThresholds,
    ShotScores,
    forecast_trails,
    policy_answers,
    predict_on_devices,
    sampled_trail,
)
from tests.integration.small import deployed, images, strong_readout
from tests.tolerances import SIGMAS, VALUE

ROUNDS = (40, 90, 200)


class Nothing(BaseModel):
    """A request without options."""


@pytest.fixture(scope="module")
def device() -> Deployment:
    return deployed(strong_readout())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run("decide", Nothing(), out=tmp_path / "run")


def batch() -> Batch:
    return Batch(images(), np.arange(6) % 3, np.arange(6), "6")


@pytest.mark.parametrize("inverted", [False, True])
def test_the_mean_of_the_scores_is_the_logits_with_or_without_mitigation(
    device: Deployment, run: Run, inverted: bool
) -> None:
    found = predict_on_devices({"all": OnDevice(device, images(), bitstrings=True)}, run, Silent())["all"]
    reading = ShotScores(found.head, found.products, found.readout if inverted else None)
    assert found.frequencies is not None
    exact = found.logits("readout" if inverted else "none")
    np.testing.assert_allclose(
        found.frequencies @ reading.table, exact, atol=np.abs(exact).max() * VALUE[torch.float32]
    )
    apart = np.abs(reading.table[:, :, None] - reading.table[:, None]).max(axis=0)
    assert (apart <= reading.reach * (1 + VALUE[torch.float32])).all()
    assert reading.test == ("betting" if inverted else "sign")


PAIRS = Products(((0,), (1,), (0, 1)), 2)


@pytest.mark.parametrize(
    ("matrix", "offset", "test"),
    [
        ([[1, 0, 0], [0, 1, 0]], [0, 0], "sign"),
        ([[1, 0, 0], [-1, 0, 0]], [0, 0], "sign"),
        ([[0, 0, 3], [0, 0, 0], [0, 3, 0]], [0, 0, 0], "sign"),
        ([[1, 0, 0], [0, 2, 0]], [0, 0], "betting"),
        ([[1, 1, 0], [0, 0, 1]], [0, 0], "betting"),
        ([[1, 0, 0], [0, 1, 0]], [0, 0.5], "betting"),
    ],
)
def test_signs_are_tested_where_differences_are_coins(matrix: list, offset: list, test: str) -> None:
    reading = ShotScores(LinearHead(np.array(matrix, float), np.array(offset, float)), PAIRS)
    assert reading.test == test
    apart = reading.table[:, :, None] - reading.table[:, None]
    coins = all(
        {*np.unique(np.abs(each)).round(9)} <= {0, *np.round([each.max()], 9)}
        for each in (apart[:, i, j] for i in range(len(matrix)) for j in range(i))
    )
    assert coins or test == "betting"


def test_inverted_readout_errors_of_products_are_inverted_in_every_shot() -> None:
    readout = ReadoutMap(np.array([0.1, 0.02]), np.array([0.2, 0.05]))
    reading = ShotScores(LinearHead(np.eye(3), np.zeros(3)), PAIRS, readout)
    # |01⟩: qubit 0 in |1⟩, which is read as 0 with probability p01.
    chances = np.kron([1 - 0.02, 0.02], [0.2, 1 - 0.2])
    np.testing.assert_allclose(chances @ reading.table, [-1, 1, -1], atol=1e-12)


def test_drawn_and_sampled_rounds_scatter_about_the_same_logits(device: Deployment, run: Run) -> None:
    found = predict_on_devices({"all": OnDevice(device, images(), bitstrings=True)}, run, Silent())["all"]
    assert found.frequencies is not None
    reading = ShotScores(found.head, found.products)
    rule = SequentialRule(0.9, ROUNDS, reading.reach, reading.test)
    drawn = forecast_trails(run, {"all": found.frequencies}, reading, rule, 3, 0, Silent())["all"]
    sampled = sampled_trail(run, device, batch(), reading, rule, None, 0, Silent())
    assert drawn.logits.shape == (3, 6, 3, 3)
    assert sampled.logits.shape == (1, 6, 3, 3)
    scale = np.abs(found.head.matrix).max()
    for trail in (drawn, sampled):
        for place, shots in enumerate(ROUNDS):
            error = np.abs(trail.logits[:, :, place] - found.logits("none"))
            assert (error <= SIGMAS * scale / np.sqrt(shots)).all()
    # Repetitions are other shots, and rounds go on with those before.
    assert not np.array_equal(drawn.logits[0], drawn.logits[1])


def test_images_that_are_done_are_left_out_of_the_next_workload(device: Deployment, run: Run) -> None:
    reading = ShotScores(device.head, device.circuit.products)
    rule = SequentialRule(0.5, ROUNDS, reading.reach, reading.test)
    trail = sampled_trail(run, device, batch(), reading, rule, lambda certain, lead: certain.any(axis=1), 0, Silent())
    going = ~trail.certain[0].cumsum(axis=1).astype(bool)
    for number in range(3):
        left = 6 if number == 0 else int(going[:, number - 1].sum())
        values = run.path / "rounds" / f"{number:02d}" / "values.npy"
        assert (len(np.load(values)) if values.is_file() else 0) == left
    # Read again, the rounds are the same.
    again = sampled_trail(run, device, batch(), reading, rule, lambda certain, lead: certain.any(axis=1), 0, Silent())
    np.testing.assert_array_equal(again.logits, trail.logits)


def by_hand() -> tuple[Trail, PolicyThresholds]:
    """Two images, three rounds: the first is certain after two, the second never."""
    logits = np.array([[[[1.0, 2], [2, 1], [2, 1]], [[1, 0], [0, 1], [0, 1]]]])
    lead = np.array([[[0.1, 3, 4], [0.5, 0.2, 0.3]]])
    trail = Trail((10, 20, 40), logits, lead, lead > 2)
    return trail, PolicyThresholds.of(drawn_validation(), np.zeros(9, int), 0.5, None)


def drawn_validation() -> Trail:
    logits = np.stack([np.linspace(1, 2, 9), np.zeros(9)], axis=1)[None, :, None]
    return Trail((40,), logits, np.ones((1, 9, 1)), np.zeros((1, 9, 1), dtype=bool))


def test_policies_by_hand() -> None:
    trail, learned = by_hand()
    answers = policy_answers(("fixed", "sequential"), trail, learned, np.array([1, 0]))
    scoring = PolicyScoring(trail, np.array([0, 0]), np.array([0, 0]), 1e-5, 0.99)
    rows = {row["policy"]: row for row in scoring.rows(answers)}
    assert rows["fixed"]["accuracy"] == 0.5
    assert rows["fixed"]["shots"] == 40
    sequential = rows["sequential"]
    assert (sequential["accuracy"], sequential["shots"], sequential["jobs"]) == (0.5, 30, 3)
    assert sequential["early_errors"] == 0
    assert sequential["promised"] == pytest.approx(0.01)
    spent = sampling_seconds(2, 10, 1e-5) * 2 + sampling_seconds(1, 20, 1e-5)
    assert sequential["qpu_seconds"] == pytest.approx(spent)
    assert rows["sequential, abstain"]["coverage"] == 0.5
    assert rows["sequential, abstain"]["accuracy"] == 1
    assert rows["sequential, fall-back"]["accuracy"] == 1
    assert rows["sequential, fall-back"]["by_fallback"] == 0.5
    assert [row["accuracy"] for row in scoring.fixed_rows()] == [0.5, 0.5, 0.5]


def test_nothing_costs_no_seconds_and_a_job_its_overhead() -> None:
    assert sampling_seconds(0, 100, 1e-5) == 0
    assert sampling_seconds(1, 1000, None) == pytest.approx(2.25)
    assert sampling_seconds(100, 100_000, 0.0) == pytest.approx(2 * 2 + 1e7 * 250e-6)
