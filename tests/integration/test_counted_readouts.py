"""Readouts of products of Z on devices: predicted, sampled, mitigated and swept alike, all from the same counts."""

from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pydantic import BaseModel
from qiskit_aer import AerSimulator

from qaml_qiskit.artifacts import open_run
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.execution import sample
from qaml_qiskit.models import QVC, DataCard, QVCConfig, save_model
from qaml_qiskit.progress import Silent, ignore
from qaml_qiskit.studies import OnDevice, Prediction, SweepCell, SweepScores, predict_on_devices, score_cell
from qaml_qiskit.studies.sweeping import pack
from tests.integration.conftest import Finished
from tests.integration.small import SHOTS, deployed, ideal, images, strong_readout
from tests.mthree_cases import M3, needs_mthree
from tests.tolerances import AER, DIFFERENT, SIGMAS, VALUE

Qaml = Callable[..., Finished]
#: Of three qubits; linear-zz has all of them and the pairs of neighbours.
READOUTS = {"linear-zz": 5, "linear": 5, "parity": 2, "single": 2}


class Nothing(BaseModel):
    """A request without options."""


@cache
def model(readout: str) -> QVC:
    config = QVCConfig(image_shape=(1, 2, 4), num_classes=READOUTS[readout], num_layers=3, readout=readout)
    made = QVC(config, 7)
    with torch.no_grad():
        # A head as training might leave it: every class reads every product.
        for parameter in made.parameters():
            if parameter is not made.weight:
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    return made


def on_device(readout: str) -> Deployment:
    return deployed(strong_readout(), qvc=model(readout))


def predicted(each: Deployment, folder: Path, *, bitstrings: bool = False) -> Prediction:
    run = open_run("forecast", Nothing(), out=folder / "run")
    return predict_on_devices({"all": OnDevice(each, images(), bitstrings=bitstrings)}, run, Silent())["all"]


@pytest.mark.parametrize("readout", READOUTS)
def test_what_is_read_is_aers_with_every_bit_flipped(readout: str, tmp_path: Path) -> None:
    """Aer's exact frequencies of the bitstrings, and the readout errors one bitstring after the other."""
    each = on_device(readout)
    found, circuit = predicted(each, tmp_path), each.circuit
    simulator, n = AerSimulator(method="density_matrix", noise_model=circuit.noise), len(circuit.read)
    rows = []
    for values in each.qvc.encoding.angles(images()).numpy()[:, circuit.columns]:
        bound = circuit.circuit.assign_parameters(values)
        bound.save_probabilities(list(circuit.read))
        true = simulator.run(bound, shots=1).result().data()["probabilities"]
        read = np.zeros(2**n)
        for was, seen in product(range(2**n), repeat=2):
            chance = true[was]
            for bit, (p10, p01) in enumerate(zip(circuit.readout.p10, circuit.readout.p01, strict=True)):
                one, now = was >> bit & 1, seen >> bit & 1
                flip = p01 if one else p10
                chance *= flip if one != now else 1 - flip
            read[seen] += chance
        signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        rows.append([read @ signs[:, list(string)].prod(axis=1) for string in circuit.products.strings])
    assert np.abs(found.read - rows).max() < VALUE[torch.float32]
    # Nothing but the readout errs here, so inverting it leaves the ideal values.
    assert np.abs(found.values("readout") - found.ideal).max() < VALUE[torch.float32]
    assert np.abs(found.values("none") - found.ideal).max() > DIFFERENT


@pytest.mark.parametrize("mitigation", ["readout", M3])
@pytest.mark.parametrize("readout", ["linear-zz", "parity"])
def test_sampled_primitives_scatter_about_the_forecast(readout: str, mitigation: str, tmp_path: Path) -> None:
    each = on_device(readout)
    found, strings = predicted(each, tmp_path), each.qvc.readout.bits
    isa, values, target = each.compiled.isa, each.values(images()), each.compiled.target
    drawn = sample(isa, values, target, shots=SHOTS, mitigation=mitigation, seed=2, strings=strings)
    for stage, wanted in (("raw", found.read), ("mitigated", found.values(mitigation))):
        errors = drawn.estimates[stage].standard_errors()
        assert (np.abs(drawn.stages()[stage] - wanted) < SIGMAS * errors + 1 / SHOTS).all()
    # Images that lie far enough apart keep their labels.
    logits, exact = found.head.logits(drawn.stages()["mitigated"]), found.logits(mitigation)
    covariance = found.head.covariance(drawn.estimates["mitigated"].whole_covariance())
    noise = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)).max(axis=1)
    lead = np.sort(exact, axis=1)
    sure = lead[:, -1] - lead[:, -2] > 2 * SIGMAS * noise
    assert (logits.argmax(axis=1) == exact.argmax(axis=1))[sure].all()


def test_the_forecast_accuracy_is_that_of_drawn_shots(tmp_path: Path) -> None:
    """Of a head over products that share their shots: many draws of the bitstrings, against the normal errors."""
    each = on_device("linear-zz")
    found = predicted(each, tmp_path, bitstrings=True)
    labels, shots, generator = found.head.logits(found.ideal).argmax(axis=1), 50, np.random.default_rng(0)
    signs = 1 - 2 * (np.arange(8)[:, None] >> np.arange(3) & 1)
    outcomes = np.stack([signs[:, list(string)].prod(axis=1) for string in found.products.strings], axis=1)
    draws, right = 400, []
    for _ in range(draws):
        counts = np.stack([generator.multinomial(shots, row) for row in found.frequencies])
        right.append(accuracy(found.head.logits(counts @ outcomes / shots), labels).value)
    expected, _ = found.sampled(labels, shots, 0, "none", draws=400)
    # Products without a common qubit are taken as independent: of six images a label may go either way for that.
    assert abs(expected - np.mean(right)) < 1 / len(labels) / 2


