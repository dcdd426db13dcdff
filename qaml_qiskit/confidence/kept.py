"""Recalibrations as a file, so that what was fitted once makes probabilities elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from qaml_qiskit.confidence.names import RECALIBRATIONS
from qaml_qiskit.confidence.recalibration import Recalibration
from qaml_qiskit.formats import fitted, object_of, read_bytes

#: In the folder of a run.
RECALIBRATIONS_FILE = "recalibrations.json"


def recalibrations_document(found: Mapping[str, Recalibration]) -> dict[str, object]:
    """What the file holds: by the name of the method, the numbers that were fitted."""
    return {name: each.model_dump(mode="json") for name, each in found.items()}


def read_recalibrations(file: Path) -> dict[str, Recalibration]:
    """Recalibrations by the names of their methods, as ``qaml calibrate`` keeps them.

    Args:
        file: ``recalibrations.json`` of a run.

    Raises:
        DamagedFileError: it cannot be read, or does not fit.
        ConfigurationError: a method that is not there, such as one of a package that is not installed.
    """
    found = object_of(read_bytes(file), str(file))
    return {name: fitted(numbers, str(file), RECALIBRATIONS[name]) for name, numbers in found.items()}
