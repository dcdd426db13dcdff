"""Rows of results arranged so that all of them can be read where not all columns fit side by side.

Nothing is left out and no cell is shortened, whatever the width.
"""

from collections.abc import Callable, Mapping, Sequence

from qaml_qiskit.reports.cells import heading

Row = Mapping[str, object]
#: How wide a text is.
Size = Callable[[str], int]


def same_in_all(rows: Sequence[Row]) -> list[str]:
    """Columns that say the same in every row. Figures (floats, intervals) are never among them: they are results."""
    if len(rows) < 2:
        return []
    return [
        name
        for name, value in rows[0].items()
        if not isinstance(value, (float, list, tuple)) and all(row[name] == value for row in rows)
    ]


def in_all_rows(texts: Mapping[str, str]) -> str:
    """A sentence with what says the same in every row; nothing where nothing does.

    Args:
        texts: of the cells, by the names of their columns. Empty ones are left out.
    """
    facts = [f"{heading(name)} {text}" for name, text in texts.items() if text]
    return f"In all rows: {', '.join(facts)}." if facts else ""


def key_columns(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """The columns that say which row is which: from the left, each one that tells apart what those before it do not.

    Args:
        rows: of a table.
        names: its columns.
    """
    keys: list[str] = []
    told_apart = 1
    for name in names:
        found = len({tuple(str(row[key]) for key in (*keys, name)) for row in rows})
        if found > told_apart:
            keys.append(name)
            told_apart = found
        if told_apart == len(rows):
            break
    return keys


def column_blocks(names: Sequence[str], keys: Sequence[str], widths: Mapping[str, int], width: int) -> list[list[str]]:
    """The columns in as few blocks as fit side by side in ``width``; every block begins with the key columns.

    Args:
        names: all columns.
        keys: those that are repeated.
        widths: of every column, with the gap to the next.
        width: that there is.

    Returns:
        The columns of every block; empty when one column does not fit beside the keys.
    """
    room = width - sum(widths[key] for key in keys)
    others = [name for name in names if name not in keys]
    if not others or any(widths[name] > room for name in others):
        return []
    blocks, left = [list(keys)], room
    for name in others:
        if widths[name] > left:
            blocks.append(list(keys))
            left = room
        blocks[-1].append(name)
        left -= widths[name]
    return blocks


def is_figure(value: object) -> bool:
    """Whether a value is a number or an interval, which stand to the right in their column."""
    return isinstance(value, (int, float, list, tuple)) and not isinstance(value, bool)


def fold(text: str, width: int, size: Size = len) -> list[str]:
    """The text in lines of at most ``width``, broken between words only: a longer word has a line of its own.

    Args:
        text: words.
        width: of a line.
        size: of a text.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and size(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
