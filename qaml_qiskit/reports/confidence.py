"""How sure a classifier is of every image: tables, a file with a row an image, and a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.confidence import Probabilities
from qaml_qiskit.reports.drawing import COLOURS, TITLE, axis_names, label, legend, new_figure, png
from qaml_qiskit.reports.report import Report

Row = dict[str, Any]
Labels = NDArray[np.integer]

#: Images of the table of the least sure ones.
_LEAST_SURE = 10
#: Columns of the picture, over probabilities from 0 to 1.
_BINS = 20
_READING = (
    "confidence: the mean of the largest probability, of all images, of those named rightly, and of those named "
    "wrongly; where it is above the accuracy, the classifier is surer than it should be. confidence_error: the root "
    "mean square of its standard error by shots, calibration and draws. confidence.csv has every image."
)


def add_confidence(report: Report, found: Mapping[str, Probabilities], labels: Labels, indices: Labels) -> None:
    """Add how sure the classifier is to a report: a row a stage, the picture, the least sure images, and a file.

    Args:
        report: of the run.
        found: by stage, the last one being what the run is about; without any, nothing is added.
        labels: of the images, shape (N,).
        indices: their positions in the test set or the file, shape (N,).
    """
    if not found:
        return
    last = list(found)[-1]
    report.table("Confidence", confidence_rows(found, labels), _READING)
    report.picture("confidence.png", confidence_histograms(found, labels), "Images by their confidence.")
    told = f"Of stage {last}. second: the class with the next largest probability."
    report.table("The least sure images", least_sure(found[last], labels, indices), told)
    report.csv("confidence.csv", image_rows(found, labels, indices))


def confidence_rows(found: Mapping[str, Probabilities], labels: Labels) -> list[Row]:
    """A row a stage: how sure it is of what it names rightly, and wrongly."""
    rows: list[Row] = []
    for stage, each in found.items():
        sure, right = each.confidence, each.labels == labels
        rows.append(
            {
                "stage": stage,
                "accuracy": float(right.mean()),
                "confidence": float(sure.mean()),
                "confidence_right": float(sure[right].mean()) if right.any() else None,
                "confidence_wrong": float(sure[~right].mean()) if not right.all() else None,
                "confidence_error": float(np.sqrt(np.mean(each.confidence_errors**2))),
            }
        )
    return rows


def least_sure(found: Probabilities, labels: Labels, indices: Labels) -> list[Row]:
    """The images with the smallest confidence, the smallest first."""
    rows: list[Row] = []
    for place in np.argsort(found.confidence, kind="stable")[:_LEAST_SURE]:
        second, first = np.argsort(found.values[place], kind="stable")[-2:]
        rows.append(
            {
                "image": int(indices[place]),
                "label": int(labels[place]),
                "predicted": int(first),
                "confidence": float(found.values[place, first]),
                "confidence_error": float(found.errors[place, first]),
                "second": int(second),
                "second_probability": float(found.values[place, second]),
            }
        )
    return rows


def image_rows(found: Mapping[str, Probabilities], labels: Labels, indices: Labels) -> list[Row]:
    """A row an image, with what is named at every stage, how sure that is, and the standard error of it."""
    columns: dict[str, list[Any]] = {"image": indices.tolist(), "label": labels.tolist()}
    for stage, each in found.items():
        columns[f"predicted_{stage}"] = each.labels.tolist()
        columns[f"confidence_{stage}"] = each.confidence.tolist()
        if each.errors.any():
            columns[f"confidence_error_{stage}"] = each.confidence_errors.tolist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def confidence_histograms(found: Mapping[str, Probabilities], labels: Labels) -> bytes:
    """How many images have which confidence, those named wrongly below those named rightly; a panel a stage."""
    figure = new_figure(max(3.6, 2.6 * len(found)), 2.8)
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    edges = np.linspace(0, 1, _BINS + 1)
    for axes, (stage, each) in zip(panels, found.items(), strict=True):
        right = each.labels == labels
        parts = [each.confidence[~right], each.confidence[right]]
        axes.hist(parts, edges, stacked=True, color=[COLOURS[1], COLOURS[0]], label=["wrong", "right"])
        axes.set_title(label(stage), fontsize=TITLE)
        axes.set_xlim(0, 1)
        axis_names(axes, "confidence", "images" if axes is panels[0] else "")
    legend(panels[0], loc="upper left")
    return png(figure)
