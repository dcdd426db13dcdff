"""What a run folder comes to in one row, whatever state it is in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qaml_qiskit import execution
from qaml_qiskit.artifacts import METRICS_FILE, Row, Run
from qaml_qiskit.artifacts.run import CONFIG_FILE, ENVIRONMENT_FILE
from qaml_qiskit.errors import QamlError
from qaml_qiskit.files import LOCK_FILE
from qaml_qiskit.formats import read_bytes, yaml_of

#: The columns of one accuracy, by command; other commands answer with many.
_ACCURACY = {
    "train": "test_accuracy",
    "run": "accuracy",
    "demo": "accuracy",
    "attack": "robust_accuracy",
    "audit": "accuracy",
}
#: Commands whose lowest accuracy is that of the whole run.
_UNDER_ATTACK = ("attack", "audit")
#: Names in a cell; of more there is the number.
_MOST_NAMES = 3
#: Options that say what a command worked on, and what it was put under, in the order in which they are looked for.
_MODELS, _TARGETS = ("model", "models", "victims"), ("noise", "defence", "target")


@dataclass(frozen=True)
class Summary:
    """A run in short.

    Attributes:
        path: the folder.
        config: as far as it can be read.
        state: ``complete``, ``unfinished``, ``pending`` (jobs are with a device) or ``damaged``.
        date: when its last file of interest was written, in UTC.
        headline: the row of results that tells how well it did; empty where there is none.
        damage: what cannot be read; empty where nothing is wrong.
    """

    path: Path
    config: dict[str, Any]
    state: str
    date: str
    headline: Row
    damage: str = ""

    @property
    def command(self) -> str:
        """What made it."""
        return str(self.config.get("command", ""))

    @property
    def accuracy(self) -> float | None:
        """The accuracy that it came to: on the test set, of the last stage, or under the worst attack."""
        found = self.headline.get(_ACCURACY.get(self.command, ""))
        return float(found) if isinstance(found, int | float) else None

    @property
    def interval(self) -> list[float] | None:
        """95 %, of the accuracy."""
        return self.headline.get("interval") if self.accuracy is not None else None

    def row(self) -> Row:
        """One row of a list."""
        return {
            "run": str(self.path),
            "command": self.command,
            "model": _told(self.config, _MODELS),
            "target": self._target(),
            "accuracy": self.accuracy,
            "interval": self.interval,
            "date": self.date,
            "state": self.state,
        }

    def _target(self) -> str:
        strength = self.config.get("strength")
        noise = _told(self.config, ("noise",))
        return f"{noise}:{strength}" if noise and strength is not None else noise or _told(self.config, _TARGETS)


def summary_of(folder: Path) -> Summary | None:
    """What a folder holds; None for a folder that is no run.

    A run is known by its configuration, which names its command, or, where that is damaged, by what lies beside it.
    """
    try:
        beside = [name for name in (ENVIRONMENT_FILE, LOCK_FILE) if (folder / name).is_file()]
        if not beside:
            return None
        found, damage = _config(folder / CONFIG_FILE)
    except OSError:
        return None
    if damage and ENVIRONMENT_FILE not in beside:
        return None
    date = _date(folder)
    if damage:
        return Summary(folder, {}, "damaged", date, {}, damage)
    run = Run(folder, found)
    try:
        if not run.complete:
            return Summary(folder, found, "pending" if _is_pending(run) else "unfinished", date, {})
        return Summary(folder, found, "complete", date, _headline(run))
    except (QamlError, OSError, LookupError, TypeError, ValueError, OverflowError) as error:
        return Summary(folder, found, "damaged", date, {}, str(error))


def _config(file: Path) -> tuple[dict[str, Any], str]:
    """The configuration, and what is wrong with it."""
    try:
        found = yaml_of(read_bytes(file), str(file))
    except QamlError as error:
        return {}, str(error)
    named = isinstance(found, dict) and isinstance(found.get("command"), str)
    return (found, "") if named else ({}, f"{file} does not say what made the run")


def _date(folder: Path) -> str:
    files = [file for name in (CONFIG_FILE, METRICS_FILE) if (file := folder / name).is_file()]
    newest = max((file.stat().st_mtime for file in files), default=0.0)
    return datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%d %H:%M") if newest else ""


def _is_pending(run: Run) -> bool:
    if run.config["command"] != "run":
        return False
    # Qiskit comes with the ledger: it is loaded for runs that need it.
    records = execution.Ledger(run.path / execution.LEDGER_FILE).records().values()
    return any(record.state == "submitted" for record in records)


def _headline(run: Run) -> Row:
    """The row with the accuracy of the whole run."""
    metrics, command = run.metrics(), run.config["command"]
    name = _ACCURACY.get(command, "")
    rows = [row for row in metrics["results"] if isinstance(row, dict) and isinstance(row.get(name), int | float)]
    for row in rows:
        float(row[name])  # JSON has integers that are too large for it
    if command == "demo":
        rows = [row for row in rows if row.get("images") == "clean"]
    if not rows:
        return {}
    return min(rows, key=lambda row: float(row[name])) if command in _UNDER_ATTACK else rows[-1]


def _told(config: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of these options that says something, in words."""
    for name in names:
        value = config.get(name)
        if value:
            values = [str(each) for each in value] if isinstance(value, list) else [str(value)]
            more = [f"{len(values) - _MOST_NAMES} more"] if len(values) > _MOST_NAMES else []
            return ", ".join([*values[:_MOST_NAMES], *more])
    return ""
