"""IBM Quantum Platform: the account, the device, and the guard that every question to the service goes through.

Nothing that the service says is passed on before it went through :func:`~qaml_qiskit.execution.ibm.scrubbing.scrub`.
No question goes past :func:`ask`: it ends in time, and what it raises says whether asking again can help.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError, UnavailableError
from qaml_qiskit.execution.ibm.question import Question, longest, patience
from qaml_qiskit.execution.ibm.scrubbing import scrub

if TYPE_CHECKING:
    from qiskit.transpiler import Target as ISATarget
    from qiskit_ibm_runtime import IBMBackend, QiskitRuntimeService

Value = TypeVar("Value")


@dataclass(frozen=True)
class DeviceStatus:
    """How a device stands.

    Attributes:
        operational: whether it runs jobs.
        message: the service's words, safe to show.
        jobs: how many wait.
    """

    operational: bool
    message: str
    jobs: int


def open_account(what: str, instance: str | None = None) -> "QiskitRuntimeService":
    """The client, with the saved account or the one in the environment.

    Args:
        what: what it is needed for, the beginning of an error.
        instance: the instance to use instead of the account's own choice.

    Raises:
        QamlError: see :func:`ask`.
    """
    from qiskit_ibm_runtime import QiskitRuntimeService
    from qiskit_ibm_runtime.accounts import AccountManager, InvalidAccountError
    from qiskit_ibm_runtime.exceptions import IBMInputValueError

    from qaml_qiskit.execution.ibm.transport import guard_client

    def connect() -> "QiskitRuntimeService":
        # Asked for by itself first: without a token the client sees an account without devices, after a minute.
        AccountManager.get().get_auth_handler().tm.get_token()
        try:
            return QiskitRuntimeService(instance=instance)
        except IBMInputValueError as error:
            # Nothing but the account was put in: an instance that it does not have, or a name of none.
            raise InvalidAccountError(error.message) from error

    guard_client()
    _require_account(what)
    return ask(what, connect)


def open_device(device: str, *, fractional: bool = False) -> "tuple[IBMBackend, ISATarget]":
    """The handle of a real device of :func:`open_account`, and its gates, connectivity, error rates and durations.

    Args:
        device: its name.
        fractional: open it with its fractional gates.

    Raises:
        QamlError: see :func:`ask`; a ConfigurationError when the account has no such device, or it has no such gates.
    """
    from qiskit_ibm_runtime.exceptions import IBMInputValueError

    what = f"cannot open {device}"
    service = open_account(what)

    def look() -> "tuple[IBMBackend, ISATarget]":
        try:
            backend = service.backend(device, **({"use_fractional_gates": True} if fractional else {}))
        except IBMInputValueError as error:
            if not fractional or "fractional" not in str(error.message):
                raise
            raise ConfigurationError(
                f"{device} has no fractional gates",
                got="fractional: true in its entry",
                expected="a device with RX and RZZ, as Herons have",
                remedy="leave out fractional, or choose another device",
            ) from error
        # The handle fetches its properties only now.
        return backend, backend.target

    return ask(what, look)


def device_status(backend: "IBMBackend") -> DeviceStatus:
    """How a device stands.

    Raises:
        QamlError: see :func:`ask`.
    """

    def look() -> DeviceStatus:
        status = backend.status()
        return DeviceStatus(bool(status.operational), scrub(str(status.status_msg)), int(status.pending_jobs))

    return ask(f"cannot ask for the status of {backend.name}", look)


def ask(what: str, question: Callable[[], Value], *, large: bool = False) -> Value:
    """Ask the service; whatever it raises becomes a QamlError that begins with ``what`` and holds no secret.

    Args:
        what: what is tried, for the message.
        question: the calls of the client. What they yield must have been looked at inside, since an answer of another
            shape shows there; and they write nothing, since they may end after the question was given up.
        large: whether circuits or results are carried, which may take longer.

    Raises:
        CredentialsError: no account, or one that was refused (exit code 3).
        UnavailableError: the network or the service is away; the same question may be answered later.
        ConfigurationError: anything else.
    """
    budget = patience()
    asked = Question(budget.limit(large) if budget else longest(large))
    try:
        return asked.ask(question)
    except QamlError:
        raise
    except Exception as error:  # the client passes on errors of requests, urllib3, json and its own
        problem = _translate(what, error, asked)
    if budget and isinstance(problem, UnavailableError):
        budget.lose(asked.spent)
    # Outside the handler: a traceback that shows the cause would show what the cause says.
    raise problem


def _translate(what: str, error: Exception, asked: Question) -> QamlError:
    from qaml_qiskit.execution.ibm.diagnosis import translate

    # Errors of Qiskit print their message in quotation marks.
    words = str(getattr(error, "message", None) or error)
    return translate(what, [error, *filter(None, [asked.trouble])], scrub(words, asked.secrets))


def _require_account(what: str) -> None:
    """Raise unless there is an account that can be read; nothing is asked."""
    from qiskit_ibm_runtime.accounts import AccountManager, AccountNotFoundError

    try:
        AccountManager.get()
    except AccountNotFoundError:
        problem = CredentialsError(
            what,
            got="no credentials",
            expected="a saved account, or QISKIT_IBM_TOKEN",
            remedy="save an account once with QiskitRuntimeService.save_account, or set QISKIT_IBM_TOKEN",
        )
    except Exception as error:
        problem = CredentialsError(
            what,
            got=scrub(f"saved accounts that cannot be read ({type(error).__name__}: {error})"),
            expected="accounts as QiskitRuntimeService.save_account writes them",
            remedy="repair or remove qiskit-ibm.json in ~/.qiskit, then save the account again",
        )
    else:
        return
    raise problem
