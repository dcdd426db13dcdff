"""The parts that the pages of all runs share."""

import json
import shlex
from collections.abc import Sequence

from pydantic import BaseModel

from qaml_qiskit.reports import Page, Section
from qaml_qiskit.runs import ENVIRONMENT_FILE, Run

REPORT_FILE = "report.html"


def write_page(run: Run, request: BaseModel, title: str, lead: str, sections: Sequence[Section]) -> None:
    """Write a run's one-file page, with the command that makes it again and the environment it was made in."""
    run.write(
        REPORT_FILE, Page(title, lead, sections, command_line(run.config["command"], request), _facts(run)).render()
    )


def command_line(command: str, request: BaseModel) -> str:
    """The shell command of a request; options at their defaults are left out."""
    words = ["qaml", command]
    for name, value in request:
        field = type(request).model_fields[name]
        if field.is_required():
            words += map(str, value) if isinstance(value, tuple) else [str(value)]
        elif value is True and field.default is False:
            words.append("--" + name.replace("_", "-"))
        elif value != field.default:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += ["--" + name.replace("_", "-"), text]
    return shlex.join(words)


def _facts(run: Run) -> dict[str, object]:
    found = json.loads(run.read(ENVIRONMENT_FILE) or b"{}")
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items() if number)
    return {
        "Python": found["python"],
        "packages": packages,
        "simulator": found["engine"],
        "commit": found["git_commit"] or "not a checkout",
    }
