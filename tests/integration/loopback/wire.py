"""HTTP: reads requests, applies faults, writes answers. What an answer says is decided elsewhere."""

import json
import socket
import sys
import threading
import traceback
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.integration.loopback.faults import Fault

if TYPE_CHECKING:
    from tests.integration.loopback.jobs import JobRecord
    from tests.integration.loopback.server import Loopback


class Reply(NamedTuple):
    """Status and body of an answer."""

    status: int
    body: bytes


@dataclass
class Call:
    """One request.

    Attributes:
        method: of HTTP.
        path: without the query.
        query: the parameters, each with all its values.
        headers: by lower-case name.
        body: as received.
        endpoint: name of the endpoint, "" when there is none.
        parts: the variable parts of the path.
        job: the job it is about, once known.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    endpoint: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    job: "JobRecord | None" = None

    @property
    def known_job(self) -> "JobRecord":
        """The job of an endpoint that only exists for a job."""
        if self.job is None:
            raise LookupError(f"{self.path} names no job")
        return self.job

    def json(self) -> Any:
        """The body of an API request."""
        return json.loads(self.body)

    def form(self) -> dict[str, list[str]]:
        """The body of an IAM request."""
        return parse_qs(self.body.decode())


class WireServer(ThreadingHTTPServer):
    """Listens on the loopback interface and hands every request to ``loopback``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, loopback: "Loopback") -> None:
        """Listen on ``port``; 0 takes a free one."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.loopback = loopback
        self.connections: set[socket.socket] = set()
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True, name="loopback")
        self._thread.start()

    def stop(self) -> None:
        """Close the socket and every open connection, answered or not."""
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        for connection in list(self.connections):
            _hang_up(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what went wrong in the server for the test to see; clients that went away are no error."""
        if not isinstance(sys.exception(), ConnectionError):
            self.loopback.errors.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise every second answer on a connection waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    server: WireServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the requests are on record."""

    def _serve(self) -> None:
        loopback = self.server.loopback
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # The client was killed while it sent: no request has arrived.
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, url.path, parse_qs(url.query), headers, body)
        fault = loopback.begin(call)
        if fault.delay:
            self.server.stopping.wait(fault.delay)
        reply = loopback.answer(call) if fault.serve or fault == Fault() else None
        fault = loopback.rules.call_hooks("accepted", call) or fault
        self._send(reply, fault, call)
        loopback.rules.call_hooks("after", call)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def _send(self, reply: Reply | None, fault: Fault, call: Call) -> None:
        if fault.stall and not fault.keep:
            self.server.stopping.wait(fault.stall)
        if fault.drop or (fault.stall and not fault.keep):
            self.close_connection = True
            _hang_up(self.connection)
            return
        if fault.status is not None or reply is None:
            reply = self.server.loopback.refusal(fault, call)
        if fault.body is not None:
            reply = Reply(fault.status or reply.status, fault.body)
        body = reply.body if fault.keep is None else reply.body[: fault.keep]
        lines = [
            f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}",
            f"Content-Length: {len(reply.body) if fault.torn else len(body)}",
            "Content-Type: application/json",
        ]
        if fault.retry_after is not None:
            lines.append(f"Retry-After: {fault.retry_after}")
        head = "\r\n".join([*lines, "", ""]).encode()
        if fault.drip:
            self._drip(head, body, fault.drip)
            return
        # One write for head and body: a second packet would cost a round trip.
        self.wfile.write(head + body)
        if fault.torn:
            self.server.stopping.wait(fault.stall)
            self.close_connection = True
            _hang_up(self.connection)

    def _drip(self, head: bytes, body: bytes, pause: float) -> None:
        self.wfile.write(head)
        for start in range(len(body)):
            if self.server.stopping.wait(pause):
                return
            self.wfile.write(body[start : start + 1])


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was faster.
        return
