"""IBM Quantum Platform: the account, and the errors that it answers with.

Nothing that the service says is passed on before it went through :func:`scrub`: it could repeat a token or an instance.
"""

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from qaml_qiskit.errors import CredentialsError, QamlError

if TYPE_CHECKING:
    from qiskit_ibm_runtime import IBMBackend

_SECRETS = re.compile(r"(Bearer\s+\S+|apikey=\S+|eyJ[\w.-]{20,}|crn:[^\s,'\"]+)", re.IGNORECASE)

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
    """Ask the service; whatever it raises becomes a QamlError that begins with ``what`` and holds no secret.

    Raises:
        CredentialsError: the account was refused.
        UnavailableError: the network or the service is away; the same question may be answered later.
        ConfigurationError: anything else.
    """
    from qiskit_ibm_runtime.accounts import AccountNotFoundError

    try:
        return question()
    except (AccountNotFoundError, QamlError):
        raise
    except Exception as error:  # the client passes on errors of requests, urllib3, json and its own
        problem = _translate(what, error)
    # Outside the handler: a traceback that shows the cause would show what the cause says.
    raise problem


def _translate(what: str, error: Exception) -> QamlError:
    from qaml_qiskit.execution.diagnosis import translate

    return translate(what, [error], scrub(str(error)))
