"""How a part of a result becomes a file of a run, and comes back."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from qaml_qiskit.formats import Arrays, arrays_of, damaged, npz, object_of

Value = TypeVar("Value")
Other = TypeVar("Other")

#: Of a file's content in words, the fingerprint of that content in its place in its run.
Mark = Callable[[str], str]


@dataclass(frozen=True)
class Codec(Generic[Value]):
    """Turns values of one kind into files with a mark, which tells them from files of another place or run.

    Take :data:`JSON` or :data:`ARRAYS`, and :meth:`of` for values on top of them.

    Attributes:
        suffix: of the file, with its dot.
        encode: the file's bytes.
        decode: the value again.
            Raises DamagedFileError, KeyError, TypeError or ValueError for what :attr:`encode` did not write.
        beside: further files of a value, by their suffixes, for readers of the run: they are written before the one
            that is read back.
    """

    suffix: str
    encode: Callable[[Value, Mark], bytes]
    decode: Callable[[bytes, Mark], Value]
    beside: tuple[tuple[str, Callable[[Value], bytes]], ...] = ()

    def of(self, encode: Callable[[Other], Value], decode: Callable[[Value], Other]) -> "Codec[Other]":
        """The same files for values of another kind.

        Args:
            encode: what is kept of such a value.
            decode: the value from what was kept.
        """
        return Codec(
            self.suffix,
            lambda value, mark: self.encode(encode(value), mark),
            lambda content, mark: decode(self.decode(content, mark)),
        )

    def with_file(self, suffix: str, content: Callable[[Value], bytes]) -> "Codec[Value]":
        """The same with a further file beside each; a value without it is not taken as kept."""
        return replace(self, beside=(*self.beside, (suffix, content)))


def json_text(content: object) -> str:
    """A JSON document as runs hold it; the same content gives the same bytes."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _json_bytes(content: Any, mark: Mark) -> bytes:
    return json_text({"mark": mark(json_text(content)), "content": content}).encode(errors="backslashreplace")


def _json_content(content: bytes, mark: Mark) -> Any:
    found = object_of(content, "a kept part")
    _check(found["mark"], mark(json_text(found["content"])))
    return found["content"]


def _arrays_bytes(arrays: Arrays, mark: Mark) -> bytes:
    return npz(**arrays, mark=np.array(mark(_told(arrays))))


def _arrays_content(content: bytes, mark: Mark) -> Arrays:
    found = arrays_of(content, "a kept part")
    _check(str(found.pop("mark", "")), mark(_told(found)))
    return found


def _check(found: object, expected: str) -> None:
    if found != expected:
        raise damaged("a kept part", "the mark of something else", "its own mark", "have it computed again")


def _told(arrays: Arrays) -> str:
    """What arrays hold, in words for a fingerprint."""
    return " ".join(
        f"{name} {array.dtype.str} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
        for name, array in sorted(arrays.items())
    )


#: Anything that JSON can say.
JSON: Codec[Any] = Codec(".json", _json_bytes, _json_content)
#: Arrays by name, in an .npz.
ARRAYS: Codec[Arrays] = Codec(".npz", _arrays_bytes, _arrays_content)
