"""Pictures as PNG bytes, drawn without any global state of matplotlib."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from qaml_qiskit.reports.cells import format_number
from qaml_qiskit.reports.drawing import COLOURS, cycled, label, png

#: Line styles of remarks.
_DASHES = ("--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))
#: Curves whose legend has room in the picture.
_LEGEND_INSIDE = 6
#: Characters of a noise with its remarks.
_REMARKED = 48
#: Characters under all bars.
_GROUP = 75
#: Images of a picture of perturbations, at most.
_SHOWN = 6
#: Characters of a title beside a row of images.
_ROW_TITLE = 20


def accuracy_bars(
    groups: Sequence[str], series: Mapping[str, Sequence[tuple[float, float, float]]], chance: float
) -> bytes:
    """Accuracies with their intervals, side by side.

    Args:
        groups: labels along the axis.
        series: for each legend entry, (accuracy, lower end, upper end) of every group.
        chance: accuracy of guessing, drawn as a dashed line.
    """
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(series)
    centres = np.arange(len(groups))
    for i, (colour, (name, values)) in enumerate(cycled(COLOURS, series.items())):
        table = np.array(values)
        position = centres + (i - (len(series) - 1) / 2) * width
        error = np.abs(table[:, 1:].T - table[:, 0])
        axes.bar(position, table[:, 0], width * 0.94, yerr=error, label=label(name), color=colour, capsize=3)
        for x, (value, _, upper) in zip(position, values, strict=True):
            axes.text(x, upper + 0.015, format_number(value), ha="center", va="bottom", fontsize=8)
    axes.axhline(chance, color="0.4", linestyle="--", linewidth=1)
    axes.text(1.01, chance, "chance", color="0.35", fontsize=8, va="center", transform=axes.get_yaxis_transform())
    axes.set_xticks(centres, [label(group, _GROUP // len(groups)) for group in groups], parse_math=False)
    axes.set_ylim(0, 1.12)
    axes.set_ylabel("accuracy")
    axes.legend(frameon=False, ncols=len(series), loc="upper center", bbox_to_anchor=(0.5, 1.14))
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def curves(
    series: Mapping[str, Sequence[tuple[float, float, float, float]]], x_label: str, baseline: float, chance: float
) -> bytes:
    """Accuracies against a strength on a logarithmic axis, with intervals as bands.

    Args:
        series: for each legend entry, (strength > 0, accuracy, lower end, upper end) of every point. ``name, remark``
            has the colour of ``name`` and is dashed, every remark in its own way.
        x_label: of the axis.
        baseline: accuracy at strength 0, drawn as a dotted line.
        chance: accuracy of guessing, drawn as a dashed line.
    """
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.subplots()
    kinds, remarks = (list(dict.fromkeys(key.partition(",")[i] for key in series)) for i in (0, 2))
    dashed = [remark for remark in remarks if remark]
    for name, points in series.items():
        x, y, low, high = np.array(points).T
        kind, _, remark = name.partition(",")
        colour = COLOURS[kinds.index(kind) % len(COLOURS)]
        style = _DASHES[dashed.index(remark) % len(_DASHES)] if remark else "-"
        axes.plot(x, y, linestyle=style, marker="o", markersize=4, color=colour, label=label(name, _REMARKED))
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        if len(x) == 1:  # a band of one point has no width
            axes.vlines(x, low, high, color=colour, linewidth=1)
    for level, style, word in ((baseline, ":", "no noise"), (chance, "--", "chance")):
        axes.axhline(level, color="0.4", linestyle=style, linewidth=1)
        axes.text(1.01, level, word, color="0.35", fontsize=8, va="center", transform=axes.get_yaxis_transform())
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x_label)
    axes.set_ylabel("accuracy")
    if len(series) > _LEGEND_INSIDE:
        figure.legend(frameon=False, fontsize=8, loc="outside lower center", ncols=2, handlelength=3)
        figure.set_figheight(figure.get_figheight() + 0.1 * len(series))
    else:
        axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def image_grid(rows: Mapping[str, NDArray[np.floating]], captions: Mapping[str, Sequence[str]]) -> bytes:
    """Rows of grey or colour images.

    Args:
        rows: for each row's title, images of shape (N, C, H, W); a row whose title begins with ``Δ`` is a signed
            difference and is drawn in a diverging colour map about zero.
        captions: for some of the rows, a line of text under each image.
    """
    columns = max(len(images) for images in rows.values())
    figure = Figure(figsize=(1.05 * columns + 2.0, 1.25 * len(rows)), layout="constrained")
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
                axes.set_xlabel(captions.get(title, [""] * len(images))[j], fontsize=8, labelpad=2)
        line[0].set_ylabel(label(title, _ROW_TITLE), fontsize=8, rotation=0, ha="right", va="center", labelpad=6)
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
            ``validation_accuracy``.
    """
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
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
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(axes.dataLim.x0 - 0.5, axes.dataLim.x1 + 0.5)
        axes.set_ylabel(quantity)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=8)
    return png(figure)
