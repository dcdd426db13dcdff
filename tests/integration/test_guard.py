"""The guard around the real client: whatever the service does, a question ends, and says what it means."""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError, UnavailableError
from qaml_qiskit.execution import question
from qaml_qiskit.execution.options import PrimitiveOptions
from qaml_qiskit.execution.runtime import RuntimeRunner
from qaml_qiskit.execution.service import ask, device_status, open_device, open_service, scrub
from qaml_qiskit.execution.workload import CALIBRATION, JobSpec, Workload, build_workload
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
from tests.integration.loopback.fixtures import connect
from tests.integration.loopback.server import MANILA, Loopback

RUN = "0123456789ab"
HANGS = (STALL, SILENT, DRIP)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    with Loopback({MANILA: "manila"}) as running:
        connect(running, monkeypatch, tmp_path / "home")
        yield running


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions give up soon."""
    monkeypatch.setattr(question, "USUAL", 0.4)
    monkeypatch.setattr(question, "LARGE", 0.4)


@pytest.fixture
def runner(server: Loopback) -> RuntimeRunner:
    service = open_service()
    backend, _ = open_device(service, MANILA)
    return RuntimeRunner(service, MANILA, backend)


@pytest.fixture
def workload(runner: RuntimeRunner) -> Workload:
    angles = ParameterVector("θ", 1)
    circuit = QuantumCircuit(1)
    circuit.ry(angles[0], 0)
    circuit.measure_all()
    isa = generate_preset_pass_manager(backend=runner.backend, optimization_level=0).run(circuit)
    return build_workload(
        isa,
        np.zeros((2, 1)),
        target="device",
        shots=20,
        mitigation="none",
        seed=1,
        options=PrimitiveOptions(),
    )


def sent(runner: RuntimeRunner, workload: Workload) -> str:
    return runner.submit(workload, workload.image_jobs[0], RUN, 1)


QUESTIONS: dict[str, tuple[str, Callable[[RuntimeRunner, str, Workload], Any]]] = {
    "state": ("job", lambda runner, job, workload: runner.state(job)),
    "find": ("jobs", lambda runner, job, workload: runner.find(RUN)),
    "answer": ("results", lambda runner, job, workload: runner.answer(job, workload, workload.image_jobs[0])),
    "status": ("status", lambda runner, job, workload: device_status(runner.backend, MANILA)),
    "cancel": ("cancel", lambda runner, job, workload: runner.cancel(job)),
}


@pytest.mark.parametrize(
    ("name", "fault"),
    [("cancel", SILENT), *((name, fault) for name in ("state", "find", "answer", "status") for fault in HANGS)],
)
def test_no_answer_ends_and_can_be_asked_for_again(
    server: Loopback, runner: RuntimeRunner, workload: Workload, short: None, name: str, fault: Fault
) -> None:
    endpoint, put = QUESTIONS[name]
    server.hold()
    job = sent(runner, workload)
    if name != "cancel":
        server.release()
    server.misbehave(endpoint, fault, times=20)
    with pytest.raises(UnavailableError, match="no answer in time"):
        put(runner, job, workload)
    server.behave()
    put(runner, job, workload)


@pytest.mark.parametrize("fault", [STALL, SILENT], ids=["stall", "silent"])
def test_a_submission_that_stops_is_known_by_its_tag_and_sends_nothing_later(
    server: Loopback, runner: RuntimeRunner, workload: Workload, short: None, fault: Fault
) -> None:
    server.misbehave("submit", fault, times=20)
    with pytest.raises(UnavailableError, match="no answer in time"):
        sent(runner, workload)
    server.behave()
    assert [found.job for found in runner.find(RUN)] == [job.id for job in server.jobs]
    assert server.count("submit") == 1


def test_opening_ends_too(server: Loopback, short: None) -> None:
    for endpoint in ("token", "search", "backends"):
        server.misbehave(endpoint, SILENT, times=20)
        with pytest.raises(UnavailableError, match="no answer in time"):
            open_service()
        server.behave()
    service = open_service()
    for endpoint in ("configuration", "properties"):
        server.misbehave(endpoint, STALL, times=20)
        with pytest.raises(UnavailableError, match="no answer in time"):
            open_device(service, MANILA)
        server.behave()
    assert open_device(service, MANILA)[1].num_qubits == 5


def test_a_list_that_promises_more_than_it_serves_ends(
    server: Loopback, runner: RuntimeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question, "MOST_REQUESTS", 20)
    server.misbehave("jobs", say({"jobs": [], "count": 7}), times=50)
    with pytest.raises(UnavailableError, match="without end"):
        runner.find(RUN)
    assert server.count("jobs") == 20


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_pause_is_left_to_the_caller(server: Loopback, runner: RuntimeRunner, status: int) -> None:
    server.misbehave("jobs", answer(status, retry_after=3600), times=9)
    with pytest.raises(UnavailableError) as refused:
        runner.find(RUN)
    assert refused.value.retry_after == 300
    assert str(status) in str(refused.value.got)
    assert server.count("jobs") == 1


def test_a_short_time_for_the_command_is_shared(
    server: Loopback, runner: RuntimeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past it each question still gets an answer, but those that wait in vain share what is left."""
    monkeypatch.setattr(question, "LEAST", 0.3)
    with question.within(0.0):
        assert runner.find(RUN) == []
        server.misbehave("jobs", SILENT, times=9)
        for _ in range(3):
            with pytest.raises(UnavailableError, match="no answer in time"):
                runner.find(RUN)
        assert server.count("jobs") == 2
    server.behave()
    assert runner.find(RUN) == []


