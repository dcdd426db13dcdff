"""Names of what a result depends on, in the fields of requests and in the rows of results."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

Change = Callable[[str], str]


def renamed(value: Any, names: Mapping[str, str], *, alone: bool = True) -> Any:
    """A value with other names in place of these, wherever one stands: alone, or as a part.

    A part is what stands in front of ``@`` (a condition) or ``/`` (a file in a folder), and behind the first ``=``.

    Args:
        value: text, a list or a mapping of values, or anything else, which stays as it is.
        names: the new ones by the old ones.
        alone: whether a name may stand anywhere; else only behind a ``=``.
    """
    return _changed(value, lambda text: _text(text, names, alone))


def mentioned(value: Any, names: Collection[str], *, alone: bool = True) -> set[str]:
    """Which of these names a value has, read as :func:`renamed` reads it."""
    return {_parts(text, names, alone)[1] for text in texts(value)} - {""}


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep, but for the keys of mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for each in value:
            yield from texts(each)


def counterparts(value: Any, other: Any, names: Collection[str], *, alone: bool = True) -> dict[str, str]:
    """What stands in one value where another, which is the same but for that, has these names; by it, the names."""
    if isinstance(value, str) and isinstance(other, str):
        before, name, behind = _parts(other, names, alone)
        end = len(value) - len(behind)
        return {value[len(before) : end]: name} if name else {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        pairs = [(value[key], other[key]) for key in other if key in value]
    elif isinstance(value, list | tuple) and isinstance(other, list | tuple):
        pairs = list(zip(value, other, strict=False))
    found: dict[str, str] = {}
    for one, another in pairs:
        found |= counterparts(one, another, names, alone=alone)
    return found


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _changed(each, change) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_changed(each, change) for each in value]
    return value


def _text(text: str, names: Mapping[str, str], alone: bool) -> str:
    before, name, behind = _parts(text, names, alone)
    return f"{before}{names[name]}{behind}" if name else text


def _parts(text: str, names: Collection[str], alone: bool) -> tuple[str, str, str]:
    """What is in front of a name, the name, and what is behind it; no name where there is none."""
    if alone:
        if text in names:
            return "", text, ""
        # A folder may have these signs in its own name: the longest name counts.
        for name in sorted(names, key=len, reverse=True):
            if name and text.startswith((f"{name}@", f"{name}/")):
                return "", name, text[len(name) :]
    key, sign, rest = text.partition("=")
    if not sign:
        return "", "", ""
    before, name, behind = _parts(rest, names, True)
    return f"{key}={before}", name, behind
