"""Tables: a row is an example, one column has its class. Read by pandas."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qaml_qiskit.datasets.arrays import check_whole
from qaml_qiskit.datasets.columns import Header, as_text, check_cells
from qaml_qiskit.datasets.files.format import ALL, FileFormat, FilePart, TableOptions, cannot_read
from qaml_qiskit.errors import ConfigurationError, perhaps
from qaml_qiskit.formats import said
from qaml_qiskit.text import printable, shortened

if TYPE_CHECKING:
    from pandas import DataFrame

#: The column with the classes when none is named.
LABEL_COLUMN = "label"
_TEXTS = (".csv", ".tsv", ".txt", ".data")
_ZIPPED = (".gz", ".bz2", ".xz", ".zip")
#: What other programs put between cells.
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}
_CATEGORICAL = ("symbolic", "categorical", "nominal")
_NUMERIC = ("continuous", "numeric", "")


def read_table(path: Path, options: TableOptions) -> Mapping[str, FilePart]:
    """Read a table, whose rows are not split yet.

    Raises:
        InputError: a damaged file, no such column of labels, or a cell without a value.
        ConfigurationError: pandas is not there.
    """
    table = _loaded(path, options)
    names = [str(name) for name in table.columns]
    label = LABEL_COLUMN if options.label_column is None else options.label_column
    if options.later and label not in names and LABEL_COLUMN in names:
        label = LABEL_COLUMN
    ignored = [name for name in options.ignored if name in names or not options.later]
    for wanted, option in ((label, "--label-column"), *((name, "--ignore-columns") for name in ignored)):
        if wanted not in names:
            shown = ", ".join(names[:60]) + (", …" if len(names) > 60 else "")
            raise cannot_read(
                path,
                f"no column {wanted!r}",
                f"one of the columns {shown}",
                f"call the column of classes as in the training, or {LABEL_COLUMN!r}"
                if options.later
                else perhaps(
                    wanted, names, f"name one of them with {option}; a table without a header needs --columns"
                ),
            )
    table = table.drop(columns=[name for name in ignored if name != label])
    check_cells(table, str(path))
    if table[label].dtype.kind == "f":
        check_whole(table[label].to_numpy(dtype=np.float64), f"the column {label!r} of {path} as classes")
    labels = as_text(table[label])
    values = table.drop(columns=label)
    return {ALL: FilePart(labels, lambda positions: values.iloc[positions])}


def read_header(file: Path) -> Header:
    """The names of columns from a text file: a line each, perhaps with ``,symbolic`` or ``,continuous`` behind.

    Raises:
        InputError: no readable text, a kind that is neither, or a name twice.
    """
    expected = "a name a line, perhaps with `,symbolic` or `,continuous` behind it"
    try:
        lines = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise cannot_read(file, said(error), expected, "check the path") from error
    names, categorical = [], []
    for number, line in enumerate(lines, start=1):
        name, _, kind = (field.strip() for field in line.partition(","))
        if kind.lower().rstrip(".") not in (*_CATEGORICAL, *_NUMERIC) or not name or name in names:
            raise cannot_read(file, f"line {number}: {shortened(printable(line), 60)!r}", expected, "correct the line")
        names.append(name)
        if kind.lower().rstrip(".") in _CATEGORICAL:
            categorical.append(name)
    if not names:
        raise cannot_read(file, "an empty file", expected, "write the names of the columns into it")
    return Header(names=tuple(names), categorical=tuple(categorical))


def _loaded(path: Path, options: TableOptions) -> "DataFrame":
    header = options.header
    is_parquet = path.suffix.lower() == ".parquet"
    try:
        import pandas as pd

        if is_parquet:
            import pyarrow.parquet as parquet
    except ImportError as error:
        raise ConfigurationError(
            f"cannot read the table {path}",
            got=f"no {error.name}",
            expected="pandas, and pyarrow for .parquet",
            remedy="install them with `pip install 'qaml-qiskit[tables]'`",
        ) from error
    twice: list[str] = []
    try:
        if is_parquet:
            found = parquet.read_table(path)
            # Damaged texts would be found only by whoever looks at them.
            found.validate(full=True)
            table = found.to_pandas()
            header = None if options.later and _names_itself(table.columns, options) else header
        else:
            stem = path.with_suffix("") if path.suffix.lower() in _ZIPPED else path
            how: dict[str, Any] = {"sep": "\t" if stem.suffix.lower() == ".tsv" else ",", "encoding": "utf-8-sig"}
            first = pd.read_csv(path, header=None, nrows=1, dtype=str, **how)
            header = None if options.later and _names_itself(first.to_numpy().ravel(), options) else header
            table = pd.read_csv(path, header="infer" if header is None else None, low_memory=False, **how)
            # What the table calls twice, pandas calls by a second name, and a label twice would be a feature as well.
            first = first[:0] if header is not None else first
            twice = [name for row in first.to_numpy() for name in row[pd.Series(row).duplicated()] if name == name]
    except Exception as error:  # pandas and pyarrow raise whatever they stumble over
        got = "an empty file" if isinstance(error, pd.errors.EmptyDataError) else said(error)
        raise cannot_read(path, got, "a table of rows and columns", "restore the file, or write it again") from error
    _check_separated(path, table, is_header=header is None)
    if header is not None:
        table.columns = pd.Index(_names(path, table, header))
    table.columns = table.columns.map(str)
    twice += table.columns[table.columns.duplicated()].tolist()
    # Cells beyond the header make pandas take the first column for the names of the rows.
    shifted = not isinstance(table.index, pd.RangeIndex) and not is_parquet
    if table.empty or twice or shifted:
        got = f"the column {twice[0]!r} twice" if twice else "rows longer than the header" if shifted else "no rows"
        raise cannot_read(path, got, "rows, and a name of its own for every column", "correct the table")
    return table.reset_index(drop=True)


def _names_itself(names: Iterable[object], options: TableOptions) -> bool:
    """Whether a table has a header, although the one that a model was trained on had none."""
    return options.header is not None and set(options.header.names) - set(options.ignored) <= set(map(str, names))


def _check_separated(path: Path, table: "DataFrame", *, is_header: bool) -> None:
    """Refuse a table that is one column because its cells are apart by something else."""
    if len(table.columns) != 1 or not (is_header or len(table)):
        return
    first = str(table.columns[0] if is_header else table.iloc[0, 0])
    if found := [each for each in _SEPARATORS if each in first]:
        raise cannot_read(
            path,
            f"a single column, {shortened(printable(first), 60)!r}, with {_SEPARATORS[found[0]]} in it",
            "commas between cells; tabs in a .tsv",
            "write the table with commas, or name one with tabs .tsv",
        )


def _names(path: Path, table: "DataFrame", header: Header) -> list[str]:
    """The names of all columns, from a header that may name the first alone."""
    if len(header.names) > len(table.columns):
        raise cannot_read(
            path,
            f"{len(table.columns)} columns",
            f"at least the {len(header.names)} columns that --columns names",
            "give the names of this table's columns",
        )
    if table.iloc[0].astype(str).tolist()[: len(header.names)] == list(header.names):
        raise cannot_read(path, "a header of its own", "a table without one beside --columns", "leave out --columns")
    more = range(len(header.names) + 1, len(table.columns) + 1)
    return [*header.names, *(f"column_{number}" for number in more)]


def _is_table(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _ZIPPED:
        suffixes.pop()
    return path.is_file() and bool(suffixes) and suffixes[-1] in (*_TEXTS, ".parquet")


TABLE = FileFormat("a table", _is_table, read_table, is_table=True)
