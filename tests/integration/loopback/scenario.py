"""A small job for tests of the server: two rotations, three images."""

import numpy as np
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import QiskitRuntimeService, RuntimeJobV2
from qiskit_ibm_runtime.executor_sampler import Sampler

from tests.integration.loopback.server import MANILA

SHOTS = 1000
ANGLES = np.array([[0.3, 1.1], [0.7, 2.0], [1.5, 2.9]])
TIMEOUT = 30
PRECISION = 0.03


def rotations() -> QuantumCircuit:
    """Two qubits with ⟨Z_k⟩ = cos θ_k."""
    angles = ParameterVector("θ", 2)
    circuit = QuantumCircuit(2)
    circuit.ry(angles[0], 0)
    circuit.ry(angles[1], 1)
    return circuit


def compiled(backend: object, *, measured: bool = True) -> QuantumCircuit:
    circuit = rotations()
    if measured:
        circuit.measure_all()
    return generate_preset_pass_manager(backend=backend, optimization_level=1, seed_transpiler=7).run(circuit)


def submit(*tags: str, device: str = MANILA, service: QiskitRuntimeService | None = None, **options: object):
    """One job of three images, from a client of its own unless one is given."""
    backend = (service or QiskitRuntimeService()).backend(device)
    sampler = Sampler(backend, {"environment": {"job_tags": list(tags)}, **options})
    return sampler.run([(compiled(backend), ANGLES)], shots=SHOTS)


def values(job: RuntimeJobV2) -> np.ndarray:
    bits = job.result(timeout=TIMEOUT)[0].data.meas
    return np.stack([bits.expectation_values(["IZ", "ZI"][k]) for k in range(2)], axis=-1)
