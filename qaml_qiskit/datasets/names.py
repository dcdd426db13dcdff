"""The data sets by name; for requests, which do not wait for the readers."""

from typing import TYPE_CHECKING

from qaml_qiskit.registry import Registry

if TYPE_CHECKING:
    from qaml_qiskit.datasets.spec import DatasetSpec

#: Every data set, the embedded ones first.
DATASETS: "Registry[DatasetSpec]" = Registry(
    "data set",
    {
        "digits": ("qaml_qiskit.datasets.digits:DIGITS", "handwritten digits, 8×8 grey, ten classes"),
        "moons": ("qaml_qiskit.datasets.moons:MOONS", "two interleaved half circles, two features, two classes"),
        "thin-moons": ("qaml_qiskit.datasets.moons:THIN_MOONS", "the same half circles with little scatter"),
        "ising": ("qaml_qiskit.datasets.ising:ISING", "ground states of four spins in a transverse field, two classes"),
        "mnist": ("qaml_qiskit.datasets.mnist:MNIST", "handwritten digits, 28×28 grey, ten classes"),
        "fashion-mnist": (
            "qaml_qiskit.datasets.mnist:FASHION_MNIST",
            "photographs of garments, 28×28 grey, ten classes",
        ),
        "cifar2": ("qaml_qiskit.datasets.cifar:CIFAR2", "the ships and trucks of CIFAR-10, 3×32×32 colour"),
        "cifar10": ("qaml_qiskit.datasets.cifar:CIFAR10", "small photographs, 3×32×32 colour, ten classes"),
        "celeba": ("qaml_qiskit.datasets.celeba:CELEBA", "faces with or without an attribute, 3×32×32 colour"),
    },
    base="qaml_qiskit.datasets.spec:DatasetSpec",
)
