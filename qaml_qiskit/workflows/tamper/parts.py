"""A classifier as the attacks on its parts see it: logits as functions of what is changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import ParameterVector, QuantumCircuit
from torch import Tensor, nn

from qaml_qiskit.attacks.quantum import (
    AngleAttack,
    CalibrationAttack,
    CrosstalkAttack,
    GateAttack,
    QuantumAttack,
    ReadoutAttack,
    logits_of_weights,
    rotation_groups,
)
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.evaluation import ReadoutMap
from qaml_qiskit.models import QVC, AmplitudeQNN
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.simulation.heisenberg import noisy_observables
from qaml_qiskit.workflows.tamper.request import TamperedPart, TamperRequest

#: Starts of the ascent on the weights: the honest ones, and a random one.
_STARTS = 2
#: Gates tried a round where several may be dropped; for one gate all are.
_CANDIDATES = 100


def symmetric_readout(probability: float, num_classes: int) -> ReadoutMap[Tensor]:
    """The same error on every qubit, either way."""
    flips = torch.full((num_classes,), probability, dtype=torch.float64)
    return ReadoutMap(flips, flips)


def target_readout(deployment: Deployment) -> ReadoutMap[Tensor]:
    """The readout errors of the device's qubits that the compiled classifier is read from."""
    found = deployment.circuit.readout
    return ReadoutMap(torch.from_numpy(found.p10), torch.from_numpy(found.p01))


@dataclass(frozen=True)
class Victim:
    """A classifier and labelled images.

    Attributes:
        model: the QVC.
        features: what its connector takes, shape (N, F).
        z: ⟨Z_k⟩, shape (N, m).
        labels: shape (N,).
        readout: the errors of the class qubits.
    """

    model: QVC
    features: Tensor
    z: Tensor
    labels: Tensor
    readout: ReadoutMap[Tensor]

    @classmethod
    def of(cls, model: QVC, images: Tensor, labels: NDArray[np.int64], readout: ReadoutMap[Tensor]) -> "Victim":
        """Encode the images, once for all attacks, and classify them.

        Raises:
            InputError: an image that the model cannot take.
        """
        with torch.no_grad():
            features = model.features(images)
            return cls(model, features, model.connector(features).double(), torch.from_numpy(labels), readout)

    def states(self) -> Tensor:
        """The encoded states, shape (N, 2ⁿ), float64, of unit length to double precision.

        The length matters: a fidelity that is wrong by 10⁻⁷ is a trace distance of 3·10⁻⁴.
        """
        states = self.features.double()
        size = 2**self.model.config.num_qubits
        return nn.functional.pad(nn.functional.normalize(states, dim=1), (0, size - states.shape[1]))

    def matrices(self) -> Tensor:
        """M_k with ⟨Z_k⟩ = φᵀM_kφ for real states φ, shape (m, 2ⁿ, 2ⁿ), float64."""
        classes = range(self.model.config.num_classes)
        return noisy_observables(self.model.ansatz(), None, classes, dtype=torch.float64).matrices


def attacks_on(victim: Victim, request: TamperRequest) -> Mapping[TamperedPart, Callable[[], QuantumAttack]]:
    """How the attack on each part is made; nothing is computed before it is called. The encoding has blocks."""
    return {
        "weights": lambda: _on_weights(victim, request),
        "gates": lambda: _on_gates(victim, request),
        "readout": lambda: ReadoutAttack(victim.readout.read(victim.z), victim.labels),
        "calibration": lambda: calibration_attack(victim),
        "crosstalk": lambda: _by_crosstalk(victim),
    }


def calibration_attack(victim: Victim) -> CalibrationAttack:
    """The attack on the readout's record. Raises InputError for a readout that mitigation cannot invert."""
    readout = victim.readout
    return CalibrationAttack(readout.read(victim.z), readout.p10, readout.p01, victim.labels)


def _on_weights(victim: Victim, request: TamperRequest) -> AngleAttack:
    logits, angles = logits_of_weights(victim.model.connector, "weight", victim.features)
    return AngleAttack(logits, angles, victim.labels, steps=request.steps, restarts=_STARTS, seed=request.seed)


def _on_gates(victim: Victim, request: TamperRequest) -> GateAttack:
    logits, angles = logits_of_weights(victim.model.connector, "weight", victim.features)
    candidates = _CANDIDATES if request.components is not None and request.components > 1 else None
    return GateAttack(logits, angles, rotation_groups(len(angles)), victim.labels, candidates)


def _by_crosstalk(victim: Victim) -> CrosstalkAttack:
    circuit = crosstalk_circuit(victim.model)
    config = victim.model.config
    network = AmplitudeQNN(circuit, victim.features.shape[1], range(config.num_classes))
    return CrosstalkAttack(
        lambda angles: _Disturbed(network, angles), circuit.num_parameters, victim.features, victim.labels
    )


def crosstalk_circuit(model: QVC) -> QuantumCircuit:
    """The trained layers with RZZ(ζ) between every two neighbours after each layer, the same in every layer.

    Returns:
        A circuit with a free angle for each pair of the ansatz's neighbours; with all of them 0 it is
        ``model.ansatz()``.
    """
    trained, pairs = model.ansatz(LAYER_END), model.config.build_ansatz().neighbours
    disturbed, couplings = trained.copy_empty_like(), ParameterVector("ζ", len(pairs))
    for gate in trained.data:
        if gate.label != LAYER_END:
            disturbed.append(gate)
            continue
        for pair, angle in zip(pairs, couplings, strict=True):
            disturbed.rzz(angle, *pair)
    return disturbed


class _Disturbed(nn.Module):
    """The classifier beside a neighbour that turns its couplings; takes features, gives ⟨Z_k⟩."""

    def __init__(self, network: AmplitudeQNN, angles: Tensor) -> None:
        super().__init__()
        self._network, self._angles = network, angles

    def forward(self, features: Tensor) -> Tensor:
        return self._network.expectations(features, self._angles.to(features))
