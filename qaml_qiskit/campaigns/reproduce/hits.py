"""Which images a row of a run counts: what its accuracy is the mean of, from the files beside its metrics."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Row
from qaml_qiskit.formats import Arrays, arrays_of, damaged, read_bytes, said

#: One for an image that counts, zero for another; shape (N,).
Hits = NDArray[np.float64]


def hits_of(place: Path, command: str, number: int, row: Row, column: str) -> Hits | None:
    """The hits behind a number.

    Args:
        place: the run.
        command: what made it.
        number: of the row among the run's results.
        row: the row.
        column: of the number.

    Returns:
        None where the number is no mean over images, or the run keeps nothing of single images.

    Raises:
        DamagedFileError: a file of the run is damaged.
    """
    reader = _READERS.get((command, column))
    try:
        found = None if reader is None else reader(place, number, row)
    except (LookupError, TypeError, ValueError) as error:
        raise damaged(
            f"what {place} keeps of single images",
            said(error),
            f"the arrays that `qaml {command}` writes",
            "delete the folder and run the same command again",
        ) from error
    # A file that tells another number is of something else: the number counts, without its images.
    return found if found is not None and abs(float(found.mean()) - float(row[column])) < _ROUNDING else None


#: A mean of hits is the accuracy but for the last digits.
_ROUNDING = 1e-6


def _arrays(file: Path) -> Arrays | None:
    return arrays_of(read_bytes(file), str(file)) if file.is_file() else None


def _trained(place: Path, number: int, row: Row) -> Hits | None:
    found = _arrays(place / "predictions.npz")
    return None if found is None else (found["logits"].argmax(1) == found["labels"]).astype(np.float64)


def _ran(place: Path, number: int, row: Row) -> Hits | None:
    found = _arrays(place / "predictions.npz")
    stage = row.get("stage")
    if found is None or stage is None:
        return None
    said = found.get(f"logits_{stage}", found.get(f"z_{stage}"))
    return None if said is None else (said.argmax(1) == found["labels"]).astype(np.float64)


def _transferred(place: Path, number: int, row: Row) -> Hits | None:
    """Rows are all victims on clean images, then all victims on every set of adversarial ones."""
    found = _arrays(place / "outcomes.npz")
    if found is None:
        return None
    cell, victim = divmod(number, len(found["victims"]))
    same = found["attacks"][cell] == row["attack"] and np.isclose(found["eps"][cell], row["eps"] or np.inf, atol=1e-9)
    if cell and not same:
        return None
    return (found["predicted"][cell, victim] == found["labels"]).astype(np.float64)


def _attacked(place: Path, number: int, row: Row) -> Arrays | None:
    for file in sorted((place / "adversarial").glob("*.npz")):
        if file.stem == f"{row['attack']}-eps{row['eps']}":
            return _arrays(file)
    return None


def _robust(place: Path, number: int, row: Row) -> Hits | None:
    found = _attacked(place, number, row)
    return None if found is None else (found["clean_correct"] & ~found["fooled"]).astype(np.float64)


def _clean(place: Path, number: int, row: Row) -> Hits | None:
    found = _attacked(place, number, row)
    return None if found is None else found["clean_correct"].astype(np.float64)


def _swept(place: Path, number: int, row: Row) -> Hits | None:
    """Of clean images, in exact arithmetic; cells are named by noise, strength, placement and first image."""
    if row.get("attack") not in (None, "none") or row.get("mitigation") not in (None, "none"):
        return None
    place_of = f"_{row['placement']}" if row.get("placement") else ""
    cells = sorted((place / "cells").glob(f"*_{row['noise']}_{row['strength']:g}{place_of}_[0-9]*.npz"))
    found = [each for each in map(_arrays, cells) if each is not None and _CLEAN_AVERAGES in each]
    if sum(len(each["labels"]) for each in found) != row["images"]:
        return None
    return np.concatenate([each[_CLEAN_AVERAGES].argmax(1) == each["labels"] for each in found]).astype(np.float64)


#: Averages of Z of a sweep's clean images, without mitigation and without shots.
_CLEAN_AVERAGES = "0.none.0.z"

_READERS: Mapping[tuple[str, str], Callable[[Path, int, Row], Hits | None]] = {
    ("train", "test_accuracy"): _trained,
    ("run", "accuracy"): _ran,
    ("transfer", "accuracy"): _transferred,
    ("sweep", "accuracy"): _swept,
    ("attack", "robust_accuracy"): _robust,
    ("attack", "clean_accuracy"): _clean,
}
