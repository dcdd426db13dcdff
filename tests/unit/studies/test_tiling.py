"""How many tiles to take: what they would score, what they would cost, and the choice between numbers of them."""

from typing import Any

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import sampled_accuracy, sampled_hits
from qaml_qiskit.execution import join_tiles, load_catalogue, open_target, sample
from qaml_qiskit.studies import Tiling, TilingSettings, placed_tile_rows, tiling_row
from qaml_qiskit.studies.devices import tiling
from tests.integration.small import deployed, images, model, strong_readout
from tests.tolerances import SIGMAS, VALUE_OF_PROBABILITIES

COUNT, SHOTS = 30, 200


@pytest.fixture(scope="module")
def device() -> Deployment:
    name = "fake-torino"
    return deployed(open_target(name, load_catalogue().entry(name), 3), "line")


def batch(deployment: Deployment, count: int = COUNT) -> Batch:
    """Images with the labels that the model gives them."""
    shown = images(count)
    labels = deployment.ideal(shown).argmax(axis=1).astype(np.int64)
    return Batch(shown, labels, np.arange(count), str(count))


def settings(**change: Any) -> TilingSettings:
    return TilingSettings(**{"images": 600, "shots": SHOTS, **change})


def test_a_tile_is_forecast_as_it_is_sampled(device: Deployment) -> None:
    own, target = batch(device), device.compiled.target
    tiling = Tiling(device, own, settings())
    forecast = tiling.forecast(tiling.lines(2))
    values = device.values(own.images)
    for circuit, expected in zip(forecast.circuits, forecast.tile_accuracies, strict=True):
        sampled = sample(circuit, values, target, shots=SHOTS, mitigation="readout", seed=3)
        measured = (device.head.logits(sampled.estimates["mitigated"].values).argmax(axis=1) == own.labels).mean()
        assert abs(measured - expected) < SIGMAS * np.sqrt(0.25 / COUNT)
    assert forecast.accuracy == pytest.approx(np.mean(forecast.tile_accuracies), abs=VALUE_OF_PROBABILITIES)
    assert forecast.loss == pytest.approx(forecast.tile_accuracies[0] - forecast.accuracy, abs=VALUE_OF_PROBABILITIES)


def test_dealt_images_cost_a_share_and_images_for_all_cost_as_much_as_one_tile(device: Deployment) -> None:
    dealt, shared = (Tiling(device, batch(device), settings(tile_images=how)) for how in ("dealt", "all"))
    alone, six = (dealt.seconds(dealt.lines(tiles)) for tiles in (1, 6))
    # Two circuits of the calibration, and two seconds a job, are the same.
    rows = 600 * SHOTS
    assert alone - six == pytest.approx((rows - rows / 6) * (alone - 4) / (rows + 2 * SHOTS), rel=0.02)
    lines = shared.lines(6)
    assert shared.seconds(lines) == pytest.approx(alone, rel=1e-3)


def test_all_tiles_together_see_more_than_one_at_few_shots(device: Deployment) -> None:
    """Five times the shots at the same time: more images are right than on any tile alone."""
    tiling = Tiling(device, batch(device), settings(shots=20, tile_images="all", gap=8))
    forecast = tiling.forecast(tiling.lines(5))
    assert forecast.accuracy > max(forecast.tile_accuracies)
    assert forecast.loss < 0
    assert tiling.choice[0].tiles > 1


def test_the_choice_gives_away_no_more_than_it_may(device: Deployment) -> None:
    tiling = Tiling(device, batch(device), settings(gap=8))
    chosen, *others = tiling.choice
    assert 0 < tiling.most_loss <= 0.02
    assert chosen.loss <= tiling.most_loss
    for other in others:
        assert other.loss > tiling.most_loss or other.right_per_second <= chosen.right_per_second
    assert min(each.tiles for each in tiling.choice) == 1
    assert chosen.tiles > 1


def test_a_bad_chip_is_left_with_one_tile(device: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing may be lost, and every further line is worse, one tile is taken, and the search ends soon."""
    monkeypatch.setattr(tiling, "MOST_LOSS", 0.0)
    found = Tiling(device, batch(device), settings(shots=50_000))
    assert found.most_loss == 0
    assert found.choice[0].loss <= 0


def test_rows_of_tables(device: Deployment) -> None:
    found = Tiling(device, batch(device, 4), settings())
    taken, alone = found.compared(3)
    row = tiling_row(taken, alone.seconds)
    assert row["tiles"] == 3
    assert row["times_faster"] == alone.seconds / taken.seconds
    rows = placed_tile_rows(found, taken.lines, taken.tile_accuracies)
    assert [each["tile"] for each in rows] == [0, 1, 2]
    assert [each["accuracy"] for each in rows] == list(taken.tile_accuracies)
    survivals = [each["gate_survival"] * each["readout_survival"] for each in rows]
    # A line is chosen by its circuit before compilation, which is all but the same.
    np.testing.assert_allclose(survivals, [line.survival for line in taken.lines], rtol=0.02)


def test_hits_of_images_are_the_accuracy(device: Deployment) -> None:
    own = batch(device)
    found = Tiling(device, own, settings())
    (line,) = found.lines(1)
    circuit = found.circuits([line])[0]
    sampled = sample(circuit, device.values(own.images), device.compiled.target, shots=SHOTS, mitigation="m3", seed=1)
    estimates = sampled.estimates["mitigated"]
    hits = sampled_hits(estimates, device.head, own.labels, 5)
    assert hits.shape == (COUNT,)
    assert sampled_accuracy(estimates, device.head, own.labels, 5) == pytest.approx(
        hits.mean(), abs=VALUE_OF_PROBABILITIES
    )


def test_targets_without_lines_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="lines of neighbouring qubits"):
        Tiling(deployed(strong_readout()), batch(deployed(strong_readout())), settings())


def test_a_joint_circuit_takes_the_values_of_the_whole(device: Deployment) -> None:
    found = Tiling(device, batch(device), settings())
    joint: QuantumCircuit = join_tiles(found.circuits(found.lines(2)))
    assert joint.num_parameters == 2 * device.compiled.isa.num_parameters
    assert joint.num_clbits == 2 * model().config.num_qubits
