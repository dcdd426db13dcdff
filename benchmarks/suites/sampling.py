"""Noisy sampling on a snapshot of a 133-qubit device: the package beside the primitive on the device itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.fake_provider import FakeTorino

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.execution import compile_for, load_recipe, open_target, sample
from qaml_qiskit.execution.catalogue import FakeEntry
from qaml_qiskit.execution.readings.counts import z_from_bits
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.models.qvc_config import QVCConfig

Array = NDArray[np.float64]

TITLES = {
    "package": "qaml-qiskit, noise of the active qubits",
    "aer": "SamplerV2 on AerSimulator.from_backend(FakeTorino)",
    "device": "SamplerV2 on FakeTorino",
}


def run(settings: Settings) -> Store:
    """Sample the same compiled circuit with the same angles in three ways."""
    warnings.simplefilter("ignore", DeprecationWarning)
    store = open_store("sampling", settings, {})
    side, images, shots = (2, 4, 50) if settings.quick else (8, 64, 1000)
    model = QVC(QVCConfig(image_shape=(1, side, side), num_classes=2, num_layers=4, init_std=1.0), 0)
    target = open_target("fake-torino", FakeEntry(kind="fake", device="FakeTorino"), model.config.num_qubits)
    isa = compile_for(model.circuit(), target, load_recipe("level3"))
    values = np.random.default_rng(0).normal(size=(images, isa.num_parameters))
    ways: dict[str, Callable[[], Array]] = {
        "package": lambda: _raw(sample(isa, values, target, shots=shots, mitigation="none").raw),
        "aer": lambda: _stock(AerSimulator.from_backend(FakeTorino(), seed_simulator=1), isa, values, shots),
        "device": lambda: _stock(FakeTorino(), isa, values, shots),
    }
    # Nobody is timed before the statistics agree.
    found = {name: way() for name, way in ways.items()}
    deviation = {name: _deviation(found["package"], z, shots) for name, z in found.items() if name != "package"}
    two_qubit = sum(len(instruction.qubits) == 2 for instruction in isa.data)
    store.put(
        "setting",
        {
            "qubits": model.config.num_qubits,
            "two_qubit_gates": two_qubit,
            "images": images,
            "shots": shots,
            "chi_squared": deviation,
        },
    )
    say(f"sampling: {images} images, {shots} shots, {two_qubit} two-qubit gates")
    run_contest([Contestant(name, way) for name, way in ways.items()], settings.short_rounds, store)
    return store


def _stock(backend: object, isa: object, values: Array, shots: int) -> Array:
    result = SamplerV2(mode=backend).run([(isa, values)], shots=shots).result()
    return z_from_bits(result[0].data.meas)


def _raw(z: Array | None) -> Array:
    assert z is not None
    return z


def _deviation(first: Array, second: Array, shots: int) -> float:
    """Mean square of the difference in units of its standard error by shots: 1 when only shots differ."""
    variance = (2 - first**2 - second**2) / shots
    return float(np.mean((first - second) ** 2 / variance))
