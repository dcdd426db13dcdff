"""Errors travel between processes."""

import pickle
import re
from pathlib import Path

import pytest

from qaml_qiskit import errors
from qaml_qiskit.errors import BudgetError, ConfigurationError, QamlError, perhaps


@pytest.mark.parametrize("kind", [ConfigurationError, BudgetError])
def test_an_error_survives_pickling(kind: type[QamlError]) -> None:
    error = kind("it broke", got=3, expected="four", remedy="count again")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error) == "it broke: got 3; expected four. Count again."
    assert again.exit_code == error.exit_code


def test_a_message_is_one_line_that_is_safe_to_show() -> None:
    error = ConfigurationError("it broke", got="\x1b[31mred\0\n" + "x" * 5000, expected="a  word", remedy="count again")
    assert str(error).startswith("it broke: got red x")
    assert str(error).isprintable()
    assert len(str(error)) < 1100
    assert str(error).endswith("...; expected a word. Count again.")
    plain = ConfigurationError("it broke", got="two  spaces", expected="one", remedy="count again")
    assert str(plain) == "it broke: got two  spaces; expected one. Count again."


def test_near_names_are_offered() -> None:
    known = ["train", "trains", "transfer"]
    assert perhaps("trian", known, "leave it out") == "perhaps train or trains is meant"
    assert perhaps("trian", known, "leave it out", count=1, shown=repr) == "perhaps 'train' is meant"
    assert perhaps("moon", known, "leave it out") == "leave it out"


def test_every_exit_code_is_documented() -> None:
    page = Path(__file__).parents[3] / "docs" / "run-folder.md"
    section = page.read_text(encoding="utf-8").split("## Exit codes")[1].split("##")[0]
    documented = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", section, re.M)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, QamlError)]
    assert {kind.exit_code for kind in kinds} | {0, 130} <= documented.keys()
    assert not [meaning for meaning in documented.values() if "reserved" in meaning]
