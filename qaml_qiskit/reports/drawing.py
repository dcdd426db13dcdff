"""The style of all pictures: colours, sizes, axes, and names that cannot break them. Nothing global is changed."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, NullLocator

from qaml_qiskit.text import printable

#: Colours that differ for colour-blind readers and in grey (Okabe & Ito).
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#8C6D31")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: Of lines, where there are more of them than colours.
_STROKES = ("-", "--", ":", "-.")
#: Of lines that say what there is without noise or by guessing, and of their names.
_LEVEL, _LEVEL_NAME = "0.4", "0.35"
#: Names of levels that are closer stand in one text, the upper one above.
_LEVELS_APART = 0.05
#: Where words are written; in points.
SMALL, TITLE = 8, 10
_DPI = 130
#: Characters of a name in a picture; the whole one is in the table beside it.
LONGEST_NAME = 36
#: Numbers on a logarithmic axis are apart by at least this factor of the axis' length.
_TICKS_APART = 0.06

Item = TypeVar("Item")


def label(text: str, longest: int = LONGEST_NAME) -> str:
    """Names as a picture can show them, line by line: printable, and the middle of a long one left out.

    Args:
        text: one or more lines.
        longest: characters of a line.
    """
    return "\n".join(_shortened(printable(line), longest) for line in text.split("\n"))


def base_name(path: str) -> str:
    """The last part of a path: of a model's name, what stands behind its folders."""
    return path.rstrip("/").rpartition("/")[2]


def cycled(choices: Sequence[str], items: Iterable[Item]) -> list[tuple[str, Item]]:
    """Every item with a choice, such as a colour; after the last one they begin again."""
    return [(choices[number % len(choices)], item) for number, item in enumerate(items)]


def stroke(number: int) -> dict[str, str]:
    """Colour and dashes of the number-th line of a picture; no two of the first 32 are alike."""
    round_, place = divmod(number, len(COLOURS))
    return {"color": COLOURS[place], "linestyle": _STROKES[round_ % len(_STROKES)]}


def beside(number: int, count: int, step: float) -> float:
    """How far one of ``count`` things is drawn from the place that all of them have, so that none hides another."""
    return (number - (count - 1) / 2) * step


def new_figure(width: float, height: float) -> Figure:
    """An empty picture of so many inches."""
    return Figure(figsize=(width, height), layout="constrained")


def axis_names(axes: Axes, x: str, y: str = "") -> None:
    """Name the axes, and leave out the frame on the sides without numbers."""
    axes.set_xlabel(x)
    if y:
        axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)


def accuracy_axis(axes: Axes, levels: Mapping[str, float] | None = None) -> None:
    """An axis from 0 to 1, with lines across: dashed for chance, dotted for what else is a level, named at the right.

    Args:
        axes: whose vertical axis it is.
        levels: accuracies by the names of their lines.
    """
    # Points at 0 and 1 are seen whole.
    axes.set_ylim(-0.02, 1.02)
    named: list[tuple[float, list[str]]] = []
    for word, height in sorted((levels or {}).items(), key=lambda level: level[1]):
        axes.axhline(height, color=_LEVEL, linestyle="--" if word == "chance" else ":", linewidth=1)
        if named and height - named[-1][0] < _LEVELS_APART:
            named[-1][1].insert(0, word)
        else:
            named.append((height, [word]))
    for height, words in named:
        place, upright = axes.get_yaxis_transform(), "center" if len(words) == 1 else "bottom"
        axes.text(1.01, height, "\n".join(words), color=_LEVEL_NAME, fontsize=SMALL, va=upright, transform=place)


def legend(owner: Axes | Figure, **options: Any) -> None:
    """The legend of a panel, or of a whole picture."""
    owner.legend(frameon=False, fontsize=SMALL, **options)


def shared_legend(figure: Figure, panels: Iterable[Axes], column: float, last: str = "") -> None:
    """One legend below all panels, with every name once.

    Args:
        figure: the picture.
        panels: whose names they are.
        column: inches of a name.
        last: the name that stands behind all others, if it is there.
    """
    drawn = {name: handle for axes in panels for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    if last in drawn:
        drawn[last] = drawn.pop(last)
    columns = max(1, int(figure.get_figwidth() / column))
    legend(figure, handles=drawn.values(), labels=drawn, loc="outside lower center", ncols=columns)


def interval(axes: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], colour: str) -> None:
    """A band between the ends of intervals; for a single point, which has no width, a bar."""
    axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
    if len(x) == 1:
        axes.vlines(x, low, high, color=colour, linewidth=1)


def gate_axis(axes: Axes, counts: Iterable[float], text: str) -> None:
    """A logarithmic axis of gate counts, with the counts themselves on it as far as they have room."""
    known = sorted({*counts})
    low, high = known[0] / 1.3, known[-1] * 1.3
    apart = (high / low) ** _TICKS_APART
    shown = known[:1]
    for count in known[1:]:
        if count >= shown[-1] * apart:
            shown.append(count)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.0f}")
    axis_names(axes, text)


def png(figure: Figure) -> bytes:
    """The bytes of a picture. Text is drawn as it is, a name with ``$`` too; only numbers of axes are typeset."""
    for text in _words(figure):
        text.set_text("\n".join(map(printable, text.get_text().split("\n"))))
        text.set_parse_math(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def _words(part: Artist) -> Iterator[Text]:
    """All text in a part of a picture but what stands at ticks, which only drawing makes."""
    if isinstance(part, Text):
        yield part
    for inner in (part.label, part.get_offset_text()) if isinstance(part, Axis) else part.get_children():
        yield from _words(inner)


def _shortened(text: str, longest: int) -> str:
    # A legend leaves out names that begin with an underscore.
    text = f" {text}" if text.startswith("_") else text
    if len(text) <= longest:
        return text
    kept = longest - 1
    return f"{text[: kept // 3]}…{text[-(kept - kept // 3) :]}"
