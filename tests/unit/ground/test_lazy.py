"""Rooms hand out the names that they declare, and a module of the same name does not hide them."""

import importlib
from types import ModuleType

import pytest

from qaml_qiskit.lazy import library

LAZY = (
    *("artifacts", "attacks", "circuits", "deployments", "encodings", "execution", "models", "noise", "reports"),
    "simulation",
)


@pytest.mark.parametrize("name", LAZY)
def test_every_public_name_is_there(name: str) -> None:
    room = importlib.import_module(f"qaml_qiskit.{name}")
    assert room.__all__
    for public in room.__all__:
        assert not isinstance(getattr(room, public), ModuleType), public
        assert public in dir(room)


def test_the_front_door_has_every_command() -> None:
    door = importlib.import_module("qaml_qiskit")
    for public in door.__all__:
        assert not isinstance(getattr(door, public), ModuleType), public


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'atack'"):
        _ = importlib.import_module("qaml_qiskit").atack
    with pytest.raises(ImportError, match="atack"):
        exec("from qaml_qiskit import atack")


def test_a_library_is_imported_when_it_is_touched() -> None:
    assert library("fractions").Fraction(1, 2) == 0.5