@pytest.mark.parametrize("fault", [TORN, SHORT, EMPTY, DROP, answer(429), answer(500), answer(503)])
def test_what_passes_is_unavailable_and_passes(
    server: Loopback, runner: RuntimeRunner, workload: Workload, fault: Fault
) -> None:
    job = sent(runner, workload)
    for name in ("state", "find", "answer", "status"):
        endpoint, put = QUESTIONS[name]
        server.misbehave(endpoint, fault, times=9)
        with pytest.raises(UnavailableError):
            put(runner, job, workload)
        server.behave()
        put(runner, job, workload)
    server.misbehave("backends", fault, times=99)
    with pytest.raises(UnavailableError):
        open_device(open_service(), MANILA)


#: Answers of another shape, all of them good JSON.
ODD: tuple[object, ...] = (None, [], {}, "text", 7, [[2]], {"state": 3, "jobs": 4, "count": "many", "devices": 5})


@pytest.mark.parametrize("body", ODD, ids=repr)
def test_an_answer_of_another_shape_is_a_known_error(
    server: Loopback, runner: RuntimeRunner, workload: Workload, body: object, tmp_path: Path
) -> None:
    job = sent(runner, workload)
    for name in ("state", "find", "status"):
        endpoint, put = QUESTIONS[name]
        server.misbehave(endpoint, say(body), times=3)
        with suppress(QamlError):
            put(runner, job, workload)
        server.behave()
    for endpoint in ("configuration", "properties", "backends", "usage", "status"):
        server.misbehave(endpoint, say(body), times=9)
        with suppress(QamlError):
            service = open_service()
            backend, _ = open_device(service, MANILA)
            RuntimeRunner(service, MANILA, backend).ready(tmp_path / endpoint)
        server.behave()
    # What is only worth knowing costs no result, whatever it looks like.
    for endpoint in ("metrics", "properties", "configuration"):
        server.misbehave(endpoint, say(body), times=9)
    found = runner.answer(job, workload, workload.image_jobs[0])
    assert found.result[0].data.meas.num_shots == 20


@pytest.mark.parametrize("status", [400, 402, 404, 413])
def test_a_device_without_properties_is_one_line(server: Loopback, runner: RuntimeRunner, status: int) -> None:
    server.misbehave("properties", answer(status), times=9)
    with pytest.raises(ConfigurationError, match=f"cannot open {MANILA}.*{status}"):
        open_device(open_service(), MANILA)


def test_empty_properties_open_but_do_not_submit(server: Loopback, tmp_path: Path) -> None:
    server.misbehave("properties", say({}), times=9)
    service = open_service()
    backend, isa = open_device(service, MANILA)
    assert isa.num_qubits == 5
    with pytest.raises(UnavailableError, match="cannot fetch the calibration"):
        RuntimeRunner(service, MANILA, backend).ready(tmp_path)
    assert not list(tmp_path.iterdir())


def test_tags_that_are_numbers_are_no_tags(server: Loopback, runner: RuntimeRunner, workload: Workload) -> None:
    job = sent(runner, workload)
    server.jobs[0].tags = [7, None, *server.jobs[0].tags]  # type: ignore[list-item]
    server.on("jobs", lambda call: None)
    assert [found.job for found in runner.find(RUN)] == [job]
    server.jobs[0].tags = [7]  # type: ignore[list-item]


def test_why_a_job_failed_is_known_without_its_result(
    server: Loopback, runner: RuntimeRunner, workload: Workload
) -> None:
    server.hold()
    job = sent(runner, workload)
    server.fail(job, "the fridge is warm")
    server.release()
    server.misbehave("results", answer(404), times=9)
    state = runner.state(job)
    assert state.status == "failed"
    assert "the fridge is warm" in state.reason


def test_only_a_refusal_is_called_one(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "another-key")
    with pytest.raises(CredentialsError, match="a refusal of the account"):
        open_service()
    monkeypatch.setenv("QISKIT_IBM_TOKEN", server.token)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", server.instance.replace("0000", "1111"))
    with pytest.raises(CredentialsError):
        open_service()
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", server.instance)
    server.stop()
    with pytest.raises(UnavailableError, match="a refused connection"):
        open_service()
    for name in ("QISKIT_IBM_URL", "IAM_URL", "GLOBAL_SEARCH_URL"):
        monkeypatch.setenv(name, "http://no-such-host.invalid/experimental")
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(UnavailableError, match="does not know the host's name"):
        open_service()
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", f"http://user:secret-password@127.0.0.1:{server.port}")
    with pytest.raises(UnavailableError, match="a proxy that does not answer") as dead:
        open_service()
    assert "secret-password" not in str(dead.value)
    assert dead.value.exit_code == 2
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    with pytest.raises(CredentialsError, match="got no credentials"):
        open_service()


def test_a_token_that_cannot_be_renewed_is_no_refusal(server: Loopback) -> None:
    """The client then sends the bare key, and the service refuses that."""
    server.token_seconds = 5
    runner = RuntimeRunner(open_service(), MANILA)
    server.misbehave("token", answer(503), times=9)
    with pytest.raises(UnavailableError):
        runner.find(RUN)
    assert not any(value.startswith("apikey") for value in server.authorizations)


def test_the_log_of_the_client_shows_no_secret(server: Loopback) -> None:
    handler = logging.StreamHandler(said := io.StringIO())
    logger = logging.getLogger("qiskit_ibm_runtime")
    logger.addHandler(handler)
    service = open_service()
    server.misbehave("configuration", leak(400), times=9)
    with pytest.raises(QamlError) as refused:
        open_device(service, MANILA)
    logger.removeHandler(handler)
    assert "Unable to create configuration" in said.getvalue()
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
    assert JobSpec(chunk=CALIBRATION).images == 0
