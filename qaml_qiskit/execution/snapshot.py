"""A device as it was: configuration and properties, kept so that its noise can be rebuilt later."""

import json
from pathlib import Path
from typing import Any

from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.errors import InputError
from qaml_qiskit.files import write_atomically

SNAPSHOT_FOLDER = "snapshot"


def write_snapshot(folder: Path, backend: Any) -> None:
    """Keep the present calibration of a real device in ``folder/snapshot``; an earlier one stays as it is.

    Args:
        folder: a run folder.
        backend: a handle with ``configuration()`` and ``properties()``.
    """
    from qiskit_ibm_runtime import RuntimeEncoder

    place = folder / SNAPSHOT_FOLDER
    if (place / "properties.json").is_file():
        return
    for name, content in (("configuration", backend.configuration()), ("properties", backend.properties(refresh=True))):
        write_atomically(place / f"{name}.json", json.dumps(content.to_dict(), cls=RuntimeEncoder))


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
    if submitted.is_file() and submitted.read_text(encoding="utf-8") == content:
        return
    write_atomically(place / f"properties-{calibrated.replace(':', '')}.json", content)


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
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot read a device snapshot from {place}",
            got=getattr(error, "strerror", None) or type(error).__name__,
            expected="configuration.json and properties.json as a run on a real device keeps them",
            remedy="name the snapshot folder of such a run",
        ) from error
