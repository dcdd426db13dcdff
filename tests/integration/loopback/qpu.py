"""Runs the payload of a job on Aer. The imports from inside the client are of version 0.51, for tests only."""

import json
from typing import Any

from ibm_quantum_schemas.common import CompressedTensorModel
from ibm_quantum_schemas.executor.version_2_0.models import (
    ItemMetadataModel,
    MetadataModel,
    QuantumProgramResultItemModel,
    QuantumProgramResultModel,
)
from qiskit.circuit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.primitives import SamplerV2
from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
from qiskit_ibm_runtime.json import RuntimeDecoder, RuntimeEncoder
from qiskit_ibm_runtime.options_models import SimulatorOptions
from qiskit_ibm_runtime.quantum_program import QuantumProgram
from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS
from samplomatic.quantum_program import SamplexItem

#: What POST /jobs accepts.
PROGRAMS = ("executor", "sampler")


def circuits(params: dict[str, Any]) -> list[QuantumCircuit]:
    """The circuits in the payload of a client-side Sampler, as they were sent."""
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[params["schema_version"]]
    program, _ = converter.decoder(converter.model.model_validate(params))
    return [item.circuit for item in program.items]


def execute(program_id: str, params: dict[str, Any], noise: NoiseModel | None, seed: int) -> bytes:
    """The result body of a job.

    Equal PUBs give equal counts whatever else is in the job and whenever it runs: every PUB starts from ``seed``.
    """
    # A device's 133-qubit circuit costs nothing here: Aer drops the qubits that are never touched.
    # One thread: circuits this small lose more to waiting threads than they gain on a busy machine.
    method = "automatic" if noise else "statevector"
    simulator = AerSimulator(method=method, noise_model=noise, max_parallel_threads=1)
    run = _executor if program_id == "executor" else _sampler
    return run(params, simulator, seed).encode()


def _executor(params: dict[str, Any], simulator: AerSimulator, seed: int) -> str:
    """The payload of the client-side Sampler and Estimator, one item at a time."""
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[params["schema_version"]]
    model = converter.model.model_validate(params)
    program, _ = converter.decoder(model)
    data = []
    for item in program.items:
        if isinstance(item, SamplexItem):
            item.samplex.finalize()
        single = QuantumProgram(shots=program.shots, items=[item], meas_level=program.meas_level)
        result = run_quantum_program(simulator, single, SimulatorOptions(seed_simulator=seed))[0]
        tensors = {name: CompressedTensorModel.from_numpy(array) for name, array in result.items()}
        data.append(QuantumProgramResultItemModel(results=tensors, metadata=ItemMetadataModel()))
    return QuantumProgramResultModel(
        data=data,
        metadata=MetadataModel(chunk_timing=[]),
        passthrough_data=model.quantum_program.passthrough_data,
        semantic_role=model.quantum_program.semantic_role,
    ).model_dump_json()


def _sampler(params: dict[str, Any], simulator: AerSimulator, seed: int) -> str:
    """The payload of the deprecated SamplerV2, which mthree still uses."""
    decoded = json.loads(json.dumps(params), cls=RuntimeDecoder)
    shots = decoded.get("options", {}).get("default_shots")
    sampler = SamplerV2.from_backend(simulator, seed=seed, default_shots=shots or 4096)
    results = [sampler.run([tuple(pub)]).result() for pub in decoded["pubs"]]
    whole = type(results[0])([result[0] for result in results], metadata=results[0].metadata)
    return json.dumps(whole, cls=RuntimeEncoder)
