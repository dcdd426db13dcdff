"""Two copies of a classifier on one device, against the loopback service: no job is lost, none is paid twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.integration.conftest import Finished
from tests.integration.hardware import (
    CHUNKS,
    IMAGES,
    ONCE,
    SHOTS,
    arguments,
    executions,
    predictions,
    same,
    undisturbed_run,
)
from tests.integration.loopback.client import KILL_AT
from tests.integration.loopback.faults import DROP_AFTER_ACCEPT
from tests.integration.loopback.server import Loopback

pytest_plugins = ["tests.integration.loopback.fixtures"]

Qaml = Callable[..., Finished]
#: Qubits of the device: it has five in a line, and the classifier two.
TILES = 2


def tiled(folder: Path, run: Path, *, tiles: int = TILES, mitigation: str = "m3") -> list[str]:
    words = arguments(folder, run, mitigation=mitigation)
    return ["--tiles", str(tiles), *words]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The predictions of a tiled run that nothing disturbs. Equal PUBs give equal counts on the loopback."""
    return undisturbed_run(tmp_path_factory.mktemp("undisturbed"), tiled)


def test_images_are_dealt_and_every_job_is_sent_once(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray]
) -> None:
    finished = qaml("run", *tiled(place, run), "--submit", "--json")
    assert finished.code == 0, finished.err
    assert executions(server) == ONCE
    # Two images a job, one on each tile; the last image is alone.
    assert predictions(run)["tile"].tolist() == [0, 1, 0, 1, 0]
    assert same(predictions(run), undisturbed)
    document = finished.json()
    rows = document["tiles"]
    assert [(row["tile"], row["stage"], row["images"]) for row in rows] == [
        (0, "raw", 3),
        (0, "mitigated", 3),
        (1, "raw", 2),
        (1, "mitigated", 2),
    ]
    assert len({*rows[0]["qubits"].split()} | {*rows[2]["qubits"].split()}) == 2 * TILES
    assert {row["images"] for row in document["results"]} == {IMAGES}
    again = qaml("collect", run, "--json")
    assert again.json()["results"] == document["results"]


def test_killed_it_goes_on_from_its_folder(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray]
) -> None:
    client = [sys.executable, "-W", "ignore", "-m", "tests.integration.loopback.client"]
    killed = subprocess.run(
        [*client, "run", *tiled(place, run), "--submit"],
        env={**os.environ, KILL_AT: "before-collected:images-0001"},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert qaml("run", *tiled(place, run), "--submit").code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


def test_what_failed_is_sent_again_from_the_folder_alone(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray]
) -> None:
    server.hold()
    server.misbehave("submit", DROP_AFTER_ACCEPT, skip=1)
    assert qaml("submit", *tiled(place, run), "--submit").code == 0
    server.fail(server.jobs[-1], "the fridge is warm")
    (place / "model").rename(place / "gone")
    server.release()
    partly = qaml("collect", run, "--json")
    assert partly.code == 6
    assert {row["tile"] for row in partly.json()["tiles"]} == {0, 1}
    assert qaml("submit", "--retry", run).code == 0
    assert {row["state"] for row in qaml("status", run, "--json").json()["results"]} <= {"collected", "pending", "done"}
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


def test_the_plan_counts_executions_of_all_tiles_at_once(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    words = tiled(place, run)
    plan = qaml("plan", *words[: words.index("--out")], "--json").json()
    row = plan["results"][0]
    # The calibration's two circuits, and one execution a job.
    assert (row["images"], row["jobs"], row["executions"]) == (IMAGES, len(CHUNKS), SHOTS * (2 + 3))
    assert any("an execution is for 2 images" in note for note in plan["notes"])
    assert not server.jobs


def test_a_folder_goes_on_with_as_many_tiles_as_it_began(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    qaml("submit", *tiled(place, run), "--submit")
    other = qaml("submit", *arguments(place, run), "--submit")
    assert other.code == 2
    assert "tiles" in other.err
    assert len(server.jobs) == len(CHUNKS)


@pytest.mark.parametrize(
    ("tiles", "mitigation", "told"), [(3, "none", "at most 2"), (2, "trex", "does not work with tiles")]
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    qaml: Qaml, server: Loopback, place: Path, run: Path, tiles: int, mitigation: str, told: str
) -> None:
    refused = qaml("run", *tiled(place, run, tiles=tiles, mitigation=mitigation), "--submit")
    assert refused.code == 2
    assert told in refused.err
    assert not server.jobs
    assert not run.exists()
