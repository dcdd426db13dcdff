"""Backends of any vendor with a Qiskit provider: opened by a factory, and what can be expected of them.

Nothing that a vendor's code says is passed on before it went through
:func:`~qaml_qiskit.execution.ibm.scrubbing.scrub`.
"""

import hashlib
import importlib
import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from pydantic import JsonValue
from qiskit.providers import BackendV2, JobV1
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import ConfigurationError, CredentialsError, QamlError, UnavailableError
from qaml_qiskit.execution.catalogue import ProviderEntry
from qaml_qiskit.execution.ibm.question import Question, longest, patience
from qaml_qiskit.execution.ibm.scrubbing import scrub
from qaml_qiskit.formats import short
from qaml_qiskit.secrets import hide

Value = TypeVar("Value")

#: Circuits a job where the backend sets no limit: every row is a circuit of its own, with its values in it.
MOST_CIRCUITS = 100
#: How vendors call the method that gives a job back by its id; of the backend, or of its provider.
_GIVERS = ("retrieve_job", "get_job", "job")
_SECRET = re.compile(r"token|secret|passw|api_?key|access_?key|credential", re.IGNORECASE)


def open_provider(name: str, entry: ProviderEntry) -> BackendV2:
    """The backend that an entry's factory returns.

    Args:
        name: the entry's name.
        entry: what backends.yaml says.

    Raises:
        CredentialsError: an environment variable that an option names is not set (exit code 3).
        ConfigurationError: no such factory, one that raises or returns something else, a backend that measures nothing,
            or a secret that stands in backends.yaml.
    """
    _check_no_secrets(name, entry.options)
    factory, what = _factory(name, entry.factory), f"cannot open target {name}"
    options = {key: _resolved(what, key, value) for key, value in entry.options.items()}

    def backend_of_factory() -> BackendV2:
        found = factory(**options)
        if not isinstance(found, BackendV2):
            raise ConfigurationError(
                what,
                got=f"a {type(found).__name__} from {entry.factory}",
                expected="a qiskit.providers.BackendV2",
                remedy="return the backend itself, not its name or its provider",
            )
        _check_described(what, found)
        return found

    return ask(what, backend_of_factory, entry)


def ask(what: str, question: Callable[[], Value], entry: ProviderEntry, *, large: bool = False) -> Value:
    """Call a vendor's code; it ends in time, and whatever it raises becomes a QamlError without secrets.

    Raises:
        UnavailableError: a connection failed, or there was no answer in time.
        ConfigurationError: anything else.
    """
    budget = patience()
    asked = Question(budget.limit(large) if budget else longest(large))

    def told() -> tuple[Value, None] | tuple[None, BaseException]:
        # Whatever is raised here is the vendor's: also what would end this process, or looks like the user's Ctrl-C.
        try:
            return question(), None
        except BaseException as error:
            return None, error

    try:
        value, raised = asked.ask(told)
    except TimeoutError as error:
        value, raised = None, error
    if raised is None:
        return cast("Value", value)
    if isinstance(raised, QamlError):
        raise raised
    words = scrub(_words(raised), secrets_of(entry))
    kind = UnavailableError if isinstance(raised, OSError) else ConfigurationError
    if budget and kind is UnavailableError:
        budget.lose(asked.spent)
    # With no cause: a traceback that shows it would show what it says.
    raise kind(
        what,
        got=words.removesuffix(": "),
        expected="an answer of the provider",
        remedy="correct the entry's options, or look at the provider's status, then run the same command again",
    )


def secrets_of(entry: ProviderEntry) -> set[str]:
    """Values of the environment that the entry's options name, as far as they are set."""
    return {os.environ[name] for name in _variables(entry.options) if os.environ.get(name)}


def place_of_provider(entry: ProviderEntry, backend: BackendV2) -> str:
    """What is written down of where jobs are: factory, options as they stand in the entry, and the device."""
    words = json.dumps([entry.factory, entry.options, str(backend.name)], sort_keys=True)
    return hashlib.sha256(f"provider {words}".encode()).hexdigest()[:12]


def giver_of_jobs(backend: BackendV2) -> Callable[[str], JobV1] | None:
    """What gives a job back by its id, in any process; None where neither the backend nor its provider does."""
    for owner in (backend, getattr(backend, "provider", None)):
        for name in _GIVERS:
            found = getattr(owner, name, None) if owner is not None else None
            if callable(found):
                giver: Callable[[str], JobV1] = found
                return giver
    return None


def gives_jobs_back(backend: BackendV2 | None) -> bool:
    """Whether a job can be had by its id."""
    return backend is not None and giver_of_jobs(backend) is not None


def has_errors(target: ISATarget) -> bool:
    """Whether a device says an error rate of any instruction on any qubits."""
    return any(
        places and getattr(properties, "error", None) is not None
        for name in target.operation_names
        for places, properties in (target[name] or {}).items()
    )


