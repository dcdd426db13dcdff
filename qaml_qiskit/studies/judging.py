"""Whether a target did what its calibration promised: the measured averages of a run against the forecast behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.mapping import HERE, Pool
from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.deployments.circuits import on_active_qubits
from qaml_qiskit.evaluation import (
    ChiSquare,
    Drift,
    NoiseScale,
    Promised,
    drift_of,
    fit_scales,
    holm,
    joint_test,
    product_tests,
    slope,
)
from qaml_qiskit.execution import Sampled, Target, Workload
from qaml_qiskit.execution.circuits import active_qubits
from qaml_qiskit.execution.outcomes import OUTCOMES_FOLDER
from qaml_qiskit.execution.tiles import split_tiles
from qaml_qiskit.formats import arrays_of, read_bytes
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies.promising import Tile, TileForecast, derive_by_gates, evenly, forecast_tiles
from qaml_qiskit.studies.suspecting import ErrorSources, suspects_of

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
class MeasuredTile:
    """What one copy of the classifier measured.

    Attributes:
        number: of the tile.
        tile: its circuit, noise and values of the checked images.
        measured: averages from the counts as they are, shape (N, S).
        forecast: what was promised of them.
        rows: which rows of the run's values they are, shape (N,).
    """

    number: int
    tile: Tile
    measured: Floats
    forecast: TileForecast
    rows: NDArray[np.int64]

    @property
    def residuals(self) -> Floats:
        """Measured minus promised, shape (N, S)."""
        found: Floats = self.measured - self.forecast.promised.values
        return found


@dataclass(frozen=True)
class DeviceCheck:
    """What was found of a target's word.

    Attributes:
        target: its name.
        calibrated: the date of the calibration that promised it; None where it has none.
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
    suspects: ErrorSources | None = field(default=None)

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
            "noise_scale": _scale_row(self.noise[0]),
            "readout_scale": _scale_row(self.noise[1]),
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

    Raises:
        QamlError: the circuit cannot be propagated.
    """
    measured = _measured(workload, sampled, target, run, progress, pool, images)
    promised = joined([each.forecast.promised for each in measured])
    values, residuals = (np.concatenate([getattr(e, name) for e in measured]) for name in ("measured", "residuals"))
    columns = _scale_columns(measured)
    noise, readout = fit_scales(residuals, promised, columns)
    drift, groups = _drift(workload, run, measured, residuals, promised, columns[:, :, 0])
    products = _product_rows(workload, measured)
    tests = _test_rows(joint_test(values, promised), products, noise, readout, drift)
    found = DeviceCheck(
        target.name,
        calibrated,
        measured,
        len(sampled.rows),
        tests,
        products,
        (noise, readout),
        _tile_rows(measured) if len(measured) > 1 else [],
        _drift_rows(groups, drift),
    )
    if found.kept:
        return found
    tiles = {each.number: each.tile for each in measured}
    width = max(len(tile.qubits) for tile in tiles.values())
    derived = next((count for most, count in _DERIVED.items() if width <= most), _LEAST_DERIVED)
    places = {e.number: evenly(len(e.rows), max(2, derived * len(e.rows) // len(values))) for e in measured}
    signatures = derive_by_gates(tiles, places, run, progress, pool)
    suspects = suspects_of(
        {each.number: (each.tile, each.forecast, each.residuals) for each in measured}, places, signatures
    )
    return DeviceCheck(**{**vars(found), "suspects": suspects})


def joined(parts: Sequence[Promised]) -> Promised:
    """What was promised of the images of several tiles, one behind the other."""
    arrays = (np.concatenate([getattr(p, name) for p in parts]) for name in ("values", "covariance", "fourth"))
    return Promised(*arrays, parts[0].shots)


def tile_circuits(workload: Workload) -> tuple[QuantumCircuit, ...]:
    """The compiled circuit of every tile."""
    return split_tiles(workload.isa, workload.settings.tiles)


def _measured(
    workload: Workload,
    sampled: Sampled,
    target: Target,
    run: Run,
    progress: Progress,
    pool: Pool,
    images: int,
) -> list[MeasuredTile]:
    """The chosen images of every tile, with what was measured and promised of them."""
    raw, settings, chosen = sampled.estimates["raw"].values, workload.settings, {}
    answered = [(each.tile, each.places, each.estimates["raw"].values) for each in sampled.by_tile]
    answered = answered or [(0, np.arange(len(raw)), raw)]
    total, circuits, tiles = sum(len(places) for _, places, _ in answered), tile_circuits(workload), {}
    twirled = target.is_hardware and settings.options.twirls_measurements
    for number, places, values in answered:
        here = evenly(len(places), max(1, -(-images * len(places) // total)))
        rows = sampled.rows[places[here]]
        isa = circuits[number]
        circuit = on_active_qubits(isa, target, settings.strings)
        tiles[number] = Tile(circuit, active_qubits(isa), workload.values[rows], twirled)
        chosen[number] = (values[here], rows)
    forecasts = forecast_tiles(tiles, settings.shots, run, progress, pool)
    return [MeasuredTile(number, tiles[number], v, forecasts[number], rows) for number, (v, rows) in chosen.items()]


def _scale_columns(measured: Sequence[MeasuredTile]) -> Floats:
    """Derivatives by the scale of all gates' errors and of all readout errors, shape (N, S, 2)."""
    parts = [np.stack([e.forecast.by_noise, e.forecast.by_readout.sum(axis=2)], axis=2) for e in measured]
    return np.concatenate(parts)


