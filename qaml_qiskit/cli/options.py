"""What the options of a command are: the fields of its request, and the arguments of its function around it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from functools import cache
from importlib.util import find_spec
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

import qaml_qiskit as qaml
from qaml_qiskit.cli.commands import Command
from qaml_qiskit.compute import Compute, Precision, Simulator
from qaml_qiskit.workflows import fields
from qaml_qiskit.workflows.request import Request


@dataclass(frozen=True)
class Around:
    """An option, or an argument, that decides nothing of what is computed.

    Attributes:
        kind: of its value, with the limits that it has; ``bool`` for an option without one.
        told: what it is.
        otherwise: what holds when it is not given.
        option: its name on the command line, where that differs from the function's argument.
        metavar: stands for its value in the help; of an argument, its name.
        is_argument: stands without a name on the command line.
    """

    kind: Any
    told: str
    otherwise: str = ""
    option: str = ""
    metavar: str | None = None
    is_argument: bool = False


#: By the names of the functions' arguments. Those that the terminal itself answers are in :mod:`qaml_qiskit.cli.call`.
AROUND = {
    "path": Around(Path, "Folder of a run that was submitted.", metavar="RUN", is_argument=True),
    "folder": Around(Path, "Where to write.", "here", metavar="FOLDER", is_argument=True),
    "below": Around(Path, "Folder to look in, with all folders in it.", "runs", metavar="FOLDER", is_argument=True),
    "name": Around(str, "A data set of `qaml data list`.", "all of them", metavar="NAME", is_argument=True),
    "retry": Around(Path, "Send again what failed, was cancelled or lost in this run.", metavar="RUN"),
    "recalibrate": Around(bool, "With --retry: calibrate the readout anew."),
    "moved": Around(bool, "This folder is no copy: the original is not used any more."),
    "check": Around(bool, "Compare with the kept counts instead; exit code 2 when one has grown."),
    "verify": Around(
        Path, "Check a card, or a folder of cards, instead; exit code 2 when one does not fit.", metavar="CARD"
    ),
    "table": Around(
        Path, "Check a folder of cards instead, and write benchmark.csv and benchmark.md there.", metavar="FOLDER"
    ),
    "consent": Around(bool, "Spend QPU time without asking.", option="submit"),
    "max_seconds": Around(float, "Refuse (exit code 5) what would cost more QPU seconds."),
    "timeout": Around(Annotated[float, Field(ge=0)], "Seconds to wait for jobs; 0 looks once.", "until they are done"),
    "device": Around(str, "Compute on this device of torch, such as cuda:0.", "cpu"),
    "precision": Around(Precision, "Of weights and images: single or double.", "single"),
    "simulator": Around(Simulator, "Of circuits: auto, kernel or torch.", "auto"),
    "workers": Around(Annotated[int, Field(ge=1)], "Use so many processes of this machine.", "this one alone"),
    "scheduler": Around(str, "Use the workers of this Dask scheduler, such as tcp://host:8786."),
    "config": Around(Path, "YAML file of options; the command line wins."),
    "backends": Around(Path, "The backends.yaml to use.", "$QAML_BACKENDS, ./backends.yaml, then the package's own"),
    "data_dir": Around(Path, "Where data sets are.", "$QAML_DATA_DIR, then a cache"),
    "steps_dir": Around(Path, "Where the runs are that it is made of; finished ones are found again.", "runs/steps"),
    "out": Around(Path, "Run folder.", "a new folder under runs/"),
    "json": Around(bool, "Print one JSON document on stdout and nothing else."),
}
#: Arguments of the functions that the terminal gives itself.
GIVEN = ("request", "progress", "stopping")
#: What stands for the argument ``compute``.
COMPUTE = tuple(field.name for field in dataclass_fields(Compute))


def request_class(command: Command) -> type[Request] | None:
    """The class of a command's request."""
    return getattr(qaml, command.request) if command.request else None


