"""A run's check names the gate that became worse, and derivatives are those of the forecast."""

from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.transpiler import InstructionProperties

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.circuits import on_active_qubits
from qaml_qiskit.evaluation import Estimates, product_signs, read_frequencies
from qaml_qiskit.evaluation.signatures import NoiseScale
from qaml_qiskit.execution import Sampled, Target, Workload, build_workload, compile_for, load_recipe, open_target
from qaml_qiskit.execution.catalogue import AerEntry, FakeEntry
from qaml_qiskit.execution.circuits import active_qubits
from qaml_qiskit.execution.options import PrimitiveOptions, Twirling
from qaml_qiskit.models import QVC, QVCConfig
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import DeviceCheck, check_device
from qaml_qiskit.studies.devices.checking import told_scale
from qaml_qiskit.studies.devices.tile_forecasts import Tile, bare_frequencies, tile_derivatives, tile_forecast
from tests.tolerances import SCALE_DERIVATIVE

IMAGES, SHOTS = 40, 1000


def device() -> Target:
    return open_target("manila", FakeEntry(kind="fake", device="FakeManilaV2"), 4)


def work(target: Target, options: PrimitiveOptions | None = None) -> Workload:
    qvc = QVC(QVCConfig(image_shape=(1, 4, 4), num_classes=4, num_layers=4, init_std=1.0), 3)
    images = torch.rand(IMAGES, 1, 4, 4, generator=torch.Generator().manual_seed(3))
    isa = compile_for(qvc.circuit(), target, load_recipe("quick"))
    values = qvc.encoding.angles(images).detach().numpy()[:, [parameter.index for parameter in isa.parameters]]
    return build_workload(
        isa, values, target="manila", shots=SHOTS, mitigation="none", images_per_job=10, options=options
    )


def tile_on(workload: Workload, target: Target) -> Tile:
    circuit = on_active_qubits(workload.isa, target, ())
    return Tile(circuit, active_qubits(workload.isa), workload.values, workload.settings.options.twirls_measurements)


def judged(
    folder: Path, workload: Workload, ran_on: Target, promised_by: Target, *, in_time: bool = True
) -> DeviceCheck:
    """The check of counts that are drawn from what one target gives, by the calibration of another."""
    tile, generator = tile_on(workload, ran_on), np.random.default_rng(0)
    found = np.clip(read_frequencies(bare_frequencies(tile, workload.values), tile.readout), 0, None)
    drawn = np.stack([generator.multinomial(SHOTS, each / each.sum()) for each in found])
    raw = Estimates(drawn @ product_signs(workload.products) / SHOTS, np.zeros((IMAGES, 4, 4)))
    sampled = Sampled(np.arange(IMAGES), {"raw": raw})
    run = Run(folder, {"command": "run"})
    return check_device(workload, sampled, promised_by, None, run, Silent(), images=IMAGES, in_time=in_time)


def test_a_device_that_keeps_its_word_is_believed(tmp_path: Path) -> None:
    target = device()
    check = judged(tmp_path, work(target), target, target)
    assert check.kept
    assert check.suspects is None
    assert check.noise[0] is not None
    assert check.noise[0].interval[0] < 1 < check.noise[0].interval[1]
    document = check.document()
    assert len(document["products"]) == 4
    assert len(document["drift"]) == 4
    strengths = [row for row in document["tests"] if row["interval"] is not None]
    assert [row["test"].partition(" ")[0] for row in strengths] == ["strength", "strength", "trend"]
    assert all(row["interval"][0] < row["statistic"] < row["interval"][1] for row in strengths)
    assert "kept its word" in document["sentence"]


@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        (1.5, 0.25, "the errors of its gates 1.50 times as strong as calibrated (1.01 – 1.99)"),
        (-1, 1, "the errors of its gates at most 0.96 times as strong as calibrated"),
        (-1, 0.25, "the errors of its gates at most 0.00 times as strong as calibrated"),
    ],
)
def test_errors_are_not_told_to_be_less_than_none(value: float, error: float, told: str) -> None:
    assert told_scale(NoiseScale(value, error, p=0.5)) == f", {told}"


def test_twirled_measurements_of_a_simulated_target_are_promised_as_such(tmp_path: Path) -> None:
    noise = {"depolarizing": {"one_qubit": 0.001, "two_qubit": 0.01}, "readout": {"p10": 0.05, "p01": 0.15}}
    target = open_target("aer", AerEntry(kind="aer", noise=NoiseSpec.model_validate(noise)), 4)
    twirled = work(target, PrimitiveOptions(twirling=Twirling(measure=True)))
    check = judged(tmp_path, twirled, target, target)
    assert check.kept
    assert np.allclose(check.tiles[0].tile.readout.p10, check.tiles[0].tile.readout.p01)


def test_a_gate_that_is_ten_times_worse_is_named(tmp_path: Path) -> None:
    target, broken = device(), device()
    workload, pair = work(target), (1, 2)
    for qubits in (pair, pair[::-1]):
        old = broken.isa["cx"][qubits]
        worse = InstructionProperties(duration=old.duration, error=10 * old.error)
        broken.isa.update_instruction_properties("cx", qubits, worse)
    check = judged(tmp_path, workload, broken, target)
    assert not check.kept
    assert check.suspects is not None
    named = check.suspects.named
    assert named is not None
    assert set(named["qubits"]) <= {*pair}
    assert named["scale"] > 2


@pytest.mark.parametrize("in_time", [True, False])
def test_jobs_of_a_simulation_have_no_order_in_time(tmp_path: Path, in_time: bool) -> None:
    target = device()
    workload = work(target)
    (tmp_path / "outcomes").mkdir()
    chunks = [job.chunk for job in workload.image_jobs]
    for hour, chunk in enumerate(reversed(chunks)):
        np.savez(tmp_path / "outcomes" / f"{chunk}.npz", measured_at=f"2026-01-01T{hour:02}:00:00+00:00")
    drift = judged(tmp_path, workload, target, target, in_time=in_time).drift
    assert [row["jobs"] for row in drift] == (chunks[::-1] if in_time else chunks)


def test_the_scale_of_all_noise_is_the_sum_of_its_gates() -> None:
    target = device()
    workload = work(target)
    tile, rows = tile_on(workload, target), workload.values[:2]
    by_noise = tile_forecast(tile, rows, SHOTS)["noise"]
    by_gates = tile_derivatives(tile, rows)["derivatives"].sum(axis=2)
    assert by_gates == pytest.approx(by_noise, abs=SCALE_DERIVATIVE * np.abs(by_noise).max())
