"""Text from elsewhere cannot act on a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaml_qiskit.text import printable, shortened


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, ε = 0.1", "plain text, ε = 0.1"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://example.org\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title", ""),
        ("two\nlines\tand\rmore", "two lines and more"),
        ("bell\x07 and \x9b31mC1", "bell and 31mC1"),
        ("name\udcff.npz", "name .npz"),
        ("abc\u202edef", "abc def"),
    ],
)
def test_what_acts_on_a_terminal_goes(raw: str, shown: str) -> None:
    assert printable(raw) == shown


@given(st.text())
def test_the_result_is_one_printable_line(raw: str) -> None:
    assert printable(raw).isprintable()
    assert printable(printable(raw)) == printable(raw)


def test_long_text_ends_in_dots() -> None:
    assert shortened("a" * 80, 80) == "a" * 80
    assert shortened("a" * 81, 80) == "a" * 77 + "..."
