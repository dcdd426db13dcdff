"""Sums of squares of a target that keeps its word have uniform p-values, and errors that changed are found."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from qaml_qiskit.evaluation import (
    ExpectedAverages,
    Products,
    ReadoutMap,
    SourceFit,
    drift_of,
    fit_scales,
    fit_sources,
    follow_source,
    holm,
    joint_test,
    product_signs,
    product_tests,
    read_frequencies,
    readout_derivatives,
)
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, SIGMAS, UNIFORM

Floats = NDArray[np.floating]

PRODUCTS = Products(((0,), (1,), (2,), (0, 2)), 3)
SIGNS = product_signs(PRODUCTS)
RUNS, IMAGES = 250, 20


def frequencies(concentration: float) -> Floats:
    """Of all bitstrings; most images read nearly always the same where the concentration is small."""
    return np.random.default_rng(5).dirichlet(np.full(8, concentration), size=IMAGES)


def sampled(generator: np.random.Generator, found: Floats, shots: int) -> Floats:
    return np.stack([generator.multinomial(shots, each) for each in found]) @ SIGNS / shots


@pytest.mark.parametrize("concentration", [1.0, 0.05])
@pytest.mark.parametrize("shots", [100, 1000])
def test_a_target_that_keeps_its_word_has_uniform_p_values(concentration: float, shots: int) -> None:
    generator, found = np.random.default_rng(6), frequencies(concentration)
    expected = ExpectedAverages.of_frequencies(found, SIGNS, shots)
    columns = generator.normal(size=(IMAGES, 4, 2))
    by_test: dict[str, list[float]] = {}
    for _ in range(RUNS):
        measured = sampled(generator, found, shots)
        residuals = measured - expected.values
        scale = fit_scales(residuals, expected, columns)[0]
        assert scale is not None
        drift = drift_of(residuals, expected, columns[:, :, 0], np.split(np.arange(IMAGES), 4))
        by_test.setdefault("joint", []).append(joint_test(measured, expected).above)
        by_test.setdefault("product", []).append(product_tests(measured, expected)[3].above)
        by_test.setdefault("scale", []).append(scale.p)
        by_test.setdefault("drift", []).append(drift.homogeneous.above)
    # Where one shot in a thousand turns, counts are few and p-values steps: the rate of false alarms is what counts.
    for name, p in by_test.items():
        alarms = np.mean(np.array(p) < 0.05)
        assert abs(alarms - 0.05) < SIGMAS * np.sqrt(0.05 * 0.95 / RUNS), name
        if concentration == 1:
            assert stats.kstest(p, "uniform").pvalue > UNIFORM, name


def test_an_average_that_is_certain_must_be_met() -> None:
    certain = np.eye(8)[[0, 3]]
    expected = ExpectedAverages.of_frequencies(certain, SIGNS, 100)
    assert all(test.p == 1 for test in product_tests(expected.values, expected))
    assert product_tests(expected.values - 0.02, expected)[0].p == 0


def test_errors_that_changed_are_found_and_told_apart() -> None:
    generator, found = np.random.default_rng(7), frequencies(1.0)
    expected = ExpectedAverages.of_frequencies(found, SIGNS, 1000)
    signatures = generator.normal(size=(IMAGES, 4, 6)) / 10
    overall = signatures.sum(axis=2, keepdims=True)
    noise = sampled(generator, found, 1000) - expected.values
    worse = fit_sources(noise + 2 * signatures[:, :, 4], expected, overall, signatures)
    assert worse.worst == 4
    assert worse.p[4] < 0.001
    assert worse.alike.tolist() == [4]
    assert abs(worse.scale[4] - 3) < SIGMAS * worse.error[4]
    everything = fit_sources(noise + 0.5 * overall[:, :, 0], expected, overall, signatures)
    assert everything.p.min() > 0.05
    (scale,) = fit_scales(noise + 0.5 * overall[:, :, 0], expected, overall)
    assert scale is not None
    assert scale.interval[0] < 1.5 < scale.interval[1]
    assert scale.p < 0.001


def test_errors_beyond_the_straight_line_are_followed() -> None:
    generator = np.random.default_rng(9)
    signature, bend = generator.normal(size=(2, 60))

    def saturating(scale: float) -> Floats:
        way = 1 - np.exp(-(scale - 1) / 8)
        return 8 * way * signature + 2 * way**2 * bend

    found = follow_source(saturating(10.0), signature, saturating)
    assert found.scale == pytest.approx(10, rel=0.05)
    assert found.gain > 0.99 * float(saturating(10.0) @ saturating(10.0))
    assert np.isfinite(found.error)
    nothing = follow_source(saturating(10.0), 0 * signature, saturating)
    assert (nothing.gain, nothing.scale) == (0, 1)
    # No errors are weaker than none.
    weaker = follow_source(-5 * signature, signature, lambda scale: (scale - 1) * signature)
    assert weaker.scale == 0


def test_refined_fits_stand_in_place_of_the_first() -> None:
    generator, found = np.random.default_rng(7), frequencies(1.0)
    expected = ExpectedAverages.of_frequencies(found, SIGNS, 1000)
    signatures = generator.normal(size=(IMAGES, 4, 3)) / 10
    measured = sampled(generator, found, 1000) - expected.values + 2 * signatures[:, :, 1]
    first = fit_sources(measured, expected, signatures.sum(axis=2, keepdims=True), signatures)
    assert first.worst == 1
    assert first.refined({}, {}) == first
    other = first.refined({2: SourceFit(first.total, 9.0, 0.1)}, {0: 0.0})
    assert (other.worst, other.scale[2], other.rival) == (2, 9.0, 0.0)


def test_a_trend_from_group_to_group_is_noticed() -> None:
    generator, found = np.random.default_rng(8), frequencies(1.0)
    expected = ExpectedAverages.of_frequencies(found, SIGNS, 1000)
    column = generator.normal(size=(IMAGES, 4)) / 5
    grown = np.linspace(0, 1, IMAGES)[:, None] * column
    groups = np.split(np.arange(IMAGES), 5)
    drift = drift_of(sampled(generator, found, 1000) - expected.values + grown, expected, column, groups)
    assert drift.homogeneous.above < 0.01
    assert drift.trend is not None
    assert drift.trend.p < 0.01
    assert drift.trend.value > 1
    alone = drift_of(grown, expected, column, [np.arange(IMAGES)])
    assert alone.trend is None
    assert alone.homogeneous.p == 1


def test_readout_derivatives_are_those_of_what_is_read() -> None:
    bare, readout = frequencies(1.0), ReadoutMap(np.array([0.02, 0.1, 0.03]), np.array([0.05, 0.01, 0.2]))
    found = readout_derivatives(bare, PRODUCTS, readout)
    for bit in range(3):
        scale = np.ones(3)
        scale[bit] += DIFFERENCE_STEP
        more = ReadoutMap(readout.p10 * scale, readout.p01 * scale)
        moved = (read_frequencies(bare, more) - read_frequencies(bare, readout)) @ SIGNS / DIFFERENCE_STEP
        assert np.abs(moved - found[:, :, bit]).max() < FINITE_DIFFERENCE


def test_adjusted_p_values_grow_with_their_number() -> None:
    assert holm([0.01, 0.5, 0.02]) == pytest.approx([0.03, 0.5, 0.04])
    assert holm([]) == []
