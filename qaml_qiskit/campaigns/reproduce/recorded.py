"""What a finished run keeps of itself: what it was asked for, and the intervals in its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts.run import CONFIG_FILE, LOST_CONFIG, RUN_KEYS
from qaml_qiskit.campaigns.steps import request_class
from qaml_qiskit.errors import DamagedFileError, QamlError
from qaml_qiskit.formats import Document, damaged, read_bytes, yaml_of
from qaml_qiskit.workflows.request import Request

#: The columns that a row's ``interval`` can be of.
_WITH_INTERVAL = ("accuracy", "test_accuracy", "robust_accuracy")


@dataclass(frozen=True)
class Recorded:
    """The configuration of a run.

    Attributes:
        request: what was asked for.
        resolved: what names in it stood for, such as the fingerprints of models.
        command_line: that makes it again, for a shell.
    """

    request: Request
    resolved: Mapping[str, Any]
    command_line: str


def recorded(place: Path) -> Recorded:
    """The configuration of a run.

    Raises:
        DamagedFileError: the file is not there, is damaged, or has what its command would refuse.
    """
    file = place / CONFIG_FILE
    found = yaml_of(read_bytes(file, LOST_CONFIG), str(file), LOST_CONFIG)
    if not isinstance(found, dict):
        raise damaged(str(file), "no options", "the options of a run", LOST_CONFIG)
    config = Document(found, str(file), LOST_CONFIG)
    try:
        kind = request_class(str(config["command"]).replace(" ", "_"))
        request = kind.model_validate({name: value for name, value in config.items() if name not in RUN_KEYS})
    except DamagedFileError:
        raise
    except QamlError as error:
        raise damaged(str(file), f"{error.what}, {error.got}", error.expected, LOST_CONFIG) from error
    resolved = config.get("resolved")
    return Recorded(request, resolved if isinstance(resolved, dict) else {}, request.command_line(config))


def interval_of(row: Mapping[str, Any], column: str) -> tuple[float, float] | None:
    """The interval of a column's number, where the row has one; a row's ``interval`` is that of its accuracy."""
    names = [f"{column}_interval", f"{column.removesuffix('_rate')}_interval"]
    names += ["interval"] if column in _WITH_INTERVAL else []
    found = next((row[name] for name in names if isinstance(row.get(name), list | tuple)), None)
    if found is None or not found[0] <= row[column] <= found[1]:
        return None
    return float(found[0]), float(found[1])
