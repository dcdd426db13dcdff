"""Numbers in the pages, bound to the files of ``runs/reference/`` that they come from.

An author writes a comment above a table or a paragraph. Above a paragraph, or a list, a line for every number that is
bound, as it is printed there::

    <!-- numbers
    .927 = mnist-transfer/transfer.csv source=mnist-convnet attack=pgd eps=0.1 victim=mnist-resnet18: accuracy
    .963 = mnist-qvc200/metrics.json: test_accuracy
    .579 = median mnist-qvc200-certificates/certificates.csv predicted=@label: radius
    -->

Above a table, what all cells have in common behind ``from``, and what a column and a row add, in their order. A column
may have several sources, separated by ``;``, for as many numbers in one cell; ``-`` binds nothing::

    <!-- numbers
    from mnist-transfer/transfer.csv attack=pgd: accuracy
    columns attack=none source= | source=mnist-convnet eps=0.1 | source=mnist-convnet eps=0.2
    rows victim=mnist-convnet | victim=mnist-resnet18
    -->

Where the cells of a table are the conditions themselves, ``?`` stands for their text: ``rows model=?`` for all rows by
their first cell, and ``columns tiles=? | : accuracy`` for a column that says which row of the file is meant.

A later part of a source replaces what an earlier one says of the same column or file. ``{}`` in a column is the row's
text, ``{0}`` its first word; a space within a value is written ``+``, another column of the row ``@column``. Conditions
compare as numbers where both are. They must leave one row, but for ``median``, ``mean``, ``spread`` (the standard
deviation), ``count``, ``lowest`` and ``highest`` in front; ``100 *`` is for percentages, ``abs`` for numbers without
their sign. Of a cell that is a list, ``betas.0`` is the first number. Numbers agree if the source, rounded to the
digits that are printed, is what is printed. ``numbers none: reason`` says why the next table has no source.

``python -m tests.bound_numbers [PAGE …]`` says how many numbers each page binds, and what is wrong.
"""

import csv
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REFERENCES = ROOT / "runs" / "reference"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(REFERENCES.rglob("*.md"))]

_COMMENT = re.compile(r"^[ ]*<!-- numbers\b(?P<body>.*?)-->[ ]*\n", re.M | re.S)
_NUMBER = re.compile(r"(?<![\w.])[−-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:e-?\d+)?(?![\w])")
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_CONDITION = re.compile(r"(\w[\w.]*)=(\S*)")
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "median": statistics.median,
    "mean": statistics.fmean,
    "spread": statistics.stdev,
    "lowest": min,
    "highest": max,
    "count": len,
}


@dataclass(frozen=True)
class Source:
    """Where a number comes from: a value in a file, of the rows that satisfy conditions."""

    file: str = ""
    where: dict[str, str] = field(default_factory=dict)
    value: str = ""
    aggregate: str = ""
    factor: float = 1.0
    unsigned: bool = False

    def plus(self, text: str) -> "Source":
        """This source, with what ``text`` says of it."""
        words, colon, value = text.strip().rpartition(": ")
        words = words if colon else text.strip().removesuffix(":")
        found = replace(self, value=value.strip() or self.value) if colon else self
        for word in words.split():
            if condition := _CONDITION.fullmatch(word):
                found = replace(found, where={**found.where, condition[1]: condition[2].replace("+", " ")})
            elif word in _AGGREGATES:
                found = replace(found, aggregate=word)
            elif word == "abs":
                found = replace(found, unsigned=True)
            elif word.endswith((".csv", ".json")):
                found = replace(found, file=word)
            elif re.fullmatch(r"[\d.]+", word):
                found = replace(found, factor=float(word))
            elif word != "*":
                raise ValueError(f"not a part of a source: {word}")
        return found

    def __str__(self) -> str:
        where = " ".join(f"{key}={value}" for key, value in self.where.items())
        return " ".join(filter(None, (self.aggregate, self.file, where))) + f": {self.value}"

    def read(self) -> float:
        """The number; ValueError, LookupError or OSError where the source has none."""
        if self.file.endswith(".json"):
            place: Any = _json(self.file)
            for key in self.value.split("."):
                place = place[int(key) if isinstance(place, list) else key]
            return self.factor * float(place)
        rows = [row for row in _rows(self.file) if all(_holds(row, key, value) for key, value in self.where.items())]
        if self.aggregate == "count":
            return len(rows)
        values = [_cell(row, self.value) for row in rows]
        if self.unsigned:
            values = [abs(value) for value in values]
        if not values or (len(values) > 1 and not self.aggregate):
            raise LookupError(f"{len(values)} rows")
        return self.factor * _AGGREGATES[self.aggregate or "mean"](values)


