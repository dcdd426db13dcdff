"""Opens run folders: a new one, an unfinished one of the same command, or a finished one to read."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qaml_qiskit.artifacts.run import CONFIG_FILE, LOST_CONFIG, METRICS_FILE, RUNS_FOLDER, Run
from qaml_qiskit.errors import ConfigurationError, InputError, StorageError
from qaml_qiskit.files import LOCK_FILE, delete_unfinished, make_folders, unfinished
from qaml_qiskit.formats import Document, damaged, read_bytes, yaml_of, yaml_text
from qaml_qiskit.text import printable


def open_run(
    command: str,
    request: BaseModel,
    resolved: Mapping[str, Any] | None = None,
    out: Path | None = None,
    *,
    backends: Path | None = None,
) -> Run:
    """Open a new run, or the unfinished one of the same command and configuration.

    A run of an earlier version, whose request lacked options that are left at their defaults now, is the same, too.

    The run is locked: use it in a ``with`` block, which lets go of it.

    Args:
        command: the command's name, part of a default folder's name.
        request: everything that decides the result.
        resolved: what names in the request stand for, plain values only; None for a command that has nothing to add.
        out: the folder. By default ``runs/<command>-<hash of the configuration>``; when a complete run has that name
            already, ``-2``, ``-3`` … are tried.
        backends: the backends.yaml that was named, which is recorded, too; None for the one that is taken by default.

    Raises:
        ConfigurationError: the folder cannot be written, is in use, is no run, belongs to another configuration, or
            (only with ``out``) holds a complete run of another kind.
    """
    named = {} if backends is None else {"backends": str(backends)}
    more = {} if resolved is None and not named else {"resolved": {**(resolved or {}), **named}}
    full = {"command": command, **request.model_dump(mode="json"), **more}
    try:
        path = Path(out) if out is not None else _default_path(command, full)
        run = Run(path, _check_same(path, full, _defaults(request)))
        if not run.complete:
            make_folders(path)
            _begin(run)
    except (OSError, ValueError, StorageError) as error:
        raise ConfigurationError(
            f"cannot write to {out or RUNS_FOLDER}",
            got=getattr(error, "got", None) or getattr(error, "strerror", None) or printable(str(error)),
            expected="a folder that can be created and written, with room in it",
            remedy="mend that, or choose another folder with --out",
        ) from error
    return run


def load_run(path: Path, command: str) -> Run:
    """Refer to an existing run of one command; ``with`` locks it for writing.

    Raises:
        InputError: the folder is no run, a run of another command, or its configuration is damaged.
    """
    path = Path(path)
    file = path / CONFIG_FILE
    config = yaml_of(read_bytes(file), str(file), LOST_CONFIG) if file.is_file() else None
    if file.is_file() and not isinstance(config, dict):
        raise damaged(str(file), "no options", "the options of a run", LOST_CONFIG)
    found = config.get("command") if isinstance(config, dict) else None
    if config is None or found != command:
        raise InputError(
            f"{path} is no run of `qaml {command}`",
            got="a folder that is not a run" if found is None else f"a run of `qaml {printable(str(found))}`",
            expected=f"a folder that `qaml {command}` made",
            remedy="check the path",
        )
    return Run(path, Document(config, str(file), LOST_CONFIG))


def _default_path(command: str, config: dict[str, Any]) -> Path:
    digest = hashlib.sha256(_plain(config).encode()).hexdigest()[:8]
    base = RUNS_FOLDER / f"{command}-{digest}"
    path, count = base, 1
    while (path / METRICS_FILE).is_file():
        count += 1
        path = base.with_name(f"{base.name}-{count}")
    return path


def _defaults(request: BaseModel) -> dict[str, Any]:
    """What a request's options are when nobody gives them, as its configuration has them.

    Not those that are left out of a configuration at some value: where they are missing, they have that value, whatever
    their default is.
    """
    fields = {name: field for name, field in type(request).model_fields.items() if field.exclude_if is None}.items()
    given = {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}
    return request.model_copy(update=given).model_dump(mode="json", include=set(given))


def _check_same(path: Path, config: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the run may use the folder: a missing or empty one, its own, or one with just its own first files.

    Returns:
        The configuration as the folder has it, which marks the run's files.
    """
    if not path.exists() and not path.is_symlink():
        return config
    file = path / CONFIG_FILE
    found: object = None
    if file.is_file():
        found = yaml_of(read_bytes(file), str(file), LOST_CONFIG)
        if isinstance(found, dict):
            missing = {name: defaults[name] for name in config if name in defaults and name not in found}
            if _plain({**found, **missing}) == _plain(config):
                return config if not missing else {**found}
            found = {**found, **missing}
    elif path.is_dir() and all(_is_beginning(entry) for entry in path.iterdir()):
        return config
    differing = ["the whole file"]
    if isinstance(found, dict):
        keys = {**found, **config}
        pairs = [(key, found.get(key), config.get(key)) for key in keys]
        differing = [
            printable(f"{key} ({_inner(old, new)})" if isinstance(old, dict) and isinstance(new, dict) else str(key))
            for key, old, new in pairs
            if _plain(old) != _plain(new)
        ]
    raise ConfigurationError(
        f"{path} cannot be used for this run",
        got=f"a run that differs in {', '.join(differing)}" if file.is_file() else "a folder that is not a run",
        expected="a new or empty folder, or an unfinished run of exactly the same command",
        remedy="choose another folder with --out",
    )


def _inner(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Which names, of those that the options stood for, are others."""
    return ", ".join(str(key) for key in {**old, **new} if _plain(old.get(key)) != _plain(new.get(key)))


def _is_beginning(entry: Path) -> bool:
    """Whether a file is one of those that a run writes before its configuration."""
    return entry.name == LOCK_FILE or unfinished(entry) == CONFIG_FILE


def _begin(run: Run) -> None:
    """Lock a run and write its first files, those that are not there yet."""
    run.__enter__()
    try:
        # Somebody else may have begun, or even finished, between the look and the lock.
        _check_same(run.path, run.config, {})
        if not run.complete:
            delete_unfinished(run.path)
            if not (run.path / CONFIG_FILE).is_file():
                run.write(CONFIG_FILE, yaml_text(run.config))
            run.environment()
    except BaseException:
        run.__exit__(None, None, None)
        raise


def _plain(content: object) -> str:
    # A round trip turns tuples into lists, as the file has them.
    return json.dumps(content, sort_keys=True, default=str)
