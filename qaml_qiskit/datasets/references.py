"""How a request names data: a data set that is known, a path to own data, or data that were given to this process."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from qaml_qiskit.datasets.names import DATASETS
from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.datasets.base import Split

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
