"""What was measured against the labels and the ideal values: a row a stage, and what a reader should know of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.evaluation import (
    ReadoutMap,
    accuracy,
    accuracy_interval,
    endless_interval,
    paired_test,
    rms_difference,
    slope,
    standard_errors,
    uncertain_labels,
)
from qaml_qiskit.execution import Sampled, Workload

#: M3 whose ⟨Z_k⟩ are smaller than this part of the unbiased ones has seen too few bitstrings.
_ENOUGH = 0.98


@dataclass(frozen=True)
class Measured:
    """The results of a run.

    Attributes:
        rows: a row a stage.
        arrays: ⟨Z_k⟩ and their standard errors by name, for ``predictions.npz``.
        notes: what a reader of the rows should know, in sentences.
    """

    rows: list[Row]
    arrays: dict[str, NDArray[Any]]
    notes: list[str]


def score_sampled(
    workload: Workload, sampled: Sampled, labels: NDArray[np.int64], ideal: NDArray[np.floating]
) -> Measured:
    """Compare what a target answered with labels, shape (K,), and ideal ⟨Z_k⟩, shape (K, m), of the same images."""
    readout = None if sampled.calibration is None else sampled.calibration.readout(workload.measured)
    of_ideal = accuracy(ideal, labels)
    rows: list[Row] = [
        {
            "stage": "ideal",
            "accuracy": of_ideal.value,
            "interval": list(of_ideal.interval),
            "endless_interval": list(of_ideal.interval),
            "images": len(labels),
            "z_error": 0.0,
            "slope": 1.0,
            "standard_error": 0.0,
            "uncertain_labels": 0,
        }
    ]
    arrays: dict[str, NDArray[Any]] = {}
    seed = workload.settings.seed
    for name, z in sampled.stages().items():
        spread = readout if name == "mitigated" else None
        errors = standard_errors(z, sampled.covariance, spread)
        arrays |= {f"z_{name}": z, f"standard_error_{name}": errors}
        rows.append(
            {
                "stage": name,
                "accuracy": accuracy(z, labels).value,
                "interval": list(accuracy_interval(z, sampled.covariance, labels, seed=seed, readout=spread)),
                "endless_interval": list(endless_interval(z, sampled.covariance, labels, seed=seed, readout=spread)),
                "images": len(labels),
                "z_error": rms_difference(z, ideal),
                "slope": slope(z, ideal),
                "standard_error": float(np.sqrt(np.mean(errors**2))),
                "uncertain_labels": uncertain_labels(z, sampled.covariance, spread),
            }
        )
    return Measured(rows, arrays, [*_compared(sampled, labels), *_strings(workload, sampled, readout)])


def _compared(sampled: Sampled, labels: NDArray[np.int64]) -> Iterator[str]:
    """Whether mitigation changed the accuracy, by a paired test on the same images."""
    if sampled.raw is None or sampled.mitigated is None:
        return
    gained, lost, p = paired_test(*(z.argmax(axis=1) == labels for z in (sampled.mitigated, sampled.raw)))
    verdict = "differ" if p < 0.05 else "do not differ measurably"
    yield (
        f"Raw and mitigated accuracy {verdict} on these {len(labels)} images: mitigation corrects {gained} label"
        f"{'' if gained == 1 else 's'} and spoils {lost} (exact McNemar test, p = {p:.2g})."
    )


def _strings(workload: Workload, sampled: Sampled, readout: ReadoutMap | None) -> Iterator[str]:
    """Whether M3 saw enough: within the bitstrings that occurred it shrinks what inverting each qubit leaves alone."""
    if workload.settings.mitigation != "m3" or readout is None or sampled.raw is None or sampled.mitigated is None:
        return
    kept = slope(sampled.mitigated, readout.inverted(sampled.raw))
    if kept is not None and kept < _ENOUGH:
        shots = workload.settings.shots
        yield (
            f"M3 saw too few of the {2**readout.p10.size:,} bitstrings with {shots:,} shots an image: its ⟨Z_k⟩ are "
            f"{kept:.2f} of what the same counts give without that bias. Use --mitigation readout, or more shots."
        )