def _product_rows(workload: Workload, measured: Sequence[MeasuredTile]) -> list[Row]:
    rows: list[Row] = []
    for each in measured:
        qubits, promised = each.tile.read_qubits, each.forecast.promised
        tests = product_tests(each.measured, promised)
        for column, (string, test) in enumerate(zip(workload.products.strings, tests, strict=True)):
            z, residual = promised.values[:, column], each.residuals[:, column]
            rows.append(
                {
                    "tile": each.number,
                    "product": column,
                    "qubits": ", ".join(str(qubits[bit]) for bit in string),
                    "images": len(residual),
                    "chi_square": test.statistic if np.isfinite(test.statistic) else None,
                    "degrees": test.degrees,
                    "p": test.p,
                    "shift": float(residual.mean()),
                    "slope": slope(each.measured[:, [column]], z[:, None]),
                }
            )
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_adjusted"] = adjusted
    return rows


def _tile_rows(measured: Sequence[MeasuredTile]) -> list[Row]:
    rows: list[Row] = []
    for each in measured:
        promised = each.forecast.promised
        noise, readout = fit_scales(each.residuals, promised, _scale_columns([each]))
        joint = joint_test(each.measured, promised)
        rows.append(
            {
                "tile": each.number,
                "qubits": ", ".join(map(str, each.tile.qubits)),
                "images": len(each.rows),
                "chi_square": joint.statistic,
                "degrees": joint.degrees,
                "p": joint.p,
                **{f"noise_{name}": value for name, value in _scale_row(noise).items()},
                **{f"readout_{name}": value for name, value in _scale_row(readout).items()},
            }
        )
    return rows


def _test_rows(
    joint: ChiSquare, products: Sequence[Row], noise: NoiseScale | None, readout: NoiseScale | None, drift: Drift
) -> list[Row]:
    """A row a test that was made; the probability of any false alarm among them is bounded (Holm)."""
    worst = min(float(row["p_adjusted"]) for row in products)
    found: list[tuple[str, float | None, list[float] | None, float | None, float]] = [
        ("all averages together", joint.statistic, None, joint.degrees, joint.p),
        ("the worst average by itself", None, None, None, worst),
    ]
    scales = {"strength of the gates' errors": noise, "strength of the readout errors": readout}
    found += [(name, each.value, [*each.interval], None, each.p) for name, each in scales.items() if each is not None]
    if drift.trend is not None:
        same = drift.homogeneous
        found.append(("the same in all jobs", same.statistic, None, same.degrees, same.above))
        grown = [end - 1 for end in drift.trend.interval]
        found.append(("trend from job to job", drift.trend.value - 1, grown, None, drift.trend.p))
    adjusted = holm([p for *_, p in found])
    return [
        {"test": name, "statistic": statistic, "interval": interval, "degrees": degrees, "p": p, "p_adjusted": own}
        for (name, statistic, interval, degrees, p), own in zip(found, adjusted, strict=True)
    ]


def _drift(
    workload: Workload,
    run: Run,
    measured: Sequence[MeasuredTile],
    residuals: Floats,
    promised: Promised,
    column: Floats,
) -> tuple[Drift, list[tuple[str, int]]]:
    """The strength of the noise by groups of jobs in the order in which they ran, and what the groups are."""
    rows = np.concatenate([each.rows for each in measured])
    jobs = sorted(workload.image_jobs, key=lambda job: (_moment(run, job.chunk), job.start))
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
    found = drift_of(residuals, promised, column, [np.array(here) for _, here in groups])
    return found, [(" to ".join(dict.fromkeys((names[0], names[-1]))), len(here)) for names, here in groups]


def _moment(run: Run, chunk: str) -> str:
    """When a job ran; empty where it is not there."""
    file = run.path / OUTCOMES_FOLDER / f"{chunk}.npz"
    return str(arrays_of(read_bytes(file), str(file))["measured_at"]) if file.is_file() else ""


def _drift_rows(groups: Sequence[tuple[str, int]], drift: Drift) -> list[Row]:
    return [
        {"jobs": names, "images": count, **{f"noise_{n}": value for n, value in _scale_row(scale).items()}}
        for (names, count), scale in zip(groups, drift.scales, strict=True)
    ]


def _scale_row(scale: NoiseScale | None) -> Mapping[str, Any]:
    if scale is None:
        return {"scale": None, "interval": None, "p": None}
    return {"scale": scale.value, "interval": list(scale.interval), "p": scale.p}
