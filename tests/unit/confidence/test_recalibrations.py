"""Platt and isotonic recalibration: what they reach, what they never do, and that they can be kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from qaml_qiskit.confidence import RECALIBRATIONS, Isotonic, Platt, Recalibration, Temperature, softmax
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.evaluation import calibration_figures
from tests.tolerances import OPTIMISER, VALUE_OF_PROBABILITIES, WEAK_PRIOR

METHODS = list(RECALIBRATIONS)


def drawn(count, classes=4, seed=0, distort=lambda logits: logits):
    """Logits as a model says them, and labels by the probabilities of what it distorts."""
    generator = np.random.default_rng(seed)
    true = 3 * generator.standard_normal((count, classes))
    labels = (generator.random((count, 1)) > softmax(true).cumsum(axis=1)[:, :-1]).sum(axis=1)
    return distort(true), labels


def shifted(logits):
    """Another scale and offset for every class: what temperature cannot undo, and Platt can."""
    numbers = np.arange(logits.shape[1])
    return logits * (0.2 + 0.3 * numbers) + numbers


def bent(logits):
    """The logits of probabilities that are flattened at both ends: what neither can undo, and isotonic can."""
    p = softmax(logits)
    return np.log(0.3 * p**3 + 0.05)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_honest_probabilities(method):
    fitted = RECALIBRATIONS[method].fit(*drawn(4000, distort=lambda logits: 5 * logits))
    logits, labels = drawn(4000, seed=1, distort=lambda logits: 5 * logits)
    before, after = (calibration_figures(p, labels) for p in (softmax(logits), fitted.probabilities(logits)))
    assert before.ece.value > 0.1
    assert after.ece.value < 0.04
    assert after.nll.value < before.nll.value


def test_each_does_what_the_one_before_cannot():
    def figures(method, distort):
        fitted = RECALIBRATIONS[method].fit(*drawn(6000, distort=distort))
        logits, labels = drawn(6000, seed=1, distort=distort)
        return calibration_figures(fitted.probabilities(logits), labels)

    assert figures("platt", shifted).nll.value < figures("temperature", shifted).nll.value - 0.1
    # One class against the others sees no offsets between classes, but any shape.
    assert figures("isotonic", bent).ece.value < figures("platt", bent).ece.value


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 5), scale=st.sampled_from([1e-3, 1.0, 100.0, 1e4]))
def test_rows_are_probabilities_wherever_logits_lie(method, seed, classes, scale):
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=10 * classes)
    if seed % 3 == 0:
        # A class that nothing is of.
        labels[labels == 0] = 1
    fitted = RECALIBRATIONS[method].fit(generator.standard_normal((len(labels), classes)), labels)
    p = fitted.probabilities(scale * generator.standard_normal((50, classes)))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=VALUE_OF_PROBABILITIES)


def test_platt_is_the_most_probable_one():
    logits, labels = drawn(300, distort=shifted)
    temperature = Temperature.fit(logits, labels).value

    def loss(parameters):
        slopes, offsets = np.split(parameters, 2)
        p = softmax(logits * slopes / temperature + offsets)
        away = ((slopes - 1) ** 2).sum() + (offsets**2).sum()
        return -np.log(p[np.arange(300), labels]).sum() + away / 2

    found = Platt.fit(logits, labels)
    ours = loss(np.concatenate([np.array(found.slopes) * temperature, found.offsets]))
    best = minimize(loss, np.repeat((1.0, 0.0), 4)).fun
    assert ours <= best * (1 + OPTIMISER)


def test_of_two_classes_platt_is_a_sigmoid_of_the_difference():
    """With many images the prior is nothing, and it is a logistic regression."""
    generator = np.random.default_rng(0)
    difference = 2 * generator.standard_normal(20_000)
    labels = (generator.random(20_000) < 1 / (1 + np.exp(-0.7 * difference + 0.4))).astype(int)
    logits = np.stack([-difference / 2, difference / 2], axis=1)
    p = Platt.fit(logits, labels).probabilities(logits)[:, 1]
    direct = LogisticRegression(C=np.inf).fit(difference[:, None], labels).predict_proba(difference[:, None])[:, 1]
    np.testing.assert_allclose(p, direct, atol=WEAK_PRIOR)


def test_isotonic_rises_with_the_probability():
    logits, labels = drawn(500)
    fitted = Isotonic.fit(logits, labels)
    for knots, levels in zip(fitted.knots, fitted.levels, strict=True):
        assert (np.diff(knots) > 0).all()
        assert (np.diff(levels) >= 0).all()
        assert 0 <= levels[0] <= levels[-1] <= 1


def test_isotonic_never_divides_by_nothing():
    """Where all staircases say never, what temperature says is left."""
    labels = np.repeat([0, 1, 2], 20)
    fitted = Isotonic.fit(10 * np.eye(3)[labels], labels)
    p = fitted.probabilities(np.zeros((1, 3)))
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p, 1 / 3, atol=VALUE_OF_PROBABILITIES)


@pytest.mark.parametrize("method", METHODS)
def test_it_can_be_kept(method):
    logits, labels = drawn(200)
    fitted = RECALIBRATIONS[method].fit(logits, labels)
    again = RECALIBRATIONS[method].model_validate_json(fitted.model_dump_json())
    assert again == fitted
    assert fitted.images == 200
    assert (again.probabilities(logits) == fitted.probabilities(logits)).all()


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_too_few_images_are_refused_with_their_number(method):
    with pytest.raises(InputError, match="at least 40"):
        RECALIBRATIONS[method].fit(*drawn(39))


def test_an_own_recalibration_is_registered():
    class Halves(Recalibration):
        """Everything is as likely."""

        def probabilities(self, logits):
            return np.full(logits.shape, 1 / logits.shape[1])

        @classmethod
        def _fitted(cls, logits, labels):
            return cls(images=len(labels))

    RECALIBRATIONS.register("halves", Halves)
    try:
        assert RECALIBRATIONS["halves"].fit(*drawn(5)).probabilities(np.zeros((1, 2))).tolist() == [[0.5, 0.5]]
    finally:
        RECALIBRATIONS.remove("halves")
    with pytest.raises(ConfigurationError, match="platt is meant"):
        RECALIBRATIONS.check("plat")
