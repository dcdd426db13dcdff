"""Whether a target did what its calibration promises: the measured averages of a run against the forecast behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.evaluation import (
    Drift,
    ExpectedAverages,
    NoiseScale,
    drift_of,
    fit_scales,
    joint_test,
)
from qaml_qiskit.execution import Sampled, Target, Workload
from qaml_qiskit.execution.readings.outcomes import OUTCOMES_FOLDER
from qaml_qiskit.execution.workload import JobSpec
from qaml_qiskit.formats import arrays_of, read_bytes
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies.devices.check_tables import (
    drift_rows,
    product_rows,
    scale_columns,
    scale_row,
    scale_rows,
    verdict_rows,
)
from qaml_qiskit.studies.devices.error_sources import ErrorSources, find_sources
from qaml_qiskit.studies.devices.measured_tiles import MeasuredTile, measure_tiles
from qaml_qiskit.studies.devices.tile_forecasts import derive_by_gates, evenly

Floats = NDArray[np.floating]

#: Probability of saying of a target that kept its word that it did not.
ALPHA = 0.05
#: Images that derivatives by the gates are computed of where the word was not kept, of all tiles together, by the
#: largest number of qubits of a tile that so many are meant for: each costs some dozen forecasts.
_DERIVED = {5: 64, 8: 32}
_LEAST_DERIVED = 16
#: Neighbouring jobs are taken together until they have so many images.
_PER_GROUP = 5


@dataclass(frozen=True)
class DeviceCheck:
    """What was found of a target's word.

    Attributes:
        target: its name.
        calibrated: the date of the calibration that promises it; None where it has none.
        tiles: what each measured.
        of_images: how many images the run has that are there.
        tests: a row a test: what it looks at, its statistic and p-values.
        products: a row a product of Z and tile.
        noise: the scale of the gates' errors, and that of the readout's; None where they show nothing.
        by_tile: a row a tile with its own scales; empty for one.
        drift: a row a group of jobs.
        suspects: whose errors explain a broken word; None where it was kept.
    """

    target: str
    calibrated: str | None
    tiles: Sequence[MeasuredTile]
    of_images: int
    tests: list[Row]
    products: list[Row]
    noise: tuple[NoiseScale | None, NoiseScale | None]
    by_tile: list[Row]
    drift: list[Row]
    suspects: ErrorSources | None = None

    @property
    def p(self) -> float:
        """Probability of any test's as small p-value on a target that keeps its word, at most."""
        return float(min((row["p_adjusted"] for row in self.tests), default=1.0))

    @property
    def kept(self) -> bool:
        """Whether nothing speaks against it."""
        return self.p >= ALPHA

    @property
    def images(self) -> int:
        """How many averages of images were checked; an image that several tiles ran counts for each."""
        return sum(len(each.measured) for each in self.tiles)

    def document(self) -> dict[str, Any]:
        """For the run's metrics."""
        return {
            "kept": self.kept,
            "p": self.p,
            "images": self.images,
            "calibrated": self.calibrated,
            "noise_scale": scale_row(self.noise[0]),
            "readout_scale": scale_row(self.noise[1]),
            "named": None if self.suspects is None else self.suspects.named,
            "sentence": self.sentence,
            "tests": self.tests,
            "products": self.products,
            "tiles": self.by_tile,
            "drift": self.drift,
            "suspects": [] if self.suspects is None else self.suspects.rows,
        }

    @property
    def sentence(self) -> str:
        """The verdict, in a sentence or two."""
        strong = told_scale(self.noise[0])
        if self.kept:
            return f"{self.target} kept its word: {self.images} images read as its calibration promises{strong}."
        worst = min(self.tests, key=lambda row: float(row["p_adjusted"]))
        who = "" if self.suspects is None else f" {self.suspects.sentence}"
        return f"{self.target} did not keep its word (p {told_p(self.p)}, {worst['test']}){strong}.{who}"


def told_p(p: float) -> str:
    """A p-value in a sentence."""
    return "below .0001" if p < 1e-4 else f"= {p:.2g}".replace("0.", ".")


