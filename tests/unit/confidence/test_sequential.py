"""Labels that are called certain early: the promised error rate, at the very edge of the statement that is tested."""

import numpy as np
import pytest

from qaml_qiskit.confidence import SequentialRule, SequentialTest, Trail, least_lead, measure_in_rounds, round_ends
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import Z_95
from tests.tolerances import SIGMAS

Floats = np.ndarray
ROUNDS = round_ends(20, 400)
TESTS: tuple[SequentialTest, ...] = ("sign", "betting", "bernstein")


def qubits(z: Floats, images: int, seed: int) -> "dict[str, object]":
    """Shots of images whose qubits have these ⟨Z⟩, one a class."""
    generator = np.random.default_rng(seed)

    def measure(number: int, rows: Floats, shots: int) -> Floats:
        return np.where(generator.random((len(rows), shots, len(z))) < (1 + z) / 2, 1.0, -1.0)

    return {"images": images, "measure": measure}


def rule(test: SequentialTest, confidence: float, classes: int) -> SequentialRule:
    return SequentialRule(confidence, ROUNDS, np.full((classes, classes), 2.0) - 2 * np.eye(classes), test)


@pytest.mark.parametrize("test", TESTS)
def test_a_tie_is_called_no_more_often_than_promised(test: SequentialTest) -> None:
    # Of two classes that are a hair apart, the wrong one is called as often as it can be.
    images, confidence = 400, 0.9
    found = measure_in_rounds(rule(test, confidence, 2), **qubits(np.array([0.1001, 0.1]), images, 3))  # type: ignore[arg-type]
    answers = found.stopped(found.certain)
    wrong = (answers.labels[0] != 0) & answers.early[0]
    assert wrong.mean() <= (1 - confidence) + SIGMAS * np.sqrt(0.1 * 0.9 / images)


@pytest.mark.parametrize("test", TESTS)
def test_errors_among_ten_classes_keep_the_promise_over_repetitions(test: SequentialTest) -> None:
    generator, repetitions, images = np.random.default_rng(4), 20, 30
    every = generator.uniform(-0.3, 0.3, size=(images, 6))
    wrong = []
    for repetition in range(repetitions):
        shots = np.random.default_rng([repetition, 7])

        def measure(number: int, rows: Floats, count: int, shots: np.random.Generator = shots) -> Floats:
            p = (1 + every[rows]) / 2
            return np.where(shots.random((len(rows), count, 6)) < p[:, None], 1.0, -1.0)

        found = measure_in_rounds(rule(test, 0.9, 6), images, measure)
        answers = found.stopped(found.certain)
        wrong.append(((answers.labels[0] != every.argmax(axis=1)) & answers.early[0]).mean())
    assert np.mean(wrong) <= 0.1 + SIGMAS * np.sqrt(0.1 * 0.9 / (repetitions * images))


def test_an_interval_that_is_looked_at_until_it_suits_breaks_its_promise() -> None:
    # The plain rule, "stop once the lead exceeds its 95 % interval", at every one of many looks.
    images, z = 400, np.array([0.0, 1e-9])
    looks = SequentialRule(0.95, round_ends(20, 2000, 1.0), np.array([[0.0, 2], [2, 0]]), "sign")
    found = measure_in_rounds(looks, **qubits(z, images, 5))  # type: ignore[arg-type]
    plain, honest = (found.stopped(each) for each in (found.lead >= Z_95, found.certain))
    # Class 1 is ahead by a hair: class 0 is wrong.
    wrong = [(each.early & (each.labels == 0)).mean() for each in (plain, honest)]
    noise = SIGMAS * np.sqrt(0.05 * 0.95 / images)
    assert wrong[0] > 0.05 + noise
    assert wrong[1] <= 0.05 + noise


def test_the_sign_test_needs_fewest_shots() -> None:
    z = np.array([0.5, 0.1, -0.2, -0.4])
    shots = {}
    for test in TESTS:
        found = measure_in_rounds(rule(test, 0.99, 4), **qubits(z, 100, 1))  # type: ignore[arg-type]
        shots[test] = np.array(ROUNDS)[found.stopped(found.certain).places].mean()
    assert shots["sign"] < shots["bernstein"]
    assert shots["betting"] < shots["bernstein"]


