"""IBM Quantum Platform: the account, and the errors that it answers with.

Nothing that the service says is passed on before it went through :func:`scrub`: it could repeat a token or an instance.
"""

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend

_SECRETS = re.compile(r"(Bearer\s+\S+|apikey=\S+|eyJ[\w.-]{20,}|crn:[^\s,'\"]+)", re.IGNORECASE)
_STATUS = re.compile(r"\b(4\d\d|5\d\d) (?:Client|Server) Error")

Value = TypeVar("Value")


def scrub(text: str) -> str:
    """A service's text on one line, shortened, without tokens and instance names."""
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"):
        if secret := os.environ.get(name):
            text = text.replace(secret, "…")
    line = " ".join(_SECRETS.sub("…", text).split())
    return line if len(line) <= 300 else line[:297] + "..."


def open_device(device: str) -> "IBMBackend":
    """The handle of a real device, with the saved account or the one in the environment.

    Raises:
        CredentialsError: no account, or one that the service does not accept (exit code 3).
        ConfigurationError: no such device for this account, or the service cannot be reached.
    """
    from qiskit_ibm_runtime import QiskitRuntimeService
    from qiskit_ibm_runtime.accounts import AccountNotFoundError

    try:
        return ask(f"cannot open {device}", lambda: QiskitRuntimeService().backend(device))
    except AccountNotFoundError:
        raise CredentialsError(
            f"cannot reach {device}",
            got="no saved IBM Quantum account and no QISKIT_IBM_TOKEN",
            expected="credentials of IBM Quantum Platform",
            remedy="save them once with QiskitRuntimeService.save_account, or set QISKIT_IBM_TOKEN",
        ) from None


def ask(what: str, question: Callable[[], Value]) -> Value:
    """Ask the service; whatever it raises becomes a QamlError that begins with ``what`` and holds no secret."""
    from qiskit_ibm_runtime.accounts import AccountNotFoundError

    try:
        return question()
    except (AccountNotFoundError, QamlError):
        raise
    except Exception as error:  # the client passes on errors of requests, urllib3, json and its own
        problem = translate(what, error)
    # Outside the handler: a traceback that shows the cause would show what the cause says.
    raise problem


def translate(what: str, error: Exception) -> QamlError:
    """The service's error in four beats."""
    text = scrub(str(error))
    name, found = type(error).__name__, _STATUS.search(text)
    status = found.group(1) if found else ""
    if name in ("IBMNotAuthorizedError", "InvalidAccountError") or status in ("401", "403"):
        return CredentialsError(
            what,
            got=f"a refusal of the account ({text})",
            expected="a valid token with access to the instance",
            remedy="check QISKIT_IBM_TOKEN and QISKIT_IBM_INSTANCE, or save the account again",
        )
    remedies = {
        "QiskitBackendNotFoundError": "check the device's name in backends.yaml and the account's instance",
        "RuntimeJobNotFound": "if the job was deleted, send it again with `qaml submit --retry`",
    }
    return ConfigurationError(
        what,
        got=f"{name}: {text}",
        expected="an answer of IBM Quantum Platform",
        remedy=remedies.get(name, "check the network and the service's status page, then run the same command again"),
    )
