"""Rooms and libraries that are loaded when they are touched, so that a wrong option need not wait for torch and Qiskit.

A room re-exports its public names from its ``__init__`` under ``if TYPE_CHECKING:``, where people, mypy and editors
read them, and calls :func:`load_lazily` below. There is one list of names: the import statements themselves.
"""

import ast
import importlib
import inspect
import sys
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """A package whose public names are imported from their modules at the first touch."""

    _places: dict[str, tuple[str, str]]

    def __getattr__(self, name: str) -> Any:
        if name not in self._places:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        module, attribute = self._places[name]
        value = getattr(importlib.import_module(module), attribute)
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # Importing a module sets it on its package. A public name is not hidden by a module that is called the same.
        if name in self._places and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._places})


class _Library(ModuleType):
    """A library that is imported at the first touch."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


def load_lazily(package: str) -> None:
    """Let a package find the names that its ``if TYPE_CHECKING:`` block imports when they are touched.

    Args:
        package: its ``__name__``; the call stands at the end of its ``__init__``.
    """
    room = sys.modules[package]
    places = _places(inspect.getsource(room))
    room.__dict__.update(_places=places, __all__=list(places))
    room.__class__ = _Room


def library(name: str) -> Any:
    """A library in place of ``import name``; it is imported when an attribute is read."""
    return _Library(name)


def _places(source: str) -> dict[str, tuple[str, str]]:
    """Public names, with the module and the name that each is imported from."""
    guarded = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    return {
        alias.asname or alias.name: (statement.module or "", alias.name)
        for node in guarded
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
