"""Compiled circuits on simulated targets, against exact values, with margins from the shot count."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeTorino

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import (
    Answer,
    Calibration,
    PrimitiveRunner,
    ReadoutCorrection,
    Target,
    Workload,
    build_workload,
    check_calibration,
    collect,
    open_target,
    read_outcomes,
    runner_for,
    sample,
    standing,
    submit,
)
from qaml_qiskit.execution.catalogue import AerEntry, FakeEntry, IBMEntry, IdealEntry
from qaml_qiskit.execution.circuits import active_qubits, compact
from qaml_qiskit.execution.options import PrimitiveOptions, Twirling
from qaml_qiskit.execution.runner import SentJob
from qaml_qiskit.execution.splitting import MAX_EXECUTIONS
from qaml_qiskit.execution.workload import JobSpec
from tests.integration.small import SHOTS, compiled, exact, model, shot_error, strong_readout
from tests.mthree_cases import M3
from tests.tolerances import DIFFERENT, SIGMAS, VALUE


def test_ideal_target_gives_the_models_values_within_shot_noise() -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, values = compiled(target)
    result = sample(isa, values, target, shots=SHOTS, mitigation="none")
    assert result.mitigated is None
    assert result.calibration is None
    assert (np.abs(result.raw - exact()) < SIGMAS * shot_error(exact(), SHOTS)).all()


@pytest.mark.parametrize("mitigation", ["readout", M3])
@pytest.mark.parametrize(
    "twirling", [None, Twirling(gates=True), Twirling(measure=True), Twirling(gates=True, measure=True)], ids=repr
)
def test_mitigation_brings_z_nearer_to_the_truth(mitigation: str, twirling: Twirling | None) -> None:
    """Readout error shifts ⟨Z⟩ by up to 0.5 here; after correction only shot noise is left, enlarged by 1/(1−p−q).

    Twirled gates are the classifier's affair: a calibration that is twirled with them reads |1⟩ as |0⟩.
    """
    target = strong_readout()
    options = target.entry.options.model_copy(update={"twirling": twirling})
    target = replace(target, entry=target.entry.model_copy(update={"options": options}))
    isa, values = compiled(target)
    result = sample(isa, values, target, shots=SHOTS, mitigation=mitigation, seed=4)
    assert result.calibration is not None
    # Twirled measurements read either error in every one of the 32 random circuits.
    spread = (0.25 - 0.08) / 2 / np.sqrt(32) if twirling is not None and twirling.measure else 0.0
    for found, alone in ((result.calibration.p10, 0.08), (result.calibration.p01, 0.25)):
        true = (0.08 + 0.25) / 2 if spread else alone
        assert np.abs(np.array(found) - true).max() < SIGMAS * np.hypot(spread, np.sqrt(true * (1 - true) / SHOTS))
    assert result.mitigated is not None
    raw_error, mitigated_error = np.abs(result.raw - exact()), np.abs(result.mitigated - exact())
    contrast = 1 - 0.08 - 0.25
    # The images' shots and the calibration's shots both enter; each is at most 1/√shots before enlarging.
    margin = SIGMAS * 2 * np.hypot(2 * spread, 1 / np.sqrt(SHOTS)) / contrast
    assert (mitigated_error < margin).all()
    if spread:
        return
    assert raw_error.max() > margin
    assert mitigated_error.mean() < raw_error.mean() / 3


def test_calibration_measures_the_readout_error() -> None:
    target = strong_readout()
    isa, values = compiled(target)
    record = sample(isa, values[:1], target, shots=SHOTS, mitigation="readout").calibration
    assert record is not None
    for found, true in ((record.p10, 0.08), (record.p01, 0.25)):
        assert np.abs(np.array(found) - true).max() < SIGMAS * np.sqrt(true * (1 - true) / SHOTS)
    assert Calibration.model_validate_json(record.model_dump_json()) == record


def test_correction_refuses_qubits_it_does_not_know(tmp_path: Path) -> None:
    target = strong_readout()
    isa, values = compiled(target)
    record = sample(isa, values[:1], target, shots=10, mitigation="readout").calibration
    assert record is not None
    for update, message in (
        ({"qubits": record.qubits[1:], "p10": record.p10[1:], "p01": record.p01[1:]}, "does not cover"),
        ({"p10": (0.6,) * 3, "p01": (0.5,) * 3}, "cannot be corrected"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            ReadoutCorrection(record.model_copy(update=update), "readout")._checked(record.qubits)


def test_same_seed_same_counts_and_another_seed_others() -> None:
    target = strong_readout()
    isa, values = compiled(target)
    first, again, other = (sample(isa, values, target, shots=200, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.raw, again.raw)
    assert np.array_equal(first.mitigated, again.mitigated)
    assert not np.array_equal(first.raw, other.raw)


def test_chunks_change_nothing_but_the_random_numbers() -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, values = compiled(target)
    done: list[int] = []
    result = sample(isa, values, target, shots=SHOTS, mitigation="none", images_per_job=4, progress=done.append)
    assert done == [4, 2]
    assert (np.abs(result.raw - exact()) < SIGMAS * shot_error(exact(), SHOTS)).all()


def test_noise_cut_down_to_the_active_qubits_is_the_devices_noise() -> None:
    """The density matrix under the reduced model equals that under the whole device's model."""
    target = open_target("t", FakeEntry(kind="fake", device="FakeTorino"), 3)
    isa, values = compiled(target)
    bound = isa.remove_final_measurements(inplace=False).assign_parameters(values[0])
    small = compact(bound)
    bound.save_density_matrix([bound.qubits[q] for q in active_qubits(isa)])
    small.save_density_matrix()
    states = []
    for circuit, noise in (
        (small, target.simulator(isa).options.noise_model),
        (bound, NoiseModel.from_backend(FakeTorino())),
    ):
        simulator = AerSimulator(method="density_matrix", noise_model=noise)
        states.append(simulator.run(circuit).result().data()["density_matrix"].data)
    assert np.abs(states[0] - states[1]).max() < VALUE[torch.float64]
    purity = np.trace(states[0] @ states[0]).real
    assert purity < 1 - DIFFERENT


