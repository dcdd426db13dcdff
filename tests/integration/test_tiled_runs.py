"""Several copies of a classifier on a simulated chip, from the command to the scored result."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import qaml_qiskit
from qaml_qiskit.execution import Workload
from tests.integration.conftest import Finished
from tests.integration.hardware import IMAGES, predictions, same
from tests.tolerances import SIGMAS

Qaml = Callable[..., Finished]
SHOTS = 400


def words(run: str, *more: object, tiles: int | str = 3, target: str = "fake-torino") -> list[object]:
    options = ("--target", target, "--recipe", "line", "--images", "images.npz", "--shots", SHOTS)
    return ["model", *options, "--tiles", tiles, "--out", run, *more]


def test_every_image_is_scored_by_its_tile(qaml: Qaml, work: Path) -> None:
    finished = qaml("run", *words("run", "--json"))
    assert finished.code == 0, finished.err
    document, kept = finished.json(), predictions(work / "run")
    assert kept["tile"].tolist() == [0, 1, 2, 0, 1]
    rows = document["tiles"]
    assert list(rows[0]) == [
        *("tile", "qubits", "stage", "images", "accuracy", "interval", "z_error", "slope", "p10", "p01")
    ]
    assert [(row["tile"], row["stage"], row["images"]) for row in rows] == [
        (tile, stage, images) for tile, images in enumerate((2, 2, 1)) for stage in ("raw", "mitigated")
    ]
    workload = Workload.load(work / "run")
    assert [row["qubits"] for row in rows[::2]] == [" ".join(map(str, each)) for each in workload.tile_qubits]
    for row in rows:
        own, z = kept["tile"] == row["tile"], kept[f"z_{row['stage']}"]
        right = z[own].argmax(axis=1) == kept["labels"][own]
        assert row["accuracy"] == right.mean()
        assert row["z_error"] == pytest.approx(np.sqrt(np.mean((z[own] - kept["z_ideal"][own]) ** 2)))
    whole = {row["stage"]: row for row in document["results"]}
    assert whole["mitigated"]["images"] == IMAGES
    assert json.loads((work / "run/metrics.json").read_text())["tiles"] == rows
    assert "By tile" in (work / "run/report.html").read_text()
    assert len((work / "run/tiles.csv").read_text().splitlines()) == 1 + len(rows)
    assert [row["circuit"] for row in document["resources"]][1:] == [f"tile {t} of fake-torino" for t in range(3)]


def test_all_tiles_answer_for_every_image(qaml: Qaml, work: Path) -> None:
    document = qaml("run", *words("run", "--tile-images", "all", "--json")).json()
    assert {row["images"] for row in document["tiles"]} == {IMAGES}
    kept = predictions(work / "run")
    assert "tile" not in kept
    assert kept["z_raw_by_tile"].shape == (IMAGES, 3, 2)
    assert np.allclose(kept["z_raw_by_tile"].mean(axis=1), kept["z_raw"])
    # Three times the shots, on lines of about the same noise.
    assert kept["standard_error_raw"].max() < 1 / np.sqrt(SHOTS * 2)


def test_with_tiles_and_alone_the_same_images_read_nearly_the_same(qaml: Qaml, work: Path) -> None:
    ran = qaml_qiskit.run("model", target="fake-torino", recipe="line", images="images.npz", shots=SHOTS, tiles=3)
    assert [row["tile"] for row in ran.tiles] == [0, 0, 1, 1, 2, 2]
    alone = qaml("run", *words("alone", tiles=1), "--json").json()
    assert "tiles" not in alone
    assert not {"tiles", "tile_gap", "tile_images"} & Workload.load(work / "alone").settings.model_dump().keys()
    tiled, one = predictions(Path(ran)), predictions(work / "alone")
    error = np.hypot(tiled["standard_error_mitigated"], one["standard_error_mitigated"])
    # The noise of two gates of a device differs little between lines.
    assert (np.abs(tiled["z_mitigated"] - one["z_mitigated"]) < SIGMAS * error + 0.1).all()
    compared = qaml("runs", "compare", "alone", ran.run.path, "--json")
    assert compared.code == 0, compared.err
    assert [row["images"] for row in compared.json()["paired"]] == [IMAGES]


def test_what_is_missing_is_sampled_again_with_the_same_counts(qaml: Qaml, work: Path) -> None:
    more = ("--images-per-job", 2, "--tile-gap", 1)
    assert qaml("run", *words("run", *more)).code == 0
    before = predictions(work / "run")
    assert before["tile"].tolist() == [0, 1, 0, 1, 0]
    for lost in ("metrics.json", "outcomes/images-0001.npz", "predictions.npz"):
        (work / "run" / lost).unlink()
    assert qaml("run", *words("run", *more)).code == 0
    assert same(predictions(work / "run"), before)


@pytest.mark.parametrize(
    ("more", "tiles", "told"),
    [
        (("--tile-gap", 1), 1, "--tile-gap 1 without --tiles"),
        (("--tile-images", "all"), 1, "--tile-images all without --tiles"),
        ((), 0, "--tiles does not fit"),
        ((), "many", "--tiles does not fit"),
        (("--tile-gap", -1), 2, "--tile-gap does not fit"),
        ((), 999, "the tiles do not fit"),
        (("--engine", "aer"), 11, "Aer cannot simulate 11 tiles"),
        (("--mitigation", "zne"), 2, "zne does not work with tiles"),
    ],
)
def test_what_cannot_be_is_refused(qaml: Qaml, work: Path, more: tuple[object, ...], tiles: object, told: str) -> None:
    refused = qaml("run", *words("run", *more, tiles=tiles))
    assert refused.code == 2
    assert told in refused.err
    assert "Traceback" not in refused.err
    assert not (work / "run").exists()


def test_a_device_without_lines_has_no_tiles(qaml: Qaml, work: Path) -> None:
    refused = qaml("run", *words("run", tiles=2, target="ideal"))
    assert refused.code == 2
    assert "tiles need a device" in refused.err
