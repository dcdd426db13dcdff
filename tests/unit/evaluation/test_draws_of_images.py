"""Averages over draws, and votes: right, with errors of shots and draws, whatever the readout's correction."""

import numpy as np
import pytest

from qaml_qiskit.evaluation import Correction, Estimates, LinearHead, Products, ReadoutMap, undecided_votes, vote_shares
from qaml_qiskit.evaluation.draws import averaged_draws, by_draw
from tests.tolerances import SIGMAS

IMAGES, DRAWS, STRINGS = 300, 8, 2
SPREAD = np.array([[0.04, 0.01], [0.01, 0.02]])
SHOTS = np.array([[0.01, -0.004], [-0.004, 0.03]])


def rows(generator: np.random.Generator, contrast: float = 1.0) -> tuple[Estimates, np.ndarray]:
    """Estimates of all draws, and what they are of: draws and shots about the truth of every image."""
    truth = generator.uniform(-0.5, 0.5, (IMAGES, STRINGS))
    drawn = truth[:, None] + generator.multivariate_normal(np.zeros(STRINGS), SPREAD, (IMAGES, DRAWS))
    seen = drawn + generator.multivariate_normal(np.zeros(STRINGS), SHOTS / contrast**2, (IMAGES, DRAWS))
    covariance = np.broadcast_to(SHOTS, (IMAGES * DRAWS, STRINGS, STRINGS))
    correction = None
    if contrast < 1:
        flips = np.full(STRINGS, (1 - contrast) / 2)
        correction = Correction.of_bits(ReadoutMap(flips, flips))
    return Estimates(seen.reshape(-1, STRINGS), covariance, correction), truth


@pytest.mark.parametrize("contrast", [1.0, 0.7])
def test_the_error_of_a_mean_is_that_of_shots_and_draws(contrast: float) -> None:
    found, truth = rows(np.random.default_rng(1), contrast)
    mean = averaged_draws(found, DRAWS)
    assert mean.values.shape == truth.shape
    scores = (mean.values - truth) / mean.standard_errors()
    # Squares of normal scores have the variance 2.
    assert abs((scores**2).mean() - 1) < SIGMAS * np.sqrt(2 / scores.size)
    wanted = (SPREAD + SHOTS / contrast**2) / DRAWS
    whole = mean.whole_covariance().mean(axis=0)
    assert np.abs(whole - wanted).max() < SIGMAS * wanted.max() * np.sqrt(2 / (IMAGES * (DRAWS - 1)))


def test_where_draws_do_not_differ_the_error_is_that_of_the_shots() -> None:
    same = np.repeat(np.linspace(-0.5, 0.5, 5 * STRINGS).reshape(5, STRINGS), DRAWS, axis=0)
    shots = np.broadcast_to(SHOTS, (len(same), STRINGS, STRINGS))
    mean = averaged_draws(Estimates(same, shots), DRAWS)
    assert np.allclose(mean.values, same[::DRAWS])
    assert np.allclose(mean.covariance, SHOTS / DRAWS)


def test_partials_of_products_are_averaged() -> None:
    products = Products(((0, 1),), 2)
    partials = np.arange(8.0).reshape(4, 1, 2)
    correction = Correction(products, ReadoutMap(np.full(2, 0.1), np.full(2, 0.1)), partials)
    mean = averaged_draws(Estimates(np.zeros((4, 1)), np.full((4, 1, 1), 0.01), correction), 2)
    assert mean.correction is not None
    assert mean.correction.partials.tolist() == [[[1.0, 2.0]], [[5.0, 6.0]]]


def test_votes_are_shares_of_the_draws() -> None:
    head = LinearHead(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), np.zeros(3))
    values = np.array([[[0.5, 0.1], [0.4, 0.1], [0.1, 0.3], [-0.2, -0.3]], [[0.1, 0.5]] * 4])
    shares = vote_shares(values, head)
    assert shares.tolist() == [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]
    # Two votes of four against one may turn, four of four do not.
    assert undecided_votes(shares, 4) == 1
    assert by_draw(np.arange(6), 3).tolist() == [[0, 1, 2], [3, 4, 5]]