def told_scale(scale: NoiseScale | None) -> str:
    """How strong the gates' errors are, behind a sentence."""
    if scale is None:
        return ""
    low, high = scale.interval
    if scale.value <= 0:
        # Below nothing there is nothing: chance made them look so.
        return f", the errors of its gates at most {max(high, 0):.2f} times as strong as calibrated"
    return f", the errors of its gates {scale.value:.2f} times as strong as calibrated ({low:.2f} – {high:.2f})"


def check_device(
    workload: Workload,
    sampled: Sampled,
    target: Target,
    calibrated: str | None,
    run: Run,
    progress: Progress,
    pool: Pool = HERE,
    *,
    images: int,
    in_time: bool = True,
) -> DeviceCheck:
    """Compare what a run's counts average to with what the target's noise model says, readout errors in both.

    Args:
        workload: what was asked of a Sampler, without draws.
        sampled: what was answered.
        target: with the calibration that is judged.
        calibrated: its date.
        run: keeps what is computed, block by block.
        progress: told about every image.
        pool: where that is computed.
        images: how many are looked at, spread evenly over tiles and jobs.
        in_time: whether a drift would show in when jobs were measured. When simulated jobs ran depends on workers and
            interruptions alone, and says nothing.

    Raises:
        QamlError: the circuit cannot be propagated.
    """
    measured = measure_tiles(workload, sampled, target, run, progress, pool, images)
    expected = ExpectedAverages.joined([each.forecast.expected for each in measured])
    values, residuals = (np.concatenate([getattr(e, name) for e in measured]) for name in ("measured", "residuals"))
    columns = scale_columns(measured)
    noise, readout = fit_scales(residuals, expected, columns)
    jobs = _jobs_in_order(workload, run if in_time else None)
    drift, groups = _drift(jobs, measured, residuals, expected, columns[:, :, 0])
    products = product_rows(workload, measured)
    tests = verdict_rows(joint_test(values, expected), products, noise, readout, drift)
    found = DeviceCheck(
        target.name,
        calibrated,
        measured,
        len(sampled.rows),
        tests,
        products,
        (noise, readout),
        scale_rows(measured) if len(measured) > 1 else [],
        drift_rows(groups, drift),
    )
    if found.kept:
        return found
    tiles = {each.number: each.tile for each in measured}
    width = max(len(tile.qubits) for tile in tiles.values())
    derived = next((count for most, count in _DERIVED.items() if width <= most), _LEAST_DERIVED)
    places = {e.number: evenly(len(e.rows), max(2, derived * len(e.rows) // len(values))) for e in measured}
    signatures = derive_by_gates(tiles, places, run, progress, pool)
    residual = {each.number: (each.tile, each.forecast, each.residuals) for each in measured}
    suspects = find_sources(residual, places, signatures, run, progress, pool)
    return replace(found, suspects=suspects)


def _drift(
    jobs: Sequence[JobSpec],
    measured: Sequence[MeasuredTile],
    residuals: Floats,
    expected: ExpectedAverages,
    column: Floats,
) -> tuple[Drift, list[tuple[str, int]]]:
    """The strength of the noise by groups of jobs in their order, and what the groups are."""
    rows = np.concatenate([each.rows for each in measured])
    groups: list[tuple[list[str], list[int]]] = []
    for job in jobs:
        here = np.flatnonzero((rows >= job.start) & (rows < job.stop)).tolist()
        if not here:
            continue
        if groups and len(groups[-1][1]) < _PER_GROUP:
            groups[-1][0].append(job.chunk)
            groups[-1][1].extend(here)
        else:
            groups.append(([job.chunk], here))
    found = drift_of(residuals, expected, column, [np.array(here) for _, here in groups])
    return found, [(" to ".join(dict.fromkeys((names[0], names[-1]))), len(here)) for names, here in groups]


def _jobs_in_order(workload: Workload, run: Run | None) -> list[JobSpec]:
    """As they were measured in a run; by their images if None."""
    return sorted(workload.image_jobs, key=lambda job: ("" if run is None else _moment(run, job.chunk), job.start))


def _moment(run: Run, chunk: str) -> str:
    """When a job ran; empty where it is not there."""
    file = run.path / OUTCOMES_FOLDER / f"{chunk}.npz"
    return str(arrays_of(read_bytes(file), str(file))["measured_at"]) if file.is_file() else ""
