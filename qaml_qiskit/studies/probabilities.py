"""What a run keeps and says of its probabilities, by the places that its predictions have: stages, sets of images."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.confidence import Probabilities, Temperature
from qaml_qiskit.evaluation import CALIBRATION_COLUMNS, calibration_figures

#: Why a run has none.
NO_PROBABILITIES = (
    "No probabilities of logits: nobody has fitted their scale. `qaml train` does for a new model, and `qaml run` "
    "where it finds the images that the training set aside (--data-dir)."
)
#: Of stages whose labels are voted for.
VOTED_PROBABILITIES = (
    "Probabilities of voted labels are the shares of the votes, whatever the temperature; their standard errors are "
    "those of a binomial share, which hold what the shots of a draw do to its vote."
)


def probability_arrays(found: Mapping[str, Probabilities]) -> dict[str, NDArray[Any]]:
    """``probabilities_PLACE`` and, where they were measured, ``probability_error_PLACE``, for ``predictions.npz``.

    In single precision.

    Args:
        found: by place, such as a stage; an empty one for the only one that there is.
    """
    arrays = {}
    for place, each in found.items():
        behind = f"_{place}" if place else ""
        arrays[f"probabilities{behind}"] = each.values.astype(np.float32)
        if each.errors.any():
            arrays[f"probability_error{behind}"] = each.errors.astype(np.float32)
    return arrays


def confidence_columns(found: Probabilities | None, labels: NDArray[np.integer]) -> Row:
    """``confidence``, the mean of the largest probabilities, and the figures of calibration; None for each of none.

    Args:
        found: of N images.
        labels: of these, shape (N,).
    """
    if found is None:
        return dict.fromkeys(("confidence", *CALIBRATION_COLUMNS))
    return {"confidence": float(found.confidence.mean()), **calibration_figures(found.values, labels).row()}


def with_confidence(rows: Sequence[Row], found: Mapping[str, Probabilities], labels: NDArray[np.integer]) -> list[Row]:
    """Rows of stages with :func:`confidence_columns` behind the accuracy and its interval.

    As they are where no stage has probabilities.
    """
    if not found:
        return [*rows]
    return [_behind_interval(row, confidence_columns(found.get(row["stage"]), labels)) for row in rows]


def _behind_interval(row: Row, said: Row) -> Row:
    columns = list(row)
    at = columns.index("interval") + 1
    return {**{name: row[name] for name in columns[:at]}, **said, **{name: row[name] for name in columns[at:]}}


def temperature_notes(temperature: Temperature | None, target: str, slope: float | None) -> Iterator[str]:
    """Where the probabilities of a target's answers come from, and what they lack, in sentences.

    Args:
        temperature: None for none.
        target: that answered.
        slope: of its ⟨P_s⟩ against the ideal ones, where its noise damps them; None elsewhere.
    """
    if temperature is None:
        yield NO_PROBABILITIES
        return
    yield told_temperature(temperature)
    if slope is not None and not temperature.condition:
        yield (
            f"That temperature is the ideal model's, and {target} leaves {slope:.2f} of the ideal averages: its noise "
            "draws probabilities together, that of few shots draws them apart. "
            f"`qaml calibrate MODEL --target {target}` fits a temperature to the device."
        )


def told_temperature(temperature: Temperature) -> str:
    """What probabilities are, in a sentence."""
    under = f" under {temperature.condition}" if temperature.condition else ""
    return (
        f"Probabilities are softmax(logits/T) with T = {temperature.value:.3g}, fitted to the logits{under} of "
        f"{temperature.images:,} images that the model did not learn from. confidence: the mean of the largest. nll "
        "(in nats), brier, ece: errors of the probabilities, less is better; ece: how far confidence is from accuracy."
    )
