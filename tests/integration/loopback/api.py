"""The endpoints of the REST API, one function each."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.integration.loopback.jobs import FINAL, JobRecord, SessionRecord
from tests.integration.loopback.qpu import PROGRAMS
from tests.integration.loopback.wire import Call, Reply

if TYPE_CHECKING:
    from tests.integration.loopback.server import Loopback

#: Where the REST API starts. A URL with the word "experimental" in it is the only one whose host and port the
#: client's default resolver leaves alone, so that a plain ``QiskitRuntimeService()`` needs no patch.
PREFIX = "/experimental/api/v1"


class Route(NamedTuple):
    """One endpoint: what a request must look like, its name for rules and counts, and who answers."""

    method: str
    path: re.Pattern[str]
    endpoint: str
    function: "Callable[[Loopback, Call], Reply]"


def reply(data: object = None, status: int = 200) -> Reply:
    """An answer with a JSON body, or 204 without one."""
    if data is None:
        return Reply(204, b"")
    return Reply(status, data if isinstance(data, bytes) else json.dumps(data).encode())


def error(status: int, message: str, code: int = 1234) -> Reply:
    """An answer in the service's form of an error."""
    return reply({"errors": [{"code": code, "message": message, "solution": "", "more_info": ""}]}, status)


def stamp(moment: datetime | None) -> str | None:
    """A moment as the API writes it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def token(server: "Loopback", call: Call) -> Reply:
    """IAM: an API key against an access token."""
    if call.form().get("apikey") != [server.token] or server.revoked:
        text = {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."}
        return reply(text, 400)
    access, expiration = server.new_access_token()
    return reply(
        {
            "access_token": access,
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": server.token_seconds,
            "expiration": expiration,
        }
    )


def search(server: "Loopback", call: Call) -> Reply:
    """Global Search: the instances of the account."""
    item = {
        "crn": server.instance,
        "name": "loopback",
        "tags": [],
        "service_plan_unique_id": "loopback-plan",
        "doc": {"extensions": {"allocation": 600}},
    }
    return reply({"items": [item], "limit": 100})


def catalog(server: "Loopback", call: Call) -> Reply:
    """Global Catalog: the plan of an instance."""
    return reply({"overview_ui": {"en": {"display_name": "Open"}}, "metadata": {"pricing": {"type": "free"}}})


def backends(server: "Loopback", call: Call) -> Reply:
    return reply({"devices": [device.listing() for device in server.devices.values()]})


def backend(server: "Loopback", call: Call) -> Reply:
    device = server.devices.get(call.parts["name"])
    if device is None:
        return error(404, f"Backend not found. {call.parts['name']}", 1211)
    if call.endpoint == "configuration":
        return reply(device.configuration)
    if call.endpoint == "status":
        return reply(device.status_body())
    before = call.query.get("updated_before")
    moment = datetime.fromisoformat(before[0]) if before else None
    return reply(device.properties_body(moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)))


def usage(server: "Loopback", call: Call) -> Reply:
    consumed = server.usage_limit_seconds if server.usage_limit_reached else server.consumed_seconds()
    return reply(
        {
            "instance_id": server.instance,
            "usage_consumed_seconds": consumed,
            "usage_limit_seconds": server.usage_limit_seconds,
            "usage_limit_reached": server.usage_limit_reached,
        }
    )


def submit(server: "Loopback", call: Call) -> Reply:
    body = call.json()
    if body["program_id"] not in PROGRAMS:
        return error(404, f"Program not found. {body['program_id']}", 1208)
    if body["backend"] not in server.devices:
        return error(404, f"Backend not found. {body['backend']}", 1211)
    session = next((s for s in server.sessions if s.id == body.get("session_id")), None)
    if "session_id" in body and (session is None or not session.accepting_jobs):
        return error(400, f"Session is closed or unknown. Session ID: {body['session_id']}", 1217)
    call.job = server.accept(body)
    if session is not None:
        session.state = "active"
    return reply({"id": call.job.id, "backend": call.job.backend})


def jobs(server: "Loopback", call: Call) -> Reply:
    page, count = server.search(call.query)
    return reply({"jobs": [job_body(server, job) for job in page], "count": count, "limit": len(page)})


def job(server: "Loopback", call: Call) -> Reply:
    server.run(call.known_job)
    return reply(job_body(server, call.known_job, params=call.query.get("exclude_params") != ["true"]))


def results(server: "Loopback", call: Call) -> Reply:
    server.run(call.known_job)
    if call.known_job.state not in FINAL:
        return error(404, f"Job results not found. Job ID: {call.known_job.id}", 1292)
    return reply(call.known_job.result)


def metrics(server: "Loopback", call: Call) -> Reply:
    record = call.known_job
    times = {"created": stamp(record.created), "running": stamp(record.running), "finished": stamp(record.finished)}
    seconds = server.quantum_seconds * record.executions
    status = "complete" if record.state in FINAL else "pending"
    return reply({"timestamps": times, "usage": {"qpu_charge_time_seconds": seconds, "status": status}})


def cancel(server: "Loopback", call: Call) -> Reply:
    if call.known_job.state in FINAL:
        return error(409, f"Job is already in a final state. Job ID: {call.known_job.id}", 1294)
    server.cancel(call.known_job)
    return reply()


def delete(server: "Loopback", call: Call) -> Reply:
    call.known_job.deleted = True
    return reply()


def tags(server: "Loopback", call: Call) -> Reply:
    call.known_job.tags = list(call.json()["tags"])
    return reply()


def logs(server: "Loopback", call: Call) -> Reply:
    return reply(b"")


def open_session(server: "Loopback", call: Call) -> Reply:
    return reply(session_body(server.open_session(call.json())))


def session(server: "Loopback", call: Call) -> Reply:
    record = next((s for s in server.sessions if s.id == call.parts["id"]), None)
    if record is None:
        return error(404, f"Session not found. Session ID: {call.parts['id']}", 1218)
    if call.method == "GET":
        return reply(session_body(record))
    server.close_session(record, cancel=call.method == "DELETE")
    return reply()


def job_body(server: "Loopback", record: JobRecord, *, params: bool = False) -> dict[str, Any]:
    """A job as the API describes it."""
    state: dict[str, Any] = {"status": server.shown_state(record)}
    if record.reason is not None:
        state |= {"reason": record.reason, "reason_code": record.reason_code}
    body = {
        "id": record.id,
        "backend": record.backend,
        "program": {"id": record.program_id},
        "state": state,
        "status": state["status"],
        "created": stamp(record.created),
        "tags": record.tags,
        "session_id": record.session_id,
        "cost": record.cost,
        "estimated_running_time_seconds": server.quantum_seconds,
    }
    return body | ({"params": record.params} if params else {})


def session_body(record: SessionRecord) -> dict[str, Any]:
    """A session as the API describes it."""
    return {
        "id": record.id,
        "mode": record.mode,
        "backend_name": record.backend,
        "state": record.state,
        "accepting_jobs": record.accepting_jobs,
        "max_ttl": record.max_ttl,
    }


def _routes() -> list[Route]:
    table: list[tuple[str, str, str, Callable[[Loopback, Call], Reply]]] = [
        ("POST", "/identity/token", "token", token),
        ("POST", "/v3/resources/search", "search", search),
        ("GET", "/catalog/(?P<id>[^/]+)", "catalog", catalog),
        ("GET", f"{PREFIX}/backends", "backends", backends),
        ("GET", f"{PREFIX}/backends/(?P<name>[^/]+)/configuration", "configuration", backend),
        ("GET", f"{PREFIX}/backends/(?P<name>[^/]+)/properties", "properties", backend),
        ("GET", f"{PREFIX}/backends/(?P<name>[^/]+)/status", "status", backend),
        ("GET", f"{PREFIX}/instances/usage", "usage", usage),
        ("POST", f"{PREFIX}/jobs", "submit", submit),
        ("GET", f"{PREFIX}/jobs", "jobs", jobs),
        ("GET", f"{PREFIX}/jobs/(?P<job>[^/]+)", "job", job),
        ("DELETE", f"{PREFIX}/jobs/(?P<job>[^/]+)", "delete", delete),
        ("GET", f"{PREFIX}/jobs/(?P<job>[^/]+)/results", "results", results),
        ("GET", f"{PREFIX}/jobs/(?P<job>[^/]+)/metrics", "metrics", metrics),
        ("GET", f"{PREFIX}/jobs/(?P<job>[^/]+)/logs", "logs", logs),
        ("PUT", f"{PREFIX}/jobs/(?P<job>[^/]+)/tags", "tags", tags),
        ("POST", f"{PREFIX}/jobs/(?P<job>[^/]+)/cancel", "cancel", cancel),
        ("POST", f"{PREFIX}/sessions", "open_session", open_session),
        ("GET", f"{PREFIX}/sessions/(?P<id>[^/]+)", "session", session),
        ("PATCH", f"{PREFIX}/sessions/(?P<id>[^/]+)", "close_session", session),
        ("DELETE", f"{PREFIX}/sessions/(?P<id>[^/]+)/close", "cancel_session", session),
    ]
    return [Route(method, re.compile(path), endpoint, function) for method, path, endpoint, function in table]


ROUTES = _routes()
#: Endpoints that answer without an access token.
OPEN = ("token",)
