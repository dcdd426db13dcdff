"""Pictures of a plan, from rows of runs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from qaml_qiskit.campaigns.reproduce.findings import PaperFindings, Row
from qaml_qiskit.campaigns.reproduce.recorded import interval_of
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import critical, published_share
from qaml_qiskit.formats import read_bytes
from qaml_qiskit.papers import Picture
from qaml_qiskit.papers.schema import Equal
from qaml_qiskit.reports import Point, format_cell, heading, paper_bars, paper_lines

Drawn = dict[str, dict[str, list[Point]]]
_OUTSIDE = 0.05
#: Names of axes where a column's own is not what people read.
_AXES = {"eps": "strength ε"}


def draw_pictures(found: PaperFindings, item: str) -> Iterator[tuple[str, bytes | None, str]]:
    """The pictures of an item: file, PNG and caption of each.

    A picture whose rows are not there, as in a tier that leaves them out, is left out. A plan that would draw two rows
    on one point costs its picture, not the page: instead of the PNG there is None, and instead of the caption, why.
    """
    pictures = found.paper.plan.items[item].pictures
    for number, picture in enumerate(pictures, 1):
        file = f"{item}.png" if len(pictures) == 1 else f"{item}-{number}.png"
        try:
            made = _own(found, item, picture) if picture.kind == "own" else _drawn(found, item, picture)
        except ConfigurationError as error:
            yield file, None, str(error)
            continue
        if made is not None:
            yield file, *made


def _told(found: PaperFindings, item: str, picture: Picture) -> str:
    return picture.caption or found.paper.said.items[item].told


def _own(found: PaperFindings, item: str, picture: Picture) -> tuple[bytes, str] | None:
    for run in picture.runs:
        for place in found.measured.places(run)[:1]:
            if picture.file is not None and (place / picture.file).is_file():
                return read_bytes(place / picture.file), _told(found, item, picture)
    return None


def _drawn(found: PaperFindings, item: str, picture: Picture) -> tuple[bytes, str] | None:
    rows = {
        run: [_named(row, run) for row in found.measured.rows(run) if _is_shown(row, picture)] for run in picture.runs
    }
    panels = _panels([row for each in rows.values() for row in each], picture)
    if not panels:
        return None
    published = _published(found, item, picture, rows)
    draw = paper_lines if picture.kind == "lines" else paper_bars
    png = draw(panels, published, _axis(picture.x), _axis(picture.y))
    bands = "Bands" if picture.kind == "lines" else "Bars"
    trainings = {row["seed"] for each in rows.values() for row in each if "seed" in row}
    seeds = " and trainings" if len(trainings) > 1 else ""
    diamonds = " Hollow diamonds: published numbers." if published else ""
    return png, f"{_told(found, item, picture).rstrip('.')}. {bands}: 95 % for other images{seeds}.{diamonds}"


def _axis(column: str) -> str:
    return _AXES.get(column, heading(column))


def _is_shown(row: Row, picture: Picture) -> bool:
    wanted = {name: value if isinstance(value, list | tuple) else [value] for name, value in picture.where.items()}
    return (
        all(row.get(name) in values for name, values in wanted.items())
        and isinstance(row.get(picture.y), int | float)
        and row.get(picture.x) is not None
    )


def _named(row: Row, run: str) -> Row:
    """With the name of the run of the plan, where a column for it is asked for: rows of a training do not name it."""
    return {"run": run, "model": run, **row}


def _panels(rows: Sequence[Row], picture: Picture) -> Drawn:
    """Points by panel and series, one for all seeds. Rows without a panel, as of clean images, are in every one."""
    owns = [_title(row, picture) for row in rows]
    titles = list(dict.fromkeys(own for own in owns if own)) or [""]
    cells: dict[tuple[str, str], dict[Any, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row, own in zip(rows, owns, strict=True):
        for title in [own] if own else titles:
            cells[title, str(row.get(picture.series, ""))][row[picture.x]].append(row)
    panels: Drawn = {title: {} for title in titles}
    for (title, series), points in cells.items():
        panels[title][series] = [_point(x, group, picture) for x, group in points.items()]
    return panels if cells else {}


def _point(x: Any, rows: Sequence[Row], picture: Picture) -> Point:
    """A point of one row a seed: with the interval for other images, and the spread of the seeds."""
    seeds = [row.get("seed") for row in rows]
    if len(set(seeds)) < len(seeds):
        raise ConfigurationError(
            "a picture cannot be drawn",
            got=f"{len(rows)} rows with {picture.x} {x} that fall on one point",
            expected="one row a seed",
            remedy="say under where in the plan which rows are drawn",
        )
    values = np.array([row[picture.y] for row in rows], dtype=np.float64)
    mean = float(values.mean())
    sides = [
        (row[picture.y] - ends[0], ends[1] - row[picture.y])
        for row in rows
        if (ends := interval_of(row, picture.y)) is not None
    ]
    where = _where(x, picture)
    if len(values) < 2 and not sides:
        return Point(where, mean)
    down, up = np.mean(sides, axis=0) if sides else (0.0, 0.0)
    trainings = 0.0
    if len(values) > 1:
        trainings = critical(_OUTSIDE, len(values) - 1) * float(values.std(ddof=1)) / np.sqrt(len(values))
    return Point(where, mean, mean - float(np.hypot(down, trainings)), mean + float(np.hypot(up, trainings)))


def _published(found: PaperFindings, item: str, picture: Picture, rows: Mapping[str, Sequence[Row]]) -> Drawn:
    """Numbers of the paper that claims set beside a row of the picture."""
    panels: Drawn = {}
    for claim in found.claims:
        expect = claim.expect
        if claim.item != item or not isinstance(expect, Equal):
            continue
        measure, number = expect.first, expect.published
        if measure.minus is not None or measure.column != picture.y:
            continue
        wanted = measure.row.items()
        fits = [row for row in rows.get(measure.run or "", ()) if all(row.get(name) == value for name, value in wanted)]
        for row in fits[:1]:
            low, high = published_share(number.value, number.images).interval if number.images else (None, None)
            panel = panels.setdefault(_title(row, picture), {})
            point = Point(_where(row[picture.x], picture), number.value, low, high)
            panel.setdefault(str(row.get(picture.series, "")), []).append(point)
    return panels


def _title(row: Row, picture: Picture) -> str:
    """Of the panel that a row is in; empty for a row of all panels."""
    own = row.get(picture.panel or "")
    return f"{heading(picture.panel)}: {own}" if own and picture.panel else ""


def _where(x: Any, picture: Picture) -> float | str:
    if picture.kind == "bars":
        return format_cell(x, picture.x)
    if not isinstance(x, int | float):
        raise ConfigurationError(
            "a picture cannot be drawn",
            got=f"lines over {picture.x} {x}",
            expected="a column of numbers",
            remedy="say kind: bars in the plan",
        )
    return x
