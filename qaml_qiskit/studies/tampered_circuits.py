"""What the circuit of a model allows to be tampered with."""

from collections.abc import Sequence

import torch
from qiskit.circuit import CircuitInstruction, ParameterVector, ParameterVectorElement, QuantumCircuit
from torch import Tensor, nn

from qaml_qiskit.circuits import Ansatz
from qaml_qiskit.deployments import Deployment, refusals
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.models import QVC, AmplitudeQNN
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.studies.parts import PARTS, TamperedPart

#: The attack on the states decomposes matrices of 2ⁿ rows; on more qubits than this it must be asked for.
MOST_QUBITS = 10
#: Gates exp(−iθP/2) with a Pauli string P, up to a phase: half the diamond distance to the identity is |sin(θ/2)|.
_ABOUT_AN_AXIS = ("rx", "ry", "rz", "p", "rxx", "ryy", "rzz", "rzx")
#: Parts whose attack follows a circuit gate by gate, which a channel is not.
_GATEWISE: tuple[TamperedPart, ...] = ("weights", "gates", "crosstalk")
#: An arbitrary rotation, which counts as one gate.
_EULER = ["rz", "ry", "rz"]


def parts_of(deployment: Deployment) -> tuple[TamperedPart, ...]:
    """All parts that the model allows; the encoding only where its exact attack takes seconds or minutes.

    Raises:
        ConfigurationError: no QVC.
    """
    num_qubits = deployment.qvc.config.num_qubits

    def allowed(part: TamperedPart) -> bool:
        try:
            check_parts(deployment, [part])
        except ConfigurationError:
            return False
        return part != "encoding" or num_qubits <= MOST_QUBITS

    return tuple(filter(allowed, PARTS))


def check_parts(deployment: Deployment, parts: Sequence[TamperedPart]) -> None:
    """Refuse parts that the model does not have.

    Raises:
        ConfigurationError: no QVC; gates that are no rotations, crosstalk after layers that there are not, or a part
            that acts gate by gate between noise layers.
    """
    ansatz = deployment.qvc.config.build_ansatz()
    if deployment.has_noise_layers and (gatewise := [part for part in parts if part in _GATEWISE]):
        raise refusals.needs_no_noise_layers(deployment.name, ", ".join(gatewise), deployment.without_layers.name)
    if "gates" in parts:
        rotations_of(ansatz)
    if "crosstalk" in parts and not ansatz.layered:
        raise ConfigurationError(
            f"there is no crosstalk after the layers of {deployment.name}",
            got=f"the ansatz {ansatz.name}, which has none",
            expected="an ansatz of layers",
            remedy="leave crosstalk out of --part",
        )


def rotations_of(ansatz: Ansatz) -> list[tuple[int, ...]]:
    """The gates that can be left out: rotations about an axis, with one angle, or RZ·RY·RZ on one qubit, with three.

    Returns:
        The places of their angles in ``θ``, in the order of the gates.

    Raises:
        ConfigurationError: a gate whose angle is not that of a rotation, or an angle of several gates.
    """
    gates, found = list(ansatz.circuit().data), list[tuple[int, ...]]()
    while gates:
        size = 3 if _is_arbitrary(gates[:3]) else 1
        angles = tuple(place for gate in gates[:size] for place in _places(gate, ansatz))
        found += [angles] if angles else []
        gates = gates[size:]
    places = [place for angles in found for place in angles]
    if len({*places}) < len(places):
        raise _no_rotations(ansatz, "an angle of several gates")
    return found


def _is_arbitrary(gates: Sequence[CircuitInstruction]) -> bool:
    free = all(gate.is_parameterized() for gate in gates)
    return free and [gate.name for gate in gates] == _EULER and len({gate.qubits for gate in gates}) == 1


def _places(gate: CircuitInstruction, ansatz: Ansatz) -> list[int]:
    if not gate.is_parameterized():
        return []
    (angle, *others) = gate.params
    if others or gate.name not in _ABOUT_AN_AXIS or not isinstance(angle, ParameterVectorElement):
        raise _no_rotations(ansatz, f"the gate {gate.name}")
    return [angle.index]


def _no_rotations(ansatz: Ansatz, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"the gates of the ansatz {ansatz.name} cannot be left out one by one",
        got=got,
        expected=f"gates with an angle of their own, of {', '.join(_ABOUT_AN_AXIS)}",
        remedy="leave gates out of --part",
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


class Disturbed(nn.Module):
    """The averages that are read beside a neighbour that turns its couplings; takes features.

    Args:
        network: of :func:`crosstalk_circuit`.
        angles: of the couplings, shape (number of pairs,).
    """

    def __init__(self, network: AmplitudeQNN, angles: Tensor) -> None:
        super().__init__()
        self._network, self._angles = network, angles

    def forward(self, features: Tensor) -> Tensor:
        """⟨P⟩ of the readout's strings, shape (N, S), for features of shape (N, F)."""
        return self._network.expectations(features, self._angles.to(features))


class Headed(nn.Module):
    """Logits, up to a common factor, from features.

    Args:
        connector: features to ⟨P⟩ of the readout's strings.
        head: of the classifier.
    """

    def __init__(self, connector: nn.Module, head: LinearHead) -> None:
        super().__init__()
        self.connector, self._head = connector, head.converted(torch.from_numpy)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, m), for features of shape (N, F)."""
        found: Tensor = self.connector(features)
        return self._head.converted(lambda part: part.to(found)).logits(found)