def _cell(row: dict[str, str], name: str) -> float:
    """A number, also one in front of its interval; ``name.2`` is the third of a list."""
    if name in row:
        return float(row[name].split(" ")[0])
    name, _, place = name.rpartition(".")
    return float(json.loads(row[name])[int(place)])


@cache
def _json(file: str) -> Any:
    return json.loads((REFERENCES / file).read_text(encoding="utf-8"))


@cache
def _rows(file: str) -> list[dict[str, str]]:
    with (REFERENCES / file).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _holds(row: dict[str, str], key: str, wanted: str) -> bool:
    cell, wanted = row[key], row[wanted[1:]] if wanted.startswith("@") else wanted
    try:
        return float(cell) == float(wanted)
    except ValueError:
        return cell == wanted


@dataclass(frozen=True)
class Bound:
    """A printed number and its source; ``wrong`` says what is wrong with it, or is empty."""

    page: str
    line: int
    printed: str
    source: str
    wrong: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.printed or 'the comment'} {self.wrong} ({self.source})"


def agrees(printed: str, value: float) -> bool:
    """Whether a printed number is a value, rounded as it is printed.

    >>> agrees(".927", 0.92651), agrees("−6.5", -6.5), agrees("10,000", 1e4), agrees(".93", 0.9249)
    (True, True, True, False)
    """
    plain = printed.replace(",", "").replace("−", "-")
    mantissa, _, power = plain.partition("e")
    step = 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))
    return abs(float(plain) - value) <= step * (0.5 + 1e-6)


def _text(page: Path) -> str:
    """A page whose blocks of code are empty lines."""
    return _FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text(encoding="utf-8"))


def bound_numbers(page: Path) -> list[Bound]:
    """All numbers of a page that are bound, right and wrong."""
    text = _text(page)
    name = page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name
    found: list[Bound] = []
    for comment in _COMMENT.finditer(text):
        body = comment["body"].strip()
        if body.startswith("none:"):
            continue
        start = text.count("\n", 0, comment.end()) + 1
        # Comments may stand on each other; a list ends with an empty line.
        below = _COMMENT.sub(lambda other: "\n" * other[0].count("\n"), text[comment.end() :])
        lines = below.lstrip("\n").split("\n\n")[0].splitlines()
        start += len(below) - len(below.lstrip("\n"))
        table = re.search(r"^from\b", body, re.M)
        found += (_table if table else _paragraph)(name, start, lines, [line.strip() for line in body.splitlines()])
    return found


def _check(page: str, line: int, printed: str, source: Source) -> Bound:
    try:
        value = source.read()
    except (ValueError, LookupError, OSError) as error:
        return Bound(page, line, printed, str(source), f"has no source: {error!r}")
    wrong = "" if agrees(printed, value) else f"is {value:.6g}"
    return Bound(page, line, printed, str(source), wrong)


def _paragraph(page: str, start: int, lines: list[str], body: list[str]) -> Iterator[Bound]:
    for entry in filter(None, body):
        printed, _, told = (part.strip() for part in entry.partition(" = "))
        here = [start + i for i, line in enumerate(lines) if printed in _NUMBER.findall(line)]
        if not here:
            yield Bound(page, start, printed, told, "does not stand below its comment")
            continue
        yield _check(page, here[0], printed, Source().plus(told))


