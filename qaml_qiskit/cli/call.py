"""From what the command line says to the call of a workflow's function."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

import qaml_qiskit as qaml
from qaml_qiskit import Outcome
from qaml_qiskit.artifacts.run import RUN_KEYS
from qaml_qiskit.cli.commands import Command
from qaml_qiskit.cli.options import AROUND, COMPUTE, arguments, around, request_class, shown
from qaml_qiskit.cli.streams import kept_from_stdout
from qaml_qiskit.compute import Compute
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.formats import first_problem, read_bytes, yaml_of
from qaml_qiskit.workflows.fields import takes_several
from qaml_qiskit.workflows.request import Request, refusal
from qaml_qiskit.workflows.words import split

AnyRequest = TypeVar("AnyRequest", bound=Request)


def call(command: Command, given: Mapping[str, Any]) -> None:
    """Build the request, call the command's function, and print what it gives back.

    Args:
        command: which.
        given: what the command line says, by the names of options; None or False where it says nothing.

    Raises:
        QamlError: a wrong option, before anything heavy is imported; or what the function raises.
    """
    from qaml_qiskit.cli.console import show

    as_json = given["json"]
    with kept_from_stdout() if as_json else nullcontext():
        outcome = _outcome(command, given)
    show(outcome, as_json=as_json)


def _outcome(command: Command, given: Mapping[str, Any]) -> Outcome:
    beside = around(command)
    given = {name: _converted(name, value) if name in beside else value for name, value in given.items()}
    switch = next((name for name in command.instead if given[name]), None)
    function = command.function if switch is None else command.instead[switch]
    _check_together(command, given, switch, function)
    kind = request_class(command) if switch is None else None
    request = None
    if kind is not None:
        asked = {name: value for name, value in given.items() if name in kind.model_fields}
        request = build_request(kind, asked, given["config"], given.get("backends"))
    named = {name: given.get(AROUND[name].option or name) for name in arguments(function) if name in AROUND}
    if "compute" in arguments(function):
        chosen = {name: given[name] for name in COMPUTE if given[name] is not None}
        named["compute"] = Compute(**chosen)
    if switch is not None and "path" in named:
        named["path"] = given[switch]
    for name, value in named.items():
        if value is None and arguments(function)[name]:
            raise _missing(shown(None, name))
    said = {name: value for name, value in named.items() if value is not None}
    return run_command(function, request, said, quiet=given["json"])


def run_command(function: str, request: Request | None, named: dict[str, Any], *, quiet: bool) -> Outcome:
    """Call a workflow's function with what the terminal answers itself.

    Args:
        function: its name in :mod:`qaml_qiskit`.
        request: what it is asked for, where it takes a request.
        named: its other arguments.
        quiet: show no progress.

    Raises:
        QamlError: whatever the function raises.
    """
    from qaml_qiskit.cli.consent import consent
    from qaml_qiskit.cli.console import TerminalProgress
    from qaml_qiskit.cli.interrupt import stop_on_signal

    if "consent" in named:
        named["consent"] = consent(request, granted=named["consent"])
    answers = {"request": request, "progress": TerminalProgress(quiet=quiet), "stopping": stop_on_signal}
    named |= {name: answer for name, answer in answers.items() if name in arguments(function)}
    outcome: Outcome = getattr(qaml, function)(**named)
    return outcome


def build_request(
    kind: type[AnyRequest], given: Mapping[str, Any], config: Path | None = None, backends: Path | None = None
) -> AnyRequest:
    """Merge defaults, a configuration file and the command line; the last wins.

    Args:
        kind: the request's schema.
        given: fields from the command line; None means not given. Lists may be repeated options, commas, or both.
        config: a YAML file with the schema's fields.
        backends: the backends.yaml that was named.

    Raises:
        ConfigurationError: a field that does not exist or a value that does not fit, with its option's name.
        QamlError: a model, target or recipe that is not there.
    """
    values = _read(config) if config is not None else {}
    values |= {name: _values(kind, name, value) for name, value in given.items() if value is not None}
    try:
        request = kind.model_validate(values)
    except ConfigurationError as error:
        if not isinstance(error.__cause__, ValidationError) or _is_of_a_part(error.__cause__, values):
            raise

        def called(field: str) -> str:
            from_file = config is not None and given.get(field) is None
            return f"{config}: {field}" if from_file else shown(kind, field)

        raise refusal(kind, error.__cause__, called) from error
    # Here as well as where they are read: a name that is not there is told before anything heavy is imported.
    request.check(backends)
    return request


def _is_of_a_part(error: ValidationError, values: Mapping[str, Any]) -> bool:
    """Whether what does not fit has no option, such as a parameter of an attack within ``--param``."""
    first = error.errors()[0]
    return bool(first["loc"]) and first["loc"][0] not in values and first["type"] != "missing"


def _values(kind: type[Request], name: str, value: Any) -> Any:
    """The words of a list, each of which may hold several values with commas; names of models are left whole."""
    field = kind.model_fields[name]
    if not takes_several(field) or field.is_required():
        return value
    return tuple(part for word in value for part in split(word))


def _check_together(command: Command, given: Mapping[str, Any], switch: str | None, function: str) -> None:
    """Refuse options that the function which is called would ignore."""
    takes = {AROUND[name].option or name for name in arguments(function) if name in AROUND}
    said = {name: value for name, value in given.items() if value is not None and value is not False and value != []}
    if switch is not None:
        allowed = {switch, "json", "submit", *takes}
        words = [shown(request_class(command), name) for name in said if name not in allowed]
        if words:
            raise ConfigurationError(
                f"cannot change what --{switch} is about",
                got=f"{', '.join(words)} beside --{switch}",
                expected="only " + " or ".join(shown(None, name) for name in [*sorted(takes - {"path"}), "json"]),
                remedy=f"leave them out, or leave out --{switch}",
            )
        return
    for other, instead in command.instead.items():
        only = [name for name in said if name in arguments(instead) and name not in takes]
        if only:
            raise ConfigurationError(
                f"cannot {command.name}",
                got=f"{' and '.join(shown(None, name) for name in only)} without --{other}",
                expected=f"--{other} beside them",
                remedy=f"add --{other}, or leave them out",
            )


def _converted(name: str, value: Any) -> Any:
    """What the command line says for an option around the request, as what it stands for."""
    if not isinstance(value, str):
        return value
    try:
        return TypeAdapter(AROUND[name].kind).validate_python(value)
    except ValidationError as error:
        _, expected = first_problem(error)
        what = shown(None, name)
        raise ConfigurationError(
            f"{what} does not fit", got=value, expected=expected, remedy=f"correct {what}, or leave it out"
        ) from error


def _missing(name: str) -> ConfigurationError:
    return ConfigurationError(f"{name} is missing", got="nothing", expected="a value for it", remedy=f"give {name}")


def _read(path: Path) -> dict[str, Any]:
    content = yaml_of(read_bytes(path), str(path))
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path} does not fit",
            got=f"a {type(content).__name__}",
            expected="a mapping from option names to values, such as `epochs: 20`",
            remedy="correct the file",
        )
    # A run's own config.yaml can be given back: what it says of the command is no option.
    return {str(name).replace("-", "_"): value for name, value in content.items() if name not in RUN_KEYS}
