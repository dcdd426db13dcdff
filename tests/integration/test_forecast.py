"""Forecasts and frontiers: what a device would measure, against what it does measure with shots."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from qiskit.primitives.containers import BitArray

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.evaluation import LinearHead, Products, ReadoutMap, slope
from qaml_qiskit.execution import Calibration, ReadoutCorrection, compact, open_target, sample
from qaml_qiskit.execution.catalogue import FakeEntry
from qaml_qiskit.execution.primitives import local_primitive
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.models import QVC, DataCard, QVCConfig, save_model
from qaml_qiskit.progress import Silent
from qaml_qiskit.simulation.heisenberg import PreparedCircuit
from qaml_qiskit.studies import OnDevice, Prediction, predict_on_devices
from qaml_qiskit.studies.averages import Averages
from tests.integration.conftest import Finished
from tests.integration.hardware import workspace
from tests.integration.small import SHOTS, deployed, images, shot_error, strong_readout
from tests.mthree_cases import needs_mthree
from tests.tolerances import DIFFERENT, SIGMAS, VALUE


class Nothing(BaseModel):
    """A request without options."""


Qaml = Callable[..., Finished]


def predicted(each: Deployment, batch: torch.Tensor, run: Run, *, bitstrings: bool = False) -> Prediction:
    return predict_on_devices({"all": OnDevice(each, batch, bitstrings=bitstrings)}, run, Silent())["all"]


def torino() -> Target:
    return open_target("fake-torino", FakeEntry(kind="fake", device="FakeTorino"), 3)


@pytest.mark.parametrize("target", [torino, strong_readout], ids=["device", "readout"])
def test_a_prediction_is_what_shots_scatter_about(tmp_path: Path, target: Callable[[], Target]) -> None:
    each = deployed(target())
    run = open_run("forecast", Nothing(), out=tmp_path / "run")
    prediction = predicted(each, images(), run)
    sampled = sample(each.compiled.isa, each.values(images()), each.compiled.target, shots=SHOTS, mitigation="none")
    assert np.all(np.abs(sampled.raw - prediction.read) <= SIGMAS * shot_error(prediction.read, SHOTS))
    assert np.abs(prediction.read - prediction.ideal).max() > DIFFERENT


def test_mitigated_values_are_free_of_readout_error(tmp_path: Path) -> None:
    # This target has no other noise, so nothing but the exact values is left.
    each = deployed(strong_readout())
    prediction = predicted(each, images(), open_run("forecast", Nothing(), out=tmp_path / "run"))
    for mitigation in ("readout", "m3"):
        assert np.abs(prediction.values(mitigation) - prediction.ideal).max() < DIFFERENT
    assert np.abs(prediction.values("none") - prediction.ideal).max() > DIFFERENT
    labels = prediction.ideal.argmax(axis=1)
    assert prediction.sampled(labels, 10, 0)[0] < prediction.sampled(labels, 100_000, 0)[0]


@pytest.mark.parametrize("target", [torino, strong_readout], ids=["device", "readout"])
def test_the_bitstrings_are_those_that_are_drawn(tmp_path: Path, target: Callable[[], Target]) -> None:
    """Their frequencies, and with them every ⟨Z_k⟩ that is read: class k is bit k."""
    each = deployed(target())
    run = open_run("forecast", Nothing(), out=tmp_path / "run")
    prediction = predicted(each, images(), run, bitstrings=True)
    assert prediction.frequencies is not None
    signs = 1 - 2 * (np.arange(8)[:, None] >> np.arange(3) & 1)
    assert np.abs(prediction.frequencies @ signs - prediction.read).max() < VALUE[torch.float32]
    circuits, primitive = (
        [compact(each.compiled.isa)],
        local_primitive(each.compiled.target.simulator(each.compiled.isa), 5),
    )
    bits = primitive.run([(circuits[0], each.values(images()))], shots=SHOTS).result()[0].data.meas
    for row, expected in enumerate(prediction.frequencies):
        counts = bits.get_int_counts(row)
        found = np.array([counts.get(number, 0) / SHOTS for number in range(8)])
        assert np.all(np.abs(found - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / SHOTS) + 1 / SHOTS)


@needs_mthree
def test_m3_is_forecast_with_the_bias_that_it_has() -> None:
    """Eight classes of one another's independent qubits: at 200 shots M3 sees half of the 256 bitstrings."""
    generator, contrast, shots = np.random.default_rng(0), 0.65, 200
    z = generator.uniform(-0.8, 0.8, (40, 8))
    readout = ReadoutMap.affine(np.full(8, contrast), np.full(8, 0.15))
    read = z * contrast + 0.15
    strings = np.ones((40, 1))
    for k in range(8):
        strings = np.concatenate([strings * (1 + read[:, k : k + 1]) / 2, strings * (1 - read[:, k : k + 1]) / 2], 1)
    head = LinearHead(np.eye(8), np.zeros(8))
    prediction = Prediction(z, Averages(read), readout, Products.of_bits(8), head, strings)
    labels = z.argmax(axis=1)
    slopes = {name: prediction.sampled(labels, shots, 0, name)[1] for name in ("none", "readout", "m3")}
    # The shots of the calibration are in it, too.
    margin = SIGMAS * np.sqrt(2 / shots / z.size / 3) / contrast / z.std() + SIGMAS * np.sqrt(0.4 / shots / 8 / 3)
    assert slopes["none"] == pytest.approx(contrast)
    assert slopes["readout"] == pytest.approx(1)
    record = readout.calibrated(10**9)
    drawn = [generator.multinomial(shots, row) for row in strings for _ in range(3)]
    numbers = np.stack([np.repeat(np.arange(256), counts) for counts in drawn])
    bits = BitArray.from_bool_array((numbers[..., None] >> np.arange(8) & 1).astype(bool), order="little")
    calibration = Calibration(
        target="", created="", shots=10**9, qubits=tuple(range(8)), p10=tuple(record.p10), p01=tuple(record.p01)
    )
    sampled = ReadoutCorrection(calibration, "m3").z_from_bits(bits, range(8))
    true = slope(sampled, np.repeat(z, 3, axis=0))
    assert true < 1 - margin
    assert abs(slopes["m3"] - true) < margin


