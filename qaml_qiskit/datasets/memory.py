"""Arrays that a user has at hand as a data set, with the same checks and steps as files."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qaml_qiskit.datasets.arrays import class_labels, pixels_of
from qaml_qiskit.datasets.columns import check_cells
from qaml_qiskit.datasets.files.format import ALL, TEST, TRAIN, FilePart, TableOptions
from qaml_qiskit.datasets.own import own_data
from qaml_qiskit.datasets.preparation import DataPreparation, is_table
from qaml_qiskit.datasets.preparing import Asked, PreparedData, prepared_own
from qaml_qiskit.datasets.sources import DataFile
from qaml_qiskit.errors import InputError
from qaml_qiskit.seeds import check_seed

if TYPE_CHECKING:
    from pandas import DataFrame

#: Images or features in any layout of :func:`pixels_of`, or a table without its labels.
Rows = Union[ArrayLike, "DataFrame"]


def prepared_arrays(name: str, arrays: Mapping[str, tuple[Rows, ArrayLike]], asked: Asked, seed: int) -> PreparedData:
    """Arrays as the parts of a data set.

    Args:
        name: how the data set is called.
        arrays: rows and labels by the names of the parts, ``train`` and perhaps ``test`` and ``validation``.
        asked: what is done to them.
        seed: of the choice of a test part where there is none.

    Raises:
        ConfigurationError: classes or steps that do not fit the data.
        InputError: arrays that cannot be used.
    """
    check_seed(seed)
    parts = {part: _part(rows, labels, part) for part, (rows, labels) in arrays.items()}
    if TEST not in parts and list(parts) == [TRAIN]:
        parts = {ALL: parts[TRAIN]}
    options, unread = TableOptions(), DataFile(path="", sha256="")
    own = own_data(name, parts, None, unread, None, options, seed)
    found = prepared_own(own, asked)
    file = DataFile(path="", sha256=content(found.class_names, found.preparation, options, found.parts))
    return replace(found, source=own.source.model_copy(update={"data": file}))


def content(
    class_names: tuple[str, ...],
    preparation: DataPreparation | None,
    options: TableOptions,
    parts: Mapping[str, tuple[NDArray[np.float32], NDArray[np.int64]]],
) -> str:
    """The SHA-256 of all that a model sees of data, and of how rows become such.

    Args:
        class_names: in the order of the labels.
        preparation: what was done to the rows.
        options: how a table was read.
        parts: images and labels by the names of the parts.
    """
    steps = "" if preparation is None else preparation.model_dump_json()
    whole = hashlib.sha256(repr((class_names, steps, options)).encode())
    for name in sorted(parts):
        for array in parts[name]:
            whole.update(f"{name} {array.dtype} {array.shape}".encode())
            whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


def _part(rows: Rows, labels: ArrayLike, part: str) -> FilePart:
    if is_table(rows):
        table = rows.set_axis(rows.columns.map(str), axis=1)
        twice = table.columns[table.columns.duplicated()].tolist()
        if table.empty or twice:
            raise InputError(
                f"cannot use the {part} table",
                got=f"the column {twice[0]!r} twice" if twice else f"{len(table)} rows of {len(table.columns)} columns",
                expected="rows, and a name of its own for every column",
                remedy="correct the table",
            )
        check_cells(table, f"the {part} table")
        return FilePart(class_labels(labels, len(table), f"the {part} labels"), lambda found: table.iloc[found])
    pixels = pixels_of(rows, f"the {part} images")
    return FilePart(class_labels(labels, len(pixels), f"the {part} labels"), lambda found: pixels[found])
