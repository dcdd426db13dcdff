"""Whole runs on a device, against a loopback service that speaks the real one's language and can misbehave."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.execution import Ledger
from qaml_qiskit.execution.costs import JOB_OVERHEAD
from qaml_qiskit.models import QVC, DataCard, QVCConfig, save_model
from tests.integration.conftest import Finished
from tests.integration.hardware import (
    CHUNKS,
    IMAGES,
    ONCE,
    arguments,
    executions,
    predictions,
    same,
    undisturbed_run,
)
from tests.integration.loopback.client import KILL_AT
from tests.integration.loopback.faults import DROP_AFTER_ACCEPT, TORN, accept_then, answer, leak
from tests.integration.loopback.server import MANILA, Loopback
from tests.mthree_cases import M3

pytest_plugins = ["tests.integration.loopback.fixtures"]

Qaml = Callable[..., Finished]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The predictions of a run that nothing disturbs. Equal PUBs give equal counts on the loopback."""
    return undisturbed_run(tmp_path_factory.mktemp("undisturbed"), arguments)


def test_a_run_sends_every_job_once_and_collecting_again_changes_nothing(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    first = qaml("run", *arguments(place, run), "--submit", "--json")
    assert first.code == 0, first.err
    assert {row["stage"] for row in first.json()["results"]} == {"ideal", "raw", "mitigated"}
    assert executions(server) == ONCE
    assert [session.mode for session in server.sessions] == ["batch"]
    assert not server.sessions[0].accepting_jobs
    files = {file: file.read_bytes() for file in run.rglob("*") if file.is_file() and file.name != ".lock"}
    submitted = server.count("submit")
    again = qaml("collect", run, "--json")
    assert again.code == 0
    assert again.json()["results"] == first.json()["results"]
    assert files == {file: file.read_bytes() for file in run.rglob("*") if file.is_file() and file.name != ".lock"}
    assert server.count("submit") == submitted


def test_submit_leaves_and_another_process_collects(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray]
) -> None:
    server.hold()
    assert qaml("submit", *arguments(place, run), "--submit").code == 0
    states = {row["chunk"]: row["state"] for row in qaml("status", run, "--json").json()["results"]}
    assert states == dict.fromkeys(CHUNKS, "pending")
    early = qaml("collect", run, "--timeout", 0)
    assert early.code == 4
    assert "4 pending" in early.err
    server.release()
    server.restart(down=0.1)
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


def test_partial_results_are_scored_and_marked(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    calibration, first, *_ = server.jobs
    server.release(calibration, first)
    partly = qaml("collect", run, "--timeout", 0, "--json")
    assert partly.code == 6
    assert {row["images"] for row in partly.json()["results"]} == {2}
    assert "2 of 4 jobs" in partly.err
    assert not (run / "metrics.json").exists()
    server.release()
    whole = qaml("collect", run, "--json")
    assert whole.code == 0
    assert {row["images"] for row in whole.json()["results"]} == {IMAGES}


@pytest.mark.parametrize("fault", [DROP_AFTER_ACCEPT, accept_then(503)], ids=["answer lost", "answered 503"])
def test_an_answer_lost_after_acceptance_is_no_second_paid_job(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray], fault: object
) -> None:
    server.hold()
    server.misbehave("submit", fault, skip=1)
    assert qaml("submit", *arguments(place, run), "--submit").code == 0
    server.release()
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


@pytest.mark.parametrize(
    "point",
    [
        "before-intended:images-0000",
        "before-submitted:images-0000",
        "submitted:images-0000",
        "before-collected:images-0001",
    ],
)
def test_killed_at_any_step_every_pub_runs_once(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray], point: str
) -> None:
    """Kill −9 before a submission, after its acceptance, before the next one, and while results are decoded."""
    client = [sys.executable, "-W", "ignore", "-m", "tests.integration.loopback.client"]
    killed = subprocess.run(
        [*client, "run", *arguments(place, run), "--submit"],
        env={**os.environ, KILL_AT: point},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (run / "metrics.json").exists()
    # The same command goes on; nothing that was accepted is sent again.
    assert qaml("run", *arguments(place, run), "--submit").code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


def test_killed_while_waiting(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray]
) -> None:
    server.hold()
    client = [sys.executable, "-W", "ignore", "-m", "tests.integration.loopback.client"]
    process = subprocess.Popen([*client, "run", *arguments(place, run), "--submit", "--json"])
    server.on("job", lambda call: process.kill(), when="accepted")
    assert process.wait(timeout=120) == -signal.SIGKILL
    server.release()
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


def test_failed_cancelled_and_lost_jobs_are_named_and_only_they_are_sent_again(
    qaml: Qaml, server: Loopback, place: Path, run: Path, undisturbed: dict[str, np.ndarray]
) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    _, failed, cancelled, lost = server.jobs
    server.fail(failed, "the fridge is warm")
    server.cancel(cancelled)
    server.lose(lost)
    server.release()
    nothing = qaml("collect", run)
    assert nothing.code == 6
    for word in ("the fridge is warm", "cancelled", "lost", failed.id, "--retry"):
        assert word in nothing.err
    # Without --retry nothing that ended is sent again.
    qaml("submit", *arguments(place, run), "--submit")
    assert len(server.jobs) == 4
    assert qaml("submit", "--retry", run).code == 0
    assert len(server.jobs) == 7
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE
    assert same(predictions(run), undisturbed)


