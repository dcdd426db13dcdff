"""A classifier circuit and its parameter values onto a simulated target: compile once, sample, mitigate."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution.ledger import Ledger
from qaml_qiskit.execution.mitigation import (
    Calibration,
    ReadoutCorrection,
    calibration_circuits,
    read_calibration,
    z_from_bits,
)
from qaml_qiskit.execution.primitives import local_sampler
from qaml_qiskit.execution.recipes import Recipe, to_isa
from qaml_qiskit.execution.targets import Target, measured_qubits

Mitigation = Literal["none", "m3"]

#: Images in one broadcast PUB. Bounds the memory for outcomes, and gives progress something to count.
CHUNK = 50


@dataclass(frozen=True)
class Sampled:
    """What a target answered for N images and m classes.

    Attributes:
        raw: ⟨Z_k⟩ from the counts, shape (N, m).
        mitigated: ⟨Z_k⟩ after readout mitigation, shape (N, m), or None without mitigation.
        calibration: the readout calibration that was used, or None.
    """

    raw: NDArray[np.float64]
    mitigated: NDArray[np.float64] | None
    calibration: Calibration | None


def compile_for(circuit: QuantumCircuit, target: Target, recipe: Recipe) -> QuantumCircuit:
    """Compile a classifier circuit for a target; the parameters stay free, so it is done once for all images."""
    if target.is_hardware:
        raise ConfigurationError(
            f"target {target.name} is real hardware",
            got="a request to run on it",
            expected="a target of kind ideal, aer or fake: paid jobs are not sent by this version",
            remedy="choose a simulated target; `qaml resources` can compile for the real one",
        )
    return to_isa(circuit, target.isa, recipe)


def sample(
    isa: QuantumCircuit,
    values: NDArray[np.float64],
    target: Target,
    *,
    shots: int,
    mitigation: Mitigation = "m3",
    seed: int = 0,
    ledger: Ledger | None = None,
    progress: Callable[[int], None] | None = None,
) -> Sampled:
    """Sample a compiled circuit for a batch of images.

    Args:
        isa: from :func:`compile_for`, with a classical register ``meas``.
        values: shape (N, P), a row of parameter values an image, in the order of ``isa.parameters``.
        target: where it was compiled for.
        shots: shots an image, and of each calibration circuit.
        mitigation: ``"m3"`` calibrates the measured qubits first and corrects the counts; ``"none"`` does neither.
        seed: the same seed gives the same counts.
        ledger: records the jobs.
        progress: called with the number of images done since the last call.

    Raises:
        InputError: ``values`` do not fit the circuit, or fewer than one shot.
        ConfigurationError: see :class:`ReadoutCorrection` and :meth:`Target.simulator`.
    """
    _check(isa, values, shots)
    ledger = ledger or Ledger(None)
    measured = measured_qubits(isa)
    calibration = _calibrate(isa, measured, target, shots, seed, ledger) if mitigation == "m3" else None
    correction = ReadoutCorrection(calibration) if calibration else None
    simulator = target.simulator(isa)
    raw, mitigated = [], []
    for chunk, start in enumerate(range(0, len(values), CHUNK)):
        rows = values[start : start + CHUNK]
        ledger.append("intent", target=target.name, chunk=chunk, images=len(rows), shots=shots)
        job = local_sampler(simulator, seed + 1 + chunk).run([(isa, rows)], shots=shots)
        ledger.append("submitted", chunk=chunk, job=job.job_id())
        bits = job.result()[0].data.meas
        ledger.append("collected", chunk=chunk, job=job.job_id())
        raw.append(z_from_bits(bits))
        if correction:
            mitigated.append(correction.z_from_bits(bits, measured))
        if progress:
            progress(len(rows))
    return Sampled(np.concatenate(raw), np.concatenate(mitigated) if correction else None, calibration)


def _calibrate(
    isa: QuantumCircuit, measured: list[int], target: Target, shots: int, seed: int, ledger: Ledger
) -> Calibration:
    circuits = calibration_circuits(isa.num_qubits, measured)
    ledger.append("intent", target=target.name, chunk="calibration", images=0, shots=shots)
    job = local_sampler(target.simulator(circuits[1]), seed).run([(c,) for c in circuits], shots=shots)
    ledger.append("submitted", chunk="calibration", job=job.job_id())
    zeros, ones = (pub.data.meas for pub in job.result())
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return read_calibration(zeros, ones, target=target.name, created=created, qubits=measured)


def _check(isa: QuantumCircuit, values: NDArray[np.float64], shots: int) -> None:
    if values.ndim != 2 or values.shape[1] != isa.num_parameters or not len(values):
        raise InputError(
            "the parameter values do not fit the circuit",
            got=f"an array of shape {values.shape}",
            expected=f"(images, {isa.num_parameters}) with at least one image",
            remedy="encode the images with the encoding that the circuit was built with",
        )
    if shots < 1:
        raise InputError(
            "cannot sample the circuit", got=f"{shots} shots", expected="at least 1", remedy="ask for more shots"
        )
