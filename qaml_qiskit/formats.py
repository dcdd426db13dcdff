"""The file formats that are read and written: JSON, YAML, npz and npy, as bytes and back.

Every file comes from somewhere where it can be damaged. The parsers below raise whatever they stumble over, from
EOFError to RecursionError; here all of it becomes a DamagedFileError that names the file. No pickled object is read.
"""

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from qaml_qiskit.errors import UNKNOWN_NAME, DamagedFileError, unknown_name
from qaml_qiskit.text import printable, shortened

Arrays = dict[str, NDArray[Any]]
Model = TypeVar("Model", bound=BaseModel)

#: Of a YAML file, which people write: bytes; nesting; and values, each counted as often as an alias repeats it.
_YAML_BYTES, _DEPTH, _YAML_VALUES = 4_000_000, 100, 400_000
_REMEDY = "restore the file from a copy, or make it again"


#: What was expected, by pydantic's types of problems; other problems are told in its own words.
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "an integer"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    "finite_number": "a finite number",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("string_type", "string_unicode"), "text"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    **dict.fromkeys(("dict_type", "model_type", "mapping_type"), "names with values"),
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text of the form {pattern}",
}


class Document(dict[str, Any]):
    """A JSON object or YAML mapping of a file; a key that is not there is damage of the file, not a KeyError."""

    def __init__(self, values: Mapping[str, Any], source: str, remedy: str = _REMEDY) -> None:
        super().__init__(values)
        self._source, self._remedy = source, remedy

    def __missing__(self, key: str) -> NoReturn:
        raise damaged(self._source, f"no {key!r}", f"a field {key!r}", self._remedy)


def damaged(source: str, got: str, expected: str, remedy: str = _REMEDY) -> DamagedFileError:
    """The error for a file that cannot be used.

    Args:
        source: the file, as the user knows it.
        got: what is in it instead.
        expected: what should be.
        remedy: what to do.
    """
    return DamagedFileError(f"cannot read {source}", got=got, expected=expected, remedy=remedy)


def read_bytes(file: Path, remedy: str = "check the path") -> bytes:
    """The content of a file. Raises DamagedFileError when there is none, or it cannot be read."""
    try:
        return file.read_bytes()
    except (OSError, ValueError) as error:
        raise damaged(str(file), said(error), "a readable file", remedy) from error


def json_of(content: bytes, source: str, remedy: str = _REMEDY) -> Any:
    """A JSON value; objects in it are :class:`Document`."""
    try:
        value = json.loads(content.decode(), object_hook=lambda found: Document(found, source, remedy))
        _check_values([value], most=None)
    except Exception as error:
        raise damaged(source, _empty(content) or f"no JSON: {said(error)}", "JSON", remedy) from error
    return value


def object_of(content: bytes, source: str, remedy: str = _REMEDY) -> Document:
    """A JSON object."""
    value = json_of(content, source, remedy)
    if not isinstance(value, Document):
        raise damaged(source, f"a {type(value).__name__}", "a JSON object", remedy)
    return value


def model_of(
    content: bytes, source: str, schema: type[Model], remedy: str = _REMEDY, *, context: object = None
) -> Model:
    """A JSON object that fits a schema."""
    return fitted(json_of(content, source, remedy), source, schema, remedy, context=context)


def fitted(value: object, source: str, schema: type[Model], remedy: str = _REMEDY, *, context: object = None) -> Model:
    """A value of a file that fits a schema.

    Args:
        value: of the file.
        source: the file, as the user knows it.
        schema: what it has to be.
        remedy: what to do when it is not.
        context: what the schema's own validators are told beside the value, such as the content of another file.

    Raises:
        DamagedFileError: it does not fit.
        ConfigurationError: it names a part that is not there, such as one of a package that is not installed.
    """
    try:
        return schema.model_validate(value, context=context)
    except ValidationError as error:
        problem, expected = first_problem(error)
        if problem["type"] == UNKNOWN_NAME:
            names = problem["ctx"]["names"].split(", ")
            raise unknown_name(f"there is no such {problem['ctx']['noun']}", problem["input"], names) from error
        place = ".".join(map(str, problem["loc"])) or "the whole file"
        if problem["type"] == "missing":
            raise damaged(source, f"no {place}", f"a value for {problem['loc'][-1]}", remedy) from error
        if problem["type"] == "extra_forbidden":
            raise damaged(source, f"the unknown field {place}", "fields that are known", remedy) from error
        raise damaged(source, f"{place} = {short(problem['input'])}", expected, remedy) from error


def first_problem(error: ValidationError) -> tuple[ErrorDetails, str]:
    """The one problem of a validation error that a message tells, and what was expected instead.

    A misspelt field also makes a required one missing: the misspelling is what helps, and goes first.
    """
    problems = error.errors(include_url=False)
    problem = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    words = _EXPECTED.get(problem["type"])
    if words is not None:
        limits = problem.get("ctx", {})
        expected = words.format(**{k: f"{v:g}" if isinstance(v, float) else v for k, v in limits.items()})
    else:
        expected = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return problem, ", or ".join([expected, *_words_beside(problem, problems)])


