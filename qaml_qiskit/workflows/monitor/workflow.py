"""A stream of scores, watched for a lasting change: the work behind ``qaml monitor``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Row, Run, digest, open_run
from qaml_qiskit.confidence import Monitor
from qaml_qiskit.errors import InputError
from qaml_qiskit.reports import Outcome, Report, monitored_sums
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.monitor.request import MonitorRequest
from qaml_qiskit.workflows.monitor.stream import read_stream

Floats = NDArray[np.float64]


@takes(MonitorRequest)
def monitor(request: MonitorRequest, *, out: Path | None = None) -> Outcome:
    """Sum up how far scores exceed what clean images give, and say at which image the sum is too high.

    Each field has a monitor of its own, and an equal part of the false alarms; see :class:`.Monitor`.

    Raises:
        QamlError: a file that cannot be read, a row without a field, or too few clean images.
    """
    fields = (*request.rising, *request.falling)
    clean, stream = (read_stream(name, fields) for name in (request.clean, request.stream))
    signs = {field: -1.0 if field in request.falling else 1.0 for field in fields}
    change = request.change
    if change is not None and change >= len(stream[fields[0]]):
        raise InputError(
            "the stream ends before it changes",
            got=f"--change {change} of {len(stream[fields[0]])} images",
            expected="an image of the stream, counted from 0",
            remedy="correct --change, or leave it out",
        )
    monitors = {
        field: Monitor.fit(
            signs[field] * clean[field],
            false_alarms=request.false_alarms / len(fields),
            within=request.within,
            drift=request.drift,
            seed=request.seed,
        )
        for field in fields
    }
    resolved = {"clean": _digest(clean), "stream": _digest(stream)}
    with open_run("monitor", request, resolved, out) as run:
        if not run.complete:
            found = {field: monitors[field].through(signs[field] * stream[field]) for field in fields}
            after = {field: each for field, (each, _) in found.items()}
            _write(run, request, after, {field: sums for field, (_, sums) in found.items()})
    return Outcome.of(run)


def _digest(values: Mapping[str, Floats]) -> str:
    return digest(torch.from_numpy(np.stack(list(values.values()))))


def _rows(request: MonitorRequest, monitors: Mapping[str, Monitor], sums: Mapping[str, Floats]) -> list[Row]:
    rows = []
    for field, each in monitors.items():
        # With a change that is known, what comes before it is a false alarm, and the next one is looked for behind it.
        first, change = each.alarm_at, request.change
        delay = None
        if change is not None:
            later = np.flatnonzero(sums[field][change:] > each.threshold)
            delay = int(later[0]) if len(later) else None
        rows.append(
            {
                "field": field,
                "direction": "falling" if field in request.falling else "rising",
                "images": each.seen,
                "alarm_at": first,
                "delay": delay,
                "false_alarm": None if change is None else first is not None and first < change,
                "statistic": each.statistic,
                "highest": float(sums[field].max()),
                "threshold": each.threshold,
                "clean_mean": each.mean if field not in request.falling else -each.mean,
                "clean_deviation": each.deviation,
                "false_alarms": each.false_alarms,
                "within": each.within,
                "least_run_length": each.least_run_length,
            }
        )
    return rows


def _write(run: Run, request: MonitorRequest, monitors: Mapping[str, Monitor], sums: Mapping[str, Floats]) -> None:
    rows = _rows(request, monitors, sums)
    alarms = [f"{row['field']} at image {row['alarm_at']}" for row in rows if row["alarm_at"] is not None]
    lead = f"{rows[0]['images']} images. " + (f"Alarm: {', '.join(alarms)}." if alarms else "No alarm.")
    several = f", each of {len(rows)} fields an equal part of it" if len(rows) > 1 else ""
    least = rows[0]["within"] * (1 - request.false_alarms)
    notes = [
        f"While nothing has changed, there is an alarm within {request.within:,} images with a probability of at most "
        f"{request.false_alarms:g}{several}; so it takes {least:,.0f} images or more to a false alarm on average. The "
        "promise is for independent images like the clean ones.",
        f"statistic: max(0, S + z − {request.drift:g}) after the last image, z in standard deviations of the clean "
        "scores; an alarm is a sum above the threshold. alarm_at and delay count images from 0.",
    ]
    report = Report(run, request.command_line(run.config), f"{request.stream}, watched")
    report.table("Alarms", rows, *notes, file="monitor.csv")
    report.csv("sums.csv", [{"image": k, **{f: float(sums[f][k]) for f in sums}} for k in range(rows[0]["images"])])
    thresholds = {field: each.threshold for field, each in monitors.items()}
    caption = "Cumulative sums in units of their thresholds, image by image; above 1 is an alarm."
    report.picture("monitor.png", monitored_sums(sums, thresholds, request.change), caption)
    report.finish(lead, rows, notes)
