"""Rows as lines of a terminal: a table, column blocks under each other, or upright, whatever fits. No cell is cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.cells import cell_len

from qaml_qiskit.reports.cells import format_cell, heading
from qaml_qiskit.reports.layout import column_blocks, fold, in_all_rows, is_figure, key_columns, same_in_all

Row = Mapping[str, Any]

_GAP = 2
#: A single row with more columns than this is printed upright, even where it would fit.
_WIDEST_ROW = 9
#: Text in a last column is folded under itself, but not more narrowly than this.
_NARROWEST_TEXT = 24


@dataclass(frozen=True)
class Line:
    """One line; headings stand out."""

    text: str
    is_heading: bool = False


def lay_out(rows: Sequence[Row], width: int | None) -> list[Line]:
    """The rows in lines of at most ``width`` characters, in which every cell is found whole.

    Consecutive rows with the same columns make a table: one where it fits, with headings and a last column of text
    folded between words; what says the same in all rows is told once where that helps. Else upright, a column a row, if
    all rows fit beside each other; else the table in blocks of columns that repeat the key columns; else upright, as
    many rows beside each other as fit. Only a word that is longer than a line goes beyond it.

    Args:
        rows: of results.
        width: of the terminal; None for a file or a pipe, where nothing needs to fit.
    """
    tables = (list(group) for _, group in groupby(rows, lambda row: row.keys()))
    return [line for table in tables for line in _lay_out_table(table, width)]


def _lay_out_table(rows: Sequence[Row], width: int | None) -> list[Line]:
    table = _Texts(rows)
    names = list(rows[0])
    if len(rows) == 1 and len(names) > _WIDEST_ROW:
        return list(table.upright(names, [0], width))
    if width is None:
        return list(table.lines(names, table.natural(names)))
    same = same_in_all(rows)
    differing = [name for name in names if name not in same] or names
    for chosen in (names, differing):
        widths = table.fitted(chosen, width)
        if widths is not None:
            return [*table.same(names, chosen, width), *table.lines(chosen, widths)]
    together = [*table.same(names, differing, width)]
    side_by_side = table.sets_of_rows(differing, width)
    keys = key_columns(rows, differing)
    blocks = column_blocks(differing, keys, {name: table.narrowest(name) + _GAP for name in differing}, width + _GAP)
    if len(side_by_side) > 1 and blocks:
        for number, block in enumerate(blocks):
            together += [Line("")] * (number > 0)
            together += table.lines(block, {name: table.narrowest(name) for name in block})
        return together
    for number, chosen_rows in enumerate(side_by_side):
        together += [Line("")] * (number > 0)
        together += table.upright(differing, chosen_rows, width)
    return together


class _Texts:
    """The cells of rows as they are shown."""

    def __init__(self, rows: Sequence[Row]) -> None:
        names = list(rows[0])
        self._cells = {name: [format_cell(row[name], name) for row in rows] for name in names}
        self._numbers = {name for name in names if any(is_figure(row[name]) for row in rows)}

    def natural(self, names: Sequence[str]) -> dict[str, int]:
        """Widths at which nothing is folded."""
        return {name: max(map(cell_len, (heading(name), *self._cells[name]))) for name in names}

    def narrowest(self, name: str) -> int:
        """The width at which only the heading is folded."""
        return max(map(cell_len, (*heading(name).split(), *self._cells[name])))

    def fitted(self, names: Sequence[str], width: int) -> dict[str, int] | None:
        """Widths of a table that fits: as little folded as needed. None when there are none."""
        natural = self.natural(names)
        if _total(natural) <= width:
            return natural
        widths = {name: self.narrowest(name) for name in names}
        spare = width - _total(widths)
        last = names[-1]
        if spare < 0 and last not in self._numbers:
            words = [word for text in self._cells[last] for word in text.split()]
            least = max([_NARROWEST_TEXT, *map(cell_len, words)])
            if widths[last] + spare >= least:
                widths[last] += spare
                spare = 0
        return widths if spare >= 0 else None

    def lines(self, names: Sequence[str], widths: Mapping[str, int]) -> Iterator[Line]:
        """A table; headings stand on the line above the first row."""
        heads = [fold(heading(name), widths[name], cell_len) for name in names]
        tallest = max(map(len, heads))
        for number in range(tallest):
            # A heading of fewer lines stands at the bottom.
            parts = [([""] * (tallest - len(head)) + head)[number] for head in heads]
            yield Line(self._line(names, widths, parts), is_heading=True)
        for row in range(len(self._cells[names[0]])):
            texts = [self._cells[name][row] for name in names]
            rest = fold(texts[-1], widths[names[-1]], cell_len)
            yield Line(self._line(names, widths, [*texts[:-1], rest[0]]))
            for text in rest[1:]:
                yield Line(self._line(names, widths, [*[""] * (len(names) - 1), text]))

    def same(self, names: Sequence[str], differing: Sequence[str], width: int) -> Iterator[Line]:
        """What says the same in all rows, above a table of the others."""
        sentence = in_all_rows({name: self._cells[name][0] for name in names if name not in differing})
        if sentence:
            yield from (Line(text) for text in fold(sentence, width, cell_len))

    def sets_of_rows(self, names: Sequence[str], width: int) -> list[list[int]]:
        """Rows that fit beside each other, upright."""
        room = width - max(cell_len(heading(name)) for name in names)
        sets: list[list[int]] = []
        left = 0
        for row in range(len(self._cells[names[0]])):
            size = max(cell_len(self._cells[name][row]) for name in names) + _GAP
            if not sets or size > left:
                sets.append([])
                left = room
            sets[-1].append(row)
            left -= size
        return sets

    def upright(self, names: Sequence[str], rows: Sequence[int], width: int | None) -> Iterator[Line]:
        """Names on the left, a column a row; the text of a single row is folded under itself."""
        left = max(cell_len(heading(name)) for name in names)
        sizes = [max(cell_len(self._cells[name][row]) for name in names) for row in rows]
        for name in names:
            texts = [self._cells[name][row] for row in rows]
            folded = [texts]
            if width is not None and len(rows) == 1:
                folded = [[text] for text in fold(texts[0], max(1, width - left - _GAP), cell_len)]
            for number, parts in enumerate(folded):
                shown = [_padded(heading(name) if number == 0 else "", left, right=False)]
                shown += [
                    _padded(part, size, right=len(rows) > 1 and name in self._numbers)
                    for part, size in zip(parts, sizes, strict=True)
                ]
                yield Line((" " * _GAP).join(shown).rstrip())

    def _line(self, names: Sequence[str], widths: Mapping[str, int], texts: Sequence[str]) -> str:
        padded = [
            _padded(text, widths[name], right=name in self._numbers) for name, text in zip(names, texts, strict=True)
        ]
        return (" " * _GAP).join(padded).rstrip()


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