def test_cancel(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    rows = qaml("cancel", run, "--json").json()["results"]
    assert {row["state"] for row in rows} == {"cancelled"}
    server.release()
    assert not executions(server).total()
    assert qaml("collect", run).code == 6


def test_refused_in_the_middle_the_same_command_goes_on(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.misbehave("submit", answer(429), skip=2)
    refused = qaml("run", *arguments(place, run), "--submit")
    assert refused.code == 2
    assert "429" in refused.err
    assert len(server.jobs) == 2
    assert qaml("run", *arguments(place, run), "--submit").code == 0
    assert executions(server) == ONCE


def test_a_torn_result_is_fetched_again(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    server.misbehave("results", TORN)
    assert qaml("run", *arguments(place, run), "--submit").code == 0
    assert executions(server) == ONCE


def test_a_torn_ledger_line_is_recovered(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    ledger = run / "jobs.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    assert qaml("run", *arguments(place, run), "--submit").code == 0
    assert executions(server) == ONCE


def test_a_second_process_is_told(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    with Ledger(run / "jobs.jsonl").exclusive():
        second = qaml("collect", run)
    assert second.code == 2
    assert f"number {os.getpid()}" in second.err


def test_nothing_is_sent_without_consent_or_budget(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    refused = qaml("run", *arguments(place, run))
    assert refused.code == 2
    assert "--submit" in refused.err
    dear = qaml("run", *arguments(place, run), "--submit", "--max-seconds", 3)
    assert dear.code == 5
    server.usage_limit_reached = True
    assert qaml("run", *arguments(place, run), "--submit").code == 5
    server.usage_limit_reached = False
    server.devices[MANILA].operational = False
    offline = qaml("run", *arguments(place, run), "--submit")
    assert offline.code == 2
    assert "offline" in offline.err
    assert not server.jobs


def test_the_plan_names_the_cost(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    words = arguments(place, run)
    plan = qaml("plan", *words[: words.index("--out")], "--json").json()
    row = plan["results"][0]
    assert (row["images"], row["jobs"], row["pubs"], row["executions"]) == (5, 4, 5, 200 * 7)
    assert row["qpu_seconds"] > 4 * 2
    assert any("µs between executions" in note for note in plan["notes"])
    assert not server.jobs


def test_a_folder_of_another_model_is_refused(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    other = qaml("submit", *arguments(place, run, model="other"), "--submit")
    assert other.code == 2
    assert len(server.jobs) == 4


def test_a_device_calibrated_anew_is_noted_and_the_old_one_can_be_simulated(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    server.hold()
    qaml("submit", *arguments(place, run), "--submit")
    server.change_calibration(2.0)
    server.release()
    collected = qaml("collect", run, "--json")
    assert collected.code == 0
    assert any("calibrated anew" in note for note in collected.json()["notes"])
    assert len(list((run / "snapshot").glob("properties*.json"))) == 2
    (place / "backends.yaml").write_text(f"targets: {{device: {{kind: snapshot, folder: {run / 'snapshot'}}}}}\n")
    simulated = qaml("run", *arguments(place, place / "simulated"), "--json")
    assert simulated.code == 0, simulated.err


@pytest.mark.parametrize(("mode", "sessions"), [("job", []), ("session", ["dedicated"])])
def test_modes(qaml: Qaml, server: Loopback, place: Path, run: Path, mode: str, sessions: list[str]) -> None:
    assert qaml("run", *arguments(place, run), "--submit", "--mode", mode).code == 0
    assert [session.mode for session in server.sessions] == sessions
    assert executions(server) == ONCE


@pytest.mark.parametrize("said_yes", [True, False])
def test_a_typed_answer_decides_on_a_terminal(
    qaml: Qaml, server: Loopback, place: Path, run: Path, monkeypatch: pytest.MonkeyPatch, said_yes: bool
) -> None:
    monkeypatch.setattr("qaml_qiskit.cli.consent.on_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *words, **options: said_yes)
    finished = qaml("submit", *arguments(place, run))
    assert finished.code == (0 if said_yes else 2)
    assert "qpu seconds" in finished.err
    assert len(server.jobs) == (4 if said_yes else 0)


def test_backends_says_how_a_device_stands(qaml: Qaml, server: Loopback, place: Path) -> None:
    words = ("backends", "--backends", place / "backends.yaml", "--json")
    row = qaml(*words).json()["results"][0]
    assert (row["qubits"], row["status"].split(",")[0]) == (5, "online")
    server.misbehave("status", answer(400), times=9)
    assert "status" in qaml(*words).json()["results"][0]["status"]


def test_estimator_mitigation_on_a_device(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    finished = qaml("run", *arguments(place, run, mitigation="trex"), "--submit", "--json")
    assert finished.code == 0, finished.err
    assert [row["stage"] for row in finished.json()["results"]] == ["ideal", "mitigated"]
    assert finished.json()["results"][1]["z_error"] < 0.25


@pytest.mark.parametrize("mitigation", [M3, "trex"])
def test_a_head_over_products_of_z_goes_to_the_device_and_back(
    qaml: Qaml, server: Loopback, place: Path, run: Path, mitigation: str
) -> None:
    config = QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, readout="linear-zz")
    save_model(place / "head", QVC(config, 7), DataCard(dataset="digits", classes=(0, 1)))
    assert qaml("submit", *arguments(place, run, model="head", mitigation=mitigation), "--submit").code == 0
    (place / "head").rename(place / "gone")
    finished = qaml("collect", run, "--json")
    assert finished.code == 0, finished.err
    # Nothing but bitstrings, or one PUB an image of three observables, whatever is read.
    assert sum(executions(server).values()) == len(ONCE) - (mitigation == "trex")
    kept = predictions(run)
    assert kept["expectations_mitigated"].shape == (IMAGES, 3)
    assert kept["logits_mitigated"].shape == (IMAGES, 2)


def test_draws_of_noise_layers_are_sent_once_and_paid_for(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    layers = NoiseLayers(beta=1.0, variance=0.5)
    config = QVCConfig(image_shape=(1, 2, 2), num_classes=2, num_layers=2, noise_layers=layers)
    save_model(place / "defended", QVC(config, 7), DataCard(dataset="digits", classes=(0, 1)))
    words = arguments(place, run, mitigation="none", model="defended@layers:mean:6")
    plain = arguments(place, run, mitigation="none", model="defended@layers:off")
    many, one = (qaml("plan", *each[: each.index("--out")], "--json").json()["results"][0] for each in (words, plain))
    assert (many["images"], many["executions"]) == (IMAGES, 6 * one["executions"])
    overhead = JOB_OVERHEAD * many["jobs"]
    assert many["qpu_seconds"] - overhead > 6 * (one["qpu_seconds"] - overhead)
    server.hold()
    server.misbehave("submit", DROP_AFTER_ACCEPT, skip=1)
    assert qaml("submit", *words, "--submit").code == 0
    sent = (run / "values.npy").read_bytes()
    first, *_ = server.jobs
    server.release(first)
    partly = qaml("collect", run, "--timeout", 0, "--json")
    assert {row["images"] for row in partly.json()["results"]} == {2}
    # The same command goes on: nothing is sent again, and no angle is drawn anew.
    assert qaml("submit", *words, "--submit").code == 0
    server.release()
    whole = qaml("collect", run, "--json")
    assert whole.code == 0, whole.err
    assert {row["images"] for row in whole.json()["results"]} == {IMAGES}
    assert (run / "values.npy").read_bytes() == sent
    assert executions(server) == {chunk: 1 for chunk in CHUNKS if chunk != "calibration"}
    assert any("6 fresh draws" in note for note in whole.json()["notes"])


def test_wrong_token(qaml: Qaml, server: Loopback, place: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "not-the-token")
    refused = qaml("run", *arguments(place, run), "--submit")
    assert refused.code == 3
    assert "not-the-token" not in refused.err
    assert not run.exists()


def test_a_token_revoked_while_jobs_run(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    qaml("submit", *arguments(place, run), "--submit")
    server.revoked = True
    assert qaml("collect", run).code in (2, 3)
    server.revoked = False
    assert qaml("collect", run).code == 0
    assert executions(server) == ONCE


def test_a_snapshot_that_cannot_be_fetched_is_one_line_and_sends_nothing(
    qaml: Qaml, server: Loopback, place: Path, run: Path
) -> None:
    # The first request is the client's own, when it opens the device.
    server.misbehave("properties", leak(400), skip=1)
    refused = qaml("run", *arguments(place, run), "--submit")
    assert refused.code == 2
    assert refused.err.strip().splitlines()[-1].startswith("Error: cannot fetch the calibration")
    assert server.token not in refused.err
    assert not server.jobs
    assert qaml("run", *arguments(place, run), "--submit").code == 0
    assert executions(server) == ONCE


def test_no_secret_in_any_file_or_message(qaml: Qaml, server: Loopback, place: Path, run: Path) -> None:
    """The planted token, through the whole run and through errors that repeat it."""
    said = []
    for endpoint in ("submit", "list", "job", "results"):
        server.misbehave(endpoint, leak(400), skip=1)
        said.append(qaml("run", *arguments(place, run), "--submit"))
    said.append(qaml("run", *arguments(place, run), "--submit"))
    assert said[-1].code == 0
    assert any(finished.code == 2 for finished in said)
    secrets = [server.token, os.environ["QISKIT_IBM_INSTANCE"], "Bearer ", "eyJ"]
    texts = [finished.out + finished.err for finished in said]
    texts += [file.read_bytes().decode(errors="replace") for file in run.rglob("*") if file.is_file()]
    assert len(texts) > len(said) + 10
    for secret in secrets:
        assert not any(secret in text for text in texts), secret
