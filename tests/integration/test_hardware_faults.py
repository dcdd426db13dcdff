"""A service, a folder and a user that do the unexpected: nothing is paid twice, believed blindly, or given up early."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qaml_qiskit.execution import measured_qubits
from tests.integration.conftest import Finished
from tests.integration.hardware import CHUNKS, IMAGES, ONCE, arguments, executions
from tests.integration.loopback.client import connect
from tests.integration.loopback.faults import DROP, TORN, Fault, answer
from tests.integration.loopback.qpu import circuits
from tests.integration.loopback.server import MANILA, Loopback
from tests.integration.loopback.wire import Call

pytest_plugins = ["tests.integration.loopback.fixtures"]

Qaml = Callable[..., Finished]


def test_a_run_that_goes_on_after_a_calibration_keeps_its_circuit(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    words = [word if word != "quick" else "level3" for word in arguments(place, run)]
    server.misbehave("submit", answer(429), skip=2)
    assert qaml("run", *words, "--submit").code == 2
    used = set(measured_qubits(circuits(server.jobs[0].params)[0]))
    properties = server.devices[MANILA].properties()
    # The qubits in use are the worst from now on: level3 would choose others.
    for qubit in used:
        for entry in properties["qubits"][qubit]:
            if entry["name"] in ("readout_error", "prob_meas0_prep1", "prob_meas1_prep0"):
                entry["value"] = 0.45
    server.devices[MANILA].history.append((datetime.now(UTC), properties))
    server.devices[MANILA]._encoded.clear()
    assert qaml("run", *words, "--submit").code == 0
    assert {tuple(measured_qubits(circuits(job.params)[0])) for job in server.jobs} == {
        tuple(measured_qubits(circuits(server.jobs[0].params)[0]))
    }
    assert executions(server) == ONCE
    fresh = [word if word != str(run) else str(place / "fresh") for word in words]
    assert qaml("submit", *fresh, "--submit").code == 0
    assert set(measured_qubits(circuits(server.jobs[-1].params)[0])) != used


def test_a_lost_ledger_sends_nothing_again(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    (run / "jobs.jsonl").unlink()
    assert qaml("submit", *arguments(place, run), "--submit").code == 0
    assert len(server.jobs) == 4
    server.release()
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE


def test_jobs_with_foreign_tags_are_neither_adopted_nor_cancelled(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    image = server.jobs[1]
    tags = next(tag for tag in image.tags if tag.count("-") == 1), f"qaml-{'0' * 12}-images-0000-2"
    for foreign in (list(tags), [tags[0], "qaml-x"], [*tags, 7]):
        server.accept({**image.body, "tags": foreign})
    server.release()
    assert qaml("collect", run).code == 0
    assert [job.state for job in server.jobs[4:]] == ["Queued"] * 3


def test_another_number_of_shots_is_no_result(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    server.jobs[1].params["quantum_program"]["shots"] = 100
    server.release()
    partly = qaml("collect", run, "--json")
    assert partly.code == 6
    assert {row["images"] for row in partly.json()["results"]} == {IMAGES - 2}
    assert "100 shots" in partly.err
    assert qaml("submit", "--retry", run).code == 0
    assert len(server.jobs) == 5
    assert qaml("collect", run).code == 0


def test_a_result_that_is_gone_does_not_keep_the_others(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    def gone(call: Call) -> Fault | None:
        return answer(404) if call.job is server.jobs[1] else None

    server.on("results", gone, when="before", times=1000)
    partly = qaml("run", *arguments(place, run), "--submit", "--json")
    assert partly.code == 6
    assert {row["images"] for row in partly.json()["results"]} == {IMAGES - 2}
    assert "images-0000" in partly.err
    assert qaml("submit", "--retry", run).code == 0
    assert len(server.jobs) == 5
    assert qaml("collect", run).code == 0


@pytest.mark.parametrize(
    ("endpoint", "fault"), [("job", answer(429)), ("job", TORN), ("jobs", DROP)], ids=["429", "torn", "dropped"]
)
def test_a_collection_that_was_told_to_wait_waits(
    qaml: Qaml, server: Loopback, place: Path, run: Path, endpoint: str, fault: Fault
) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    server.misbehave(endpoint, fault, times=3)
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE


def test_a_device_that_is_gone_does_not_keep_what_it_measured(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    server.finish()
    del server.devices[MANILA]
    assert {row["state"] for row in qaml("status", run, "--json").json()["results"]} == {"done"}
    assert qaml("collect", run).code == 0


def test_a_copy_of_the_folder_leaves_the_originals_jobs_alone(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    server.fail(server.jobs[1])
    assert qaml("collect", run, "--timeout", 0).code in (4, 6)
    copy = place / "copy"
    shutil.copytree(run, copy)
    assert qaml("submit", "--retry", run).code == 0
    # What the original sent is found from the copy, which has nothing left to send then.
    assert qaml("submit", "--retry", copy).code == 0
    assert len(server.jobs) == 5
    refused = qaml("cancel", copy)
    assert refused.code == 2
    assert "is a copy of a run" in refused.err
    assert not any(job.state == "Cancelled" for job in server.jobs)
    server.release()
    assert qaml("collect", copy).code == 0
    assert qaml("collect", run).code == 0
    # Said to be the one that is used from now on, it may send and cancel.
    assert qaml("cancel", copy, "--moved").code == 0


def test_a_cancelled_job_that_completes_is_collected(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")

    def too_late(call: Call) -> None:
        call.known_job.state, call.known_job.finished = "Queued", None

    server.on("cancel", too_late, when="accepted", times=4)
    assert {row["state"] for row in qaml("cancel", run, "--json").json()["results"]} == {"submitted"}
    server.release()
    assert qaml("submit", "--retry", run).code == 0
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "0"])
def test_a_limit_that_is_no_time_is_refused(qaml: Qaml, server: Loopback, place: Path, run: Path, seconds: str) -> None:
    refused = qaml("run", *arguments(place, run), "--submit", f"--max-seconds={seconds}")
    assert refused.code == 2
    assert "a positive number" in refused.err
    assert not server.jobs
    assert not run.exists()


def test_a_retry_keeps_to_its_limit_and_to_the_run(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    qaml("submit", *arguments(place, run), "--submit", "--max-seconds", 600)
    assert {job.cost for job in server.jobs} == {600}
    server.fail(server.jobs[1])
    qaml("collect", run)
    changed = qaml("submit", "--retry", run, "--shots", 100, "--seed", 0)
    assert changed.code == 2
    assert "--shots, --seed" in changed.err
    assert qaml("submit", "--retry", run, "--max-seconds", 1).code == 5
    assert qaml("submit", "--retry", run, "--max-seconds", "nan").code == 2
    assert len(server.jobs) == 4
    # The one job that is due fits into what all four would not.
    assert qaml("submit", "--retry", run, "--max-seconds", 4).code == 0
    assert [job.cost for job in server.jobs[4:]] == [4]
    assert qaml("collect", run).code == 0


def test_a_retry_sees_for_itself_what_came_to_nothing(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    server.fail(server.jobs[1])
    server.cancel(server.jobs[2])
    # The two that failed since the last look count in what a retry costs.
    assert qaml("submit", "--retry", run, "--max-seconds", 4).code == 5
    assert qaml("submit", "--retry", run, "--max-seconds", 600).code == 0
    assert len(server.jobs) == 6
    server.release()
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE


def test_a_run_that_goes_on_keeps_the_limit_of_its_jobs(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.misbehave("submit", answer(429), skip=2)
    assert qaml("run", *arguments(place, run), "--submit", "--max-seconds", 600).code == 2
    assert qaml("run", *arguments(place, run), "--submit").code == 0
    assert {job.cost for job in server.jobs} == {600}


def test_another_instance_loses_nothing(
    qaml: Qaml, server: Loopback, place: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    mine, server.instance = server.instance, server.instance.replace("0000", "1111")
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", server.instance)
    for command in (("collect", run), ("submit", "--retry", run), ("cancel", run)):
        refused = qaml(*command)
        assert refused.code == 2
        assert "another instance" in refused.err
        assert server.instance not in refused.err
    server.instance = mine
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", mine)
    assert qaml("collect", run).code == 0
    assert not any(mine in file.read_text(errors="replace") for file in run.rglob("*") if file.is_file())
    assert executions(server) == ONCE


def test_a_readout_that_cannot_be_corrected_is_scored_raw_and_calibrated_again_on_request(
    qaml: Qaml, place: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback({MANILA: "manila"}, noise="readout") as server:
        connect(server, monkeypatch, place / "home")
        server.change_calibration(100.0)
        qaml("submit", *arguments(place, run), "--submit")
        server.run(server.jobs[0])
        server.change_calibration(0.02)
        raw = qaml("collect", run, "--json")
        assert raw.code == 6
        assert {row["stage"] for row in raw.json()["results"]} == {"ideal", "raw"}
        assert "--recalibrate" in raw.err
        assert qaml("submit", "--retry", run, "--recalibrate").code == 0
        assert len(server.jobs) == len(CHUNKS) + 1
        whole = qaml("collect", run, "--json")
        assert whole.code == 0
        assert {row["stage"] for row in whole.json()["results"]} == {"ideal", "raw", "mitigated"}
