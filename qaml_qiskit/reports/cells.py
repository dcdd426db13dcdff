"""How a value is shown: the same in tables, pages and pictures."""

from typing import Self

from qaml_qiskit.text import printable

#: Columns of numbers that were given rather than found: shown with the digits that they were given.
_GIVEN = frozenset({"eps", "strength", "threshold", "distance"})
#: Whole numbers from this on are counts.
_COUNTED = 10


class Linked(str):
    """Text of a cell that leads to a section of its page.

    Attributes:
        anchor: of the section.
    """

    anchor: str

    def __new__(cls, text: str, anchor: str) -> Self:
        """A text, and where it leads."""
        made = super().__new__(cls, text)
        made.anchor = anchor
        return made


def format_number(value: float) -> str:
    """A figure that was found: three decimals, two digits of a small one."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0095 else f"{value:.2g}"


def is_count(value: object) -> bool:
    """Whether a figure is a count: a whole number, and no share."""
    return isinstance(value, float) and value.is_integer() and abs(value) >= _COUNTED


def format_cell(value: object, name: str = "") -> str:
    """A value as people read it, on one line and without anything that a terminal or a browser would act on.

    Args:
        value: figures as :func:`format_number` shows them, pairs as a – b, None as nothing, truth as yes and no, other
            things by their text.
        name: of the column; strengths and distances keep the digits that they were given.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if name in _GIVEN else format_number(value)
    if isinstance(value, (list, tuple)):
        return " – ".join(format_cell(item, name) for item in value)
    return printable(str(value))


def heading(name: str) -> str:
    """The heading of a column."""
    return printable(name.replace("_", " "))