def test_device_noise_brings_values_towards_zero() -> None:
    target = open_target("t", FakeEntry(kind="fake", device="FakeTorino"), 3)
    isa, values = compiled(target)
    result = sample(isa, values, target, shots=SHOTS)
    assert result.mitigated is not None
    assert np.abs(result.mitigated).mean() < np.abs(exact()).mean()
    assert np.abs(result.mitigated - exact()).max() < 0.25


@pytest.mark.parametrize("mitigation", ["trex", "zne"])
def test_estimator_mitigation_gives_the_same_values_as_the_sampler(mitigation: str) -> None:
    """Readout error only: TREX divides it out, and amplified gates without noise leave ZNE nothing to extrapolate."""
    target = strong_readout()
    isa, values = compiled(target)
    result = sample(isa, values, target, shots=SHOTS, mitigation=mitigation, seed=2)
    assert result.raw is None
    assert result.mitigated is not None
    # TREX divides by e^(−2p) instead of 1 − 2p at the mean error p, and so corrects too little; ZNE then extrapolates.
    contrast, mean_error = 1 - 0.08 - 0.25, (0.08 + 0.25) / 2
    bias = 1 - contrast / np.exp(-2 * mean_error)
    spread = 3 if mitigation == "zne" else 1
    margin = bias * np.abs(exact()) + SIGMAS * spread * 2 / np.sqrt(SHOTS) / contrast
    assert (np.abs(result.mitigated - exact()) < margin).all()


@pytest.mark.parametrize(
    "job", ["local-images-0002", "lobal-images-0001", "local-images-0001-x", "local-images-0001-0"]
)
def test_an_id_of_another_local_job_is_foreign(job: str) -> None:
    runner = PrimitiveRunner(StatevectorSampler(seed=1))
    for own in ("local-images-0001", "local-images-0001-2"):
        assert runner.state(SentJob("", "images-0001", 1, own)).status == "done"
    assert runner.state(SentJob("", "images-0001", 1, job)).status == "foreign"


def test_any_v2_sampler_can_run_the_jobs(tmp_path: Path) -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, values = compiled(target)
    workload = build_workload(isa, values, target="ideal", shots=SHOTS, mitigation="none")
    runner = PrimitiveRunner(StatevectorSampler(seed=1))
    submit(tmp_path, workload, runner)
    assert collect(tmp_path, workload, runner).complete
    sampled = read_outcomes(tmp_path, workload)
    assert sampled is not None
    assert (np.abs(sampled.raw - exact()) < SIGMAS * shot_error(exact(), SHOTS)).all()


def test_a_killed_sampling_goes_on_where_it_was(tmp_path: Path) -> None:
    """Jobs that were stored are not run again, and the counts are those of an undisturbed run."""
    target = strong_readout()
    isa, values = compiled(target)
    workload = build_workload(isa, values, target="poor", shots=100, images_per_job=2)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        submit(folder, workload, runner_for(target, workload))
    collect(whole, workload, runner_for(target, workload))
    ran: list[str] = []

    class Killed(PrimitiveRunner):
        def answer(self, job_id: str, workload: Workload, job: JobSpec) -> Answer:
            if len(ran) == 2:
                raise KeyboardInterrupt
            ran.append(job.chunk)
            return runner_for(target, workload).answer(job_id, workload, job)

    with pytest.raises(KeyboardInterrupt):
        collect(cut, workload, Killed(StatevectorSampler()))
    assert [record.chunk for record in standing(cut, workload).collected] == ran
    collect(cut, workload, runner_for(target, workload))
    first, second = (read_outcomes(folder, workload) for folder in (whole, cut))
    assert np.array_equal(first.mitigated, second.mitigated)


