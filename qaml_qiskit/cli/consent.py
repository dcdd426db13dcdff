"""The question whether QPU time may be spent."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import typer

from qaml_qiskit.workflows.request import Request

if TYPE_CHECKING:
    from qaml_qiskit import RunRequest
    from qaml_qiskit.execution import Plan


def consent(request: Request | None, *, granted: bool) -> "Callable[[Plan], bool]":
    """What ``--submit`` answers, or else a person at a terminal, who is shown the plan."""

    def ask(the_plan: "Plan") -> bool:
        if granted or not on_terminal():
            return granted
        from qaml_qiskit.cli.console import show_plan

        show_plan(cast("RunRequest", request), the_plan)
        return typer.confirm("Spend this QPU time?", err=True)

    return ask


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
