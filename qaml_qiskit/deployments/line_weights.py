"""What an error on each part of a line costs a classifier: the weights by which a line of good qubits is chosen.

To first order in the error rates e, a line loses Σ_g w_g·e_g of the expected accuracy, with w_g = −d accuracy/d e_g at
the same small error everywhere. An image counts as much as its chance to be named correctly grows with its margin
M: with M's standard error s behind the shots, d accuracy/dM = φ(M/s)/s, so images near the border decide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import InstructionProperties
from qiskit.transpiler import Target as ISATarget
from qiskit_aer.noise import NoiseModel, depolarizing_error
from torch import Tensor

from qaml_qiskit.circuits import is_noise_angle
from qaml_qiskit.datasets import is_here, load_split
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.circuits import parameter_values
from qaml_qiskit.evaluation import LinearHead, Margins
from qaml_qiskit.execution import Recipe, measured_qubits, to_isa
from qaml_qiskit.execution.compilation.layout import LineUsage
from qaml_qiskit.models import QVC, ModelCard, NetworkCard
from qaml_qiskit.noise import BASIS_GATES
from qaml_qiskit.simulation.heisenberg import gate_sensitivities, noisy_expectations

#: Images that set a device's parts apart from each other.
IMAGES = 100
#: Shots an image that accuracy is expected with.
SHOTS = 1000
#: Error rates of two- and one-qubit gates that weights are taken at: those of a good device.
TWO_QUBIT_ERROR, ONE_QUBIT_ERROR = 3e-3, 3e-4
#: A measured qubit must be one that can be read, whatever its reading is worth.
_LEAST = 1e-6
#: How circuits are compiled for the uniform line, on which there is nothing to choose.
_RECIPE = Recipe(why="Without choice.", optimization_level=3, seeds=(1,), layout="line", merge_swaps=True)


def set_aside(card: ModelCard | NetworkCard, name: str) -> tuple[Tensor, NDArray[np.int64]]:
    """Some of the images that a model's training set aside, drawn at random but always the same, and their labels.

    Args:
        card: the model's.
        name: the deployment's.

    Raises:
        ConfigurationError: nobody knows what was set aside, or the data set is not on this machine.
    """
    data = card.data
    if not isinstance(card, ModelCard) or card.held_out is None:
        raise refusals.needs_images_for_layout(name, "a model without a record of what it learned from")
    if data.source is None and not is_here(data.dataset):
        raise refusals.needs_images_for_layout(name, f"no {data.dataset} on this machine")
    _, aside = card.held_out.parts(load_split(data.dataset, data.classes, data.source, data.preparation, None))
    rows = np.sort(np.random.default_rng(0).permutation(len(aside))[:IMAGES])
    return torch.from_numpy(aside.images[rows]), aside.labels[rows]


def line_weights(
    model: QVC,
    head: LinearHead[NDArray[np.floating]],
    circuit: QuantumCircuit,
    images: Tensor,
    labels: NDArray[np.integer],
) -> LineUsage:
    """What an error on each part of a line costs, for :func:`~qaml_qiskit.execution.compilation.layout.best_line`.

    An error that helps, by chance or truly, is no reason to look for a bad gate: its weight is 0.

    Args:
        model: the classifier.
        head: from the averages of its strings to logits.
        circuit: encoding, layers and measurements, before compilation.
        images: shape (N, C, H, W).
        labels: of the images, shape (N,).
    """
    losses = line_losses(model, head, circuit, images, labels)
    parts = zip(losses.readout.tolist(), losses.measured, strict=True)
    read = [max(loss, _LEAST) if is_read else 0.0 for loss, is_read in parts]
    bonds, one_qubit = (tuple(np.maximum(each, 0.0).tolist()) for each in (losses.bonds, losses.one_qubit))
    return LineUsage(bonds, one_qubit, tuple(read))


class LineLosses(NamedTuple):
    """Expected accuracy that is lost for each unit of error.

    Attributes:
        bonds: by the two-qubit gates on qubits i and i+1, shape (n − 1,).
        one_qubit: by the one-qubit gates, shape (n,).
        readout: by the corrected readout, shape (n,).
        measured: whether each qubit is measured.
    """

    bonds: NDArray[np.floating]
    one_qubit: NDArray[np.floating]
    readout: NDArray[np.floating]
    measured: tuple[bool, ...]


def line_losses(
    model: QVC,
    head: LinearHead[NDArray[np.floating]],
    circuit: QuantumCircuit,
    images: Tensor,
    labels: NDArray[np.integer],
) -> LineLosses:
    """The expected loss of accuracy, with readout errors corrected, for each unit of error of each part of a line.

    Args: as of :func:`line_weights`.
    """
    n, isa = circuit.num_qubits, on_uniform_line(circuit)
    with torch.no_grad():
        angles = model.encoding.angles(images).numpy()
    silent = np.zeros((len(angles), sum(is_noise_angle(each) for each in isa.parameters)))
    values, measured, noise = parameter_values(isa, angles, silent), measured_qubits(isa), uniform_noise()
    strings = [tuple(measured[bit] for bit in string) for string in model.readout.bits]
    bare = isa.remove_final_measurements(inplace=False)
    read = noisy_expectations(bare, noise, strings, values=values, dtype=torch.float32).double().numpy()
    margins = Margins.of(read, head, labels)
    variances = margins.variances(read, SHOTS)
    spread = np.sqrt(variances.sum(1))
    density = margins.density(spread)
    found = gate_sensitivities(bare, noise, strings, values, combinations=margins.weights[:, None].astype(np.float64))
    lost = -(density[:, None] * found.derivatives[:, 0]).mean(0)
    losses = LineLosses(np.zeros(n - 1), np.zeros(n), np.zeros(n), tuple(qubit in measured for qubit in range(n)))
    for (_, qubits), loss in zip(found.gates, lost, strict=True):
        if len(qubits) == 2:
            losses.bonds[min(qubits)] += loss / TWO_QUBIT_ERROR
        else:
            losses.one_qubit[qubits[0]] += loss / ONE_QUBIT_ERROR
    for string, variance in zip(strings, variances.T, strict=True):
        # Corrected, a contrast of 1 − 2e makes the variance 1/(1 − 2e)² as large: the spread grows with it.
        losses.readout[list(string)] += (density * margins.values * 2 * variance / spread**2).mean()
    return losses


def on_uniform_line(circuit: QuantumCircuit) -> QuantumCircuit:
    """A circuit compiled for a line of qubits that are all alike: qubit i lies in place i."""
    return to_isa(circuit, _line_target(circuit.num_qubits), _RECIPE)


def _line_target(num_qubits: int) -> ISATarget:
    """A line of qubits that are all alike, so that qubit i lies in place i."""
    gates = get_standard_gate_name_mapping()
    perfect = InstructionProperties(error=0.0)
    target = ISATarget(num_qubits=num_qubits)
    for name in (*BASIS_GATES, "measure"):
        places: list[tuple[int, ...]] = [(qubit,) for qubit in range(num_qubits)]
        if name == "cz":
            places = [pair for low in range(num_qubits - 1) for pair in ((low, low + 1), (low + 1, low))]
        target.add_instruction(gates[name], dict.fromkeys(places, perfect))
    return target


def uniform_noise(scale: float = 1.0) -> NoiseModel:
    """The same depolarising error on every gate.

    Args:
        scale: of the error rates. They are average infidelities, as devices report them: 3/4 or 1/2 of p.
    """
    model = NoiseModel(basis_gates=list(BASIS_GATES))
    model.add_all_qubit_quantum_error(depolarizing_error(scale * TWO_QUBIT_ERROR * 4 / 3, 2), ["cz"])
    model.add_all_qubit_quantum_error(depolarizing_error(scale * ONE_QUBIT_ERROR * 2, 1), ["sx", "x"])
    return model
