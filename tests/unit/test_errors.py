"""Errors travel between processes."""

import pickle

import pytest

from qaml_qiskit.errors import BudgetError, ConfigurationError, QamlError


@pytest.mark.parametrize("kind", [ConfigurationError, BudgetError])
def test_an_error_survives_pickling(kind: type[QamlError]) -> None:
    error = kind("it broke", got=3, expected="four", remedy="count again")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error) == "it broke: got 3; expected four. Count again."
    assert again.exit_code == error.exit_code
