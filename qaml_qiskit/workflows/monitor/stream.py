"""Streams of scores from files: CSV, JSON lines and npz."""

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import DamagedFileError
from qaml_qiskit.formats import arrays_of, damaged, read_bytes, said, short

_REMEDY = "correct the file, or name other fields with --rising and --falling"
_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".npz")


def read_stream(name: str, fields: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The values of some fields, shape (N,) each, in the order of the file; other fields are not touched.

    Args:
        name: of the file.
        fields: at least one.

    Raises:
        DamagedFileError: no readable file, no row, a row that lacks a field, or one whose field is no finite number; it
            names the line and the field.
    """
    file = Path(name)
    if file.suffix.lower() not in _SUFFIXES:
        raise damaged(
            name, f"a file that ends in {file.suffix or 'nothing'}", f"one of {', '.join(_SUFFIXES)}", _REMEDY
        )
    content = read_bytes(file)
    if file.suffix.lower() == ".npz":
        return _of_arrays(content, name, fields)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeError as error:
        raise damaged(name, said(error), "text", _REMEDY) from error
    rows = _of_csv(text, name) if file.suffix.lower() == ".csv" else _of_lines(text, name)
    values: dict[str, list[float]] = {field: [] for field in fields}
    for line, row in rows:
        for field, found in values.items():
            found.append(_number(row, field, name, line))
    if not values[fields[0]]:
        raise damaged(name, "no image", "a row for each of at least one image", "wait until there is one")
    return {field: np.array(found) for field, found in values.items()}


def _of_csv(text: str, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            # What stands beyond the header has no name, and a line that ends early has no values.
            yield reader.line_num, {key: value for key, value in row.items() if key is not None and value is not None}
    except csv.Error as error:
        raise damaged(name, f"line {reader.line_num}: {said(error)}", "comma-separated values", _REMEDY) from error


def _of_lines(text: str, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    for line, words in enumerate(text.split("\n"), 1):
        if not words.strip():
            continue
        try:
            row = json.loads(words)
        except (ValueError, RecursionError) as error:
            raise damaged(name, f"line {line}: {said(error)}", "a JSON object a line", _REMEDY) from error
        if not isinstance(row, dict):
            raise damaged(name, f"line {line}: {short(row)}", "a JSON object a line", _REMEDY)
        yield line, row


def _number(row: dict[str, object], field: str, name: str, line: int) -> float:
    if field not in row:
        raise damaged(
            name,
            f"line {line} without {field!r}, with {short(list(row))}",
            f"the field {field!r} in every row",
            _REMEDY,
        )
    found = row[field]
    if isinstance(found, str):
        found = {"true": 1.0, "false": 0.0}.get(found.strip().lower(), found)
    try:
        value = float(found)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise _no_number(name, line, field, found) from error
    if not math.isfinite(value):
        raise _no_number(name, line, field, found)
    return value


def _no_number(name: str, line: int, field: str, found: object) -> DamagedFileError:
    return damaged(name, f"line {line}: {field} = {short(found)}", "a finite number", _REMEDY)


def _of_arrays(content: bytes, name: str, fields: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    arrays, found = arrays_of(content, name), {}
    for field in fields:
        if field not in arrays:
            raise damaged(name, f"no array {field!r}", f"one of {', '.join(arrays) or 'at least one'}", _REMEDY)
        values = arrays[field]
        if values.ndim != 1 or values.dtype.kind not in "biuf" or not len(values):
            got = f"{field} of shape {values.shape} and type {values.dtype}"
            raise damaged(name, got, "a number for each of at least one image, shape (N,)", _REMEDY)
        found[field] = values.astype(np.float64)
        if not np.isfinite(found[field]).all():
            raise damaged(name, f"{field} = {values[~np.isfinite(found[field])][0]}", "finite numbers", _REMEDY)
    if len({len(values) for values in found.values()}) > 1:
        raise damaged(name, "arrays of different lengths", "a number an image in every field", _REMEDY)
    return found
