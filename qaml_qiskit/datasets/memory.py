"""Arrays that a user has at hand as a data set, with the same checks and steps as files."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qaml_qiskit.datasets.arrays import as_array, class_labels, pixels_of
from qaml_qiskit.datasets.base import Split
from qaml_qiskit.datasets.columns import check_cells
from qaml_qiskit.datasets.files.format import ALL, TEST, TRAIN, FilePart, TableOptions
from qaml_qiskit.datasets.own import own_data
from qaml_qiskit.datasets.preparation import is_table
from qaml_qiskit.datasets.preparing import Asked, prepared_own
from qaml_qiskit.datasets.sources import DataFile
from qaml_qiskit.errors import InputError
from qaml_qiskit.seeds import check_seed

if TYPE_CHECKING:
    from pandas import DataFrame

#: Images or features in any layout of :func:`pixels_of`, or a table without its labels.
Rows = Union[ArrayLike, "DataFrame"]


def split_of_arrays(name: str, arrays: Mapping[str, tuple[Rows, ArrayLike]], asked: Asked, seed: int) -> Split:
    """Arrays as a data set.

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
    digest, parts = hashlib.sha256(), {}
    for part, (rows, labels) in arrays.items():
        parts[part] = _part(rows, labels, part)
        for array in (*_contents(rows), parts[part].labels):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    if TEST not in parts and list(parts) == [TRAIN]:
        parts = {ALL: parts[TRAIN]}
    data = DataFile(path="", sha256=digest.hexdigest())
    return prepared_own(own_data(name, parts, None, data, None, TableOptions(), seed), asked)


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


def _contents(rows: Rows) -> tuple[NDArray[Any], ...]:
    """Arrays without objects that differ where the rows do."""
    if not is_table(rows):
        return (as_array(rows, "the rows"),)
    import pandas as pd

    return np.array(rows.columns.map(str), dtype=np.str_), pd.util.hash_pandas_object(rows, index=False).to_numpy()
