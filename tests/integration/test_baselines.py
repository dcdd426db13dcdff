"""The kept gate counts, and the check that fails when circuits get worse."""

import sys
from collections.abc import Callable

import pytest

from qaml_qiskit import ResourcesRequest
from qaml_qiskit.execution import load_recipe, recipe_names
from qaml_qiskit.workflows.resources.baselines import Baseline, Baselines, load_baselines
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]
GRID = ResourcesRequest(qubits=(4,), layers=(1,), encoding=("approximate", "none"), recipe=("quick",))
#: Two layers of 3·2 CZ less the first, and three for the ansatz.
GOOD = ((14, 13, 60), (3, 3, 20))


def keep(monkeypatch: pytest.MonkeyPatch, counts: tuple[tuple[int, int, int], ...]) -> None:
    kept = Baselines(qiskit="1.0", baselines=(Baseline(grid=GRID, counts=counts),))
    monkeypatch.setattr(sys.modules["qaml_qiskit.workflows.resources.baselines"], "load_baselines", lambda: kept)


def test_the_kept_baselines_are_whole() -> None:
    for baseline in load_baselines().baselines:
        grid = baseline.grid
        encodings = sum(len(grid.encoding_layers) if name == "approximate" else 1 for name in grid.encoding)
        circuits = len(grid.ansatz) * encodings * len(grid.qubits) * len(grid.layers)
        assert len(baseline.counts) == circuits * len(grid.target) * len(grid.recipe)


def test_every_shipped_recipe_is_kept() -> None:
    kept = {recipe for baseline in load_baselines().baselines for recipe in baseline.grid.recipe}
    # A layout by margins needs a trained classifier.
    assert kept == {name for name in recipe_names() if load_recipe(name).layout != "margin"}


def test_counts_that_did_not_grow_pass(qaml: Qaml, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, GOOD)
    finished = qaml("resources", "--check", "--json")
    assert finished.code == 0, finished.err
    assert [row["verdict"] for row in finished.json()["results"]] == ["ok", "ok"]


def test_a_count_that_grew_fails_with_old_and_new(qaml: Qaml, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, (GOOD[0], (1, 1, 20)))
    finished = qaml("resources", "--check")
    assert finished.code == 2
    assert "3 two_qubit_gates instead of 1" in finished.err
    assert "none, 4 qubits" in finished.err
    assert "1 → 3" in finished.out
    assert finished.out.count("worse") == 1


@pytest.mark.slow
def test_the_kept_baselines_hold(qaml: Qaml) -> None:
    assert qaml("resources", "--check").code == 0
