"""The same circuit under stored calibrations of its device: how the accuracy would have varied."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from qaml_qiskit.artifacts import Pool, Row, Run
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import Target, open_target
from qaml_qiskit.execution.catalogue import FakeEntry, IBMEntry, SnapshotEntry, TargetEntry
from qaml_qiskit.execution.circuits import unsupported
from qaml_qiskit.execution.compilation.fractional import has_fractional
from qaml_qiskit.execution.snapshot import calibration_date, snapshot_device, snapshot_place
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies import OnDevice, predict_on_devices
from qaml_qiskit.workflows.forecast.request import ForecastRequest

#: Names of the tables in the metrics.
ENVELOPE_TABLE, ARCHIVE_TABLE = "envelope", "archive"

ARCHIVE_NOTE = (
    "Every calibration scores the same compiled circuit, on the qubits that it was laid out on today: how the accuracy "
    "of what is run would have varied, not what another layout would have gained. lowest, median, highest: over the "
    "archive; present: the target as it is."
)


@dataclass(frozen=True)
class Calibrated:
    """A stored calibration.

    Attributes:
        path: as it was named.
        date: of the calibration.
        target: the device then.
    """

    path: str
    date: str
    target: Target


def read_archive(request: ForecastRequest, deployments: Mapping[str, Deployment]) -> list[Calibrated]:
    """The stored calibrations that a forecast was asked for, the oldest first.

    Raises:
        ConfigurationError: several targets, or one that is no device.
        InputError: no snapshot, a damaged one, or one of another device.
    """
    if not request.archive:
        return []
    present = next(iter(deployments.values())).compiled.target
    name = _device_of(present.entry)
    if len(request.target) > 1 or name is None:
        raise ConfigurationError(
            "an archive is of one device",
            got=f"the targets {', '.join(request.target)}" if name else f"{present.name}, which is no device",
            expected="a single target of kind ibm, fake or snapshot",
            remedy="name the device that the snapshots are of",
        )
    found = []
    for path in request.archive:
        place = snapshot_place(Path(path))
        other = snapshot_device(place)
        entry = SnapshotEntry(kind="snapshot", folder=str(place), fractional=has_fractional(present.isa))
        target = open_target(present.name, entry, 1)
        fits = all(_runs(each, target) for each in deployments.values())
        if _bare(other) != name or not fits:
            raise InputError(
                f"{path} is of another device",
                got=other if _bare(other) != name else f"{other} without gates that the circuit uses",
                expected=f"a snapshot of {present.name}",
                remedy="name snapshots of the target's own device",
            )
        found.append(Calibrated(path, calibration_date(place), target))
    return sorted(found, key=lambda each: each.date)


def _device_of(entry: TargetEntry) -> str | None:
    """The device that a target is, or is a model of; None for no device."""
    match entry:
        case IBMEntry(device=device) | FakeEntry(device=device):
            return _bare(device)
        case SnapshotEntry(folder=folder):
            return _bare(snapshot_device(Path(folder)))
        case _:
            return None


def _bare(name: str) -> str:
    """A device's name without what tells the service's from the copies that ship with its client."""
    return re.sub(r"^(ibmq_|ibm_|fake_?)|v2$", "", name.lower())


def _runs(deployment: Deployment, target: Target) -> bool:
    isa = deployment.compiled.isa
    return target.isa.num_qubits == isa.num_qubits and unsupported(isa, target.isa) is None


def forecast_archive(
    request: ForecastRequest,
    archive: Sequence[Calibrated],
    own: Mapping[str, tuple[Deployment, Batch]],
    present: Sequence[Row],
    run: Run,
    progress: Progress,
    pool: Pool,
) -> dict[str, Any]:
    """What clean images would have scored under every calibration, and the envelope of that.

    Args:
        request: what was asked for.
        archive: the calibrations.
        own: the deployments on the present target, and their images.
        present: the rows of the forecast.
        run: keeps what is computed.
        progress: told about every image.
        pool: where that is.
    """
    if not archive:
        return {}
    bitstrings = "m3" in request.mitigation and bool(request.shots)
    sets, of = {}, {}
    for (number, then), (key, (deployment, batch)) in product(enumerate(archive), own.items()):
        told = f"{deployment.short_name} as of {then.date},"
        name = f"archive-{number}-{key}"
        sets[name] = OnDevice(deployment.recalibrated(then.target), batch.images, told, bitstrings)
        of[name] = then, deployment, batch
    rows: list[Row] = []
    for name, prediction in predict_on_devices(sets, run, progress, pool).items():
        then, deployment, batch = of[name]
        for mitigation, shots in product(request.mitigation, (None, *request.shots)):
            if shots is None:
                accuracy = prediction.accuracy(batch.labels, mitigation).value
            else:
                accuracy, _ = prediction.sampled(batch.labels, shots, request.seed, mitigation)
            rows.append(
                {
                    "model": deployment.ruled_name,
                    "calibrated": then.date,
                    "snapshot": then.path,
                    "mitigation": mitigation,
                    "shots": shots,
                    "accuracy": accuracy,
                }
            )
    return {ENVELOPE_TABLE: list(_envelope(rows, present)), ARCHIVE_TABLE: rows}


def _envelope(rows: Sequence[Row], present: Sequence[Row]) -> Iterator[Row]:
    for now in present:
        if now["eps"]:
            continue
        same = ("model", "mitigation", "shots")
        found = [row["accuracy"] for row in rows if all(row[name] == now[name] for name in same)]
        yield {
            **{name: now[name] for name in same},
            "present": now["accuracy"],
            "lowest": min(found),
            "median": float(np.median(found)),
            "highest": max(found),
            "snapshots": len(found),
        }
