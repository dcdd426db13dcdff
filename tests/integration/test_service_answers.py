"""Whole commands against a service that hangs, says odd things, or repeats what it was sent."""

import base64
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from qiskit_ibm_runtime.accounts import management

from qaml_qiskit.execution.ibm import question
from tests.integration.conftest import Finished
from tests.integration.hardware import arguments, workspace
from tests.integration.loopback.faults import SILENT, Fault, answer, say
from tests.integration.loopback.server import MANILA, Loopback

pytest_plugins = ["tests.integration.loopback.fixtures"]

Qaml = Callable[..., Finished]

PASSWORD = "a-password-of-a-proxy"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


@pytest.fixture
def run(qaml: Qaml, server: Loopback, place: Path) -> Path:
    """A run whose jobs are submitted and wait."""
    server.hold()
    assert qaml("submit", *arguments(place, place / "run"), "--submit").code == 0
    return place / "run"


@pytest.fixture
def saved_account(server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The account in the file where the client keeps it instead of the environment; returns its secrets."""
    file = tmp_path / "home" / ".qiskit" / "qiskit-ibm.json"
    file.parent.mkdir(parents=True)
    account = {"channel": "ibm_quantum_platform", "token": server.token, "instance": server.instance}
    other = {"channel": "ibm_cloud", "token": "t" * 44, "proxies": {"urls": {"https": f"http://me:{PASSWORD}@proxy:1"}}}
    account["url"] = os.environ["QISKIT_IBM_URL"]
    file.write_text(json.dumps({"default-ibm-quantum-platform": account, "other": other}))
    monkeypatch.setattr(management, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(file))
    for name in ("TOKEN", "INSTANCE", "URL"):
        monkeypatch.delenv(f"QISKIT_IBM_{name}")
    return [server.token, server.instance, PASSWORD]


def written(secret: str) -> list[str]:
    """Forms in which a secret travels."""
    basic = base64.b64encode(f"apikey:{secret}".encode()).decode()
    coloured = f"{secret[:9]}\x1b[0m{secret[9:]}"
    return [secret, secret.upper(), quote(secret, safe=""), basic, secret.encode().hex(), coloured]


def texts(run: Path, *finished: Finished) -> str:
    """All that was said and written."""
    files = [file.read_bytes().decode("utf-8", "replace") for file in run.rglob("*") if file.is_file()]
    return "\n".join([*(one.out + one.err for one in finished), *files])


def test_a_hanging_service_is_not_waited_for_past_the_timeout(
    qaml: Qaml, server: Loopback, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "LEAST", 0.5)
    server.release()
    for endpoint in ("token", "jobs", "job", "results"):
        server.misbehave(endpoint, SILENT, times=99)
        late = qaml("collect", run, "--timeout", 0)
        assert late.code in (2, 4, 6), late.err
        assert "Error: " in late.err
        server.behave()
    assert qaml("collect", run).code == 0


def test_facts_of_another_shape_cost_no_result(qaml: Qaml, server: Loopback, run: Path) -> None:
    server.release()
    for job in server.jobs:
        job.tags = [7, None, *job.tags]  # type: ignore[list-item]
    odd = [say(body) for body in (None, [], {"usage": 3, "timestamps": "now"}, {"usage": {}})]
    odd.append(say({"usage": {"qpu_charge_time_seconds": "many"}, "timestamps": {"finished": 17}}))
    odd += [answer(404), answer(402)]
    for endpoint in ("metrics", "properties"):
        for fault in odd * 4:
            server.misbehave(endpoint, fault)
    collected = qaml("collect", run)
    assert collected.code == 0, collected.err
    assert all("NaN" not in line for line in (run / "jobs.jsonl").read_text().splitlines())


def test_nothing_that_a_service_says_shows_a_secret(
    qaml: Qaml, server: Loopback, place: Path, run: Path, saved_account: list[str]
) -> None:
    """Whatever form it takes, whichever answer it stands in, with the account from the client's own file."""
    rng = random.Random(5)
    planted = [form for secret in saved_account for form in written(secret)]
    # An access token of another process is known by its looks only.
    planted += [server.access_tokens[-1], server.access_tokens[-1].upper()]
    endpoints = ("token", "search", "backends", "configuration", "properties", "status", "jobs", "job", "results")
    words: list[tuple[object, ...]] = [("status", run), ("collect", run, "--timeout", 0), ("cancel", run)]
    words.append(("backends", "--backends", place / "backends.yaml", "--json"))
    said = []
    for endpoint in endpoints * 2:
        text = " ".join(rng.sample(planted, 3))
        status = rng.choice((400, 401, 403, 404, 409, 500, 200))
        fault = Fault(status=status, message=text, leak=True)
        if status == 200:
            fault = say({"id": text, text: text, "jobs": [{"id": text, "tags": [text]}], "count": 1})
        server.misbehave(endpoint, fault, times=99, skip=rng.randrange(2))
        said.append(qaml(*rng.choice(words[:2] + words[3:])))
        server.behave()
    device = server.devices[MANILA]
    device.operational, device.status = False, "down " + " ".join(planted)
    said.append(qaml(*words[3]))
    assert "offline, down …" in said[-1].json()["results"][0]["status"]
    server.fail(server.jobs[1], "failed " + " ".join(planted))
    server.cancel(server.jobs[2], " ".join(planted), 7)
    server.release()
    device.operational, device.status = True, "active"
    said += [qaml("collect", run, "--timeout", 0), qaml("status", run)]
    assert "failed" in said[-1].out
    everything = texts(run, *said)
    for form in planted:
        # A part of it is enough; of base64 the ends belong to what stands beside it.
        assert form[12:-4] not in everything
    assert "\x1b[0m" not in everything
    assert all(one.err.count("Traceback") == 0 and one.code in (0, 2, 3, 4, 6) for one in said)


def test_a_table_of_targets_says_why_one_cannot_be_reached(
    qaml: Qaml, server: Loopback, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("backends", "--backends", place / "backends.yaml", "--json")

    def standing() -> str:
        return str(qaml(*words).json()["results"][0]["status"])

    server.stop()
    assert "a refused connection" in standing()
    server.start()
    server.revoked = True
    assert "a refusal of the account" in standing()
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    assert standing() == "no credentials"
    broken = place / "accounts.json"
    broken.write_text('{"default-ibm-quantum-platform": 7')
    monkeypatch.setattr(management, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(broken))
    assert "cannot be read" in standing()
