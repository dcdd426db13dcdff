"""Pictures as PNG bytes, drawn without any global state of matplotlib."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from qaml_qiskit.reports.cells import format_number
from qaml_qiskit.reports.drawing import (
    COLOURS,
    MARKERS,
    SMALL,
    accuracy_axis,
    axis_names,
    beside,
    cycled,
    interval,
    label,
    legend,
    new_figure,
    png,
)

#: Line styles of remarks.
_DASHES = ("--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))
#: Curves beside each other are apart by this factor of the strength.
_BESIDE = 1.035
#: Curves whose legend has room in the picture.
_LEGEND_INSIDE = 6
#: Characters of a noise with its remarks.
_REMARKED = 48
#: Characters below an inch of bars.
_GROUP = 75 / 7.2
#: Inches of a bar whose number has room above it.
_BAR = 0.47
#: Images of a picture of perturbations, at most.
_SHOWN = 6
#: Characters of a title beside a row of images.
_ROW_TITLE = 20


def accuracy_bars(
    groups: Sequence[str],
    series: Mapping[str, Sequence[tuple[float, float, float]]],
    chance: float | None,
    x_label: str = "",
) -> bytes:
    """Accuracies with their intervals, side by side.

    Args:
        groups: labels along the axis.
        series: for each legend entry, (accuracy, lower end, upper end) of every group.
        chance: accuracy of guessing, drawn as a dashed line; None where nobody knows.
        x_label: what the groups are.
    """
    inches = max(7.2, 1.5 + _BAR * len(groups) * len(series))
    figure = new_figure(inches, 3.6)
    axes = figure.subplots()
    width = 0.8 / len(series)
    centres = np.arange(len(groups))
    for i, (colour, (name, values)) in enumerate(cycled(COLOURS, series.items())):
        table = np.array(values)
        position = centres + (i - (len(series) - 1) / 2) * width
        error = np.abs(table[:, 1:].T - table[:, 0])
        axes.bar(position, table[:, 0], width * 0.94, yerr=error, label=label(name), color=colour, capsize=3)
        for x, (value, _, upper) in zip(position, values, strict=True):
            axes.text(x, upper + 0.015, format_number(value), ha="center", va="bottom", fontsize=SMALL)
    accuracy_axis(axes, {} if chance is None else {"chance": chance})
    axes.set_xticks(
        centres, [label(group, round(_GROUP * inches) // len(groups)) for group in groups], parse_math=False
    )
    # Room for the numbers above the bars.
    axes.set_ylim(0, 1.12)
    axis_names(axes, x_label, "accuracy")
    legend(axes, ncols=len(series), loc="upper center", bbox_to_anchor=(0.5, 1.14))
    return png(figure)


def curves(
    series: Mapping[str, Sequence[tuple[float, float, float, float]]],
    x_label: str,
    levels: Mapping[str, float],
    *,
    side_by_side: bool = False,
) -> bytes:
    """Accuracies against a strength on a logarithmic axis, with their intervals.

    Args:
        series: for each legend entry, (strength > 0, accuracy, lower end, upper end) of every point. ``name, remark``
            has the colour of ``name`` and is dashed, every remark in its own way.
        x_label: of the axis.
        levels: accuracies that are drawn as lines across, such as that of guessing, by their names.
        side_by_side: points of equal strength stand beside each other, with bars for bands: where curves coincide.
    """
    figure = new_figure(7.2, 3.8)
    axes = figure.subplots()
    kinds, remarks = (list(dict.fromkeys(name.partition(",")[i] for name in series)) for i in (0, 2))
    dashed = [remark for remark in remarks if remark]
    for number, (name, points) in enumerate(series.items()):
        x, y, low, high = np.array(points).T
        kind, _, remark = name.partition(",")
        place = kinds.index(kind)
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        style = _DASHES[dashed.index(remark) % len(_DASHES)] if remark else "-"
        if side_by_side:
            x = x * _BESIDE ** beside(number, len(series), 1)
            axes.vlines(x, low, high, color=colour, linewidth=1, alpha=0.6)
        else:
            interval(axes, x, low, high, colour)
        text = label(name, _REMARKED)
        axes.plot(x, y, linestyle=style, marker=marker, markersize=4.5, color=colour, label=text)
    accuracy_axis(axes, levels)
    axes.set_xscale("log")
    axis_names(axes, x_label, "accuracy")
    if len(series) > _LEGEND_INSIDE:
        legend(figure, loc="outside lower center", ncols=2, handlelength=3)
        figure.set_figheight(figure.get_figheight() + 0.1 * len(series))
    else:
        legend(axes)
    return png(figure)


def image_grid(rows: Mapping[str, NDArray[np.floating]], captions: Mapping[str, Sequence[str]]) -> bytes:
    """Rows of grey or colour images.

    Args:
        rows: for each row's title, images of shape (N, C, H, W); a row whose title begins with ``Δ`` is a signed
            difference and is drawn in a diverging colour map about zero.
        captions: for some of the rows, a line of text under each image.
    """
    columns = max(len(images) for images in rows.values())
    figure = new_figure(1.05 * columns + 2.0, 1.25 * len(rows))
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, (title, images) in zip(grid, rows.items(), strict=True):
        signed = title.startswith("Δ")
        limit = float(np.abs(images).max()) or 1.0
        for j, axes in enumerate(line):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if j < len(images):
                picture = np.moveaxis(images[j], 0, -1)
                colours = "RdBu" if signed else "gray"
                axes.imshow(picture, cmap=colours, vmin=-limit if signed else 0, vmax=limit if signed else 1)
                axes.set_xlabel(captions.get(title, [""] * len(images))[j], fontsize=SMALL, labelpad=2)
        line[0].set_ylabel(label(title, _ROW_TITLE), fontsize=SMALL, rotation=0, ha="right", va="center", labelpad=6)
    return png(figure)


def one_of_each_class(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Positions of the first image of every class, of the first few classes, in their order; labels of shape (N,)."""
    return np.sort(np.unique(labels, return_index=True)[1])[:_SHOWN]


