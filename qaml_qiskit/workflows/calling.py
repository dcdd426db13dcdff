"""How the function of a command is called: with a request, or with its fields and with objects in place of names."""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from qaml_qiskit.artifacts.session import session_folder
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.datasets import Split
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows import fields
from qaml_qiskit.workflows.objects import with_names
from qaml_qiskit.workflows.request import Request

Result = TypeVar("Result")
#: Arguments around a request that decide nothing of what is computed.
_OTHERS = ("out", "steps_dir", "progress", "stopping", "workers", "scheduler", "consent", "max_seconds", "timeout")
#: The parts of the argument ``compute``, in words.
_COMPUTE = "``device``, ``precision`` and ``simulator``"
#: Arguments around a request that say where something lies.
_PATHS = ("out", "steps_dir", "data_dir", "backends")


def _never(request: Any, around: Mapping[str, Any]) -> bool:
    return False


def takes(
    kind: type[Request], *, lasts: Callable[[Any, Mapping[str, Any]], bool] = _never
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Let a function that takes a request be called with the request's fields, too.

    The first field may stand without its name, and models, data sets and images stand in place of names. So called,
    the run is kept for as long as the process lives, unless ``out`` says where. Help and completion show the fields.

    Args:
        kind: the request's class.
        lasts: whether a run must outlive the process, whoever asks for it, by its request and what is around it.
    """

    def decorate(function: Callable[..., Result]) -> Callable[..., Result]:
        around = [each for each in inspect.signature(function).parameters.values() if each.name != "request"]

        @wraps(function)
        def call(*given: Any, **named: Any) -> Result:
            beside = {each.name: named.pop(each.name) for each in around if each.name in named}
            _check_paths(beside)
            if any(each.name == "compute" for each in around):
                beside |= _named_compute(named, beside)
            request = _request(kind, given, named)
            if request is not None:
                request.check_installed()
                return function(request, **beside)
            values = _with_first(kind, given, named)
            if any(each.name == "compute" for each in around):
                beside = {**_compute_of(values), **beside}
            if any(each.name == "data_dir" for each in around):
                beside = {**_place_of(values), **beside}
            made = kind.model_validate(with_names(kind, values))
            made.check_installed()
            if any(each.name == "out" for each in around) and beside.get("out") is None and not lasts(made, beside):
                beside["out"] = session_folder("runs") / _run_name(made, beside)
            return function(made, **beside)

        call.request_class = kind  # type: ignore[attr-defined]
        call.around = tuple(each.name for each in around)  # type: ignore[attr-defined]
        call.__signature__ = _signature(kind, function, around)  # type: ignore[attr-defined]
        call.__doc__ = _text(kind, function, [each.name for each in around])
        return call

    return decorate


def _check_paths(beside: Mapping[str, Any]) -> None:
    for name in _PATHS:
        if not isinstance(path := beside.get(name), str | Path | None):
            raise ConfigurationError(
                f"{name} does not fit",
                got=f"a {type(path).__name__}",
                expected="a path, as a text or a Path",
                remedy=f"correct {name}, or leave it out",
            )


def _request(kind: type[Request], given: tuple[Any, ...], named: dict[str, Any]) -> Request | None:
    """The request, where one is given; then nothing else may be."""
    request = given[0] if given and isinstance(given[0], Request) else named.get("request")
    if request is None and "request" not in named:
        return None
    if isinstance(request, kind) and len(given) + len(named) == 1:
        return request
    more = sorted({*named} - {"request"}) or ["more than one"]
    raise ConfigurationError(
        f"{kind.command} cannot be called so",
        got=f"a {type(request).__name__}" + (f" beside {', '.join(more)}" if isinstance(request, kind) else ""),
        expected=f"one {kind.__name__}, or its fields",
        remedy="leave out one of them"
        if isinstance(request, kind)
        else f"give the {kind.__name__}, or the fields by name",
    )


def _with_first(kind: type[Request], given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by name: the first one may stand without."""
    first = fields.in_order(kind)[0]
    if len(given) > 1 or (given and first in named):
        raise ConfigurationError(
            f"{kind.command} cannot be called so",
            got=f"{len(given)} arguments without a name" + (f" beside {first}" if first in named else ""),
            expected=f"{first} alone without its name",
            remedy="give the others by their names",
        )
    return {**({first: given[0]} if given else {}), **named}


def _compute_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a deployment is computed with, where it says something special."""
    said = [each for value in values.values() for each in (value if isinstance(value, tuple | list) else [value])]
    chosen = [each.compute for each in said if isinstance(each, Deployment) and each.compute != DEFAULT_COMPUTE]
    return {"compute": chosen[0]} if chosen else {}


def _named_compute(named: dict[str, Any], beside: Mapping[str, Any]) -> dict[str, Compute]:
    """``compute`` from ``device``, ``precision`` and ``simulator``, the command line's options, which are taken out."""
    names = [field.name for field in dataclass_fields(Compute)]
    chosen: dict[str, Any] = {name: str(named.pop(name)) for name in names if name in named}
    if chosen and "compute" in beside:
        raise ConfigurationError(
            "what to compute with is said twice",
            got=f"compute beside {', '.join(chosen)}",
            expected="one of them",
            remedy=f"leave out compute, or write it as Compute({', '.join(f'{name}=…' for name in chosen)})",
        )
    return {"compute": Compute(**chosen)} if chosen else {}


def _place_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Where a data set was loaded from, where that was said."""
    data = values.get("dataset")
    said = data.loaded["data_dir"] if isinstance(data, Split) and data.loaded is not None else None
    return {} if said is None else {"data_dir": said}


def _run_name(request: Request, around: Mapping[str, Any]) -> str:
    """A name for a run of this process: the same call finds it again, and goes on with it."""
    deciding = {name: repr(value) for name, value in around.items() if name not in _OTHERS}
    words = json.dumps([request.model_dump(mode="json"), deciding], sort_keys=True)
    return f"{request.command.replace(' ', '-')}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"


# For people


def _signature(kind: type[Request], function: Callable[..., Any], around: list[inspect.Parameter]) -> inspect.Signature:
    parameters = []
    for number, name in enumerate(fields.in_order(kind)):
        field = kind.model_fields[name]
        how = inspect.Parameter.POSITIONAL_OR_KEYWORD if number == 0 else inspect.Parameter.KEYWORD_ONLY
        default = inspect.Parameter.empty if field.is_required() else field.default
        parameters.append(inspect.Parameter(name, how, default=default, annotation=_plain_type(field.annotation)))
    parameters += [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in around]
    return inspect.Signature(parameters, return_annotation=inspect.signature(function).return_annotation)


def _plain_type(annotation: Any) -> Any:
    """A type without what only checks need."""
    if get_origin(annotation) is Annotated:
        return _plain_type(get_args(annotation)[0])
    parts: list[Any] = [part if part is Ellipsis else _plain_type(part) for part in get_args(annotation)]
    if not parts or get_origin(annotation) in (None, Literal):
        return annotation
    origin = get_origin(annotation)
    if origin is tuple:
        return tuple[tuple(parts)]  # type: ignore[misc]
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    return whole


def _text(kind: type[Request], function: Callable[..., Any], around: list[str]) -> str:
    """The docstring: what is done, the fields as the command line tells them, and what is said of the rest."""
    first, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\n")
    lines = []
    for name in fields.in_order(kind):
        field = kind.model_fields[name]
        default = fields.told_default(field)
        lines.append(f"    {name}: {fields.told(field)}" + (f" Default: {default}." if default else ""))
    head, arguments, tail = rest.partition("\nArgs:\n")
    if not arguments:
        head, raises, tail = rest.partition("\nRaises:\n")
        tail = raises + tail
    else:
        tail = "\n".join(line for line in tail.splitlines() if not line.startswith("    request:"))
    beside = ", ".join(f"``{name}``" for name in around)
    return "\n".join(
        [
            first,
            *([head.rstrip()] if head.strip() else []),
            "",
            f"Called with one {kind.__name__}, or with its fields as keywords, where models, data sets and images may "
            "stand in place of their names.",
            f"Beside them, as of :mod:`qaml_qiskit`: {beside}."
            + (f" {_COMPUTE} may stand in place of ``compute``." if "compute" in around else ""),
            "",
            "Args:",
            *lines,
            tail,
        ]
    )
