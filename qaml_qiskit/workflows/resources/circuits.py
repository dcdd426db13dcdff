"""The circuits that ``qaml resources`` counts, and how well their encodings prepare real images."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector, state_fidelity
from torch import Tensor

from qaml_qiskit.circuits import ANSAETZE
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.encodings import ENCODINGS, Encoding, ExactEncoding, pixel_positions
from qaml_qiskit.errors import InputError
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation import compile_circuit, evolve
from qaml_qiskit.workflows.resources.request import ResourcesRequest


@dataclass(frozen=True)
class EncodingCircuit:
    """One encoding of the grid.

    Attributes:
        name: as in the request.
        layers: of an encoding with layers, else None.
        circuit: with free angles, but for ``exact``, which is the first image's.
        fidelity: mean of what the circuit prepares, without noise, with what is wanted; None without encoding.
    """

    name: str
    layers: int | None
    circuit: QuantumCircuit
    fidelity: float | None


def ansatz_circuit(name: str, num_qubits: int, layers: int, seed: int) -> QuantumCircuit:
    """The QVC's layers with random angles: special values would let the transpiler drop gates."""
    ansatz = ANSAETZE[name](num_qubits, layers)
    angles = np.random.default_rng([seed, layers]).uniform(-np.pi, np.pi, ansatz.num_parameters)
    return ansatz.circuit().assign_parameters(angles)


def first_images(request: ResourcesRequest, data_dir: Path | None) -> Tensor:
    """The first test images of the request's data set, float64, shape (N, C, H, W).

    Raises:
        QamlError: the data set is not here, or has fewer images.
    """
    images = load_dataset(request.dataset, data_dir=data_dir).test.images
    if request.images > len(images):
        raise InputError(
            "cannot take the images",
            got=f"a request for {request.images}",
            expected=f"1 to {len(images)}, the size of the test set of {request.dataset}",
            remedy="ask for another number",
        )
    return torch.from_numpy(images[: request.images]).double()


def encoding_circuits(
    request: ResourcesRequest, num_qubits: int, images: Tensor, progress: Progress
) -> list[EncodingCircuit]:
    """The request's encodings on so many qubits.

    Raises:
        InputError: images with more pixels than the qubits have amplitudes.
    """
    if request.dataset == "digits":
        # 2^⌊n/2⌋ rows and 2^⌈n/2⌉ columns.
        size = (2 ** (num_qubits // 2), 2 ** (num_qubits - num_qubits // 2))
        images = torch.nn.functional.interpolate(images, size=size, mode="bilinear", align_corners=False)
    for name in request.encoding:
        if name == "exact" or (name != "none" and not ENCODINGS[name].qubit_a_pixel):
            order = "flat" if name == "exact" else ENCODINGS[name].default_order
            pixel_positions(tuple(images.shape[1:]), num_qubits, order)
    circuits = []
    for name, layers in _names(request):
        if name == "none":
            circuits.append(EncodingCircuit(name, None, QuantumCircuit(num_qubits), None))
        elif name == "exact":
            circuits.append(_exact(images, num_qubits))
        else:
            encoding = ENCODINGS[name].on_qubits(num_qubits, layers=layers)
            title = f"encoding {len(images)} images, {name}{'' if layers is None else f' {layers}'}"
            with progress.task(title, len(images)) as advance:
                fidelity = _fidelity(encoding, images, advance)
            circuits.append(EncodingCircuit(name, layers, encoding.circuit, fidelity))
    return circuits


def _names(request: ResourcesRequest) -> Iterator[tuple[str, int | None]]:
    for name in request.encoding:
        has_layers = name not in ("exact", "none") and ENCODINGS[name].has_layers()
        yield from ((name, layers) for layers in (request.encoding_layers if has_layers else (None,)))


def _exact(images: Tensor, num_qubits: int) -> EncodingCircuit:
    """Qiskit's state preparation of the first image, in one- and two-qubit gates."""
    encoding = ExactEncoding(num_qubits)
    circuit = encoding.circuit_for(images[0])
    wanted = encoding.state(images[:1])[0].numpy()
    return EncodingCircuit("exact", None, circuit, float(state_fidelity(Statevector(circuit), wanted)))


def _fidelity(encoding: Encoding, images: Tensor, advance: Advance) -> float:
    """Mean fidelity of what the circuit itself prepares, not of what the encoding says about it."""
    if encoding.qubit_a_pixel:
        # n features of an image: the means of n stretches of its pixels.
        images = torch.nn.functional.adaptive_avg_pool1d(images.flatten(1), encoding.num_qubits)
    wanted = encoding.wanted(images)
    program = compile_circuit(encoding.circuit)
    zero = torch.zeros(1, 2**encoding.num_qubits, dtype=torch.complex128)
    zero[0, 0] = 1
    total = 0.0
    for target, angles in zip(wanted, encoding.angles(images), strict=True):
        total += float((evolve(program, zero, angles)[0] @ target.to(zero.dtype)).abs() ** 2)
        advance(1)
    return total / len(images)
