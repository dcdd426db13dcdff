"""What an error of the client means, by what it was on the wire."""

import errno
import pickle
import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime.accounts import InvalidAccountError
from qiskit_ibm_runtime.exceptions import IBMRuntimeError

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError, UnavailableError
from qaml_qiskit.execution.ibm.diagnosis import LONGEST_PAUSE, pause_of, translate


def wrapped(cause: BaseException, outer: type[Exception] = IBMRuntimeError) -> Exception:
    """An error of the client whose cause is suppressed, as the client does it."""
    try:
        try:
            raise cause
        except BaseException:
            raise outer("something went wrong") from None
    except outer as error:
        return error


def answered(status: int, url: str = "https://example.org/api/v1/jobs", **headers: str) -> requests.HTTPError:
    response = requests.Response()
    response.status_code, response.url = status, url
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError(f"{status} from {url}", response=response)


def meaning(*errors: BaseException) -> QamlError:
    return translate("cannot ask", errors, "its words")


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (socket.gaierror(-2, "Name or service not known"), "host's name"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refused connection"),
        (OSError(errno.ENETUNREACH, "unreachable"), "no network"),
        (TimeoutError("timed out"), "no answer in time"),
        (requests.ReadTimeout("slow"), "no answer in time"),
        (requests.ConnectionError("reset by peer"), "broke off"),
        (requests.exceptions.ChunkedEncodingError("20 of 300 bytes"), "broke off"),
        (requests.exceptions.JSONDecodeError("Expecting value", "{", 0), "broke off"),
        (requests.exceptions.ProxyError("refused"), "proxy that does not answer"),
        (answered(429), "its words"),
        (answered(503), "its words"),
        (answered(520), "its words"),
        (requests.exceptions.RetryError("too many 503 error responses"), "its words"),
    ],
)
def test_what_can_pass_is_unavailable(cause: BaseException, says: str) -> None:
    error = meaning(wrapped(cause))
    assert type(error) is UnavailableError
    assert says in str(error.got)
    assert error.exit_code == 2


@pytest.mark.parametrize("stumble", [KeyError("id"), AttributeError("no get"), TypeError("a list"), ValueError("id")])
def test_an_answer_of_another_shape_can_pass(stumble: Exception) -> None:
    error = meaning(stumble)
    assert type(error) is UnavailableError
    assert type(stumble).__name__ in str(error.got)


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (ssl.SSLCertVerificationError("self-signed certificate"), "certificate"),
        (requests.exceptions.ProxyError("Tunnel connection failed: 407 Proxy Authentication Required"), "refuses"),
        (answered(400), "its words"),
        (answered(413), "its words"),
        (QiskitBackendNotFoundError("no such device"), "IBMRuntimeError"),
        (KeyError("state"), "IBMRuntimeError"),
    ],
)
def test_what_stays_is_final(cause: BaseException, says: str) -> None:
    error = meaning(wrapped(cause))
    assert type(error) is ConfigurationError
    assert says in str(error.got)


@pytest.mark.parametrize(
    "cause", [answered(401), answered(403), answered(400, "https://iam.example.org/identity/token")]
)
def test_only_a_refusal_of_the_account_is_one(cause: BaseException) -> None:
    assert type(meaning(wrapped(cause, InvalidAccountError))) is CredentialsError
    # The client says "please check your token" of everything that goes wrong while it looks for the instances.
    away = meaning(wrapped(requests.ConnectionError("reset"), InvalidAccountError))
    assert type(away) is UnavailableError
    assert type(meaning(InvalidAccountError("Invalid `channel` value"))) is CredentialsError


def test_what_the_client_swallowed_counts() -> None:
    """It reads a list of devices that could not be fetched as an empty one."""
    assert type(meaning(QiskitBackendNotFoundError("no match"))) is ConfigurationError
    assert type(meaning(QiskitBackendNotFoundError("no match"), answered(503))) is UnavailableError


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("3600", LONGEST_PAUSE), ("-3", 0.0), ("soon", 0.0), ("", 0.0), ("9" * 400, LONGEST_PAUSE)],
)
def test_retry_after_is_bounded(value: str, seconds: float) -> None:
    assert pause_of({"Retry-After": value}) == seconds
    error = meaning(wrapped(answered(429, Retry_After=value)))
    assert isinstance(error, UnavailableError)
    assert error.retry_after == seconds
    again = pickle.loads(pickle.dumps(error))
    assert (again.retry_after, str(again)) == (seconds, str(error))


def test_retry_after_may_be_a_date() -> None:
    assert pause_of({"Retry-After": format_datetime(datetime.now(UTC) - timedelta(hours=1))}) == 0.0
    later = pause_of({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(days=1))})
    assert later == LONGEST_PAUSE
