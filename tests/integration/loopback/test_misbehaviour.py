"""What goes wrong at the loopback server, and what the real client makes of it."""

from collections.abc import Callable

import pytest
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts import InvalidAccountError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobNotFound,
    RuntimeProgramNotFound,
)

from tests.integration.loopback.faults import (
    DROP,
    DROP_AFTER_ACCEPT,
    EMPTY,
    SHORT,
    TORN,
    Fault,
    accept_then,
    answer,
    leak,
    slow,
)
from tests.integration.loopback.scenario import SHOTS, TIMEOUT, submit, values
from tests.integration.loopback.server import MANILA, Loopback
from tests.integration.loopback.wire import Call

pytest_plugins = ["tests.integration.loopback.fixtures"]


def test_failed_cancelled_and_lost_jobs(small_loopback: Loopback) -> None:
    small_loopback.hold()
    failed, cancelled, mine, too_long, lost = (submit() for _ in range(5))
    small_loopback.fail(failed.job_id(), "the fridge is warm", 8000)
    small_loopback.cancel(cancelled.job_id())
    mine.cancel()
    small_loopback.cancel(too_long.job_id(), "ran too long", 1305)
    small_loopback.lose(lost.job_id())
    with pytest.raises(RuntimeJobFailureError, match="Error code 8000; the fridge is warm"):
        failed.result(timeout=TIMEOUT)
    for job in (cancelled, mine):
        with pytest.raises(RuntimeInvalidStateError, match="Job was cancelled"):
            job.result(timeout=TIMEOUT)
        with pytest.raises(RuntimeInvalidStateError, match="cannot be cancelled"):
            job.cancel()
    with pytest.raises(RuntimeJobMaxTimeoutError, match="ran too long"):
        too_long.result(timeout=TIMEOUT)
    with pytest.raises(RequestsApiError) as missing:
        lost.result(timeout=TIMEOUT)
    assert missing.value.status_code == 404
    with pytest.raises(RuntimeJobNotFound):
        QiskitRuntimeService().job(lost.job_id())
    assert [job.status() for job in (failed, cancelled, too_long)] == ["ERROR", "CANCELLED", "ERROR"]
    small_loopback.release()
    small_loopback.finish()
    assert sum(job.executions for job in small_loopback.jobs) == 0


def test_payload_that_cannot_run_is_a_failed_job(small_loopback: Loopback) -> None:
    small_loopback.hold()
    job = submit()
    small_loopback.jobs[0].params["quantum_program"]["circuits"] = {"not": "QPY"}
    small_loopback.release()
    with pytest.raises(RuntimeJobFailureError):
        job.result(timeout=TIMEOUT)
    assert small_loopback.jobs[0].executions == 1


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [
        (400, IBMRuntimeError, 1),
        (401, IBMNotAuthorizedError, 1),
        (403, IBMRuntimeError, 1),
        (404, RuntimeProgramNotFound, 1),
        (429, IBMRuntimeError, 1),
        (500, IBMRuntimeError, 6),
        (503, IBMRuntimeError, 6),
    ],
)
def test_refused_submission(small_loopback: Loopback, status: int, error: type[Exception], requests: int) -> None:
    small_loopback.misbehave("submit", answer(status), times=10)
    with pytest.raises(error) as refused:
        submit()
    assert type(refused.value) is error
    assert small_loopback.count("submit") == requests
    assert small_loopback.jobs == []


def test_faults_queue_up_and_end(small_loopback: Loopback) -> None:
    small_loopback.misbehave("submit", answer(503), times=2)
    small_loopback.misbehave("submit", answer(403), skip=1)
    submit()
    assert small_loopback.count("submit") == 3
    with pytest.raises(IBMRuntimeError):
        submit()
    service = QiskitRuntimeService()
    small_loopback.misbehave("*", answer(401), times=10)
    with pytest.raises(IBMNotAuthorizedError):
        service.jobs()
    small_loopback.behave()
    assert submit().status() == "DONE"


def test_retry_of_an_accepted_submission_makes_a_twin(small_loopback: Loopback) -> None:
    """The client reports the second job only; the first is known by its tag."""
    small_loopback.misbehave("submit", accept_then(503))
    job = submit("run")
    twins = QiskitRuntimeService().jobs(job_tags=["run"])
    assert [twin.job_id() for twin in twins] == [record.id for record in small_loopback.jobs][::-1]
    assert job.job_id() == small_loopback.jobs[1].id
    small_loopback.finish()
    assert [record.executions for record in small_loopback.jobs] == [1, 1]
    assert (values(twins[0]) == values(twins[1])).all()


