"""The targets of backends.yaml and what they are like: the work behind ``qaml backends``."""

from pathlib import Path
from statistics import median

from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.errors import QamlError
from qaml_qiskit.execution import Target, load_catalogue, open_target
from qaml_qiskit.execution.catalogue import FakeEntry, IBMEntry, ProviderEntry, SnapshotEntry, TargetEntry
from qaml_qiskit.execution.ibm.service import device_status
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Outcome


def list_targets(*, backends: Path | None = None, progress: Progress | None = None) -> Outcome:
    """Every entry of backends.yaml with size, native two-qubit gate, median errors, and whether it can be reached.

    Backends of providers are not opened.
    """
    entries = load_catalogue(backends).targets
    rows = []
    with (progress or Silent()).task("opening targets", len(entries)) as advance:
        for name, entry in entries.items():
            rows.append(_row(name, entry))
            advance(1, name)
    return Outcome("backends", None, rows)


def _row(name: str, entry: TargetEntry) -> Row:
    empty: Row = {"qubits": None, "two_qubit_gate": "", "two_qubit_error": None, "readout_error": None}
    head = {"target": name, "kind": entry.kind, "device": _device(entry)}
    if isinstance(entry, ProviderEntry):
        # A vendor's code may connect, and charge, when it is opened.
        return {**head, **empty, "status": "not opened" + ", simulated" * entry.simulated}
    try:
        target = open_target(name, entry, 1)
        status = _status(target)
    except QamlError as error:
        return {**head, **empty, "status": str(error.got)}
    if isinstance(entry, FakeEntry | IBMEntry | SnapshotEntry):
        return {**head, **_device_facts(target.isa), "status": status}
    return {**head, **empty, "status": status}


def _status(target: Target) -> str:
    if target.backend is None:
        return "simulated"
    standing = device_status(target.backend)
    return f"online, {standing.jobs} jobs waiting" if standing.operational else f"offline, {standing.message}"


def _device(entry: TargetEntry) -> str:
    match entry:
        case FakeEntry() | IBMEntry():
            return entry.device
        case SnapshotEntry():
            return entry.folder
        case ProviderEntry():
            return entry.factory
        case _:
            return ""


def _device_facts(isa: ISATarget) -> Row:
    gate = next((name for name in ("cz", "ecr", "cx") if name in isa.operation_names), "")
    return {
        "qubits": isa.num_qubits,
        "two_qubit_gate": gate,
        "two_qubit_error": _median_error(isa, gate),
        "readout_error": _median_error(isa, "measure"),
    }


def _median_error(isa: ISATarget, name: str) -> float | None:
    if name not in isa.operation_names:
        return None
    errors = [properties.error for properties in isa[name].values() if properties and properties.error is not None]
    return median(errors) if errors else None
