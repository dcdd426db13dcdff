"""The page of a run: one HTML file that works offline."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

import jinja2
from markupsafe import Markup, escape

from qaml_qiskit.reports.cells import Linked, format_cell, heading
from qaml_qiskit.reports.layout import column_blocks, in_all_rows, is_figure, key_columns, same_in_all
from qaml_qiskit.text import printable

Row = Mapping[str, object]

#: Characters beside each other that a window of 1,200 pixels, one of 800 and a telephone of 400 hold.
_WIDTHS = (125, 85, 42)
#: Between two columns, in characters.
_GAP = 2
#: Text in a cell is folded where it is longer than this.
_LONGEST_TEXT = 28
#: A single row with more columns than this stands upright.
_WIDEST_ROW = 6

_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading, paragraphs, then a table and a picture where given.

    Attributes:
        heading: the heading.
        paragraphs: plain text, escaped when rendered.
        rows: the table; the keys of the first row are its columns.
        picture: PNG bytes, embedded in the page.
        caption: what the picture shows; also its alternative text.
        anchor: what links to the section name.
        links: addresses by their texts, below the paragraphs.
        commands: for a shell, below everything else.
        folded: text in a cell is folded where it is longer, in characters.
    """

    heading: str
    paragraphs: Sequence[str] = ()
    rows: Sequence[Row] = ()
    picture: bytes | None = None
    caption: str = ""
    anchor: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ()
    folded: int = _LONGEST_TEXT


@dataclass(frozen=True)
class Page:
    """A whole page: title, a sentence that says what was found, sections, and how to get the same again."""

    title: str
    lead: str
    sections: Sequence[Section]
    command: str
    environment: Mapping[str, object] = field(default_factory=dict)

    def render(self) -> str:
        """The page as HTML, with styles and pictures inside."""
        return _render("page.html", page=self)


def outcome_html(title: str, lead: str, problem: str, rows: Mapping[str, Sequence[Row]], texts: Sequence[str]) -> str:
    """A part of a notebook in the style of a page: what was found, why it is incomplete, tables, and remarks.

    Args:
        title: above everything.
        lead: what was found; may be empty.
        problem: what is missing; may be empty.
        rows: of each table by its heading; the first one needs none.
        texts: a paragraph each.
    """
    return _render(
        "outcome.html", title=title, lead=lead, problem=problem, tables_by_name=_of_equal_columns(rows), texts=texts
    )


def picture_html(png: bytes, caption: str) -> str:
    """A picture for a notebook."""
    return _render("picture.html", picture=png, caption=caption)


def _of_equal_columns(rows: Mapping[str, Sequence[Row]]) -> dict[str, Sequence[Row]]:
    """Tables whose rows have the same columns: a row with others, as the last one of a training, begins a new one."""
    return {
        name + " " * number: list(group)
        for name, table in rows.items()
        for number, (_, group) in enumerate(groupby(table, lambda row: row.keys()))
    }


def _render(template: str, **values: object) -> str:
    return _templates().get_template(template).render(**values)


@cache
def _templates() -> jinja2.Environment:
    """Kept: to compile a template takes longer than to fill it."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("qaml_qiskit.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tables"] = tables
    environment.filters["heading"] = heading
    environment.filters["coded"] = coded
    # Spaces matter to a shell.
    environment.filters["as_it_is"] = escape
    environment.filters["base64"] = lambda data: Markup(base64.b64encode(data).decode("ascii"))
    environment.finalize = _shown
    return environment


@dataclass(frozen=True)
class TableCell:
    """The text of a cell; how it is set: ``number``, ``long`` where words must be broken, or not; where it leads."""

    text: str
    style: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Table:
    """A part of a section's table that fits the window.

    Attributes:
        headings: of the columns; none where a single row stands upright.
        rows: the cells of every row.
        window: the smallest of 400, 800 and 1,200 pixels in which the columns fit; in a narrower one every row stands
            upright.
        remark: what is the same in all rows.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    window: int
    remark: str = ""


def tables(rows: Sequence[Row], window: int = 1200, folded: int = _LONGEST_TEXT) -> list[Table]:
    """The rows as one table or, where the columns do not fit a window of 1,200 or 800 pixels, as several.

    Every cell is in one of them, or in the first one's remark; each begins with the columns that tell rows apart.

    Args:
        rows: of results.
        window: pixels.
        folded: text in a cell is folded where it is longer, in characters.
    """
    names = list(rows[0])
    if len(rows) == 1 and len(names) > _WIDEST_ROW:
        row = rows[0]
        upright = tuple((TableCell(heading(name)), _cell(row[name], name)) for name in names)
        return [Table((), upright, 400)]
    widths = {name: _width(name, rows, folded) for name in names}
    blocks, remark = [names], ""
    room = _WIDTHS[0] if window >= 1200 else _WIDTHS[1]
    if sum(widths.values()) > room:
        same = same_in_all(rows)
        remark = in_all_rows({name: format_cell(rows[0][name], name) for name in same})
        names = [name for name in names if name not in same] or names
        blocks = column_blocks(names, key_columns(rows, names), widths, room) or [names]
    return [_table(rows, block, widths, remark if block is blocks[0] else "") for block in blocks]


def _table(rows: Sequence[Row], names: Sequence[str], widths: Mapping[str, int], remark: str) -> Table:
    total = sum(widths[name] for name in names)
    window = next((pixels for pixels, room in zip((400, 800), _WIDTHS[:0:-1], strict=True) if total <= room), 1200)
    figures = {name for name in names if any(is_figure(row[name]) for row in rows)}
    cells = tuple(tuple(_cell(row[name], name, name in figures) for name in names) for row in rows)
    return Table(tuple(map(heading, names)), cells, window, remark)


def _cell(value: object, name: str, is_number: bool = False) -> TableCell:
    text = format_cell(value, name)
    longest = max(map(len, text.split()), default=0)
    style = "number" if is_number else "long" if longest > _LONGEST_TEXT else ""
    return TableCell(text, style, value.anchor if isinstance(value, Linked) else "")


def _width(name: str, rows: Sequence[Row], folded: int) -> int:
    words = max(map(len, heading(name).split()))
    return _GAP + max(words, *(min(len(format_cell(row[name], name)), folded) for row in rows))


def coded(text: str) -> Markup:
    """A text whose words between backticks are code, as messages and notes have them."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(printable(text)))))


def _shown(value: object) -> object:
    """Text without what a terminal or a browser would act on; what is HTML already stays."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