def promise(entry: ProviderEntry, backend: BackendV2) -> tuple[str, ...]:
    """How far "sent once, and found again" goes, and what the seconds of a plan are worth, in sentences."""
    if entry.simulated:
        return ("backends.yaml says that this backend is simulated: a job that a kill interrupted is run again.",)
    if gives_jobs_back(backend):
        once = (
            "This provider gives jobs back by their id: any process with the run folder can collect them, and none is "
            "sent twice; one without an id, because its process ended while it was sent, may have been accepted, and "
            "is sent again only on `qaml submit --retry`."
        )
    else:
        once = (
            "This provider gives no jobs back: only the process that sent a job can fetch its result, and when that "
            "ends early the job is lost, though it may be paid for; it is sent again only on `qaml submit --retry`."
        )
    return (
        once,
        "The seconds are those that IBM's devices would take; this provider has its own times, prices and limits, and "
        "is told no limit.",
    )


def _words(error: BaseException) -> str:
    """What a vendor's exception says, or its class where it cannot say it."""
    name = type(error).__name__
    try:
        return f"{name}: {getattr(error, 'message', None) or error}"
    except Exception:
        return name


def _factory(name: str, path: str) -> Callable[..., Any]:
    module_name, _, function = path.partition(":")
    what = f"cannot open target {name}"
    try:
        module = importlib.import_module(module_name)
        there = hasattr(module, function)
        found = getattr(module, function, None)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        inside = module_name == missing or module_name.startswith(f"{missing}.")
        problem = f"no module {missing!r}" + ("" if inside else f", which {module_name} needs")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        problem = scrub(f"from importing {module_name} {_words(error)}")
    else:
        if callable(found):
            factory: Callable[..., Any] = found
            return factory
        here = "" if there else "no "
        raise ConfigurationError(
            what,
            got=f"{here}{function!r} in module {module_name}" + ("" if here else ", which cannot be called"),
            expected="a function that returns a BackendV2",
            remedy="correct the factory in backends.yaml",
        )
    raise ConfigurationError(
        what,
        got=problem,
        expected=f"a module {module_name} that can be imported",
        remedy="install the package in this environment, put the folder of a module of your own into PYTHONPATH, or "
        "correct the factory in backends.yaml",
    )


def _check_described(what: str, backend: BackendV2) -> None:
    """Refuse a backend that says of itself what nothing can be compiled for, or sent to."""
    got, target, most = "", backend.target, backend.max_circuits
    if not isinstance(target, ISATarget):
        got, expected = "a backend without a target", "a target with gates and measure, for which circuits are compiled"
    elif "measure" not in target.operation_names:
        got, expected = "a backend with no measure among its instructions", "a target with gates and measure"
    elif most is not None and (not isinstance(most, int) or most < 0):
        got, expected = f"a backend with max_circuits {short(most)}", "a number of circuits a job, or None for any"
    if got:
        raise ConfigurationError(what, got=got, expected=expected, remedy="choose another backend of this provider")
    str(backend.name)


def _check_no_secrets(name: str, options: dict[str, JsonValue]) -> None:
    """Refuse a secret in backends.yaml: entries are kept in run folders."""
    for key, value in _leaves("", options):
        if (_SECRET.search(key) and isinstance(value, str)) or (isinstance(value, str) and hide(value) != value):
            raise ConfigurationError(
                f"option {key} of target {name} cannot stand in backends.yaml",
                got="what looks like a secret, in a file whose entries are kept with every run",
                expected="{env: NAME}, the name of an environment variable that holds it",
                remedy="set such a variable and name it in the entry",
            )


def _leaves(key: str, value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    if _variable(value) is not None:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(f"{key}.{name}" if key else name, item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(key, item)
    else:
        yield key, value


def _variables(value: JsonValue) -> Iterator[str]:
    if (name := _variable(value)) is not None:
        yield name
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _variables(item)


def _variable(value: JsonValue) -> str | None:
    """The name in ``{env: NAME}``; None for any other value."""
    if isinstance(value, dict) and value.keys() == {"env"} and isinstance(name := value["env"], str):
        return name
    return None


def _resolved(what: str, key: str, value: JsonValue) -> JsonValue:
    """The value with what the environment holds in place of ``{env: NAME}``."""
    if (name := _variable(value)) is not None:
        if name not in os.environ:
            raise CredentialsError(
                what,
                got=f"no environment variable {name}, which its option {key} names",
                expected="one with the value of that option",
                remedy=f"set {name}",
            )
        return os.environ[name]
    if isinstance(value, dict):
        return {each: _resolved(what, f"{key}.{each}", item) for each, item in value.items()}
    return [_resolved(what, key, item) for item in value] if isinstance(value, list) else value
