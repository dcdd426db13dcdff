"""The guard around the real client: whatever the service does, a question ends, and says what it means."""

import io
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from qiskit_ibm_runtime import QiskitRuntimeService

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError, UnavailableError
from qaml_qiskit.execution.ibm import question
from qaml_qiskit.execution.ibm.scrubbing import scrub
from qaml_qiskit.execution.ibm.service import ask, device_status, open_account, open_device
from qaml_qiskit.execution.snapshot import fetch_snapshot
from tests.integration.loopback.faults import (
    DRIP,
    DROP,
    EMPTY,
    SHORT,
    SILENT,
    STALL,
    TORN,
    Fault,
    answer,
    leak,
    say,
)
from tests.integration.loopback.scenario import submit
from tests.integration.loopback.server import MANILA, Loopback

pytest_plugins = ["tests.integration.loopback.fixtures"]

HANGS = (STALL, SILENT, DRIP)
WHAT = "cannot ask"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions give up soon."""
    monkeypatch.setattr(question, "USUAL", 0.4)
    monkeypatch.setattr(question, "LARGE", 0.4)


@pytest.fixture
def service(server: Loopback) -> QiskitRuntimeService:
    return open_account(WHAT)


def listed(service: QiskitRuntimeService, job: str = "") -> Any:
    return ask(WHAT, lambda: service.jobs(limit=None, job_tags=["run"]))


#: Endpoint and question, by name.
QUESTIONS: dict[str, tuple[str, Callable[[QiskitRuntimeService, str], Any]]] = {
    "state": ("job", lambda service, job: ask(WHAT, lambda: service.job(job).status())),
    "list": ("jobs", listed),
    "result": ("results", lambda service, job: ask(WHAT, lambda: service.job(job).result(), large=True)),
    "status": ("status", lambda service, job: device_status(ask(WHAT, lambda: service.backend(MANILA)))),
    "cancel": ("cancel", lambda service, job: ask(WHAT, lambda: service.job(job).cancel())),
}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("cancel", replace(SILENT, serve=False)),
        *((name, fault) for name in ("state", "list", "result", "status") for fault in HANGS),
    ],
)
def test_no_answer_ends_and_can_be_asked_for_again(
    server: Loopback, service: QiskitRuntimeService, short: None, name: str, fault: Fault
) -> None:
    endpoint, put = QUESTIONS[name]
    server.hold()
    job = submit("run", service=service).job_id()
    if name != "cancel":
        server.release()
    server.misbehave(endpoint, fault, times=20)
    with pytest.raises(UnavailableError, match="no answer in time"):
        put(service, job)
    server.behave()
    put(service, job)


@pytest.mark.parametrize("fault", [STALL, SILENT], ids=["stall", "silent"])
def test_a_submission_that_stops_sends_nothing_later(
    server: Loopback, service: QiskitRuntimeService, short: None, fault: Fault
) -> None:
    server.misbehave("submit", fault, times=20)
    with pytest.raises(UnavailableError, match="no answer in time"):
        ask(WHAT, lambda: submit("run", service=service), large=True)
    server.behave()
    assert [job.job_id() for job in listed(service)] == [job.id for job in server.jobs]
    # Where the machine is busy, the time may be over before the question has left.
    assert server.count("submit") <= 1


def test_a_question_that_was_given_up_sends_nothing_more(
    server: Loopback, service: QiskitRuntimeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the device's status when it is given up, before anything was submitted."""
    server.on("status", lambda call: given_up.wait(30) and None, when="before")
    given_up, over = threading.Event(), threading.Event()

    def send() -> None:
        try:
            submit("run", service=service)
        finally:
            over.set()

    monkeypatch.setattr(question, "LARGE", 0.4)
    with pytest.raises(UnavailableError, match="no answer in time"):
        ask(WHAT, send, large=True)
    given_up.set()
    assert over.wait(30)
    assert server.count("status") == 1
    assert not server.jobs


def test_opening_ends_too(server: Loopback, short: None) -> None:
    for endpoint in ("token", "search", "backends", "configuration", "properties"):
        server.misbehave(endpoint, STALL, times=20)
        with pytest.raises(UnavailableError, match="no answer in time"):
            open_device(MANILA)
        server.behave()


def test_a_list_that_promises_more_than_it_serves_ends(
    server: Loopback, service: QiskitRuntimeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "MOST_REQUESTS", 20)
    server.misbehave("jobs", say({"jobs": [], "count": 7}), times=50)
    with pytest.raises(UnavailableError, match="without end"):
        listed(service)
    assert server.count("jobs") == 20


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_pause_is_left_to_the_caller(server: Loopback, service: QiskitRuntimeService, status: int) -> None:
    server.misbehave("jobs", answer(status, retry_after=3600), times=9)
    with pytest.raises(UnavailableError) as refused:
        listed(service)
    assert refused.value.retry_after == 300
    assert str(status) in str(refused.value.got)
    assert server.count("jobs") == 1


