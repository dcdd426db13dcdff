"""Differences of figures on the same images, against the plain definitions."""

import numpy as np
import pytest
import torch

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import auroc, bin_error_figure, bootstrap_difference, mean_figure, ranking_figure
from tests.tolerances import SIGMAS, VALUE

EXACT = VALUE[torch.float64]


def test_weights_count_images_so_often() -> None:
    generator = np.random.default_rng(1)
    # Whole numbers, so that there are ties.
    scores, suspicious = generator.integers(0, 6, 40).astype(float), generator.random(40) < 0.4
    confidence, right = generator.random(40), generator.random(40) < 0.5
    places = (confidence * 5).astype(int)
    weights = generator.integers(0, 4, (3, 40)).astype(float)
    for row in weights:
        again = np.repeat(np.arange(40), row.astype(int))
        expected = auroc(scores[again][~suspicious[again]], scores[again][suspicious[again]])[0]
        assert ranking_figure(scores, suspicious)(row[None]) == pytest.approx(expected, abs=EXACT)
        error = sum(
            abs((confidence[again] - right[again])[places[again] == number].sum()) for number in range(5)
        ) / len(again)
        assert bin_error_figure(confidence, right, places)(row[None]) == pytest.approx(error, abs=EXACT)
        assert mean_figure(scores)(row[None]) == pytest.approx(scores[again].mean(), abs=EXACT)


def test_what_is_the_same_differs_by_nothing() -> None:
    figure = mean_figure(np.arange(9.0))
    assert bootstrap_difference(figure, figure, 9) == (0.0, (0.0, 0.0))


def test_the_interval_of_a_mean_is_that_of_the_limit_theorem() -> None:
    values = np.random.default_rng(2).standard_normal(400)
    difference, interval = bootstrap_difference(mean_figure(values), mean_figure(0 * values), 400, seed=1)
    assert difference == pytest.approx(values.mean(), abs=EXACT)
    assert interval is not None
    # The ends are quantiles of 1,000 replicates: each is known to some hundredths of the width.
    half = 1.96 * values.std() / 20
    assert np.array(interval) == pytest.approx([values.mean() - half, values.mean() + half], abs=SIGMAS * 0.09 * half)


def test_what_does_not_exist_is_none() -> None:
    never = ranking_figure(np.arange(5.0), np.zeros(5, dtype=bool))
    assert bootstrap_difference(never, never, 5) == (None, None)
    assert bootstrap_difference(mean_figure(np.ones(1)), mean_figure(np.zeros(1)), 1) == (1.0, None)
    with pytest.raises(InputError, match="no image"):
        bootstrap_difference(never, never, 0)
