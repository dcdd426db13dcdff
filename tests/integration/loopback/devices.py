"""Devices of the server: the files of the fake devices under other names, with a history of their calibration."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import qiskit_ibm_runtime.fake_provider
from qiskit_aer.noise import NoiseModel, ReadoutError

_FILES = Path(qiskit_ibm_runtime.fake_provider.__file__).parent / "backends"
_READOUT = ("readout_error", "prob_meas0_prep1", "prob_meas1_prep0")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Device:
    """One device.

    Attributes:
        name: its name on the server.
        configuration: what GET configuration answers.
        history: pairs of the moment from which a calibration is valid, and the properties, oldest first.
        operational: whether it is online. A device that is not keeps its jobs queued.
        status: the word for it; anything but "active" on an operational device makes the client warn.
        queue_length: number of jobs said to wait.
    """

    name: str
    configuration: dict[str, Any]
    history: list[tuple[datetime, dict[str, Any]]]
    operational: bool = True
    status: str = "active"
    queue_length: int = 0
    _encoded: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str, fake: str) -> "Device":
        """Read the files of the fake device ``fake``, for example "torino" or "manila"."""
        folder = _FILES / fake
        configuration = json.loads((folder / f"conf_{fake}.json").read_bytes())
        properties = json.loads((folder / f"props_{fake}.json").read_bytes())
        configuration["backend_name"] = properties["backend_name"] = name
        return cls(name, configuration, [(_LONG_AGO, properties)])

    def properties(self, at: datetime | None = None) -> dict[str, Any]:
        """The calibration valid at a moment (now by default)."""
        return self.history[self._index(at)][1]

    def properties_body(self, at: datetime | None = None) -> bytes:
        """The same as JSON, encoded once: it is half a megabyte."""
        index = self._index(at)
        if index not in self._encoded:
            self._encoded[index] = json.dumps(self.history[index][1]).encode()
        return self._encoded[index]

    def listing(self) -> dict[str, Any]:
        """The device's entry in GET /backends."""
        return {
            "name": self.name,
            "status": {"name": "online" if self.operational else "offline", "reason": self.status},
            "qubits": self.configuration["n_qubits"],
            "queue_length": self.queue_length,
        }

    def status_body(self) -> dict[str, Any]:
        """What GET status answers."""
        return {
            "state": self.operational,
            "status": self.status,
            "length_queue": self.queue_length,
            "backend_version": self.configuration["backend_version"],
        }

    def recalibrate(self, change: Callable[[str, float], float]) -> None:
        """Add a calibration, valid from now: ``change(name, value)`` gives the new value of a qubit's property."""
        moment = datetime.now(UTC)
        properties = json.loads(self.properties_body())
        properties["last_update_date"] = moment.isoformat()
        for entry in (entry for qubit in properties["qubits"] for entry in qubit):
            value = change(entry["name"], entry["value"])
            if value != entry["value"]:
                entry.update(value=value, date=moment.isoformat())
        self.history.append((moment, properties))

    def scale_readout(self, factor: float) -> None:
        """Add a calibration whose readout errors are ``factor`` times the present ones, at most one half."""
        self.recalibrate(lambda name, value: min(value * factor, 0.5) if name in _READOUT else value)

    def readout_noise(self, at: datetime) -> NoiseModel:
        """Readout errors, and nothing else, as calibrated at a moment."""
        model = NoiseModel()
        for qubit, entries in enumerate(self.properties(at)["qubits"]):
            values = {entry["name"]: entry["value"] for entry in entries}
            p10, p01 = values["prob_meas1_prep0"], values["prob_meas0_prep1"]
            model.add_readout_error(ReadoutError([[1 - p10, p10], [p01, 1 - p01]]), [qubit])
        return model

    def _index(self, at: datetime | None) -> int:
        return max(i for i, (start, _) in enumerate(self.history) if at is None or start <= at)
