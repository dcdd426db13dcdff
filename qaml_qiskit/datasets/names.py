"""The data sets by name; for requests, which do not wait for the readers."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.datasets.base import Split
    from qaml_qiskit.datasets.spec import DatasetSpec

#: Every data set, the embedded ones first.
DATASETS: "Registry[DatasetSpec]" = Registry(
    "data set",
    {
        "digits": ("qaml_qiskit.datasets.digits:DIGITS", "handwritten digits, 8×8 grey, ten classes"),
        "moons": ("qaml_qiskit.datasets.moons:MOONS", "two interleaved half circles, two features, two classes"),
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
#: Data that were given to this process, prepared, by names that say what is in them.
GIVEN: "Registry[Split]" = Registry("given data set", {}, base="qaml_qiskit.datasets.base:Split")


def is_path(dataset: str | Path) -> bool:
    """Whether a data set is own data at a path. A name that is known is none; ``./digits`` is.

    A text is a path if it has a slash or an ending, or if something of that name is there.
    """
    if isinstance(dataset, Path):
        return True
    if dataset in DATASETS or dataset in GIVEN:
        return False
    return os.sep in dataset or bool(Path(dataset).suffix) or (bool(dataset) and os.path.exists(dataset))  # noqa: PTH110 - False, too, for a name too long for a file


@dataclass(frozen=True)
class _NamedOrPath(Named):
    """Marks a text field as the name of a data set, or a path to own data."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A path passes; anything else must be a name that is known."""
        named = super().__get_pydantic_core_schema__(source, handler)

        def known(value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> Any:
            if isinstance(value, Path) or (isinstance(value, str) and is_path(value)):
                return str(value)
            return check(value)

        return core_schema.no_info_wrap_validator_function(known, named)


DatasetName = Annotated[str, _NamedOrPath(DATASETS, given=GIVEN)]