@pytest.mark.parametrize(("fault", "accepted"), [(DROP, 0), (DROP_AFTER_ACCEPT, 1), (TORN, 1)])
def test_lost_answer_to_a_submission(small_loopback: Loopback, fault: Fault, accepted: int) -> None:
    """The client does not retry; whether there is a job only the list of jobs can tell."""
    small_loopback.misbehave("submit", fault)
    with pytest.raises(IBMRuntimeError, match="Connection"):
        submit("run")
    assert small_loopback.count("submit") == 1
    assert len(QiskitRuntimeService().jobs(job_tags=["run"])) == len(small_loopback.jobs) == accepted


def test_broken_results(small_loopback: Loopback) -> None:
    """Each of them is whole the next time."""
    job = submit()
    for fault, error in ((TORN, RequestsApiError), (SHORT, TypeError), (answer(404), RequestsApiError)):
        small_loopback.misbehave("results", fault)
        with pytest.raises(error):
            job.result(timeout=TIMEOUT)
    small_loopback.misbehave("results", EMPTY)
    assert job.result(timeout=TIMEOUT) is None
    small_loopback.misbehave("results", DROP)
    small_loopback.misbehave("results", slow(0.05))
    assert job.result(timeout=TIMEOUT)[0].data.meas.num_shots == SHOTS
    assert small_loopback.jobs[0].executions == 1


def test_credentials(small_loopback: Loopback) -> None:
    with pytest.raises(InvalidAccountError):
        small_loopback.service(token="another-key")
    service = QiskitRuntimeService()
    small_loopback.misbehave("submit", leak(400))
    with pytest.raises(IBMRuntimeError) as leaky:
        submit(service=service)
    assert small_loopback.token in str(leaky.value)
    assert small_loopback.access_tokens[-1] in str(leaky.value)
    small_loopback.revoked = True
    with pytest.raises(IBMNotAuthorizedError):
        service.jobs()
    with pytest.raises(InvalidAccountError):
        QiskitRuntimeService()
    # Only the lists of devices are read as empty instead.
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend(MANILA)


def test_spent_budget_and_sleeping_device_accept_jobs_that_do_not_run(small_loopback: Loopback) -> None:
    """The client warns of the one, and says nothing of the other."""
    service = QiskitRuntimeService()
    device = small_loopback.devices[MANILA]
    device.queue_length = 12
    device.operational = False
    asleep = submit(service=service)
    status = service.backend(MANILA).status()
    assert (asleep.status(), status.operational, status.pending_jobs) == ("QUEUED", False, 12)
    with pytest.raises(QiskitBackendNotFoundError):
        QiskitRuntimeService().least_busy()
    device.operational, device.status = True, "paused"
    with pytest.warns(UserWarning, match="status of paused"):
        submit(service=service)
    device.status = "active"
    small_loopback.usage_limit_reached = True
    with pytest.warns(UserWarning, match="has met its usage limit"):
        unpaid = submit(service=service)
    assert unpaid.status() == "QUEUED"
    small_loopback.usage_limit_reached = False
    assert [job.status() for job in (asleep, unpaid)] == ["DONE", "DONE"]


def test_restart_keeps_jobs_and_port(small_loopback: Loopback) -> None:
    job = submit()
    url = small_loopback.url
    small_loopback.stop()
    with pytest.raises(RequestsApiError, match="Connection refused"):
        job.status()
    small_loopback.start()
    assert job.status() == "DONE"
    small_loopback.restart()
    assert job.metrics()["usage"]["status"] == "complete"
    assert small_loopback.url == url


def test_callbacks_run_at_their_moments(small_loopback: Loopback) -> None:
    seen: list[tuple[str, int]] = []

    def note(name: str) -> Callable[[Call], None]:
        return lambda call: seen.append((name, len(small_loopback.jobs)))

    for moment in ("before", "accepted", "after"):
        small_loopback.on("submit", note(moment), when=moment, skip=1)
    submit()
    submit()
    submit()
    assert [entry for entry in seen if entry[0] != "after"] == [("before", 1), ("accepted", 2)]
    small_loopback.on("submit", lambda call: DROP, when="accepted")
    small_loopback.on("submit", lambda call: small_loopback.fail(call.known_job), when="accepted", skip=1)
    with pytest.raises(IBMRuntimeError, match="Connection aborted"):
        submit()
    assert submit().status() == "ERROR"


def test_fault_of_the_server_itself_is_not_hidden() -> None:
    def broken(call: Call) -> None:
        raise LookupError("a bug in a test")

    server = Loopback({MANILA: "manila"})
    server.start()
    server.on("token", broken, when="before")
    with pytest.raises(InvalidAccountError):
        server.service()
    with pytest.raises(RuntimeError, match="a bug in a test"):
        server.__exit__(None, None, None)
