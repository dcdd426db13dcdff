"""The compiled parts of the package: libraries that are built like extensions and called through ctypes."""

import ctypes
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

#: Types of arguments and of the result, by name of the function.
Signatures = Mapping[str, tuple[Sequence[Any], Any]]


def load_library(module: str, signatures: Signatures, *, version: tuple[str, int]) -> ctypes.CDLL | None:
    """A library with declared signatures, or None where it was not built or was built for another version.

    Args:
        module: under which it is installed.
        signatures: of all its functions that are called.
        version: a function of it without arguments, and what that must return.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return None
    try:
        library = ctypes.CDLL(spec.origin)
        for name, (arguments, result) in signatures.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, result
    except (OSError, AttributeError):
        return None
    name, expected = version
    return library if getattr(library, name)() == expected else None