def test_noisy_layers_enter_the_device_where_the_transpiler_put_them(tmp_path: Path) -> None:
    # Behind an encoding of rotations alone, which costs next to no noise, the layers are the whole circuit.
    qvc = QVC(QVCConfig(image_shape=(1, 1, 3), num_classes=3, num_layers=4, encoding="angle"), 5)
    each = deployed(torino(), "level3", qvc)
    batch = images()[:, :, :1, :3]
    run = open_run("forecast", Nothing(), out=tmp_path / "run")
    whole = predicted(each, batch, run)
    layers = each.module.expectations(batch).detach().numpy()
    # Other qubits, other error rates: the same values up to a fraction of what noise does to them.
    noise = np.abs(whole.read - whole.ideal).max()
    assert np.abs(layers - whole.read).max() < noise
    assert np.corrcoef(layers.ravel(), whole.ideal.ravel())[0, 1] > 1 - noise


def test_a_killed_forecast_goes_on(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = workspace(tmp_path / "work")
    words = ("forecast", place / "model", "--images", place / "images.npz", "--eps", "0.1", "--recipe", "quick")
    whole = qaml(*words, "--out", place / "whole", "--json")
    assert whole.code == 0, whole.err
    real, calls = PreparedCircuit.expectations, []

    def killed(*arguments: object, **options: object) -> object:
        calls.append("call")
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(PreparedCircuit, "expectations", killed)
    assert qaml(*words, "--out", place / "run", "--json").code == 130
    again = qaml(*words, "--out", place / "run", "--json")
    assert again.json()["results"] == whole.json()["results"]
    rows = again.json()["results"]
    assert {row["eps"] for row in rows} == {0.0, 0.1}
    assert {row["shots"] for row in rows} == {None, 1000, 4000}
    assert len(rows) == 2 * 2 * 3
    assert (place / "run" / "forecast.png").is_file()


def test_a_frontier_has_a_row_a_model(qaml: Qaml, tmp_path: Path) -> None:
    place = workspace(tmp_path / "work")
    fitted = QVCConfig(
        image_shape=(1, 2, 2),
        num_classes=2,
        num_layers=1,
        encoding="approximate",
        encoding_layers=1,
        ansatz="brickwork",
    )
    save_model(place / "fitted", QVC(fitted, 5), DataCard(dataset="digits", classes=(0, 1)))
    models = [str(place / name) for name in ("model", "fitted")]
    words = ("frontier", *models, "--images", place / "images.npz", "--recipe", "quick", "--eps", "0.2")
    finished = qaml(*words, "--out", place / "run", "--json")
    assert finished.code == 0, finished.err
    rows = {row["model"]: row for row in finished.json()["results"]}
    assert sorted(rows) == sorted(models)
    assert rows[models[0]]["fidelity"] == pytest.approx(1.0)
    assert rows[models[0]]["robust_straight_through"] is None
    assert rows[models[1]]["robust_straight_through"] >= rows[models[1]]["robust_accuracy"]
    assert all(0 <= row["robust_accuracy"] <= row["clean_accuracy"] <= 1 for row in rows.values())
    assert {"frontier.png", "frontier.csv", "report.html"} <= {path.name for path in (place / "run").iterdir()}


def test_an_impossible_t2_is_repaired_and_said(qaml: Qaml, tmp_path: Path) -> None:
    place = workspace(tmp_path / "work")
    (place / "mine.yaml").write_text(
        "targets: {warm: {kind: aer, noise: {thermal_relaxation: {t1: 1.0e-4, t2: 3.0e-4, one_qubit: 3.0e-8}}}}\n"
    )
    words = (place / "model", "--target", "warm", "--backends", place / "mine.yaml", "--recipe", "quick")
    given = ("--images", place / "images.npz", "--shots", 50, "--json")
    for command in ("forecast", "run"):
        document = qaml(command, *words, *given, "--out", place / command).json()
        assert any("T2 is 300 µs" in note and "200 µs taken" in note for note in document["notes"]), document["notes"]
