"""The data sets that are known by name."""

from qaml_qiskit.datasets.names import DATASETS
from qaml_qiskit.datasets.spec import DatasetSpec


def dataset_names() -> tuple[str, ...]:
    """Return the names of all data sets, the embedded one first."""
    return tuple(DATASETS)


def dataset_spec(name: str) -> DatasetSpec:
    """Return the description of a data set.

    Raises:
        ConfigurationError: an unknown name; the message gives the known ones and the nearest.
    """
    return DATASETS[name]
