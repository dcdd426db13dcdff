"""What a classifier's circuit costs, before and after compilation: the work behind ``qaml resources``."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector, state_fidelity

from qaml_qiskit.circuits import classifier_circuit, gate_counts, qvc_ansatz, qvc_parameter_count
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.encodings import ApproximateEncoding, MultiplexedEncoding, amplitudes, state_preparation
from qaml_qiskit.execution import (
    Target,
    circuit_seconds,
    load_catalogue,
    load_recipe,
    open_target,
    survival,
    to_isa,
)
from qaml_qiskit.workflows.outcome import Outcome, Row
from qaml_qiskit.workflows.progress import Progress, Silent

EncodingName = Literal["multiplexed", "approximate", "exact", "none"]
#: Digits whose mean fidelity is given.
_IMAGES = 20


class ResourcesRequest(BaseModel):
    """The grid of circuits to count. ``none`` counts the ansatz alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    qubits: Annotated[int, Field(ge=2, le=14)] = 6
    layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (12,)
    encoding: Annotated[tuple[EncodingName, ...], Field(min_length=1)] = ("multiplexed",)
    encoding_layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (2,)
    target: Annotated[tuple[str, ...], Field(min_length=1)] = ("fake-torino",)
    recipe: Annotated[tuple[str, ...], Field(min_length=1)] = ("level3",)
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class _Encoding:
    """One encoding of the grid: its name for the rows, circuit, and mean fidelity over the digits."""

    name: str
    layers: int | None
    circuit: QuantumCircuit
    fidelity: float | None


def resources(request: ResourcesRequest, *, backends: Path | None = None, progress: Progress | None = None) -> Outcome:
    """Count gates and depths of every combination, as built (target and recipe empty) and compiled.

    The ansatz's angles are random, drawn from the seed: special values would let the transpiler drop gates that a
    trained model needs. Images are embedded digits, enlarged to the qubits' frame.

    Raises:
        QamlError: an unknown or unfit target or recipe.
    """
    catalogue = load_catalogue(backends)
    targets = [open_target(name, catalogue.entry(name), request.qubits) for name in request.target]
    recipes = {name: load_recipe(name) for name in request.recipe}
    encodings = list(_encodings(request))
    rows: list[Row] = []
    total = len(encodings) * len(request.layers) * len(targets) * len(recipes)
    with (progress or Silent()).task("compiling", total) as advance:
        for encoding, layers in product(encodings, request.layers):
            circuit = classifier_circuit(encoding.circuit, _ansatz(request, layers), request.qubits)
            head = {
                "encoding": encoding.name,
                "encoding_layers": encoding.layers,
                "qubits": request.qubits,
                "layers": layers,
            }
            tail = {"fidelity": encoding.fidelity}
            rows.append({**head, "target": None, "recipe": None, **_costs(circuit), **tail})
            for target, (name, recipe) in product(targets, recipes.items()):
                started = perf_counter()
                isa = to_isa(circuit, target.isa, recipe)
                taken = perf_counter() - started
                rows.append({**head, "target": target.name, "recipe": name, **_costs(isa, target, taken), **tail})
                advance(1, f"{encoding.name}, {layers} layers")
    return Outcome("resources", None, rows)


def _costs(circuit: QuantumCircuit, target: Target | None = None, compile_seconds: float | None = None) -> Row:
    """Gates and depths; on a target also duration and the probability that nothing fails."""
    gates, readout = (None, None) if target is None else survival(circuit, target.isa)
    return {
        **gate_counts(circuit).as_dict(),
        "seconds": None if target is None else circuit_seconds(circuit, target.isa),
        "gate_survival": gates,
        "readout_survival": readout,
        "compile_seconds": compile_seconds,
    }


def _ansatz(request: ResourcesRequest, layers: int) -> QuantumCircuit:
    generator = np.random.default_rng([request.seed, layers])
    angles = generator.uniform(-np.pi, np.pi, qvc_parameter_count(request.qubits, layers))
    return qvc_ansatz(request.qubits, layers).assign_parameters(angles)


def _encodings(request: ResourcesRequest) -> Iterator[_Encoding]:
    images = _digits(request.qubits)
    for name in request.encoding:
        match name:
            case "none":
                yield _Encoding(name, None, QuantumCircuit(request.qubits), None)
            case "exact":
                # Qiskit's instruction is opaque until it is decomposed into one- and two-qubit gates.
                circuit = state_preparation(images[0], request.qubits).decompose(reps=8)
                wanted = amplitudes(images[:1], request.qubits)[0].numpy()
                yield _Encoding(name, None, circuit, float(state_fidelity(Statevector(circuit), wanted)))
            case "multiplexed":
                exact = MultiplexedEncoding(request.qubits)
                yield _Encoding(name, None, exact.circuit, _prepared_fidelity(exact, images))
            case "approximate":
                for layers in request.encoding_layers:
                    encoding = ApproximateEncoding(request.qubits, layers)
                    yield _Encoding(name, layers, encoding.circuit, _prepared_fidelity(encoding, images))


def _prepared_fidelity(encoding: ApproximateEncoding | MultiplexedEncoding, images: torch.Tensor) -> float:
    """Mean fidelity of what the circuit itself prepares, not of what the encoding says about it."""
    wanted = amplitudes(images, encoding.num_qubits, encoding.order).numpy()
    states = [Statevector(encoding.circuit.assign_parameters(row.numpy())) for row in encoding.angles(images)]
    return float(np.mean([state_fidelity(state, row) for state, row in zip(states, wanted, strict=True)]))


def _digits(num_qubits: int) -> torch.Tensor:
    """Embedded digits, enlarged or shrunk to 2^⌊n/2⌋ rows and 2^⌈n/2⌉ columns."""
    images = torch.from_numpy(load_dataset("digits").test.images[:_IMAGES]).double()
    size = (2 ** (num_qubits // 2), 2 ** (num_qubits - num_qubits // 2))
    return torch.nn.functional.interpolate(images, size=size, mode="bilinear", align_corners=False)