def _table(page: str, start: int, lines: list[str], body: list[str]) -> Iterator[Bound]:
    told = dict(_entry(line) for line in body if line)
    skipped = next((i for i, line in enumerate(lines) if line.strip().startswith("|")), len(lines))
    start += skipped
    cells = [_cells(line) for line in lines[skipped:] if line.strip().startswith("|")]
    columns = [[part.strip() for part in column.split(";")] for column in told.get("columns", "").split("|")]
    rows = [row.strip() for row in told.get("rows", "").split("|")]
    if len(rows) == 1 and "?" in rows[0]:
        rows *= len(cells) - 2
    if len(cells) - 2 != len(rows):
        yield Bound(page, start, "", told["from"], f"has {len(rows)} rows for {len(cells) - 2} of the table")
        return
    for line, (row, (first, *printed)) in enumerate(zip(rows, cells[2:], strict=True), start + 2):
        if row == "-":
            continue
        if len(printed) != len(columns):
            yield Bound(page, line, "", told["from"], f"has {len(columns)} columns for {len(printed)}")
            continue
        given = [column[0].replace("?", _words(cell)) for column, cell in zip(columns, printed, strict=True)]
        row = " ".join(
            [
                row.replace("?", _words(first)),
                *(told for told, column in zip(given, columns, strict=True) if "?" in column[0]),
            ]
        )
        for column, cell in zip(columns, printed, strict=True):
            numbers = _NUMBER.findall(re.sub(r"\[[^\]]*\]\([^)]*\)|`[^`]*`", "", cell))
            if column == ["-"] or "?" in column[0] or not numbers:
                continue
            if len(numbers) != len(column):
                yield Bound(page, line, cell, told["from"], f"has {len(numbers)} numbers for {len(column)} sources")
                continue
            for number, part in zip(numbers, column, strict=True):
                if part != "-":
                    yield _check(page, line, number, _source(told["from"], row, part))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip()[1:].removesuffix("|").split("|")]


def _words(cell: str) -> str:
    """The text of a cell as a value in a condition."""
    return cell.strip("`*_ ").replace(" ", "+")


def _source(common: str, row: str, part: str) -> Source:
    """Of a cell: where ``{}`` stands in the column or what is common, the row's text is filled in, and else added."""
    if "{" in common + part:
        words = row.split()
        texts = [text.replace("{}", row) for text in (common, part)]
        return Source().plus(texts[0].format(*words)).plus(texts[1].format(*words))
    return Source().plus(common).plus(row).plus(part)


def _entry(line: str) -> tuple[str, str]:
    key, _, rest = line.partition(" ")
    if key not in ("from", "columns", "rows"):
        raise ValueError(f"a comment of a table has from, columns and rows, each on one line, not: {line}")
    return key, rest


def tables_without(page: Path) -> list[int]:
    """The lines of the tables with numbers in their cells that have no comment above."""
    text = _text(page)
    blank = _COMMENT.sub(lambda comment: "\n" * (comment[0].count("\n") - 1) + "<!-- numbers -->\n", text)
    lines = blank.splitlines()
    found = []
    for i, line in enumerate(lines):
        if re.match(r"^\s*\|[-|: ]+\|\s*$", line):
            end = next((j for j in range(i, len(lines)) if not lines[j].strip().startswith("|")), len(lines))
            cells = [cell for row in lines[i + 1 : end] for cell in row.strip().strip("|").split("|")[1:]]
            above = lines[i - 2].strip() if i > 1 else ""
            if any(re.search(r"(?<![\w.`])\.\d", cell) for cell in cells) and above != "<!-- numbers -->":
                found.append(i)
    return found


def main(pages: Sequence[str]) -> int:
    """Print what is bound where, and what is wrong; 1 if anything is."""
    wrong = 0
    total = 0
    for page in [Path(page).resolve() for page in pages] or PAGES:
        bound = bound_numbers(page)
        bad = [number for number in bound if number.wrong]
        total, wrong = total + len(bound), wrong + len(bad)
        if bound or pages:
            print(f"{page.relative_to(ROOT)}: {len(bound)} bound; tables without at lines {tables_without(page)}")
        print(*bad, sep="\n", end="\n" * bool(bad))
    print(f"{total} numbers are bound, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
