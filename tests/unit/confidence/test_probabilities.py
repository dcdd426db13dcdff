"""Probabilities and their standard errors: against many repetitions of the measurement that they are about."""

import numpy as np
import pytest
import torch

from qaml_qiskit.confidence import Probabilities, Temperature, softmax
from qaml_qiskit.evaluation import Correction, Estimates, LinearHead, ReadoutMap
from tests.tolerances import DRAWN_ERROR, SIGMAS, VALUE

ROUNDING = VALUE[torch.float64]
TEMPERATURE = Temperature(value=1.3, images=100)
#: Of the averages of two qubits.
HEAD = LinearHead(np.array([[6.0, 1.0], [0.0, 5.0], [-2.0, 3.0]]), np.array([0.5, 0.0, -0.5]))
READOUT = ReadoutMap(np.array([0.05, 0.1]), np.array([0.15, 0.1]))
#: Each is met with few shots and many.
Z = np.random.default_rng(0).uniform(-0.9, 0.9, (20, 2))


def counted(read: np.ndarray, shots: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Averages of two qubits by so many shots, and their covariance by what the shots showed."""
    found = 1 - 2 * generator.binomial(shots, (1 - read) / 2) / shots
    return found, (1 - found**2)[:, :, None] * np.eye(2) / shots


def test_exact_logits_have_no_errors() -> None:
    logits = np.array([[1.0, 3.0, -2.0], [0.0, 0.0, 0.0]])
    found = Probabilities.of_logits(logits, TEMPERATURE)
    np.testing.assert_allclose(found.values, softmax(logits, 1.3), atol=ROUNDING)
    assert not found.errors.any()
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.confidence[1], 1 / 3, atol=ROUNDING)


@pytest.mark.parametrize("shots", [50, 1000])
def test_errors_are_those_of_measuring_again(shots: int) -> None:
    repeated, generator = 300, np.random.default_rng(shots)
    read, covariance = counted(np.repeat(Z, repeated, axis=0), shots, generator)
    found = Probabilities.of_estimates(Estimates(read, covariance), HEAD, TEMPERATURE)
    values, errors = (each.reshape(len(Z), repeated, 3) for each in (found.values, found.errors))
    true = values.std(axis=1)
    ratio = np.sqrt((errors**2).mean() / (true**2).mean())
    assert abs(ratio - 1) < DRAWN_ERROR + SIGMAS / np.sqrt(2 * repeated * len(Z))
    # The confidence has the error of its own class.
    rows = np.arange(len(found.labels))
    np.testing.assert_array_equal(found.confidence_errors, found.errors[rows, found.labels])


def test_errors_of_a_calibration_that_was_measured_are_in() -> None:
    """All images share them, so repetitions are of calibrations: few shots of these, many of the images."""
    repeated, shots, few, generator = 100, 20_000, 100, np.random.default_rng(1)
    found, parts = [], []
    for _ in range(repeated):
        record = ReadoutMap(*(generator.binomial(few, p) / few for p in (READOUT.p10, READOUT.p01)), shots=few)
        read, covariance = counted(Z * READOUT.contrast + READOUT.offset, shots, generator)
        estimates = Estimates(record.inverted(read), covariance, Correction.of_bits(record))
        found.append(Probabilities.of_estimates(estimates, HEAD, TEMPERATURE))
        parts.append(Probabilities.of_estimates(Estimates(estimates.values, covariance), HEAD, TEMPERATURE))
    true = np.stack([each.values for each in found]).std(axis=0)
    with_it, without = (np.sqrt(np.mean([each.errors**2 for each in several])) for several in (found, parts))
    margin = DRAWN_ERROR + SIGMAS / np.sqrt(2 * repeated * Z.shape[1])
    assert abs(with_it / np.sqrt((true**2).mean()) - 1) < margin
    assert without / np.sqrt((true**2).mean()) < 1 - margin


def test_no_probability_is_certain_because_it_was_measured_at_an_end() -> None:
    """Where the first order says nothing: at p = 1 to many places, and with few shots."""
    read = np.array([[1.0, 1.0], [0.9, 0.9]])
    covariance = np.full((2, 1, 1), 0.3) * np.eye(2)
    found = Probabilities.of_estimates(Estimates(read, covariance), HEAD.times(3), TEMPERATURE)
    assert (found.confidence_errors > DRAWN_ERROR).all()
    assert (found.errors < 0.5 + DRAWN_ERROR).all()


def test_errors_of_votes_are_binomial_and_never_none() -> None:
    found = Probabilities.of_votes(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]), 400)
    assert found.errors[0, 0] == pytest.approx(np.sqrt(0.25 / 400), rel=0.01)
    assert (found.errors[1] > 0).all()
    assert found.errors[1, 0] < 1 / np.sqrt(400)


def test_wilsons_interval_holds_the_share_of_endless_draws() -> None:
    share, draws = 0.1, 50
    votes = np.random.default_rng(2).binomial(draws, share, 4000) / draws
    found = Probabilities.of_votes(np.stack([votes, 1 - votes], axis=1), draws)
    np.testing.assert_allclose(found.errors[:, 0], found.errors[:, 1])
    assert abs(np.sqrt((found.errors**2).mean()) / votes.std() - 1) < DRAWN_ERROR
