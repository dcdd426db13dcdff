"""What can go wrong with a service: a table of troubles, each a change of what the loopback server answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.integration.loopback.faults import (
    DROP,
    DROP_AFTER_ACCEPT,
    EMPTY,
    SHORT,
    TORN,
    Fault,
    accept_then,
    leak,
    slow,
)
from tests.integration.loopback.server import MANILA, Loopback
from tests.integration.loopback.wire import Call, Reply

#: Every endpoint that commands ask.
ENDPOINTS = (
    *("token", "backends", "configuration", "properties", "status", "usage"),
    *("submit", "jobs", "job", "results", "metrics", "cancel", "open_session", "close_session"),
)
#: Endpoints that answer with JSON.
_TOLD = tuple(endpoint for endpoint in ENDPOINTS if endpoint not in ("cancel", "close_session"))
_CODES = (400, 401, 402, 403, 404, 409, 413, 429, 500, 502, 503, 504)
_SHAPES: tuple[Any, ...] = ([], {}, None, "words", 7, [None], {"errors": "none"}, {"jobs": None}, {"devices": [3]})
#: How often in a row: mostly once, sometimes for as long as it is left so.
_TIMES = (1, 1, 2, 3, 100)

Random = np.random.Generator
Change = Callable[[Reply, Call], Reply]


class Troubled(Loopback):
    """A loopback server whose answers can be changed on their way."""

    def __init__(self) -> None:
        super().__init__({MANILA: "manila"})
        self.changes: dict[str, Change] = {}

    def answer(self, call: Call) -> Reply:
        """See the parent; the change of the endpoint is applied to what is answered."""
        reply = super().answer(call)
        change = self.changes.get(call.endpoint)
        return reply if change is None or reply.status >= 400 else change(reply, call)

    def recover(self) -> None:
        """Nothing is wrong any more; what happened to jobs stays."""
        self.behave()
        self.changes.clear()
        self.revoked = self.usage_limit_reached = False
        device = self.devices[MANILA]
        device.operational, device.status = True, "active"
        self.release()


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong.

    Attributes:
        start: brings it about, and says in words what it is.
        paid: how often a PUB may run because of it: a second time only where its first result is worthless.
        before: the command before which it begins; None for any.
        needs: a command without which it makes no difference.
        held: whether jobs wait in the queue until it is over; None for sometimes.
    """

    start: Callable[[Troubled, Random], str]
    paid: int = 1
    before: str | None = None
    needs: str | None = None
    held: bool | None = None


def _one(choices: tuple[Any, ...], random: Random) -> Any:
    return choices[int(random.integers(len(choices)))]


def _refused(server: Troubled, random: Random) -> str:
    endpoint, code, times = _one(ENDPOINTS, random), _one(_CODES, random), _one(_TIMES, random)
    wait = _one((None, None, 1, 3600), random) if code in (429, 503) else None
    skip = int(random.integers(0, 3))
    server.misbehave(endpoint, Fault(status=code, retry_after=wait), times=times, skip=skip)
    return f"{endpoint}: {code} × {times} after {skip}, Retry-After {wait}"


def _leaking(server: Troubled, random: Random) -> str:
    endpoint, code = _one(ENDPOINTS, random), _one(_CODES, random)
    server.misbehave(endpoint, leak(code), times=_one(_TIMES, random))
    return f"{endpoint}: {code} with the credentials in its text"


def _broken(server: Troubled, random: Random) -> str:
    endpoint, times = _one(_TOLD, random), _one(_TIMES, random)
    faults = {"drop": DROP, "lost": DROP_AFTER_ACCEPT, "torn": TORN, "short": SHORT, "empty": EMPTY, "slow": slow(0.3)}
    name = _one(tuple(faults), random)
    server.misbehave(endpoint, faults[name], times=times, skip=int(random.integers(0, 2)))
    return f"{endpoint}: {name} × {times}"


def _shapeless(server: Troubled, random: Random) -> str:
    endpoint, shape = _one(_TOLD, random), _one(_SHAPES, random)
    server.changes[endpoint] = lambda reply, call: Reply(reply.status, json.dumps(shape).encode())
    return f"{endpoint}: answers {shape!r}"


def _incomplete(server: Troubled, random: Random) -> str:
    """A field of an answer is missing, or is something else."""
    endpoint, seed = _one(_TOLD, random), int(random.integers(2**32))

    def change(reply: Reply, call: Call) -> Reply:
        body, own = json.loads(reply.body or b"null"), np.random.default_rng(seed)
        if isinstance(body, dict) and body:
            key = _one(tuple(sorted(body)), own)
            value = _one((*_SHAPES, -1, 1e400, "\x1b[31m", "2026-13-45"), own)
            body.pop(key) if own.random() < 0.5 else body.update({key: value})
        return Reply(reply.status, json.dumps(body).encode())

    server.changes[endpoint] = change
    return f"{endpoint}: one field wrong"