def cell(readout: str, engine: str, mitigation: tuple[str, ...] = ("none", "readout")) -> SweepCell:
    under = ideal(model(readout)).under("readout", 0.08)
    return SweepCell(under, False, pack(images(), np.arange(6) % 2), engine, (), (SHOTS,), mitigation, 50, 5, 6)


def read_by(readout: str, engine: str, mitigation: str) -> NDArray[np.floating]:
    task = cell(readout, engine)
    return SweepScores([score_cell(task, ignore)], 0, mitigation, task.deployment).z


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("mitigation", ["none", "readout"])
def test_exact_engines_agree(readout: str, mitigation: str) -> None:
    exact, *others = (read_by(readout, engine, mitigation) for engine in ("exact", "aer-density", "aer-trajectories"))
    for found in others:
        assert np.abs(exact - found).max() < VALUE[torch.float32] + AER
    with torch.no_grad():
        noiseless = model(readout).expectations(images()).numpy()
    assert (np.abs(exact - noiseless).max() < VALUE[torch.float32]) == (mitigation == "readout")


@pytest.mark.parametrize("mitigation", ["none", "readout", M3])
def test_drawn_shots_scatter_about_the_exact_values(mitigation: str) -> None:
    task = cell("linear-zz", "aer-sampler", (mitigation,))
    scores = SweepScores([score_cell(task, ignore)], 0, mitigation, task.deployment, SHOTS)
    exact = read_by("linear-zz", "exact", "none" if mitigation == "none" else "readout")
    # Two qubits' contrast is left at least.
    assert (np.abs(scores.z - exact) < SIGMAS * 2 / np.sqrt(SHOTS) / 0.84**2).all()
    assert scores.figures(SHOTS, 0)["z_error"] < 2 / np.sqrt(SHOTS) / 0.84**2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    save_model(folder / "model", model("linear-zz"), DataCard(dataset="digits", classes=tuple(range(5))))
    np.savez(folder / "images.npz", images=images().numpy(), labels=np.arange(6) % 5)
    return folder


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


def test_a_head_is_run_collected_and_told_of(qaml: Qaml, place: Path) -> None:
    words = (place / "model", "--images", place / "images.npz", "--target", "fake-torino", "--recipe", "quick")
    given = ("--shots", 200, "--mitigation", "readout", "--images-per-job", 4)
    whole = qaml("run", *words, *given, "--out", place / "run", "--json")
    assert whole.code == 0, whole.err
    rows = {row["stage"]: row for row in whole.json()["results"]}
    assert [*rows] == ["ideal", "raw", "mitigated"]
    kept, head = arrays(place / "run" / "predictions.npz"), model("linear-zz").head
    matrix, offset = head.matrix.detach().double().numpy(), head.offset.detach().double().numpy()
    labels = np.arange(6) % 5
    for stage, row in rows.items():
        logits = kept[f"expectations_{stage}"] @ matrix.T + offset
        np.testing.assert_allclose(kept[f"logits_{stage}"], logits, atol=VALUE[torch.float32])
        assert row["accuracy"] == pytest.approx((logits.argmax(axis=1) == labels).mean())
    assert kept["standard_error_mitigated"].shape == (6, 5)
    assert "⟨Z_k⟩" not in (place / "run" / "report.html").read_text(encoding="utf-8")
    # Any later process scores it from the folder alone, and comes to the same.
    sent = qaml("submit", *words, *given, "--out", place / "sent", "--json")
    assert sent.code == 0, sent.err
    (place / "model").rename(place / "gone")
    try:
        collected = qaml("collect", place / "sent", "--json")
    finally:
        (place / "gone").rename(place / "model")
    assert collected.json()["results"] == whole.json()["results"]


def test_a_damaged_head_is_named(qaml: Qaml, place: Path) -> None:
    words = (place / "model", "--images", place / "images.npz", "--target", "ideal", "--recipe", "quick")
    assert qaml("submit", *words, "--shots", 20, "--mitigation", "none", "--out", place / "cut").code == 0
    kept = arrays(place / "cut" / "inputs.npz")
    np.savez(place / "cut" / "inputs.npz", **{**kept, "matrix": kept["matrix"][:, :3]})
    found = qaml("collect", place / "cut")
    assert found.code == 2
    assert "inputs.npz" in found.err


@needs_mthree
def test_a_head_is_forecast_and_swept(qaml: Qaml, place: Path) -> None:
    common = ("--images", place / "images.npz", "--recipe", "quick", "--shots", 200, "--json")
    found = qaml("forecast", place / "model", *common, "--mitigation", "none,m3", "--out", place / "forecast")
    assert found.code == 0, found.err
    assert {row["mitigation"] for row in found.json()["results"]} == {"none", "m3"}
    noise = ("--noise", "device,readout", "--strengths", 0.1, "--mitigation", "none,readout")
    swept = qaml("sweep", place / "model", *common, *noise, "--target", "fake-torino", "--out", place / "sweep")
    assert swept.code == 0, swept.err
    slopes = [row["slope"] for row in swept.json()["results"] if row["noise"] == "readout"]
    assert slopes[1] == pytest.approx(1, abs=DIFFERENT)
    assert slopes[0] < 0.9
    moved = qaml(
        *("transfer", "--sources", place / "model", "--victims", f"{place / 'model'}@fake-torino", "--attacks", "fgsm"),
        *("--eps", 0.1, "--images", place / "images.npz", "--recipe", "quick", "--out", place / "transfer", "--json"),
    )
    assert moved.code == 0, moved.err
    assert all(0 <= row["sampled_accuracy"] <= 1 for row in moved.json()["results"])