def test_a_calibration_is_used_again_unless_it_is_old_or_of_other_qubits() -> None:
    record = Calibration(
        target="poor", created="2026-01-01T00:00:00+00:00", shots=10, qubits=(0, 1), p10=(0.1, 0.1), p01=(0.1, 0.1)
    )
    ages = timedelta(days=365 * 100)
    check_calibration(record, target="poor", measured=[1, 0], max_age=ages)
    for change, message in (
        ({"target": "other"}, "a record of poor"),
        ({"measured": [1, 2]}, r"also qubits \[2\]"),
        ({"max_age": timedelta(hours=1)}, "at most 1.0 hours"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            check_calibration(record, **{"target": "poor", "measured": [1, 0], "max_age": ages, **change})


def test_hardware_is_never_run_by_this_path() -> None:
    """A target of kind ibm is refused before anything is sent."""
    simulated = open_target("ideal", IdealEntry(kind="ideal"), 3)
    hardware = Target("device", IBMEntry(kind="ibm", device="ibm_device"), simulated.isa)
    isa, values = compiled(simulated)
    with pytest.raises(ConfigurationError, match="without a run folder"):
        sample(isa, values, hardware, shots=10)
    with pytest.raises(ConfigurationError, match="real hardware"):
        hardware.simulator(model().circuit())


def test_noise_that_misses_the_circuit_is_refused() -> None:
    entry = AerEntry.model_validate({"kind": "aer", "noise": {"bit_flip": 0.1}})
    target = open_target("t", entry, 1)
    circuit = QuantumCircuit(1)
    circuit.ry(0.3, 0)
    with pytest.raises(ConfigurationError, match="touches no gate"):
        target.simulator(circuit)


@pytest.mark.parametrize("shape", [(4,), (0, 7), (2, 6)])
def test_values_that_do_not_fit(shape: tuple[int, ...]) -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, _ = compiled(target)
    with pytest.raises(InputError, match="do not fit the circuit"):
        sample(isa, np.zeros(shape), target, shots=10)


def test_no_shots() -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, values = compiled(target)
    with pytest.raises(InputError, match="0 shots"):
        sample(isa, values, target, shots=0)


def test_images_a_job_give_way_to_the_limit_unless_they_were_asked_for() -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, values = compiled(target)
    shots = MAX_EXECUTIONS // 4
    chosen = build_workload(isa, values, target="ideal", shots=shots, mitigation="none", most_per_job=50)
    assert [job.rows for job in chosen.image_jobs] == [4, 2]
    with pytest.raises(InputError, match=f"{shots} shots an image, 5 images a job.*1 to 4 images"):
        build_workload(isa, values, target="ideal", shots=shots, mitigation="none", images_per_job=5)
    with pytest.raises(InputError, match="a single image does not fit"):
        build_workload(isa, values, target="ideal", shots=MAX_EXECUTIONS + 1, mitigation="none", most_per_job=50)


@pytest.mark.parametrize("mitigation", ["readout", "trex", "zne"])
def test_gates_that_cannot_be_twirled_are_refused_before_anything_is_sent(mitigation: str) -> None:
    """Devices of U1, U2 and U3: the Runtime's primitives twirl free angles of RX and RZ alone."""
    options = {"twirling": {"gates": True}} if mitigation == "readout" else {}
    entry = FakeEntry.model_validate({"kind": "fake", "device": "FakeAlmadenV2", "options": options})
    target = open_target("almaden", entry, 3)
    isa, values = compiled(target)
    with pytest.raises(ConfigurationError, match="free angles in the gates u3"):
        sample(isa, values, target, shots=10, mitigation=mitigation)
    assert sample(
        isa, values, replace(target, entry=FakeEntry(kind="fake", device="FakeAlmadenV2")), shots=10
    ).raw.any()


def test_every_job_has_options_of_its_own() -> None:
    target = open_target("ideal", IdealEntry(kind="ideal"), 3)
    isa, values = compiled(target)
    options = PrimitiveOptions(twirling=Twirling(gates=True), rep_delay=1e-4)
    workload = build_workload(isa, values, target="ideal", shots=10, mitigation="readout", options=options)
    calibration, images = workload.settings.jobs
    assert workload.options(calibration) == PrimitiveOptions(rep_delay=1e-4)
    assert workload.options(images) == options
    assert (workload.mitigation(calibration), workload.mitigation(images)) == ("none", "readout")
    assert not workload.estimates(images)
