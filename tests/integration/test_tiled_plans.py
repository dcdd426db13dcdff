"""What `qaml plan` says of tiles, and what it refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest

import qaml_qiskit
from tests.integration.conftest import Finished
from tests.integration.hardware import IMAGES

Qaml = Callable[..., Finished]
REQUEST = ("model", "--images", "images.npz", "--shots", 300)
DEVICE = (*REQUEST, "--target", "fake-torino")


@pytest.mark.parametrize("recipe", ["line", "quick"])
def test_a_plan_has_the_costs_with_and_without_tiles(qaml: Qaml, work: Path, recipe: str) -> None:
    document = qaml("plan", *DEVICE, "--recipe", recipe, "--tiles", 2, "--json").json()
    alone, taken = document["tiling"]
    assert (alone["tiles"], taken["tiles"]) == (1, 2)
    assert (alone["taken"], taken["taken"]) == (False, True)
    assert taken["qpu_seconds"] < alone["qpu_seconds"]
    assert alone["loss"] == 0
    assert list(document["tiles"][0]) == ["tile", "qubits", "gate_survival", "readout_survival", "accuracy"]
    assert [row["tile"] for row in document["tiles"]] == [0, 1]
    (plan,) = document["results"]
    # Five images are three executions of two, and two circuits calibrate.
    assert plan["executions"] == (3 + 2) * 300
    assert plan["images"] == IMAGES
    for kind in ("gate", "readout"):
        mean = sum(row[f"{kind}_survival"] for row in document["tiles"]) / 2
        assert plan[f"{kind}_survival"] == pytest.approx(mean)


def test_the_number_is_chosen_and_run(qaml: Qaml, work: Path) -> None:
    planned = qaml_qiskit.plan(
        "model", target="fake-torino", recipe="line", images="images.npz", tiles="auto", tile_gap=20
    )
    (taken,) = [row for row in planned.tables["tiling"] if row["taken"]]
    assert len(planned.tables["tiles"]) == taken["tiles"]
    assert any("auto: " in note for note in planned.notes)
    words = ("--recipe", "line", "--tiles", "auto", "--tile-gap", 20, "--out", "run", "--json")
    ran = qaml("run", *DEVICE, *words)
    assert ran.code == 0, ran.err
    assert len({row["tile"] for row in ran.json()["tiles"]}) == min(taken["tiles"], IMAGES)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--tiles", 100), "expected at most "),
        (("--tiles", 9, "--tile-gap", 20), "without one 9 fit"),
        (("--tiles", 2, "--tile-gap", 200), "expected at most 1"),
        (("--tiles", 2, "--tile-gap", -1), "tile-gap"),
        (("--tiles", "many"), "expected an integer, or 'auto'"),
        (("--tiles", 0), "expected at least 1, or 'auto'"),
        (("--tiles", 2, "--target", "poor-readout"), "connects any two qubits"),
        (("--tiles", "auto", "--target", "ideal"), "connects any two qubits"),
        (("--tiles", "auto", "--mitigation", "zne"), "does not work with tiles"),
    ],
)
def test_what_cannot_be_had_is_one_line(qaml: Qaml, work: Path, more: tuple[object, ...], said: str) -> None:
    finished = qaml("plan", *(REQUEST if "--target" in more else DEVICE), *more)
    assert finished.code == 2
    assert said in finished.err
    assert len(finished.err.strip().splitlines()) == 1 or "Usage" in finished.err