def test_a_short_time_for_the_command_is_shared(
    server: Loopback, service: QiskitRuntimeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past it each question still gets an answer, but those that wait in vain share what is left."""
    monkeypatch.setattr(question, "LEAST", 0.3)
    with question.within(0.0):
        assert listed(service) == []
        server.misbehave("jobs", SILENT, times=9)
        for _ in range(3):
            with pytest.raises(UnavailableError, match="no answer in time"):
                listed(service)
        assert server.count("jobs") == 2
    server.behave()
    assert listed(service) == []


@pytest.mark.parametrize("fault", [TORN, SHORT, EMPTY, DROP, answer(429), answer(500), answer(503)])
def test_what_passes_is_unavailable_and_passes(server: Loopback, service: QiskitRuntimeService, fault: Fault) -> None:
    job = submit("run", service=service).job_id()
    # A result that is complete, and none, stays so.
    for name in ("state", "list", "status", *(() if fault in (SHORT, EMPTY) else ("result",))):
        endpoint, put = QUESTIONS[name]
        server.misbehave(endpoint, fault, times=9)
        with pytest.raises(UnavailableError):
            put(service, job)
        server.behave()
        put(service, job)
    server.misbehave("backends", fault, times=99)
    with pytest.raises(UnavailableError):
        open_device(MANILA)


#: Answers of another shape, all of them good JSON.
ODD: tuple[object, ...] = (None, [], {}, "text", 7, [[2]], {"state": 3, "jobs": 4, "count": "many", "devices": 5})


@pytest.mark.parametrize("body", ODD, ids=repr)
def test_an_answer_of_another_shape_is_a_known_error(
    server: Loopback, service: QiskitRuntimeService, body: object
) -> None:
    job = submit("run", service=service).job_id()
    for endpoint, put in QUESTIONS.values():
        server.misbehave(endpoint, say(body), times=3)
        with suppress(QamlError):
            put(service, job)
        server.behave()
    for endpoint in ("token", "search", "backends", "configuration", "properties"):
        server.misbehave(endpoint, say(body), times=9)
        with suppress(QamlError):
            fetch_snapshot(open_device(MANILA)[0])
        server.behave()


@pytest.mark.parametrize("status", [400, 402, 404, 413])
def test_a_device_without_properties_is_one_line(server: Loopback, status: int) -> None:
    server.misbehave("properties", answer(status), times=9)
    with pytest.raises(ConfigurationError, match=f"cannot open {MANILA}.*{status}"):
        open_device(MANILA)


def test_empty_properties_open_but_make_no_snapshot(server: Loopback) -> None:
    server.misbehave("properties", say({}), times=9)
    backend, isa = open_device(MANILA)
    assert isa.num_qubits == 5
    with pytest.raises(UnavailableError, match="cannot fetch the calibration"):
        fetch_snapshot(backend)


def test_only_a_refusal_is_called_one(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "another-key")
    with pytest.raises(CredentialsError, match="a refusal of the account"):
        open_account(WHAT)
    monkeypatch.setenv("QISKIT_IBM_TOKEN", server.token)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", server.instance.replace("0000", "1111"))
    with pytest.raises(CredentialsError):
        open_account(WHAT)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", server.instance)
    server.stop()
    with pytest.raises(UnavailableError, match="a refused connection"):
        open_account(WHAT)
    for name in ("QISKIT_IBM_URL", "IAM_URL", "GLOBAL_SEARCH_URL"):
        monkeypatch.setenv(name, "http://no-such-host.invalid/experimental")
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(UnavailableError, match="does not know the host's name"):
        open_account(WHAT)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", f"http://user:secret-password@127.0.0.1:{server.port}")
    with pytest.raises(UnavailableError, match="a proxy that does not answer") as dead:
        open_account(WHAT)
    assert "secret-password" not in str(dead.value)
    assert dead.value.exit_code == 2
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    with pytest.raises(CredentialsError, match="got no credentials"):
        open_account(WHAT)


def test_a_token_that_cannot_be_renewed_is_no_refusal(server: Loopback) -> None:
    """The client then sends the bare key, and the service refuses that."""
    server.token_seconds = 5
    service = open_account(WHAT)
    server.misbehave("token", answer(503), times=9)
    with pytest.raises(UnavailableError):
        listed(service)
    assert not any(value.startswith("apikey") for value in server.authorizations)


def test_the_log_of_the_client_is_silent_in_a_question_and_shows_no_secret(server: Loopback) -> None:
    handler = logging.StreamHandler(said := io.StringIO())
    logger = logging.getLogger("qiskit_ibm_runtime")
    logger.addHandler(handler)
    open_account(WHAT)
    server.misbehave("configuration", leak(400), times=9)
    with pytest.raises(QamlError) as refused:
        open_device(MANILA)
    assert said.getvalue() == ""
    logger.warning("a warning about %s", server.token)
    logger.removeHandler(handler)
    assert "a warning about" in said.getvalue()
    for text in (said.getvalue(), str(refused.value)):
        for secret in (server.token, server.access_tokens[-1], server.instance):
            assert secret not in text


def test_a_question_raises_what_its_code_raises() -> None:
    def broken() -> None:
        raise UnavailableError("a", got="b", expected="c", remedy="d", retry_after=2.0)

    with pytest.raises(UnavailableError) as raised:
        ask("anything", broken)
    assert raised.value.retry_after == 2.0
    assert scrub("two\nlines \x1b[31mred") == "two lines red"