def perturbation_picture(
    clean: NDArray[np.floating],
    labels: NDArray[np.integer],
    attacked: Mapping[str, tuple[NDArray[np.floating], NDArray[np.integer]]],
) -> bytes:
    """A few images: clean with their labels, and for every attack as attacked with the label given, and the change.

    Args:
        clean: shape (N, C, H, W), N a handful.
        labels: shape (N,).
        attacked: by title, the same images attacked, and the labels that a model gives these.
    """
    rows: dict[str, NDArray[np.floating]] = {"clean": clean}
    captions: dict[str, list[str]] = {"clean": [str(label) for label in labels]}
    for title, (images, given) in attacked.items():
        rows[title] = images
        captions[title] = [f"→ {label}" for label in given]
        # The mean over the colours, because a signed change has no colour.
        rows[f"Δ {title}"] = (images - clean).mean(1, keepdims=True)
    return image_grid(rows, captions)


def learning_curves(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> bytes:
    """Loss and accuracy against the epoch, on training and validation images, for one or more models.

    Args:
        curves: for each model, rows with ``epoch``, ``loss``, ``accuracy``, ``validation_loss`` and
            ``validation_accuracy``; where a defence changed the validation images, also ``robust_loss`` and
            ``robust_accuracy``, drawn dotted.
    """
    figure = new_figure(7.2, 2.9)
    panels = figure.subplots(1, 2)
    for colour, (name, rows) in cycled(COLOURS, curves.items()):
        epochs = [row["epoch"] for row in rows]
        marker = "o" if len(rows) == 1 else None
        for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
            look = {"color": colour, "marker": marker}
            axes.plot(epochs, [row[quantity] for row in rows], label=label(f"{name}, training"), **look)
            validation = [row[f"validation_{quantity}"] for row in rows]
            look["markerfacecolor"] = "white"
            axes.plot(epochs, validation, "--", label=label(f"{name}, validation"), **look)
            if f"robust_{quantity}" in rows[0]:
                robust = [row[f"robust_{quantity}"] for row in rows]
                axes.plot(epochs, robust, ":", label=label(f"{name}, validation, robust"), **look)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        axis_names(axes, "epoch", quantity)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(axes.dataLim.x0 - 0.5, axes.dataLim.x1 + 0.5)
    legend(panels[0])
    return png(figure)
