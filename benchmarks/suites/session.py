"""A suite's store, with the versions and the machine."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.store import Store
from benchmarks.suites.settings import Settings


def open_store(name: str, settings: Settings, versions: dict[str, str]) -> Store:
    """The store of a suite; results of another machine, version or setting are not continued."""
    signature = {
        "suite": name,
        "machine": describe(),
        "versions": versions,
        "kernel": _kernel_digest(),
        "settings": {key: value for key, value in asdict(settings).items() if key not in ("out", "fresh")},
    }
    path = settings.out / f"{name}.json"
    if settings.fresh:
        path.unlink(missing_ok=True)
    return Store(path, signature)


def _kernel_digest() -> str:
    spec = find_spec("qaml_qiskit.simulation._kernel")
    if spec is None or spec.origin is None:
        return "none"
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()[:12]