def _twin(server: Troubled, random: Random) -> str:
    skip = int(random.integers(0, 4))
    server.misbehave("submit", accept_then(_one((500, 503), random)), skip=skip)
    return f"submission {skip} accepted and answered with an error"


def _ended(server: Troubled, random: Random) -> str:
    """A job fails or is cancelled before it runs."""
    skip, fails = int(random.integers(0, 4)), random.random() < 0.5

    def end(call: Call) -> None:
        (server.fail if fails else server.cancel)(call.known_job)

    server.on("submit", end, when="accepted", skip=skip)
    return f"job {skip} {'fails' if fails else 'is cancelled'}"


def _other_shots(server: Troubled, random: Random) -> str:
    skip, factor = int(random.integers(0, 4)), _one((0.5, 0.1, 10), random)

    def change(call: Call) -> None:
        program = call.known_job.params["quantum_program"]
        program["shots"] = int(program["shots"] * factor)

    server.on("submit", change, when="accepted", skip=skip)
    return f"job {skip} runs with {factor} times the shots"


def _swapped(server: Troubled, random: Random) -> str:
    """A job answers with the result of another job."""
    first, second = (int(number) for number in random.choice(4, 2, replace=False))

    def change(reply: Reply, call: Call) -> Reply:
        if server.jobs.index(call.known_job) != first:
            return reply
        other = server.jobs[second]
        server.run(other)
        return Reply(reply.status, other.result or reply.body)

    server.changes["results"] = change
    return f"job {first} answers with the result of job {second}"


def _lagging(server: Troubled, random: Random) -> str:
    server.changes["jobs"] = lambda reply, call: Reply(200, json.dumps({"jobs": [], "count": 0}).encode())
    return "the list of jobs is empty"


def _endless(server: Troubled, random: Random) -> str:
    def change(reply: Reply, call: Call) -> Reply:
        return Reply(200, json.dumps({**json.loads(reply.body), "count": 100_000}).encode())

    server.changes["jobs"] = change
    return "the list promises more jobs than it serves"


def _odd_tags(server: Troubled, random: Random) -> str:
    """The package's tags beside those of others, or numbers, or a chunk that there is not."""
    tags = _one(([7, None], ["qaml-0123456789ab-images-0000-1"], ["qaml-qiskit", "qaml-0-x-1"]), random)

    def change(reply: Reply, call: Call) -> Reply:
        body = json.loads(reply.body)
        for job in body.get("jobs", [body]):
            job["tags"] = [*tags, *job["tags"]]
        return Reply(reply.status, json.dumps(body).encode())

    server.changes["jobs"] = server.changes["job"] = change
    return f"jobs have the further tags {tags}"


def _stubborn(server: Troubled, random: Random) -> str:
    """The service says that it cancels, and does not."""
    server.cancel = lambda job, reason=None, code=None: None  # type: ignore[method-assign]
    return "cancelled jobs run all the same"


def _asleep(server: Troubled, random: Random) -> str:
    device = server.devices[MANILA]
    kind = _one(("offline", "paused", "no budget", "revoked"), random)
    device.operational = kind != "offline"
    device.status = kind if kind == "paused" else "active"
    server.usage_limit_reached, server.revoked = kind == "no budget", kind == "revoked"
    return f"the device or the account: {kind}"


def _forgotten(server: Troubled, random: Random) -> str:
    """A job is not found for a while, although it is there."""
    times = _one(_TIMES, random)
    server.misbehave("job", Fault(status=404), times=times, skip=int(random.integers(0, 4)))
    return f"a job is not found, × {times}"


def _retired(server: Troubled, random: Random) -> str:
    """The device is gone once the jobs are there."""

    def gone(call: Call) -> None:
        for endpoint in ("configuration", "properties", "status"):
            server.misbehave(endpoint, Fault(status=404), times=100)
        server.changes["backends"] = lambda reply, call: Reply(200, b'{"devices": []}')

    server.on("submit", gone, when="after", skip=3)
    return "the device is retired after the last submission"


TROUBLES: dict[str, Trouble] = {
    "refused": Trouble(_refused),
    "leaking": Trouble(_leaking),
    "broken": Trouble(_broken),
    "shapeless": Trouble(_shapeless),
    "incomplete": Trouble(_incomplete),
    "twin": Trouble(_twin, before="submit", held=True),
    "ended": Trouble(_ended, before="submit"),
    "other-shots": Trouble(_other_shots, paid=2, before="submit", held=False),
    "swapped": Trouble(_swapped, paid=2, before="collect", held=False),
    "lagging": Trouble(_lagging),
    "endless": Trouble(_endless),
    "odd-tags": Trouble(_odd_tags),
    "stubborn": Trouble(_stubborn, needs="cancel", held=True),
    "asleep": Trouble(_asleep),
    "forgotten": Trouble(_forgotten),
    "retired": Trouble(_retired, before="submit"),
}
