"""Averages of images from several tiles: figures of merit take them as they take those of one."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import (
    Correction,
    Estimates,
    LinearHead,
    ReadoutMap,
    TiledEstimates,
    accuracy_interval,
    endless_interval,
    uncertain_labels,
)
from tests.tolerances import SIGMAS, VALUE

HEAD = LinearHead(np.eye(2), np.zeros(2))
SHOTS = 100
EXACT = VALUE[torch.float64]


def measured(
    count: int, seed: int = 0, *, p10: float = 0.03, p01: float = 0.08, worse: float = 2.0, corrected: bool = True
) -> Estimates:
    """Of ``count`` images and two qubits; the errors of the second are ``worse`` times as large."""
    generator = np.random.default_rng(seed)
    values = generator.uniform(-0.9, 0.9, (count, 2))
    covariance = np.eye(2) * (1 - values[:, :, None] ** 2) / SHOTS
    readout = ReadoutMap(p10 * np.array([1.0, worse]), p01 * np.array([1.0, worse]), shots=10 * SHOTS)
    return Estimates(values, covariance, Correction.of_bits(readout) if corrected else None)


def labels(found: Estimates) -> NDArray[np.int64]:
    """Right but for every fourth image."""
    said = HEAD.logits(found.values).argmax(axis=1)
    return np.where(np.arange(len(said)) % 4, said, 1 - said)


@pytest.mark.parametrize("corrected", [True, False])
def test_a_single_tile_is_what_it_is_alone(corrected: bool) -> None:
    # Of equal errors, because the axes along which errors are drawn are sorted by their size.
    alone = measured(40, worse=1.0, corrected=corrected)
    tiled = TiledEstimates.of([alone], [np.arange(40)], 40)
    assert tiled.is_corrected == alone.is_corrected == corrected
    for one, other in (
        (tiled.values, alone.values),
        (tiled.shot_covariance(), alone.shot_covariance()),
        (tiled.whole_covariance(), alone.whole_covariance()),
        (tiled.standard_errors(), alone.standard_errors()),
    ):
        assert np.abs(one - other).max() < EXACT
    right = labels(alone)
    assert uncertain_labels(tiled, HEAD) == uncertain_labels(alone, HEAD)
    for interval in (accuracy_interval, endless_interval):
        assert interval(tiled, HEAD, right, seed=3) == pytest.approx(interval(alone, HEAD, right, seed=3))


def dealt() -> tuple[TiledEstimates, list[Estimates], list[NDArray[np.int64]]]:
    parts = [measured(4, 1), measured(3, 2, p10=0.06, p01=0.12)]
    images = [np.array([0, 2, 4, 6]), np.array([1, 3, 5])]
    return TiledEstimates.of(parts, images, 7), parts, images


def test_images_are_corrected_by_their_own_tile() -> None:
    found, parts, images = dealt()
    for part, own in zip(parts, images, strict=True):
        assert np.array_equal(found.values[own], part.values)
        assert np.array_equal(found.whole_covariance()[own], part.whole_covariance())
    # Some of them, in another order and repeatedly, as a bootstrap draws them.
    rows = np.array([5, 0, 0, 6])
    some = found.images(rows)
    assert np.array_equal(some.values, found.values[rows])
    assert np.array_equal(some.whole_covariance(), found.whole_covariance()[rows])


def test_calibrations_move_the_images_of_a_tile_together() -> None:
    found, parts, images = dealt()
    readouts = [part.correction.readout for part in parts if part.correction is not None]
    offset, scale = np.stack([each.offset for each in readouts]), np.stack([1 / each.contrast for each in readouts])
    assert np.abs(found.corrected(found.read, offset, scale) - found.values).max() < EXACT
    # Errors of the shots stay what they are by the same calibration.
    errors = np.random.default_rng(4).normal(size=found.values.shape)
    assert np.abs(found.corrected(found.read + errors, offset, scale) - found.values - errors).max() < EXACT
    offset[1] += 0.05
    moved = found.corrected(found.read, offset, scale) - found.values
    assert np.abs(moved[images[0]]).max() < EXACT
    assert np.abs(moved[images[1]] + 0.05 * scale[1]).max() < EXACT


def test_drawn_calibrations_have_the_spread_of_their_shots() -> None:
    found, _, _ = dealt()
    offsets, scales = found.calibrations(np.random.default_rng(0), 4000)
    assert offsets.shape == scales.shape == (4000, 2, 2)
    again = np.stack([found.corrected(found.read, o, s) for o, s in zip(offsets, scales, strict=True)])
    wanted = np.diagonal(found.whole_covariance() - found.shot_covariance(), axis1=1, axis2=2)
    # To first order in the errors of the calibration, which are below a tenth of the contrasts.
    assert np.abs(again.var(axis=0) / wanted - 1).max() < SIGMAS * np.sqrt(2 / 4000) + 0.1


def test_the_mean_over_tiles() -> None:
    parts = [measured(5, 1), measured(5, 2, p10=0.1), measured(5, 3, p01=0.2)]
    mean = TiledEstimates.of(parts, [np.arange(5)] * 3, 5)
    assert np.abs(mean.values - np.mean([part.values for part in parts], axis=0)).max() < EXACT
    whole = sum(part.whole_covariance() for part in parts) / 9
    assert np.abs(mean.whole_covariance() - whole).max() < EXACT


def test_an_image_without_a_tile_is_refused() -> None:
    with pytest.raises(InputError, match="1 of 3 images without a tile"):
        TiledEstimates.of([measured(2)], [np.array([0, 2])], 3)
