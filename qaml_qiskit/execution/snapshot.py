"""A device as it was: configuration and properties, kept so that its noise can be rebuilt later."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import InputError, UnavailableError
from qaml_qiskit.execution.ibm.service import ask
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import damaged, object_of, read_bytes, short
from qaml_qiskit.secrets import hide_all

SNAPSHOT_FOLDER = "snapshot"


def fetch_snapshot(backend: Any) -> dict[str, str]:
    """The present configuration and properties of a real device, as JSON by name, without credentials.

    Args:
        backend: a handle with ``configuration()`` and ``properties()``.

    Raises:
        QamlError: see :func:`~qaml_qiskit.execution.ibm.service.ask`; an UnavailableError when the device has no
            calibration at this time.
    """
    from qiskit_ibm_runtime import RuntimeEncoder

    what = f"cannot fetch the calibration of {backend.name}"

    def look() -> dict[str, str]:
        properties = backend.properties(refresh=True)
        if properties is None:
            raise UnavailableError(
                what,
                got="none",
                expected="error rates and durations of its gates",
                remedy="look at the device's status, then run the same command again",
            )
        parts = {"configuration": backend.configuration(), "properties": properties}
        return {name: json.dumps(hide_all(part.to_dict()), cls=RuntimeEncoder) for name, part in parts.items()}

    return ask(what, look)


def write_snapshot(folder: Path, fetch: Callable[[], dict[str, str]]) -> None:
    """Keep the calibration of a real device in ``folder/snapshot``; an earlier one stays as it is.

    Args:
        folder: a run folder.
        fetch: gets its files by name, see :func:`fetch_snapshot`; called when there are none yet.
    """
    place = folder / SNAPSHOT_FOLDER
    if (place / "properties.json").is_file():
        return
    for name, content in fetch().items():
        write_atomically(place / f"{name}.json", content, private=True)


def keep_properties(folder: Path, properties: dict[str, Any], calibrated: str) -> None:
    """Keep the calibration that a job ran under, unless it is the one at submission.

    Args:
        folder: a run folder.
        properties: the device's properties as their ``to_dict``.
        calibrated: their date, which becomes part of the file's name.
    """
    from qiskit_ibm_runtime import RuntimeEncoder

    place = folder / SNAPSHOT_FOLDER
    content = json.dumps(properties, cls=RuntimeEncoder)
    submitted = place / "properties.json"
    if submitted.is_file() and read_bytes(submitted) == content.encode():
        return
    write_atomically(place / f"properties-{calibrated.replace(':', '')}.json", content, private=True)


def snapshot_date(folder: Path) -> str | None:
    """When the device of a run folder was calibrated that :func:`write_snapshot` found; None without a snapshot.

    Raises:
        DamagedFileError: the file is damaged.
    """
    place = folder / SNAPSHOT_FOLDER
    return calibration_date(place) if (place / "properties.json").is_file() else None


def calibration_date(place: Path) -> str:
    """When the device of a snapshot was calibrated.

    Args:
        place: a snapshot folder.

    Raises:
        DamagedFileError: the file is damaged.
    """
    file = place / "properties.json"
    date = object_of(read_bytes(file), str(file)).get("last_update_date")
    text = date.get("__value__") if isinstance(date, dict) else date
    try:
        # A date that is missing, or no text, is a TypeError.
        return datetime.fromisoformat(cast(str, text)).astimezone(UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError) as error:
        raise damaged(str(file), f"the date {short(text)}", "a date and a time") from error


def read_snapshot(place: Path) -> ISATarget:
    """Gates, connectivity, error rates and durations of the device as :func:`write_snapshot` found it.

    Raises:
        InputError: no snapshot, or a damaged one.
    """
    from qiskit_ibm_runtime import RuntimeDecoder
    from qiskit_ibm_runtime.models import BackendConfiguration, BackendProperties
    from qiskit_ibm_runtime.utils.backend_converter import convert_to_target

    try:
        configuration, properties = (
            json.loads((place / f"{name}.json").read_text(encoding="utf-8"), cls=RuntimeDecoder)
            for name in ("configuration", "properties")
        )
        return convert_to_target(
            configuration=BackendConfiguration.from_dict(configuration),
            properties=BackendProperties.from_dict(properties),
        )
    except Exception as error:  # the client's models fail in their own ways on files of another shape
        raise InputError(
            f"cannot read a device snapshot from {place}",
            got=getattr(error, "strerror", None) or type(error).__name__,
            expected="configuration.json and properties.json as a run on a real device keeps them",
            remedy="name the snapshot folder of such a run",
        ) from error


def snapshot_place(path: Path) -> Path:
    """The folder with the two files of a snapshot: of a run folder, or such a folder itself.

    Raises:
        InputError: there is none.
    """
    for place in (path / SNAPSHOT_FOLDER, path):
        if all((place / f"{name}.json").is_file() for name in ("configuration", "properties")):
            return place
    raise InputError(
        f"{path} holds no snapshot of a device",
        got="no such folder" if not path.exists() else "no configuration.json beside a properties.json",
        expected="a run folder of a real device, or the snapshot folder of one",
        remedy="name the folder of a run on a real device",
    )


def snapshot_device(place: Path) -> str:
    """The name of the device that a snapshot is of, as its service has it.

    Raises:
        DamagedFileError: the file is damaged.
    """
    file = place / "configuration.json"
    name = object_of(read_bytes(file), str(file)).get("backend_name")
    if not isinstance(name, str):
        raise damaged(str(file), f"the name {short(name)}", "the name of a device")
    return name
