"""The run folder: what happened, written so that a kill at any moment loses at most the file being written.

A run is *open* while its command works and *complete* once ``metrics.json`` is there; that file is written last. Every
file is written under a temporary name, flushed to disk and renamed. A complete run is never written again.
"""

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.files import write_atomically

#: Where runs go by default, below the working directory.
RUNS_FOLDER = Path("runs")
CONFIG_FILE = "config.yaml"
METRICS_FILE = "metrics.json"
ENVIRONMENT_FILE = "environment.json"

_PACKAGES = (
    "qaml-qiskit",
    "qiskit",
    "qiskit-aer",
    "qiskit-ibm-runtime",
    "qiskit-machine-learning",
    "mthree",
    "torch",
    "torchattacks",
    "numpy",
)


class Run:
    """One run folder. Make it with :func:`open_run`."""

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        """Refer to an existing folder; nothing is read or written."""
        self.path = path
        self.config = config

    @property
    def complete(self) -> bool:
        """Whether the command that made this run has finished."""
        return (self.path / METRICS_FILE).is_file()

    def write(self, name: str, content: bytes | str) -> Path:
        """Write one file so that it is there whole or not at all."""
        return write_atomically(self.path / name, content)

    def write_json(self, name: str, content: object) -> Path:
        """Write a JSON document; the same content gives the same bytes."""
        return self.write(name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None when the run has none of that name."""
        file = self.path / name
        return file.read_bytes() if file.is_file() else None

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write the metrics, which completes the run."""
        self.write_json(METRICS_FILE, metrics)

    def metrics(self) -> dict[str, Any]:
        """What a complete run found."""
        return dict(json.loads((self.path / METRICS_FILE).read_text(encoding="utf-8")))


def open_run(command: str, config: dict[str, Any], out: Path | None = None) -> Run:
    """Open a new run, or the unfinished one of the same command and configuration.

    Args:
        command: the command's name, part of a default folder's name.
        config: everything that decides the result, resolved; plain values only.
        out: the folder. By default ``runs/<command>-<hash of the configuration>``; when a complete run has that name
            already, ``-2``, ``-3`` … are tried.

    Raises:
        ConfigurationError: the folder cannot be written, is no run, belongs to another configuration, or (only
            with ``out``) holds a complete run of another kind.
    """
    full = {"command": command, **config}
    path = Path(out) if out is not None else _default_path(command, full)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        _check_same(path, full)
        return Run(path, full)
    try:
        path.mkdir(parents=True, exist_ok=True)
        run = Run(path, full)
        run.write(CONFIG_FILE, yaml.safe_dump(full, sort_keys=False, allow_unicode=True))
        run.write_json(ENVIRONMENT_FILE, environment())
    except OSError as error:
        raise ConfigurationError(
            f"cannot write to {path}",
            got=error.strerror or type(error).__name__,
            expected="a folder that can be created and written",
            remedy="choose another folder with --out",
        ) from error
    return run


def load_run(path: Path, command: str) -> Run:
    """Refer to an existing run of one command.

    Raises:
        InputError: the folder is no run, or a run of another command.
    """
    path = Path(path)
    try:
        config = yaml.safe_load((path / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        config = None
    found = config.get("command") if isinstance(config, dict) else None
    if found != command:
        raise InputError(
            f"{path} is no run of `qaml {command}`",
            got="a folder that is not a run" if found is None else f"a run of `qaml {found}`",
            expected=f"a folder that `qaml {command}` made",
            remedy="check the path",
        )
    return Run(path, config)


def environment() -> dict[str, Any]:
    """Versions, the simulator in use, git commit and machine, for the record."""
    # Loads torch: only for runs that are written, not for a mistake that is found before.
    from qaml_qiskit.simulation import backend_description

    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "engine": backend_description(),
        "git_commit": _git_commit(),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cpus": os.cpu_count()},
    }


def _default_path(command: str, config: dict[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
    base = RUNS_FOLDER / f"{command}-{digest}"
    path, count = base, 1
    while (path / METRICS_FILE).is_file():
        count += 1
        path = base.with_name(f"{base.name}-{count}")
    return path


def _check_same(path: Path, config: dict[str, Any]) -> None:
    try:
        found = yaml.safe_load((path / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        found = None
    # A round trip turns tuples into lists, as the file has them.
    if found == json.loads(json.dumps(config)):
        return
    differing = ["the whole file"]
    if isinstance(found, dict):
        differing = [key for key in {**found, **config} if found.get(key) != config.get(key)]
    raise ConfigurationError(
        f"{path} cannot be used for this run",
        got="a folder that is not a run" if found is None else f"a run that differs in {', '.join(differing)}",
        expected="a new or empty folder, or an unfinished run of exactly the same command",
        remedy="choose another folder with --out",
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit(run: Callable[..., Any] = subprocess.run) -> str | None:
    """The commit of the package's checkout, with ``+`` when it has changes; None outside a checkout."""
    here = Path(__file__).parent
    if not (here.parent / ".git").exists():
        return None
    try:
        head = run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
        changes = run(["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}{'+' if changes.stdout.strip() else ''}"
