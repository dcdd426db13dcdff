"""What was measured against the labels and the ideal values: a row a stage, and what a reader should know of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.confidence import Probabilities, Temperature
from qaml_qiskit.deployments.sampling import Stages
from qaml_qiskit.evaluation import (
    Z_95,
    Estimates,
    LinearHead,
    accuracy,
    accuracy_interval,
    endless_interval,
    paired_test,
    rms_difference,
    slope,
    uncertain_labels,
    undecided_votes,
    vote_shares,
)
from qaml_qiskit.execution import Sampled, Workload
from qaml_qiskit.studies.devices.predicting import products_told
from qaml_qiskit.studies.devices.tile_results import tile_arrays, tile_rows
from qaml_qiskit.studies.probabilities import (
    VOTED_PROBABILITIES,
    probability_arrays,
    temperature_notes,
    with_confidence,
)

#: M3 whose averages are smaller than this part of the unbiased ones has seen too few bitstrings.
_ENOUGH = 0.98
#: Averages that are larger than this part of the ideal ones leave probabilities much as they are.
_KEPT = 0.95


#: Of rows whose labels are voted for.
_VOTED = (
    "Labels are voted for by the draws of an image, each by its own shots; uncertain_labels: votes whose lead is below "
    "1.96 of its standard error. interval: Wilson's over the images. What is averaged is so over the draws, too."
)
#: What is averaged, by what the arrays are called: of a qubit a class, or of the products of a linear head.
READ_AS = {"z": "⟨Z_k⟩", "expectations": "⟨P_s⟩"}


@dataclass(frozen=True)
class Measured:
    """The results of a run.

    Attributes:
        rows: a row a stage.
        arrays: ⟨P_s⟩, probabilities and their standard errors by name, for ``predictions.npz``.
        probabilities: by stage; empty where nobody knows the temperature.
        notes: what a reader of the rows should know, in sentences.
        read_as: what is averaged over the shots, in a word.
        tiles: a row a tile and stage; empty without tiles.
    """

    rows: list[Row]
    arrays: dict[str, NDArray[Any]]
    notes: list[str]
    read_as: str
    probabilities: dict[str, Probabilities]
    tiles: list[Row] = field(default_factory=list)


def score_sampled(
    workload: Workload,
    sampled: Sampled,
    labels: NDArray[np.int64],
    ideal: NDArray[np.floating],
    head: LinearHead | None = None,
    *,
    votes: bool = False,
    temperature: Temperature | None = None,
    scale: float = 1.0,
) -> Measured:
    """Compare what a target answered with labels, shape (K,), and ideal ⟨P_s⟩, shape (K, S), of the same images.

    Args:
        workload: what was asked.
        sampled: what was answered.
        labels: of the images.
        ideal: their values without noise and shots.
        head: makes logits of values; None where class k is read from ⟨Z⟩ of a qubit of its own.
        votes: whether the draws of an image vote for its label; else the label is that of their mean.
        temperature: makes probabilities of logits; None where nobody knows it.
        scale: of the logits, in units of ⟨Z⟩, where there is no head; nothing but probabilities depends on it.
    """
    called = "z" if head is None else "expectations"
    head = head or LinearHead(np.eye(ideal.shape[1]), np.zeros(ideal.shape[1]))
    rows, arrays = [_ideal_row(head.logits(ideal), labels)], {f"{called}_ideal": ideal}
    for name, found in sampled.estimates.items():
        errors = found.standard_errors()
        arrays |= {f"{called}_{name}": found.values, f"standard_error_{name}": errors}
        rows.append(_row(name, found, head, labels, ideal, errors, workload.settings.seed))
    logits, draws = {name: found.logits(head) for name, found in sampled.estimates.items()}, workload.settings.draws
    if votes:
        # Of a single draw, its estimate is the draw.
        drawn = {name: sampled.drawn.get(name, found.values[:, None]) for name, found in sampled.estimates.items()}
        logits = {name: vote_shares(values, head) for name, values in drawn.items()}
        rows[1:] = [_voted(row, logits[str(row["stage"])], labels, draws) for row in rows[1:]]
    notes = [*_compared(logits, labels), *([_VOTED] if votes else []), *_bitstrings(workload, sampled, READ_AS[called])]
    if called == "expectations":
        told = products_told(workload.products.strings)
        notes.insert(0, f"{told[0].upper()}{told[1:]}.")
        stages = {"ideal": ideal, **sampled.stages()}
        arrays |= {f"logits_{name}": head.logits(values) for name, values in stages.items()}
    whole = Stages(ideal, sampled.estimates, head.times(scale))
    probabilities = {} if temperature is None else whole.probabilities(temperature)
    if votes:
        arrays |= {f"logits_{name}": shares for name, shares in logits.items()}
        probabilities |= {name: Probabilities.of_votes(shares, draws) for name, shares in logits.items()}
        notes.append(VOTED_PROBABILITIES)
    damped = _damped(rows[-1], ideal)
    notes += temperature_notes(temperature, workload.settings.target, rows[-1]["slope"] if damped else None)
    arrays |= probability_arrays(probabilities)
    arrays |= tile_arrays(called, workload, sampled)
    tiles = tile_rows(sampled, labels, ideal, head, seed=workload.settings.seed, votes=votes)
    return Measured(with_confidence(rows, probabilities, labels), arrays, notes, READ_AS[called], probabilities, tiles)


def _ideal_row(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> Row:
    found = accuracy(logits, labels)
    return {
        "stage": "ideal",
        "accuracy": found.value,
        "interval": list(found.interval),
        "endless_interval": list(found.interval),
        "images": len(labels),
        "z_error": 0.0,
        "slope": 1.0,
        "standard_error": 0.0,
        "uncertain_labels": 0,
    }


def _row(
    stage: str,
    found: Estimates,
    head: LinearHead,
    labels: NDArray[np.int64],
    ideal: NDArray[np.floating],
    errors: NDArray[np.float64],
    seed: int,
) -> Row:
    return {
        "stage": stage,
        "accuracy": accuracy(found.logits(head), labels).value,
        "interval": list(accuracy_interval(found, head, labels, seed=seed)),
        "endless_interval": list(endless_interval(found, head, labels, seed=seed)),
        "images": len(labels),
        "z_error": rms_difference(found.values, ideal),
        "slope": slope(found.values, ideal),
        "standard_error": float(np.sqrt(np.mean(errors**2))),
        "uncertain_labels": uncertain_labels(found, head),
    }


def _voted(row: Row, shares: NDArray[np.floating], labels: NDArray[np.int64], draws: int) -> Row:
    """A row whose labels are voted for; what is averaged stays as it is."""
    found = accuracy(shares, labels)
    return {
        **row,
        "accuracy": found.value,
        "interval": list(found.interval),
        "endless_interval": None,
        "uncertain_labels": undecided_votes(shares, draws),
    }


def _damped(row: Row, ideal: NDArray[np.floating]) -> bool:
    """Whether noise makes the measured averages smaller than the ideal ones, by more than what shots do to a slope."""
    error = row["standard_error"] / max(float(np.linalg.norm(ideal)), np.finfo(float).tiny)
    return row["slope"] is not None and row["slope"] + Z_95 * error < _KEPT


def _compared(logits: Mapping[str, NDArray[np.floating]], labels: NDArray[np.int64]) -> Iterator[str]:
    """Whether mitigation changed the accuracy, by a paired test on the same images."""
    if len(logits) < 2:
        return
    right = [logits[name].argmax(axis=1) == labels for name in ("mitigated", "raw")]
    gained, lost, p = paired_test(*right)
    verdict = "differ" if p < 0.05 else "do not differ measurably"
    yield (
        f"Raw and mitigated accuracy {verdict} on these {len(labels)} images: mitigation corrects {gained} label"
        f"{'' if gained == 1 else 's'} and spoils {lost} (exact McNemar test, p = {p:.2g})."
    )


def _bitstrings(workload: Workload, sampled: Sampled, read_as: str) -> Iterator[str]:
    """Whether M3 saw enough: within the bitstrings that occurred it shrinks what inverting each qubit leaves alone."""
    if workload.settings.mitigation != "m3" or sampled.mitigated is None or sampled.by_qubit is None:
        return
    kept = slope(sampled.mitigated, sampled.by_qubit)
    if kept is not None and kept < _ENOUGH:
        shots, qubits = workload.settings.shots, workload.products.num_bits
        yield (
            f"M3 saw too few of the {2**qubits:,} bitstrings with {shots:,} shots an image: its {read_as} are "
            f"{kept:.2f} of what the same counts give without that bias. Use --mitigation readout, or more shots."
        )
