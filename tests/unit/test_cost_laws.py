"""Cost laws are found where there are some, and a contestant in another process answers like one in this."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.elsewhere.process import Elsewhere, ElsewhereError
from benchmarks.laws import fit
from benchmarks.problem import Problem
from benchmarks.scale_sizes import POINTS, Size, counts, points_of

ECHO = """
from benchmarks.elsewhere.process import serve
from benchmarks.problem import Answer

def build(problem, weights):
    print("what a library prints is no answer")
    return lambda images, labels: Answer(float(images.sum()), weights * problem.num_layers)

serve(build)
"""


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("quick", [True, False])
def test_a_law_is_found_from_the_points_of_its_kind(kind: str, quick: bool) -> None:
    fitted, check = points_of(kind, quick=quick)
    terms = [counts(kind, size) for size in fitted]
    used = {term for each in terms for term, count in each.items() if count}
    true = {term: 10.0 ** (-3 - place) * (term in used) for place, term in enumerate(terms[0])}
    law = fit([(each, sum(true[term] * count for term, count in each.items())) for each in terms])
    assert law.largest_error < 1e-6
    if not quick:
        assert law.seconds(counts(kind, check)) == pytest.approx(
            sum(true[term] * count for term, count in counts(kind, check).items()), rel=1e-4
        )


def test_constants_are_not_negative_and_the_errors_are_those_of_the_points() -> None:
    law = fit([({"one": 1, "many": 1}, 3.0), ({"one": 1, "many": 3}, 1.0)])
    assert min(law.constants.values()) >= 0
    assert 0 < law.mean_error <= law.largest_error < 1


def test_only_pairs_that_an_image_can_be_between_are_counted() -> None:
    found = [counts("certify", Size(10, images=1, labels=labels))["8ⁿ a pair"] / 8**10 for labels in (1, 2, 10, 0)]
    assert found == [9, 17, 45, 45]


def test_a_step_in_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo_step.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    problem = Problem.of_size(4, 3)
    step = Elsewhere(Path(sys.executable), "echo_step", problem, problem.weights())
    images, labels = problem.batch(2)
    answer = step(images, labels)
    assert answer.loss == pytest.approx(float(images.sum()))
    np.testing.assert_array_equal(answer.gradient, problem.weights() * 3)
    assert 0 <= step.cpu() < 60
    with pytest.raises(ElsewhereError, match="No module named"):
        Elsewhere(Path(sys.executable), "there_is_no_such_module", problem, problem.weights())
