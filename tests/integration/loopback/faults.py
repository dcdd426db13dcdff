"""Ways for the server to misbehave, and the rules that say when."""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.integration.loopback.wire import Call

#: before: the request has arrived, nothing is done. accepted: the work is done, the client does not know it yet.
#: after: the answer has been sent.
Moment = Literal["before", "accepted", "after"]
#: An endpoint name that stands for all of them.
ANY = "*"


@dataclass(frozen=True)
class Fault:
    """What to do instead of answering properly.

    Attributes:
        status: answer with this HTTP status and an error body.
        message: the text of the error body.
        serve: do what was asked first, so that an accepted job exists although the client hears otherwise.
        drop: close the connection without an answer.
        delay: seconds to wait before anything else.
        keep: send this many bytes of the body only.
        torn: announce the whole length all the same and close, as a lost connection does.
        stall: after what was kept, stay silent for so many seconds before the connection closes.
        drip: send the body byte by byte with so many seconds between.
        body: send this instead of the answer's body.
        retry_after: seconds for the Retry-After header.
        leak: put the request's own credentials into the error body, as a careless proxy would.
    """

    status: int | None = None
    message: str = "injected by the test"
    serve: bool = False
    drop: bool = False
    delay: float = 0.0
    keep: int | None = None
    torn: bool = False
    stall: float = 0.0
    drip: float = 0.0
    body: bytes | None = None
    retry_after: int | None = None
    leak: bool = False


def answer(status: int, message: str = "injected by the test", *, retry_after: int | None = None) -> Fault:
    """Refuse with ``status``, having done nothing."""
    return Fault(status=status, message=message, retry_after=retry_after)


def accept_then(status: int) -> Fault:
    """Do what was asked, then answer ``status``: the client's own retry of a submission makes a twin job."""
    return Fault(status=status, serve=True)


def slow(seconds: float) -> Fault:
    """Answer properly, later."""
    return Fault(serve=True, delay=seconds)


def leak(status: int) -> Fault:
    """Refuse with ``status`` and a text that repeats the credentials."""
    return Fault(status=status, leak=True)


def say(body: object, status: int = 200) -> Fault:
    """Do what was asked, and answer with this body: bytes as they are, anything else as JSON."""
    return Fault(status=status, serve=True, body=body if isinstance(body, bytes) else json.dumps(body).encode())


#: Close the connection, having done nothing.
DROP = Fault(drop=True)
#: Do what was asked, then close the connection without a word.
DROP_AFTER_ACCEPT = Fault(drop=True, serve=True)
#: The connection breaks in the middle of the body.
TORN = Fault(serve=True, keep=20, torn=True)
#: A complete answer whose body ends too early, as a bad cache gives.
SHORT = Fault(serve=True, keep=20)
#: The body stops half-way, and the connection stays open for longer than anybody waits.
STALL = Fault(serve=True, keep=20, torn=True, stall=3600.0)
#: What was asked is done, and no answer ever comes.
SILENT = Fault(serve=True, keep=0, torn=True, stall=3600.0)
#: The body comes so slowly that it never ends, although there is always something new.
DRIP = Fault(serve=True, drip=0.05)
#: A complete answer without a body.
EMPTY = Fault(serve=True, keep=0)


@dataclass
class _Hook:
    endpoint: str
    callback: Callable[["Call"], Fault | None]
    when: Moment
    skip: int
    times: int


@dataclass
class Rules:
    """The queued faults and the callbacks of a server."""

    _faults: dict[str, deque[Fault | None]] = field(default_factory=lambda: defaultdict(deque))
    _hooks: list[_Hook] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def misbehave(self, endpoint: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        """Let ``skip`` requests to ``endpoint`` pass, then answer the next ``times`` ones with ``fault``.

        Faults of one endpoint queue up in the order of the calls. ``"*"`` is any endpoint without a queue of its own.
        """
        with self._lock:
            self._faults[endpoint].extend([None] * skip + [fault] * times)

    def behave(self) -> None:
        """Forget all queued faults and callbacks."""
        with self._lock:
            self._faults.clear()
            self._hooks.clear()

    def on(
        self,
        endpoint: str,
        callback: "Callable[[Call], Fault | None]",
        *,
        when: Moment = "after",
        times: int = 1,
        skip: int = 0,
    ) -> None:
        """Run ``callback`` at a moment of the next requests to ``endpoint``; a fault it returns is applied to them."""
        with self._lock:
            self._hooks.append(_Hook(endpoint, callback, when, skip, times))

    def next_fault(self, endpoint: str) -> Fault | None:
        """Take the fault that is due at ``endpoint``."""
        with self._lock:
            queue = self._faults.get(endpoint) or self._faults.get(ANY)
            return queue.popleft() if queue else None

    def call_hooks(self, when: Moment, call: "Call") -> Fault | None:
        """Run the callbacks due at this moment, and return the last fault that one of them asked for."""
        with self._lock:
            here = [h for h in self._hooks if h.when == when and h.endpoint in (call.endpoint, ANY) and h.times > 0]
            due = [hook for hook in here if hook.skip == 0]
            for hook in here:
                if hook.skip > 0:
                    hook.skip -= 1
                else:
                    hook.times -= 1
        fault = None
        for hook in due:
            # Outside the lock: a callback may queue further faults, or wait for a process to die.
            fault = hook.callback(call) or fault
        return fault
