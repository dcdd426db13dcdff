"""The data sets that are known by name."""

from collections.abc import Mapping
from types import MappingProxyType

from qaml_qiskit.datasets.celeba import CELEBA
from qaml_qiskit.datasets.cifar import CIFAR2, CIFAR10
from qaml_qiskit.datasets.digits import DIGITS
from qaml_qiskit.datasets.mnist import FASHION_MNIST, MNIST
from qaml_qiskit.datasets.moons import MOONS
from qaml_qiskit.datasets.spec import DatasetSpec
from qaml_qiskit.errors import unknown_name

#: Every data set by its name.
DATASETS: Mapping[str, DatasetSpec] = MappingProxyType(
    {spec.name: spec for spec in (DIGITS, MOONS, MNIST, FASHION_MNIST, CIFAR2, CIFAR10, CELEBA)}
)


def dataset_names() -> tuple[str, ...]:
    """Return the names of all data sets, the embedded one first."""
    return tuple(DATASETS)


def dataset_spec(name: str) -> DatasetSpec:
    """Return the description of a data set.

    Raises:
        ConfigurationError: an unknown name; the message gives the known ones and the nearest.
    """
    if name in DATASETS:
        return DATASETS[name]
    raise unknown_name("there is no such data set", name, DATASETS)
