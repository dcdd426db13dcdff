"""What an error of the client means: the network, the service, the account, or the question."""

import errno
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import requests

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError, UnavailableError
from qaml_qiskit.execution.ibm.question import EndlessAnswerError

#: Seconds; a service that asks to be left alone for longer is asked again after them all the same.
LONGEST_PAUSE = 300.0
#: Statuses of HTTP below 500 with which a server says "not now".
_NOT_NOW = frozenset({408, 425, 429})
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})
#: Errors of the client that speak of the account without having asked the service.
_OF_THE_ACCOUNT = frozenset({"IBMNotAuthorizedError", "InvalidAccountError"})
_AGAIN = "then run the same command again"


class _Network(NamedTuple):
    """A way not to reach the service: what was met, what to do about it, and whether it can pass by itself."""

    got: str
    remedy: str
    passes: bool = True


#: What Python raises, and not the client, when an answer is not of the shape that was expected.
_STUMBLES = (AttributeError, LookupError, TypeError, ValueError)
_NO_NETWORK = _Network("no network", f"check the network, {_AGAIN}")
_PROXY_REFUSES = _Network(
    "a proxy that refuses", "check name and password in HTTPS_PROXY or in the proxies of the saved account", False
)
#: Errors on the way to the service. The most telling come first: requests calls nearly everything a ConnectionError.
_NETWORK: tuple[tuple[tuple[type[BaseException], ...], _Network], ...] = (
    (
        (requests.exceptions.ProxyError,),
        _Network("a proxy that does not answer", f"check HTTPS_PROXY and the proxies of the saved account, {_AGAIN}"),
    ),
    (
        (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema),
        _Network("an address that is none", "check the URL of the account, and those of its proxies", False),
    ),
    (
        (EndlessAnswerError,),
        _Network("an answer without end", f"look at the service's status page, {_AGAIN}"),
    ),
    (
        (ssl.SSLCertVerificationError,),
        _Network(
            "a certificate that cannot be verified",
            "check the clock; behind a proxy that opens TLS, name its certificates with REQUESTS_CA_BUNDLE",
            False,
        ),
    ),
    (
        (socket.gaierror,),
        _Network("no network, or one that does not know the host's name", f"check the network, {_AGAIN}"),
    ),
    (
        (ConnectionRefusedError,),
        _Network("a refused connection", f"check the network and the URL of the account, {_AGAIN}"),
    ),
    (
        (requests.Timeout, TimeoutError),
        _Network("no answer in time", f"check the network and the service's status page, {_AGAIN}"),
    ),
    (
        (
            requests.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
            requests.exceptions.InvalidJSONError,
        ),
        _Network("an answer or a connection that broke off", f"check the network, {_AGAIN}"),
    ),
)


def translate(what: str, errors: Sequence[BaseException], text: str) -> QamlError:
    """An error of the client in four beats.

    The client wraps errors of requests and drops them from its messages at times, so what counts is the chain of
    causes and contexts. :class:`UnavailableError` says that the same question may be answered later.

    Args:
        what: what was tried.
        errors: the error, and the last one on the wire when the client swallowed that.
        text: the message, safe to show.
    """
    links = [link for error in errors for link in chain(error)]
    return _of_the_network(what, links, text) or _of_an_answer(what, links, text) or _of_the_client(what, links, text)


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what caused it, what caused that, and so on; contexts that were suppressed too."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def pause_of(headers: Mapping[str, str]) -> float:
    """Seconds that Retry-After asks for, at most :data:`LONGEST_PAUSE`; 0.0 without one that can be read."""
    value = headers.get("Retry-After", "")
    try:
        seconds = float(value) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_PAUSE)


def _of_the_network(what: str, links: list[BaseException], text: str) -> QamlError | None:
    found = _network(links)
    if found is None:
        return None
    kind = UnavailableError if found.passes else ConfigurationError
    return kind(
        what,
        got=f"{found.got} ({text})",
        expected="a connection to IBM Quantum Platform",
        remedy=found.remedy,
    )


def _network(links: list[BaseException]) -> _Network | None:
    if any(isinstance(link, requests.exceptions.ProxyError) and "407" in str(link) for link in links):
        return _PROXY_REFUSES
    if any(isinstance(link, OSError) and link.errno in _NO_ROUTE for link in links):
        return _NO_NETWORK
    return next((found for kinds, found in _NETWORK if any(isinstance(link, kinds) for link in links)), None)


def _of_an_answer(what: str, links: list[BaseException], text: str) -> QamlError | None:
    """What an answer with a status of HTTP that is an error means."""
    status, headers, from_iam = _answer(links)
    if status < 400:
        return None
    if status in (401, 403) or (from_iam and status == 400):
        return _refused_account(what, text)
    if status in _NOT_NOW or status >= 500:
        return UnavailableError(
            what,
            got=text,
            expected="an answer of IBM Quantum Platform",
            remedy=f"look at the service's status page, {_AGAIN}",
            retry_after=pause_of(headers),
        )
    return ConfigurationError(
        what,
        got=text,
        expected="an answer of IBM Quantum Platform",
        remedy=_remedy(links),
    )


def _answer(links: list[BaseException]) -> tuple[int, Mapping[str, str], bool]:
    """Status and headers of the answer that an error is about, and whether IAM gave it; status 0 without one."""
    if any(isinstance(link, requests.exceptions.RetryError) for link in links):
        # Nothing but repeated errors of the server leads to this one, and it has none of them.
        return 500, {}, False
    for link in links:
        # An ApiException of IBM Cloud has http_response, a RequestException has response.
        for response in (getattr(link, "http_response", None), getattr(link, "response", None)):
            if isinstance(response, requests.Response):
                return response.status_code, response.headers, "/identity/token" in (response.url or "")
    return 0, {}, False


def _of_the_client(what: str, links: list[BaseException], text: str) -> QamlError:
    """What an error means that was no answer."""
    names = {type(link).__name__ for link in links}
    if names & _OF_THE_ACCOUNT:
        return _refused_account(what, text)
    # An answer of another shape, such as a gateway's: the next one may be the service's.
    kind = UnavailableError if isinstance(links[0], _STUMBLES) else ConfigurationError
    return kind(
        what,
        got=f"{type(links[0]).__name__}: {text}",
        expected="an answer of IBM Quantum Platform",
        remedy=_remedy(links),
    )


def _remedy(links: list[BaseException]) -> str:
    names = {type(link).__name__ for link in links}
    if "QiskitBackendNotFoundError" in names:
        return "check the device's name in backends.yaml and the account's instance"
    if "RuntimeJobNotFound" in names:
        return "if the job was deleted, send it again with `qaml submit --retry`"
    return f"look at the service's status page, {_AGAIN}"


def _refused_account(what: str, text: str) -> CredentialsError:
    return CredentialsError(
        what,
        got=f"a refusal of the account ({text})",
        expected="a valid token with access to the instance",
        remedy="check QISKIT_IBM_TOKEN and QISKIT_IBM_INSTANCE, or save the account again",
    )
