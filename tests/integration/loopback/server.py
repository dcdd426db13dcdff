"""A server on the loopback interface that speaks the IBM Quantum Platform REST API to the real client."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Literal, Self
from unittest.mock import patch

from qiskit_ibm_runtime import QiskitRuntimeService

from tests.integration.loopback.api import OPEN, PREFIX, ROUTES, error
from tests.integration.loopback.devices import Device
from tests.integration.loopback.faults import Fault, Rules
from tests.integration.loopback.jobs import Jobs
from tests.integration.loopback.wire import Call, Reply, WireServer

#: The device that a server has unless told otherwise.
TORINO = "loopback_torino"
#: A device of five qubits, for speed and for estimators: ``Loopback({MANILA: "manila"})``.
MANILA = "loopback_manila"
_ROOT = Path(__file__).parents[3]


class Loopback(Jobs):
    """The server, as a context manager.

    .. code-block:: python

        with Loopback() as server:
            backend = server.service().backend("loopback_torino")
            server.misbehave("submit", answer(503), times=2)
            job = Sampler(backend, {"environment": {"job_tags": ["run-1"]}}).run([isa])
            assert server.jobs[0].tags == ["run-1"]

    It does what the endpoints in ``api.py`` do; jobs are governed by :class:`Jobs`, misbehaviour by :class:`Rules`.

    Attributes:
        token: the API key, for ``QISKIT_IBM_TOKEN``.
        access_tokens: what IAM gave out for it.
        instance: the CRN.
        requests: (method, path) of every request, in order of arrival.
        endpoints: the names of their endpoints.
        authorizations: the header of that name of every request that had one.
        errors: tracebacks of faults in the server itself; leaving the context with any raises.
        rules: queued misbehaviour.
        revoked: whether the API key and all access tokens are refused. Once a client's access token has expired too,
            every second call of that client waits a minute: its token manager paces itself after a refusal.
        token_seconds: life of an access token.
    """

    def __init__(
        self,
        devices: dict[str, str] | None = None,
        *,
        noise: Literal["readout"] | None = None,
        seed: int = 7,
    ) -> None:
        """Prepare a server with these devices: names to fake devices, such as ``{"small": "manila"}``."""
        super().__init__(devices or {TORINO: "torino"}, noise, seed)
        self.token = "loopback-api-key-that-must-stay-secret"
        self.access_tokens: list[str] = []
        self.instance = "crn:v1:bluemix:public:quantum-computing:us-east:a/loopback:0000::"
        self.requests: list[tuple[str, str]] = []
        self.endpoints: list[str] = []
        self.authorizations: list[str] = []
        self.errors: list[str] = []
        self.rules = Rules()
        self.misbehave = self.rules.misbehave
        self.behave = self.rules.behave
        self.on = self.rules.on
        self.revoked = False
        self.token_seconds = 3600
        self.port = 0
        self._wire: WireServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        if self.errors and exception[0] is None:
            raise RuntimeError("the loopback server itself failed:\n" + "\n".join(self.errors))

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._wire = WireServer(self.port, self)
        self.port = self._wire.server_address[1]

    def stop(self) -> None:
        """Go down: connections break, jobs stay."""
        if self._wire is not None:
            self._wire.stop()
            self._wire = None

    def restart(self, down: float = 0.0) -> None:
        """Go down for some seconds and come back with the same jobs."""
        self.stop()
        time.sleep(down)
        self.start()

    def environment(self) -> dict[str, str]:
        """Environment variables with which a plain ``QiskitRuntimeService()`` reaches this server."""
        return {
            "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
            "QISKIT_IBM_TOKEN": self.token,
            "QISKIT_IBM_INSTANCE": self.instance,
            "QISKIT_IBM_URL": self.url + PREFIX,
            "IAM_URL": self.url,
            "GLOBAL_SEARCH_URL": self.url,
            "GLOBAL_CATALOG_URL": self.url + "/catalog",
            "NO_PROXY": "127.0.0.1",
            # Otherwise every request walks the whole stack for its callers, which takes longer than to answer it.
            "USAGE_DATA_OPT_OUT": "True",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
        }

    def service(self, token: str | None = None) -> QiskitRuntimeService:
        """A new real client, connected to this server; another ``token`` is refused."""
        with patch.dict(os.environ, self.environment() | ({"QISKIT_IBM_TOKEN": token} if token else {})):
            return QiskitRuntimeService()

    def add_device(self, name: str, fake: str) -> Device:
        """Add a device with the files of a fake one."""
        self.devices[name] = Device.load(name, fake)
        return self.devices[name]

    def change_calibration(self, factor: float = 2.0, device: str | None = None) -> None:
        """Recalibrate: readout errors times ``factor`` from now on, on one device or all."""
        for name in [device] if device else list(self.devices):
            self.devices[name].scale_readout(factor)

    def count(self, endpoint: str) -> int:
        """How many requests an endpoint has had."""
        return self.endpoints.count(endpoint)

    def new_access_token(self) -> tuple[str, int]:
        """A token that decodes with ``iat`` and ``exp``, and when it expires."""
        now = int(time.time())
        claims = {"iat": now, "exp": now + self.token_seconds, "number": len(self.access_tokens)}
        head = {"alg": "RS256", "typ": "JWT"}
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims)]
        token = ".".join([*parts, "bm8tc2lnbmF0dXJl"])
        self.access_tokens.append(token)
        return token, now + self.token_seconds

    def begin(self, call: Call) -> Fault:
        """Record a request, find its endpoint, and say what is to go wrong with it."""
        for route in ROUTES:
            match = route.path.fullmatch(call.path)
            if match and route.method == call.method:
                call.endpoint, call.parts = route.endpoint, match.groupdict()
                call.job = next((job for job in self.jobs if job.id == call.parts.get("job")), None)
        self.requests.append((call.method, call.path))
        self.endpoints.append(call.endpoint)
        self.authorizations += filter(None, [call.headers.get("authorization")])
        fault = self.rules.call_hooks("before", call)
        return fault or self.rules.next_fault(call.endpoint) or Fault()

    def answer(self, call: Call) -> Reply:
        """Serve a request properly."""
        if call.endpoint not in OPEN and not self._authorised(call):
            return error(401, "Token is invalid or has expired.", 1200)
        if "job" in call.parts and (call.job is None or call.job.gone):
            return error(404, f"Job not found. Job ID: {call.parts['job']}", 1291)
        route = next((route for route in ROUTES if route.endpoint == call.endpoint), None)
        return route.function(self, call) if route else error(404, f"No such endpoint: {call.method} {call.path}")

    def refusal(self, fault: Fault, call: Call) -> Reply:
        """The error body of an injected fault."""
        message = fault.message
        if fault.leak:
            message += f" {self.token} {call.headers.get('authorization', '')}"
        return error(fault.status or 500, message)

    def _authorised(self, call: Call) -> bool:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        return not self.revoked and scheme == "Bearer" and token in self.access_tokens
