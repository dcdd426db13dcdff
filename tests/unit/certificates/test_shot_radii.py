"""Radii for so many shots: the promise holds at the very boundary of the ball, sampled, and against plain Hoeffding."""

import numpy as np
import pytest
import torch

from qaml_qiskit.certificates import certify_l2, label_distances, shot_margins, shot_radii
from qaml_qiskit.deployments.forms import highest_margins
from qaml_qiskit.errors import InputError
from qaml_qiskit.models import QVC
from tests.integration.small import ideal, images, model
from tests.tolerances import CERTIFICATE, SIGMAS

SHOTS, CONFIDENCE, REPEATED = 200, 0.9, 4000


def ranges(count: int, low: float, high: float) -> np.ndarray:
    """Bounds of every difference of two logits: between low and high for class 0 against class 1."""
    found = np.full((count, count), high)
    found[1:, 0] = -low
    return found


def test_the_closed_form_of_two_signs() -> None:
    # The divergence of the coins ½ and ½ + t/4 is −½·ln(1 − t²/4).
    found = shot_margins(ranges(10, -2, 2), 1000, 0.99)
    needed = np.log(9 / 0.01) / 1000
    expected = 2 * np.sqrt(1 - np.exp(-2 * needed))
    off = ~np.eye(10, dtype=bool)
    np.testing.assert_allclose(found[off], expected, rtol=CERTIFICATE)
    assert (np.diag(found) == 0).all()
    assert expected < 4 * np.sqrt(needed / 2)


def test_more_shots_and_less_confidence_need_less() -> None:
    few, many = (shot_margins(ranges(3, -2, 2), shots, 0.99)[0, 1] for shots in (10, 1000))
    assert 0 < shot_margins(ranges(3, -2, 2), 1000, 0.5)[0, 1] < many < few < 2


def test_one_sided_ranges() -> None:
    # What is never below 0 is lost if all shots show 0; what is always above is never lost; what never is, always.
    assert shot_margins(ranges(2, 0, 3), 7, 0.9)[0, 1] == pytest.approx(3 * (1 - 0.1 ** (1 / 7)))
    assert shot_margins(ranges(2, 1, 3), 7, 0.9)[0, 1] == 0
    assert shot_margins(ranges(2, -2, 0), 7, 0.9)[0, 1] == np.inf


def test_a_single_shot_needs_certainty() -> None:
    assert shot_margins(ranges(2, -2, 2), 1, 1 - 1e-12)[0, 1] <= 2


@pytest.mark.parametrize(("shots", "confidence"), [(0, 0.9), (10, 0.0), (10, 1.0), (10, np.nan)])
def test_no_shots_and_no_confidence_are_refused(shots: int, confidence: float) -> None:
    with pytest.raises(InputError, match="no margin for these shots"):
        shot_margins(ranges(2, -2, 2), shots, confidence)


def test_the_label_is_right_as_often_as_promised_at_the_boundary_of_the_ball() -> None:
    deployment, qvc = ideal(), model()
    forms, batch = deployment.decisions(), images(40).flatten(1).double().numpy()
    labels = forms.labels(batch)
    margins = shot_margins(highest_margins(qvc), SHOTS, CONFIDENCE)
    radii, exact = shot_radii(forms, batch, labels, margins), certify_l2(forms, batch, labels).radius
    assert (radii <= exact).all()
    some = np.flatnonzero((radii > 0) & np.isfinite(radii))
    assert len(some) > 3
    edge = label_distances(forms, batch[some], labels[some], margins).boundary
    rng, repeated = np.random.default_rng(1), REPEATED // len(some)
    for shares, label in zip(outcome_shares(qvc, edge), labels[some], strict=True):
        counts = rng.multinomial(SHOTS, shares, size=repeated)
        averages = counts @ (1 - 2 * ((np.arange(8)[:, None] >> np.arange(3)) & 1)) / SHOTS
        own = averages[:, label].copy()
        averages[:, label] = -1
        right = (own > averages.max(1)).mean()
        assert right >= CONFIDENCE - SIGMAS * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / repeated)


def outcome_shares(qvc: QVC, pixels: np.ndarray) -> np.ndarray:
    """Probabilities of the bitstrings of the three qubits, shape (N, 8), from the averages of all products of Z."""
    strings = [tuple(k for k in range(3) if mask >> k & 1) for mask in range(1, 8)]
    averages = ideal(qvc).moments(torch.from_numpy(pixels).float().reshape(-1, 1, 2, 4), strings)
    values = np.concatenate([np.ones((len(pixels), 1)), averages.astype(float)], axis=1)
    parities = np.array([[bin(outcome & mask).count("1") for outcome in range(8)] for mask in range(8)])
    shares = (values @ (-1.0) ** parities / 8).clip(0)
    return shares / shares.sum(1, keepdims=True)
