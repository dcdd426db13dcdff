"""What the client's requests go through: limits in time and number, and a note of what was sent and what went wrong.

Outside of a :class:`~qaml_qiskit.execution.ibm.question.Question` the client behaves as it always does, apart from two
things: after its last retry it has the answer instead of an error without one, and its log shows no credentials.
"""

import logging
from typing import Any

import requests
from qiskit_ibm_runtime.accounts import AccountManager
from qiskit_ibm_runtime.api import session
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import MaxRetryError, ResponseError
from urllib3.util.retry import Retry

from qaml_qiskit.execution.ibm.question import current
from qaml_qiskit.execution.ibm.scrubbing import scrub

#: Seconds between two pieces of an answer.
READ_TIMEOUT = 60.0
#: Seconds for which the client may sleep by itself when the service asks it to; for longer ones its caller decides.
SHORT_PAUSE = 5.0
#: How JSON ends, by how it begins.
_ENDS = {b"{": b"}", b"[": b"]", b'"': b'"'}
_LOGGERS = ("qiskit_ibm_runtime", "ibm-cloud-sdk-core")


def guard_client() -> None:
    """Let every client that is made from now on send its requests through this module. Doing it twice is once."""
    session.HTTPAdapter = GuardedAdapter
    session.PostForcelistRetry = GuardedRetry
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for place in (logger, *logger.handlers):
            if not any(isinstance(found, _Scrubbing) for found in place.filters):
                place.addFilter(_Scrubbing())


class GuardedRetry(session.PostForcelistRetry):
    """The client's retries, which end with the question and sleep for no long Retry-After."""

    def __init__(self, *arguments: Any, raise_on_status: bool = False, **options: Any) -> None:
        """As the client makes it, with the last answer instead of an error about it."""
        super().__init__(*arguments, raise_on_status=raise_on_status, **options)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Retry:
        """Allow another try, unless the question is over or would be by then."""
        question = current()
        if question is not None:
            question.count()
            pause = (response is not None and self.get_retry_after(response)) or 0.0
            if pause > min(SHORT_PAUSE, question.left):
                raise MaxRetryError(_pool, url or "", ResponseError(f"a pause of {pause:.0f} s was asked for"))
        return super().increment(method, url, response, error, _pool, _stacktrace)


class GuardedAdapter(HTTPAdapter):
    """Sends the client's requests while the question that they serve has time left."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send one request.

        Raises:
            RequestException: as ever, also when an answer breaks off.
            TimeoutError: the question was given up.
            EndlessAnswerError: the question led to too many requests.
        """
        question = current()
        if question is None:
            return super().send(request, stream, timeout, verify, cert, proxies)
        question.count()
        question.secrets |= _credentials(request)
        try:
            _require_access_token(request)
            response = super().send(request, stream, _limited(timeout, question.left), verify, cert, proxies)
            _require_whole(request, response)
        except Exception as error:
            question.trouble = error
            raise
        failed = response.status_code >= 400
        question.trouble = requests.HTTPError(f"{response.status_code}", response=response) if failed else None
        return response


class _Scrubbing(logging.Filter):
    """Makes a record of the client's log safe to show. During a question there is none: its error says what matters."""

    def filter(self, record: logging.LogRecord) -> bool:
        if current() is not None:
            return False
        record.msg, record.args = scrub(record.getMessage()), None
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def _limited(timeout: Any, left: float) -> tuple[float, float]:
    """Connect and read timeout, in seconds. The first one holds for the whole upload too."""
    connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    return min(connect or left, left), min(read or READ_TIMEOUT, READ_TIMEOUT, left)


def _credentials(request: requests.PreparedRequest) -> set[str]:
    found = (str(request.headers.get("Authorization", "")).split(" ")[-1], str(request.headers.get("Service-CRN", "")))
    return set(filter(None, found))


def _require_access_token(request: requests.PreparedRequest) -> None:
    """Say why there is no access token.

    The client goes on with the bare key when IAM gave none, and drops IAM's reason, so that a network that is away
    would look like a refusal of the account.
    """
    if str(request.headers.get("Authorization", "")).startswith("apikey "):
        AccountManager.get().get_auth_handler().tm.get_token()
        raise requests.ConnectionError("IAM gave an access token at the second request only", request=request)


def _require_whole(request: requests.PreparedRequest, response: requests.Response) -> None:
    """Read the body and see that it does not break off: the client reads a broken list of devices as an empty one.

    Whether a job's result is whole its decoder tells.
    """
    content = response.content
    if request.path_url.endswith("/results"):
        return
    first, last = content[:64].lstrip()[:1], content[-64:].rstrip()[-1:]
    whole = last == _ENDS.get(first, last) if first else request.method != "GET"
    if response.status_code == 200 and not whole:
        raise requests.exceptions.ChunkedEncodingError(f"the answer breaks off after {len(content)} bytes")
