"""Tables of what was found of a target: tests, averages, tiles and groups of jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.evaluation import ChiSquare, Drift, NoiseScale, fit_scales, holm, joint_test, product_tests, slope
from qaml_qiskit.execution import Workload
from qaml_qiskit.studies.devices.measured_tiles import MeasuredTile

Floats = NDArray[np.floating]


def verdict_rows(
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


def product_rows(workload: Workload, measured: Sequence[MeasuredTile]) -> list[Row]:
    """A row a product of Z and tile."""
    rows: list[Row] = []
    for each in measured:
        qubits, expected = each.tile.read_qubits, each.forecast.expected
        tests = product_tests(each.measured, expected)
        for column, (string, test) in enumerate(zip(workload.products.strings, tests, strict=True)):
            z, residual = expected.values[:, column], each.residuals[:, column]
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


def scale_rows(measured: Sequence[MeasuredTile]) -> list[Row]:
    """A row a tile with the scales of its own errors."""
    rows: list[Row] = []
    for each in measured:
        expected = each.forecast.expected
        noise, readout = fit_scales(each.residuals, expected, scale_columns([each]))
        joint = joint_test(each.measured, expected)
        rows.append(
            {
                "tile": each.number,
                "qubits": ", ".join(map(str, each.tile.qubits)),
                "images": len(each.rows),
                "chi_square": joint.statistic,
                "degrees": joint.degrees,
                "p": joint.p,
                **{f"noise_{name}": value for name, value in scale_row(noise).items()},
                **{f"readout_{name}": value for name, value in scale_row(readout).items()},
            }
        )
    return rows


def drift_rows(groups: Sequence[tuple[str, int]], drift: Drift) -> list[Row]:
    """A row a group of jobs, given by their names and number of images."""
    return [
        {"jobs": names, "images": count, **{f"noise_{n}": value for n, value in scale_row(scale).items()}}
        for (names, count), scale in zip(groups, drift.scales, strict=True)
    ]


def scale_columns(measured: Sequence[MeasuredTile]) -> Floats:
    """Derivatives by the scale of all gates' errors and of all readout errors, shape (N, S, 2)."""
    parts = [np.stack([e.forecast.by_noise, e.forecast.by_readout.sum(axis=2)], axis=2) for e in measured]
    return np.concatenate(parts)


def scale_row(scale: NoiseScale | None) -> Mapping[str, Any]:
    """A scale with its interval and p-value; None for each where the errors show nothing."""
    if scale is None:
        return {"scale": None, "interval": None, "p": None}
    return {"scale": scale.value, "interval": list(scale.interval), "p": scale.p}
