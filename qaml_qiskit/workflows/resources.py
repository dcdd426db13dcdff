"""What a classifier's circuit costs, before and after compilation: the work behind ``qaml resources``."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector, state_fidelity

from qaml_qiskit.circuits import classifier_circuit, gate_counts, qvc_ansatz, qvc_parameter_count
from qaml_qiskit.encodings import MultiplexedEncoding, amplitudes, state_preparation
from qaml_qiskit.execution import load_catalogue, load_recipe, open_target, to_isa
from qaml_qiskit.workflows.outcome import Outcome, Row
from qaml_qiskit.workflows.progress import Progress, Silent

EncodingName = Literal["multiplexed", "exact", "none"]


class ResourcesRequest(BaseModel):
    """The grid of circuits to count. ``none`` counts the ansatz alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    qubits: Annotated[int, Field(ge=2, le=14)] = 6
    layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (12,)
    encoding: Annotated[tuple[EncodingName, ...], Field(min_length=1)] = ("multiplexed",)
    target: Annotated[tuple[str, ...], Field(min_length=1)] = ("fake-torino",)
    recipe: Annotated[tuple[str, ...], Field(min_length=1)] = ("level3",)
    seed: Annotated[int, Field(ge=0)] = 0


def resources(request: ResourcesRequest, *, backends: Path | None = None, progress: Progress | None = None) -> Outcome:
    """Count gates and depths of every combination, as built (target and recipe empty) and compiled.

    The image and the ansatz's angles are random, drawn from the seed: special values would let the transpiler drop
    gates that a trained model needs.

    Raises:
        QamlError: an unknown or unfit target or recipe.
    """
    catalogue = load_catalogue(backends)
    targets = [open_target(name, catalogue.entry(name), request.qubits) for name in request.target]
    recipes = {name: load_recipe(name) for name in request.recipe}
    circuits = list(_circuits(request))
    rows: list[Row] = []
    with (progress or Silent()).task("compiling", len(circuits) * len(targets) * len(recipes)) as advance:
        for encoding, layers, circuit, fidelity in circuits:
            head = {"encoding": encoding, "qubits": request.qubits, "layers": layers}
            rows.append(
                {**head, "target": None, "recipe": None, **gate_counts(circuit).as_dict(), "fidelity": fidelity}
            )
            for target, (recipe_name, recipe) in product(targets, recipes.items()):
                counts = gate_counts(to_isa(circuit, target.isa, recipe)).as_dict()
                rows.append({**head, "target": target.name, "recipe": recipe_name, **counts, "fidelity": fidelity})
                advance(1, f"{encoding}, {layers} layers")
    return Outcome("resources", None, rows)


def _circuits(request: ResourcesRequest) -> Iterator[tuple[str, int, QuantumCircuit, float | None]]:
    """Encoding's name, layers, the measured circuit, and the fidelity of the state that the encoding prepares."""
    image = torch.from_numpy(np.random.default_rng(request.seed).random(2**request.qubits))
    for name in request.encoding:
        encoding, fidelity = _encoding(name, image, request.qubits)
        for layers in request.layers:
            generator = np.random.default_rng([request.seed, layers])
            angles = generator.uniform(-np.pi, np.pi, qvc_parameter_count(request.qubits, layers))
            ansatz = qvc_ansatz(request.qubits, layers).assign_parameters(angles)
            yield name, layers, classifier_circuit(encoding, ansatz, request.qubits), fidelity


def _encoding(name: EncodingName, image: torch.Tensor, num_qubits: int) -> tuple[QuantumCircuit, float | None]:
    """The encoding's circuit, and its fidelity for one image."""
    if name == "none":
        return QuantumCircuit(num_qubits), None
    if name == "exact":
        # Qiskit's instruction is opaque until it is decomposed into one- and two-qubit gates.
        circuit = bound = state_preparation(image, num_qubits).decompose(reps=8)
    else:
        encoding = MultiplexedEncoding(num_qubits)
        circuit = encoding.circuit
        bound = circuit.assign_parameters(encoding.angles(image[None])[0].numpy())
    wanted = amplitudes(image[None], num_qubits)[0].numpy()
    return circuit, float(state_fidelity(Statevector(bound), wanted, validate=False))
