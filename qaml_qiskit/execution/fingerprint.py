"""What jobs consist of, as short digests: whether what comes back, or lies on disk, is of what was sent."""

import hashlib
from pathlib import Path

import numpy as np
from qiskit.circuit import ParameterExpression, QuantumCircuit

from qaml_qiskit.execution.workload import ISA_FILE, Workload
from qaml_qiskit.formats import read_bytes


def fingerprints(folder: Path, workload: Workload) -> dict[str, str]:
    """A digest of every job's circuit, parameter values, shots, mitigation and seed, by chunk.

    Args:
        folder: where the workload is saved; the circuit counts by the bytes of its file, so that the digest does not
            depend on the version of Qiskit that reads it.
        workload: as loaded from there.

    Raises:
        DamagedFileError: the circuit's file cannot be read.
    """
    settings = workload.settings
    circuit = hashlib.sha256(read_bytes(folder / ISA_FILE)).hexdigest()
    found = {}
    for job in settings.jobs:
        head = f"{circuit} {job.chunk} {job.start} {job.stop} {settings.shots} {settings.mitigation} {settings.seed} "
        # Of the readouts of earlier versions nothing was written.
        head += f"{settings.strings} " if settings.strings else ""
        # Nor of tiles, of which there was one.
        head += f"{settings.tiles} tiles {settings.tile_images} " if settings.tiles > 1 else ""
        head += f"{settings.engine} " if settings.engine != "aer" else ""
        rows = workload.values[job.start : job.stop].astype("<f8").tobytes()
        found[job.chunk] = hashlib.sha256(head.encode() + rows).hexdigest()[:16]
    return found


def same_circuit(one: QuantumCircuit, other: QuantumCircuit) -> bool:
    """Whether two circuits have the same instructions on the same qubits, and parameters of the same names.

    Parameters of Qiskit carry random identities, so a circuit that is built again is never equal to its first copy.
    """
    return _instructions(one) == _instructions(other)


def _instructions(circuit: QuantumCircuit) -> list[tuple[object, ...]]:
    names = {parameter: parameter.name for parameter in circuit.parameters}
    points = np.random.default_rng(0).uniform(0.1, 1.0, len(names))
    values = dict(zip(sorted(names, key=names.__getitem__), points.tolist(), strict=True))

    def angle(value: object) -> object:
        if not isinstance(value, ParameterExpression):
            return value
        # Equal expressions can be written in several ways, so they are compared where they are a number.
        return f"{float(value.bind({p: values[p] for p in value.parameters})):.6g}"

    found: list[tuple[object, ...]] = [(circuit.num_qubits, circuit.num_clbits, *sorted(names.values()))]
    for instruction in circuit.data:
        places = [circuit.find_bit(bit).index for bit in (*instruction.qubits, *instruction.clbits)]
        angles = [angle(value) for value in instruction.operation.params]
        found.append((instruction.operation.name, *places, *angles))
    return found
