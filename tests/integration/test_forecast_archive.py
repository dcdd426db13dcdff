"""A forecast over stored calibrations, and archives that are none."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qiskit_ibm_runtime import fake_provider

from qaml_qiskit.execution.snapshot import SNAPSHOT_FOLDER
from tests.integration.conftest import Finished
from tests.integration.hardware import workspace

Qaml = Callable[..., Finished]
SHIPPED = Path(fake_provider.__file__).parent / "backends"


def snapshot(place: Path, device: str, date: str) -> Path:
    """A snapshot folder of a device that ships with the client, as if it was calibrated on some day."""
    place.mkdir(parents=True)
    shutil.copy(SHIPPED / device / f"conf_{device}.json", place / "configuration.json")
    found = json.loads((SHIPPED / device / f"props_{device}.json").read_text())
    (place / "properties.json").write_text(json.dumps({**found, "last_update_date": date}))
    return place


def words(folder: Path, entry: dict[str, Any], *archive: Path, recipe: str = "quick") -> list[object]:
    file = folder / "backends.yaml"
    file.write_text(json.dumps({"targets": {"device": entry}}))
    given = ["--target", "device", "--backends", file, "--recipe", recipe, "--images", folder / "images.npz"]
    return ["forecast", folder / "model", *given, "--archive", ",".join(map(str, archive)), "--out", folder / "run"]


def manila(folder: Path, *archive: Path) -> list[object]:
    return words(folder, {"kind": "fake", "device": "FakeManilaV2"}, *archive)


def test_the_oldest_calibration_comes_first(qaml: Qaml, tmp_path: Path) -> None:
    place = workspace(tmp_path / "place")
    new = snapshot(tmp_path / "new", "manila", "2024-03-01T00:00:00+00:00")
    old = snapshot(tmp_path / "run" / SNAPSHOT_FOLDER, "manila", "2023-03-01T00:00:00+00:00")
    told = qaml(*manila(place, new, old.parent), "--json")
    assert told.code == 0, told.err
    found = told.json()
    assert list(dict.fromkeys(row["calibrated"][:4] for row in found["archive"])) == ["2023", "2024"]
    for row in found["envelope"]:
        assert row["lowest"] <= row["median"] <= row["highest"]


def test_fractional_gates_are_assumed_in_the_archive_as_they_are_today(qaml: Qaml, tmp_path: Path) -> None:
    place = workspace(tmp_path / "place")
    stored = snapshot(tmp_path / "stored", "torino", "2024-03-01T00:00:00+00:00")
    entry = {"kind": "fake", "device": "FakeTorino", "fractional": True}
    told = qaml(*words(place, entry, stored, recipe="fractional"))
    assert told.code == 0, told.err


def nothing(place: Path) -> None:
    shutil.rmtree(place)


def half(place: Path) -> None:
    (place / "properties.json").unlink()


def torn(place: Path) -> None:
    file = place / "properties.json"
    file.write_bytes(file.read_bytes()[:5000])


def nameless(place: Path) -> None:
    (place / "configuration.json").write_text("{}")


def edited(place: Path, **fields: Any) -> None:
    file = place / "properties.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def undated(place: Path) -> None:
    edited(place, last_update_date={"__type__": "datetime"})


def of_another_device(place: Path) -> None:
    shutil.rmtree(place)
    snapshot(place, "quito", "2024-03-01T00:00:00+00:00")


@pytest.mark.parametrize("damage", [nothing, half, torn, nameless, undated, of_another_device])
def test_an_archive_that_is_none_is_refused_on_one_line(
    qaml: Qaml, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    place = workspace(tmp_path / "place")
    stored = snapshot(tmp_path / "stored", "manila", "2024-03-01T00:00:00+00:00")
    damage(stored)
    refused = qaml(*manila(place, stored))
    assert refused.code == 2, refused.err
    assert "stored" in refused.err.splitlines()[-1]
    assert "Traceback" not in refused.err
    assert not (place / "run").exists()
