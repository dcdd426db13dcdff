"""What comes back is checked, and one job in trouble does not keep the others."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qiskit.primitives.containers import BitArray

from qaml_qiskit.errors import DamagedFileError, InputError, UnavailableError
from qaml_qiskit.execution import LEDGER_FILE, BrokenResultError, Ledger, collect, read_outcomes, standing, submit
from qaml_qiskit.execution.readings.job_results import decode
from qaml_qiskit.execution.workload import PrimitiveOptions
from qaml_qiskit.formats import damaged
from tests.unit.execution.job_cases import SHOTS, Job, Service, counts, pub, right_result, small_workload

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def service(run: Path) -> Service:
    """A service that has run the jobs of ``run``."""
    service = Service()
    submit(run, small_workload(), service)
    service.run_all()
    return service


WRONG: dict[str, Any] = {
    "half the shots": [pub(counts(2, shots=SHOTS // 2))],
    "ten times the shots": [pub(counts(2, shots=10 * SHOTS))],
    "no shots": [pub(BitArray(np.zeros((2, 0, 1), np.uint8), 2))],
    "another number of images": [pub(counts(3))],
    "more bits": [pub(counts(2, bits=3))],
    "bits beyond the last": [SimpleNamespace(data=SimpleNamespace(meas=BitArray(counts(2, bits=5).array, 2)))],
    "two PUBs": [pub(counts(2))] * 2,
    "no PUB": [],
    "no register": [SimpleNamespace(data=SimpleNamespace())],
    "nothing": None,
    "a text": "done",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_result_that_is_not_the_jobs_own_is_refused_and_the_others_are_kept(
    run: Path, service: Service, wrong: Any
) -> None:
    service.jobs[1].result = wrong
    collection = collect(run, small_workload(), service)
    assert [record.state for record in collection.ended] == ["broken"]
    assert len(collection.collected) == 2
    sampled = read_outcomes(run, small_workload())
    assert sampled is not None
    assert sampled.rows.tolist() == [2]
    # A second look is taken whenever the run is collected, and a retry pays for this job alone.
    service.jobs[1].result = None
    submit(run, small_workload(), service, retry=True)
    assert [job.sent.chunk for job in service.jobs[3:]] == ["images-0000"]
    service.run_all()
    assert collect(run, small_workload(), service).complete


def test_a_broken_result_that_is_whole_later_is_collected(run: Path, service: Service) -> None:
    whole, service.jobs[1].result = service.jobs[1].result, None
    assert not collect(run, small_workload(), service).complete
    service.jobs[1].result = whole
    assert collect(run, small_workload(), service).complete


@pytest.mark.parametrize(
    ("evs", "stds"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3))),
        (np.full((2, 2), np.nan), np.zeros((2, 2))),
        (np.zeros((2, 2)), np.zeros(2)),
        (np.array([["a", "b"]] * 2), np.zeros((2, 2))),
    ],
)
def test_expectation_values_of_another_kind_are_refused(evs: np.ndarray, stds: np.ndarray) -> None:
    workload = small_workload(mitigation="trex")
    result = [SimpleNamespace(data=SimpleNamespace(evs=evs, stds=stds))]
    with pytest.raises(BrokenResultError):
        decode(workload, workload.settings.jobs[0], result)


@pytest.mark.parametrize(("draws", "shots"), [(5, 65), (None, 64), (64, 64)])
def test_shots_that_twirling_rounds_up_are_right(draws: int | None, shots: int) -> None:
    workload = small_workload()
    options = PrimitiveOptions.model_validate({"twirling": {"gates": True, "randomizations": draws}})
    settings = workload.settings.model_copy(update={"options": options})
    twirled = type(workload)(workload.isa, workload.values, settings)
    job = twirled.settings.jobs[1]
    assert decode(twirled, job, [pub(counts(2, shots=shots))])["bits"].shape[1] == shots
    with pytest.raises(BrokenResultError):
        decode(twirled, job, [pub(counts(2, shots=shots + 1))])


def test_a_deleted_outcome_file_is_fetched_again(run: Path, service: Service) -> None:
    assert collect(run, small_workload(), service).complete
    before = read_outcomes(run, small_workload())
    (run / "outcomes/images-0001.npz").unlink()
    (run / "outcomes/images-0000.npz").write_bytes(b"")
    assert collect(run, small_workload(), service).complete
    after = read_outcomes(run, small_workload())
    assert before is not None
    assert after is not None
    assert np.array_equal(before.raw, after.raw)


def test_outcomes_of_another_run_are_refused(run: Path, tmp_path: Path, service: Service) -> None:
    other, elsewhere = tmp_path / "other", Service()
    submit(other, small_workload(), elsewhere)
    elsewhere.run_all()
    for folder, where in ((run, service), (other, elsewhere)):
        assert collect(folder, small_workload(), where).complete
    shutil.copy(other / "outcomes/images-0000.npz", run / "outcomes/images-0000.npz")
    with pytest.raises(InputError, match="is not of this run"):
        collect(run, small_workload(), service)
    with pytest.raises(InputError, match="is not of this run"):
        read_outcomes(run, small_workload())


def test_outcomes_of_another_job_of_the_run_are_refused(run: Path, service: Service) -> None:
    assert collect(run, small_workload(), service).complete
    shutil.copy(run / "outcomes/images-0000.npz", run / "outcomes/images-0001.npz")
    with pytest.raises(InputError, match="is not of this run"):
        collect(run, small_workload(), service)


def test_a_circuit_that_is_not_the_one_that_was_sent_is_refused(run: Path, service: Service) -> None:
    (run / "workload.json").unlink()
    small_workload(0.4).save(run)
    with pytest.raises(InputError, match="does not hold what was sent"):
        collect(run, small_workload(0.4), service)


def test_a_service_that_is_away_for_a_while_is_waited_for(run: Path, service: Service) -> None:
    service.away = 5
    service.jobs[2].silent = 4
    collection = collect(run, small_workload(), service)
    assert collection.complete
    assert not collection.unanswered


def test_a_job_that_cannot_be_asked_for_does_not_keep_the_others(run: Path, service: Service) -> None:
    service.jobs[0].silent = 100
    collection = collect(run, small_workload(), service, timeout=0)
    assert [record.chunk for record in collection.collected] == ["images-0000", "images-0001"]
    assert set(collection.unanswered) == {"calibration"}


def test_many_jobs_that_cannot_be_asked_for_do_not_keep_the_last(run: Path) -> None:
    service, workload = Service(), small_workload(images=12)
    submit(run, workload, service)
    service.run_all()
    for job in service.jobs[:-1]:
        job.silent = 100
    collection = collect(run, workload, service, timeout=0)
    assert [record.chunk for record in collection.collected] == ["images-0005"]


def test_a_job_that_is_adopted_within_a_round_is_kept_as_itself(run: Path) -> None:
    """Three silent jobs make the service be asked for its list, which has another job of the next chunk by now."""
    service, workload = Service(), small_workload(images=6)
    submit(run, workload, service)
    mine = service.jobs[3]
    other = Job(replace(mine.sent, job="other"), mine.spec, "done", result=right_result(mine.spec), unlisted=1)
    service.run_all()
    for job in service.jobs[:3]:
        job.silent = 1
    mine.state = "pending"
    service.jobs.append(other)
    assert collect(run, workload, service).complete
    assert Ledger(run / LEDGER_FILE).records()[mine.sent.chunk].job == "other"
    sampled = read_outcomes(run, workload)
    assert sampled is not None
    assert list(sampled.rows) == list(range(6))


def test_a_damaged_file_of_the_folder_is_no_silent_service(
    run: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*_: object) -> None:
        raise damaged("run.json", "nothing", "the run's identifier")

    monkeypatch.setattr("qaml_qiskit.execution.collection.reconcile", spoilt)
    with pytest.raises(DamagedFileError, match=r"run\.json"):
        collect(run, small_workload(), service, timeout=0)


def test_a_service_that_never_answers_is_an_error(run: Path, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.away = 10**6
    with pytest.raises(UnavailableError):
        collect(run, small_workload(), service, timeout=0)
    monkeypatch.setattr("qaml_qiskit.execution.collection.PATIENCE", -1.0)
    with pytest.raises(UnavailableError):
        collect(run, small_workload(), service)


@pytest.mark.parametrize("timeout", [float("nan"), -1.0])
def test_a_timeout_that_is_no_time_is_refused(run: Path, service: Service, timeout: float) -> None:
    with pytest.raises(InputError, match="cannot wait"):
        collect(run, small_workload(), service, timeout=timeout)


def test_a_calibration_that_cannot_be_inverted_leaves_the_raw_counts_and_can_be_measured_again(
    run: Path, service: Service
) -> None:
    service.jobs[0].result = right_result(small_workload().settings.jobs[0])[::-1]
    assert collect(run, small_workload(), service).complete
    sampled = read_outcomes(run, small_workload())
    assert sampled is not None
    assert sampled.mitigated is None
    assert "qubit" in sampled.barred
    assert sampled.raw is not None
    submit(run, small_workload(), service, retry=True, recalibrate=True)
    assert [job.sent.chunk for job in service.jobs[3:]] == ["calibration"]
    service.run_all()
    assert collect(run, small_workload(), service).complete
    mended = read_outcomes(run, small_workload())
    assert mended is not None
    assert mended.mitigated is not None
    assert np.array_equal(mended.raw, sampled.raw)


def test_the_states_are_those_of_the_folder(run: Path, service: Service) -> None:
    collect(run, small_workload(), service)
    assert len(standing(run, small_workload()).collected) == 3
    assert Ledger(run / LEDGER_FILE).missing() == {}