def _words_beside(problem: ErrorDetails, problems: list[ErrorDetails]) -> list[str]:
    """Words that are taken beside what a problem is about, where a field takes a number or a word."""
    return [
        other["ctx"]["expected"]
        for other in problems
        if other is not problem
        and other["type"] == "literal_error"
        and other["loc"][:-1] == problem["loc"][:-1]
        and str(other["loc"][-1]).startswith("literal[")
    ]


def yaml_of(content: bytes, source: str, remedy: str = "correct the file") -> Any:
    """A YAML value, of plain types alone; None for an empty file."""
    if len(content) > _YAML_BYTES:
        raise damaged(source, f"{len(content)} bytes", f"YAML of at most {_YAML_BYTES} bytes", remedy)
    try:
        value = yaml.load(content.decode(), _Loader)
        _check_values([value], most=_YAML_VALUES)
    except Exception as error:
        raise damaged(source, f"no valid YAML: {said(error)}", "YAML", remedy) from error
    return value


class _Loader(yaml.SafeLoader):
    """Plain types alone, and no deeper than :data:`_DEPTH`: PyYAML's time grows with the square of the depth."""

    _level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One value with all that is in it."""
        self._level += 1
        if self._level > _DEPTH:
            raise ValueError(f"values nested more than {_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._level -= 1
        return node


def yaml_text(content: object) -> str:
    """YAML of plain values, in their order."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def npz(**arrays: NDArray[Any]) -> bytes:
    """The bytes of an .npz; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_of(content: bytes, source: str, remedy: str = _REMEDY) -> Arrays:
    """All arrays of an .npz."""
    return read_arrays(io.BytesIO(content), (), (), source=source, expected="an .npz", remedy=remedy, every=True)


def read_arrays(
    file: Path | io.BytesIO,
    required: Iterable[str],
    optional: Iterable[str],
    *,
    source: str,
    expected: str,
    remedy: str,
    every: bool = False,
) -> Arrays:
    """Some arrays of an .npz by name; others in it are not touched.

    Args:
        file: the .npz.
        required: arrays that must be there.
        optional: arrays that are read where they are there.
        source: the file, for the message.
        expected: what it should hold, for the message.
        remedy: what to do otherwise, for the message.
        every: whether to read all that are there.

    Raises:
        DamagedFileError: no readable .npz, encrypted, a required array is missing, or one holds pickled objects.
    """
    try:
        # Opened here, since numpy leaves a file open that turns out to be none of its own.
        with (
            file.open("rb") if isinstance(file, Path) else file as stream,
            np.load(stream, allow_pickle=False) as archive,
        ):
            there = archive.files
            names = there if every else [*required, *(name for name in optional if name in there)]
            found = {name: archive[name] for name in names}
    except Exception as error:
        raise damaged(source, _said_of_arrays(error), expected, remedy) from error
    for name, array in found.items():
        # What lost its head is handed over as bytes.
        if not isinstance(array, np.ndarray):
            raise damaged(source, f"{short(name)}, which is no array", expected, remedy)
    return found


def npy(array: NDArray[Any]) -> bytes:
    """The bytes of an .npy."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def array_of(content: bytes, source: str, remedy: str = _REMEDY) -> NDArray[Any]:
    """The inverse of :func:`npy`."""
    try:
        found = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:
        raise damaged(source, _said_of_arrays(error), "an .npy", remedy) from error
    if not isinstance(found, np.ndarray):
        raise damaged(source, "an archive", "an .npy", remedy)
    return found


def short(value: object) -> str:
    """A value in at most 80 characters, safe to show."""
    return shortened(printable(repr(value)), 80)


def _check_values(values: list[Any], most: int | None) -> None:
    """Walk through nested values: not too deep and not too many."""
    count, depth = 0, 0
    while values:
        depth, count = depth + 1, count + len(values)
        if depth > _DEPTH:
            raise ValueError(f"values nested more than {_DEPTH} deep")
        if most is not None and count > most:
            raise ValueError(f"more than {most} values")
        inner: list[Any] = []
        for value in values:
            if isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list | tuple | set):
                inner += value
        values = inner


def said(error: BaseException) -> str:
    """What a parser complains about, short enough for a line and safe to show."""
    if isinstance(error, UnicodeError):
        return "bytes that are not UTF-8"
    if isinstance(error, EOFError):
        return "a file that ends too early"
    if isinstance(error, RecursionError):
        return "values nested too deep"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return shortened(printable(str(error)), 200) or type(error).__name__


def _said_of_arrays(error: Exception) -> str:
    if isinstance(error, TypeError):
        # A single array, as numpy.save writes it, is no archive.
        return "a file that is no .npz archive"
    if isinstance(error, EOFError):
        return "an empty file"
    if isinstance(error, MemoryError):
        return "arrays that are larger than the memory"
    if isinstance(error, KeyError):
        return printable(str(error.args[0])) if error.args else "a file that lacks an array"
    # numpy's own words go on to say how to read pickled objects all the same.
    return "a file that is no .npz, or holds pickled objects" if "pickle" in str(error) else said(error)


def _empty(content: bytes) -> str:
    return "" if content.strip() else "an empty file"