def test_the_sign_test_is_a_binomial_tail() -> None:
    # 30 of 32 shots for class 0, 2 against, 8 for neither: P(≥ 30 of 32) = (496 + 32 + 1)/2³².
    scores = np.array([[1.0, -1.0]] * 30 + [[-1.0, 1.0]] * 2 + [[1.0, 1.0]] * 8)[None]
    tail = 529 / 2**32
    for confidence, certain in ((1 - 1.01 * tail, True), (1 - 0.99 * tail, False)):
        one = SequentialRule(confidence, (40,), np.array([[0.0, 2.0], [2.0, 0.0]]), "sign")
        assert one.certain(one.add(one.begin(1), scores)).tolist() == [certain]


def test_bets_on_a_fair_coin_win_nothing_on_average() -> None:
    one = rule("betting", 0.9, 2)
    # Every outcome of three shots, each as likely: the mean wealth of every bet is exactly 1.
    every = np.array(np.meshgrid(*[[1.0, -1.0]] * 3)).reshape(3, -1).T
    scores = np.stack([every, -every], axis=-1)
    wealth = one.add(one.begin(len(scores)), scores).wealth
    assert wealth is not None
    np.testing.assert_allclose(np.exp(wealth[:, 0, 1]).mean(axis=0), 1, atol=1e-12)


def test_tallies_do_not_depend_on_the_cut_into_rounds() -> None:
    generator, one = np.random.default_rng(0), rule("betting", 0.9, 3)
    scores = generator.choice([-1.0, 1.0], size=(4, 30, 3))
    whole, parts = one.add(one.begin(4), scores), one.begin(4)
    for piece in np.split(scores, [5, 17], axis=1):
        parts = one.add(parts, piece)
    assert parts.shots == whole.shots
    for name in ("total", "products", "wealth"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-9)


def test_images_that_are_done_are_not_measured_again() -> None:
    asked: list[int] = []
    measure = qubits(np.array([0.9, -0.9]), 50, 2)["measure"]

    def counted(number: int, rows: Floats, shots: int) -> Floats:
        asked.append(len(rows))
        return measure(number, rows, shots)  # type: ignore[operator,no-any-return]

    one = rule("sign", 0.99, 2)
    found = measure_in_rounds(one, 50, counted, lambda certain, lead: certain.any(axis=1))
    assert asked[0] == 50
    assert len(asked) < len(ROUNDS)
    np.testing.assert_array_equal(found.stopped(found.certain).labels, 0)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((50, 1000, 1.5), (50, 100, 150, 225, 338, 507, 760, 1000)),
        ((50, 120, 1.0), (50, 120)),
        ((50, 150, 1.0), (50, 100, 150)),
        ((50, 50, 2.0), (50,)),
    ],
)
def test_rounds_grow_and_end_at_the_budget(ends: tuple[int, int, float], expected: tuple[int, ...]) -> None:
    assert round_ends(*ends) == expected


@pytest.mark.parametrize("ends", [(100, 50, 1.5), (0, 50, 1.5), (10, 50, 0.5), (10, 50, float("nan"))])
def test_rounds_that_do_not_fit_are_refused(ends: tuple[int, int, float]) -> None:
    with pytest.raises(InputError, match="no such rounds"):
        round_ends(*ends)


@pytest.mark.parametrize(("confidence", "rounds"), [(0.0, (5,)), (1.0, (5,)), (0.9, ()), (0.9, (5, 5))])
def test_no_rule_is_made_of_no_confidence_or_no_rounds(confidence: float, rounds: tuple[int, ...]) -> None:
    with pytest.raises(InputError):
        SequentialRule(confidence, rounds, np.zeros((2, 2)), "sign")


def drawn_trail(images: int, seed: int) -> Trail:
    """Images of which some are clear and some are not."""
    generator = np.random.default_rng(seed)
    z = generator.normal(0, 0.2, size=(images, 3))

    def measure(number: int, rows: Floats, shots: int) -> Floats:
        p = (1 + np.clip(z[rows], -1, 1)) / 2
        return np.where(generator.random((len(rows), shots, 3)) < p[:, None], 1.0, -1.0)

    return measure_in_rounds(rule("sign", 0.9, 3), images, measure)


def test_the_lead_of_validation_images_keeps_its_promise_on_others() -> None:
    differing, trials = [], 40
    for trial in range(trials):
        lead = least_lead(drawn_trail(60, 2 * trial), 0.9)
        test = drawn_trail(60, 2 * trial + 1)
        differing.append((test.stopped(test.lead >= lead).labels != test.labels[..., -1]).mean())
    assert 0 < np.mean(differing) < 0.1 + SIGMAS * np.sqrt(0.1 * 0.9 / (60 * trials))


def test_too_few_validation_images_are_named() -> None:
    with pytest.raises(InputError, match="at least 99"):
        least_lead(drawn_trail(50, 0), 0.99)
