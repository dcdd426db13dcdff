"""Probabilities in trainings, runs and their reports, from whatever the run folder and the model's card hold."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import deploy, known_temperature
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import Arrays
from qaml_qiskit.models import as_stored
from tests.integration.conftest import Finished
from tests.tolerances import MEAN, ROUNDED, SIGMAS

Qaml = Callable[..., Finished]

IMAGES, SHOTS = 12, 400
RUN = ("--target", "poor-readout", "--recipe", "quick", "--images", IMAGES, "--shots", SHOTS)


@pytest.fixture
def run(qaml: Qaml, trained: Path, tmp_path: Path) -> Path:
    """A run of the small QVC whose folder is all that is left of it and its model."""
    shutil.copytree(trained, tmp_path / "model")
    assert qaml("submit", tmp_path / "model", *RUN, "--out", tmp_path / "run").code == 0
    shutil.rmtree(tmp_path / "model")
    return tmp_path / "run"


def without_temperature(trained: Path, place: Path, **changes: object) -> Path:
    """The model as versions wrote it that did not know of temperatures."""
    shutil.copytree(trained, place)
    card = json.loads((place / "model.json").read_text())
    card = {name: each for name, each in card.items() if name not in ("temperature", "held_out")} | changes
    (place / "model.json").write_text(json.dumps(card))
    return place


def arrays(run: Path, name: str = "predictions.npz") -> Arrays:
    with np.load(run / name) as found:
        return dict(found)


def test_a_training_keeps_probabilities_of_its_test(trained: Path) -> None:
    found, model = arrays(trained), deploy(trained)
    expected = model.temperature.probabilities(found["logits"])
    np.testing.assert_allclose(found["probabilities"], expected, atol=ROUNDED)
    row = json.loads((trained / "metrics.json").read_text())["results"][-1]
    assert row["confidence"] == pytest.approx(expected.max(1).mean())
    assert "probability_error" not in found


def test_collecting_needs_the_folder_alone(qaml: Qaml, run: Path, trained: Path) -> None:
    document = qaml("collect", run, "--json").json()
    found, temperature = arrays(run), deploy(trained).temperature
    assert Temperature.model_validate_json(str(arrays(run, "inputs.npz")["temperature"])) == temperature
    stages = [row["stage"] for row in document["results"]]
    assert stages == ["ideal", "raw", "mitigated"]
    scale = deploy(trained).head
    for row, stage in zip(document["results"], stages, strict=True):
        values = found[f"probabilities_{stage}"]
        expected = temperature.probabilities(scale.logits(found[f"z_{stage}"]))
        np.testing.assert_allclose(values, expected, atol=ROUNDED)
        assert row["confidence"] == pytest.approx(values.max(1).mean(), rel=MEAN)
        assert list(row).index("confidence") == list(row).index("interval") + 1
    errors = found["probability_error_mitigated"]
    assert "probability_error_ideal" not in found
    assert (errors >= 0).all()
    assert (errors < 1 / 2).all()
    # Of poor-readout most that differs is the readout, which mitigation takes away, and shots.
    far = np.abs(found["probabilities_mitigated"] - found["probabilities_ideal"])
    assert np.mean(far <= SIGMAS * errors) > 0.9
    (told,) = (note for note in document["notes"] if "softmax" in note)
    assert f"{temperature.images} images" in told


def test_every_image_is_in_a_file_and_the_least_sure_ones_on_the_page(qaml: Qaml, run: Path) -> None:
    assert qaml("collect", run).code == 0
    found = arrays(run)
    with (run / "confidence.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["image"]) for row in rows] == found["indices"].tolist()
    sure = found["probabilities_mitigated"].max(1)
    np.testing.assert_allclose([float(row["confidence_mitigated"]) for row in rows], sure, rtol=MEAN)
    assert [int(row["predicted_raw"]) for row in rows] == found["probabilities_raw"].argmax(1).tolist()
    page = (run / "report.html").read_text()
    assert "The least sure images" in page
    assert (run / "confidence.png").is_file()


def test_a_run_of_an_earlier_version_is_collected_without(qaml: Qaml, run: Path) -> None:
    inputs = arrays(run, "inputs.npz")
    for name in ("temperature", "mark"):
        inputs.pop(name)
    np.savez(run / "inputs.npz", **inputs)
    document = qaml("collect", run, "--json").json()
    assert not any("confidence" in row for row in document["results"])
    assert not any("probab" in name for name in arrays(run))
    assert any(note.startswith("No probabilities") for note in document["notes"])
    assert not (run / "confidence.csv").exists()


def test_a_temperature_that_is_none_is_damage(qaml: Qaml, run: Path) -> None:
    inputs = arrays(run, "inputs.npz")
    inputs.pop("mark")
    np.savez(run / "inputs.npz", **{**inputs, "temperature": np.array("hot")})
    finished = qaml("collect", run)
    assert finished.code == 2
    assert "a temperature that is none" in finished.err


def test_a_model_of_an_earlier_version_is_fitted_where_its_data_are(trained: Path, tmp_path: Path) -> None:
    earlier = deploy(without_temperature(trained, tmp_path / "earlier"))
    found = known_temperature(earlier)
    assert found is not None
    assert found.value == pytest.approx(deploy(trained).temperature.value, rel=MEAN)
    # On a device, too, it is that of the ideal model.
    there = known_temperature(earlier.on("poor-readout", "quick"))
    assert there == found
    # Of own data that are not here any more, and of a model in memory, nobody knows.
    assert known_temperature(deploy(as_stored(earlier.stored.model))) is None
    data = {"dataset": "mnist", "classes": [0, 1, 2]}
    elsewhere = deploy(without_temperature(trained, tmp_path / "elsewhere", data=data))
    assert known_temperature(elsewhere, tmp_path) is None
    with pytest.raises(ConfigurationError, match="no probabilities") as refused:
        _ = elsewhere.temperature
    assert refused.value.exit_code == 2


def test_a_run_of_such_a_model_has_probabilities(qaml: Qaml, trained: Path, tmp_path: Path) -> None:
    earlier = without_temperature(trained, tmp_path / "earlier")
    document = qaml("run", earlier, *RUN, "--out", tmp_path / "run", "--json").json()
    assert all(0 < row["confidence"] <= 1 for row in document["results"])


def test_a_temperature_of_ones_own_goes_with_the_model(trained: Path, tmp_path: Path) -> None:
    import qaml_qiskit as qaml

    own = Temperature(value=1e6, images=9, condition="poor-readout")
    calibrated = deploy(trained).calibrated(own)
    done = qaml.run(calibrated, target="poor-readout", recipe="quick", images=3, shots=50, out=tmp_path / "run")
    assert done.confidence == pytest.approx([1 / 3] * 3, rel=MEAN)
    assert any("under poor-readout" in note for note in done.notes)