@cache
def arguments(function: str) -> dict[str, bool]:
    """The arguments of a function of :mod:`qaml_qiskit`, and whether each must be given.

    They are read from its source, since importing it takes torch and Qiskit with it.
    """
    module, name = vars(qaml)["_places"][function]
    spec = find_spec(module)
    tree = ast.parse(Path(spec.origin or "").read_bytes() if spec is not None else b"")
    found = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name).args
    required = len(found.args) - len(found.defaults)
    return {
        **{each.arg: number < required for number, each in enumerate(found.args)},
        **{each.arg: default is None for each, default in zip(found.kwonlyargs, found.kw_defaults, strict=True)},
    }


def around(command: Command) -> list[str]:
    """The names of everything that a command takes beside its request."""
    kind = request_class(command)
    switches = [
        name
        for switch, function in command.instead.items()
        for name in (switch, *(each for each, required in arguments(function).items() if not required))
    ]
    named = [*arguments(command.function), *switches, *(["config"] if kind is not None else []), "json"]
    if "compute" in named:
        named += COMPUTE
    return sorted({*named} - {*GIVEN, "compute"}, key=list(AROUND).index)


def parameters(command: Command) -> Iterator[Parameter]:
    """A command's parameters, as Typer reads them: arguments, the request's own fields, those it shares, the rest.

    The seed comes behind all other fields.
    """
    kind = request_class(command)
    if kind is not None:
        for name in fields.in_order(kind):
            yield _of_field(name, kind)
    for name in around(command):
        required = arguments(command.function).get(name, False)
        yield _of_around(name, "" if required else command.otherwise.get(name, AROUND[name].otherwise))


def option_table(command: Command) -> list[tuple[str, str, str]]:
    """For the documentation: every argument and option of a command, what it is when not given, and what it means."""
    kind = request_class(command)
    rows = []
    for parameter in parameters(command):
        told, _, default = parameter.annotation.__metadata__[0].help.partition(" Default: ")
        rows.append((shown(kind, parameter.name), default.removesuffix("."), told))
    return rows


def shown(kind: type[Request] | None, name: str) -> str:
    """How the command line calls a field or an argument: an argument by its name, an option with its dashes."""
    field = kind.model_fields.get(name) if kind is not None else None
    beside = AROUND.get(name)
    if field is None and beside is not None and beside.is_argument:
        return beside.metavar or name.upper()
    return name.upper() if field is not None and field.is_required() else "--" + name.replace("_", "-")


def _of_field(name: str, kind: type[Request]) -> Parameter:
    field = kind.model_fields[name]
    several = fields.takes_several(field)
    told = fields.told(field)
    annotation: Any = list[str] | None if several else str | None
    default = fields.told_default(field)
    if field.is_required():
        return _parameter(name, annotation, typer.Argument(help=told, metavar=name.upper(), show_default=False))
    option = shown(kind, name)
    if field.annotation is bool:
        return _parameter(name, bool | None, typer.Option(option, help=told, show_default=False))
    metavar = f"<{fields.kind(field)}>{'...' if several else ''}"
    told = _with_default(told, default)
    return _parameter(name, annotation, typer.Option(option, help=told, metavar=metavar, show_default=False))


def _with_default(told: str, default: str) -> str:
    return f"{told} Default: {default}." if default else told


def _of_around(name: str, otherwise: str) -> Parameter:
    each = AROUND[name]
    told = _with_default(each.told, otherwise)
    if each.is_argument:
        argument = typer.Argument(help=told, metavar=each.metavar, show_default=False)
        return _parameter(name, str | None, argument)
    called = each.option or name
    option = "--" + called.replace("_", "-")
    if each.kind is bool:
        return _parameter(called, bool, typer.Option(option, help=each.told, show_default=False), False)
    kind = {int: "int", float: "float", Path: "path"}.get(getattr(each.kind, "__origin__", each.kind), "text")
    metavar = each.metavar or f"<{kind}>"
    return _parameter(called, str | None, typer.Option(option, help=told, metavar=metavar, show_default=False))


def _parameter(name: str, annotation: Any, info: object, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, info])
