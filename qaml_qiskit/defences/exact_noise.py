"""Training under a named noise without sampling it: what the device says on average, and its exact gradient."""

from dataclasses import dataclass
from functools import lru_cache
from math import pi
from typing import Annotated, cast

import torch
from pydantic import Field
from qiskit import transpile
from qiskit.circuit import Parameter, ParameterVector, ParameterVectorElement
from torch import Tensor, nn

from qaml_qiskit.circuits import ZString
from qaml_qiskit.defences.device_noise import check_without_layers
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.models import QVC, Objective, QVCConfig
from qaml_qiskit.noise import BASIS_GATES, named_noise
from qaml_qiskit.noise.names import NoiseName
from qaml_qiskit.simulation.heisenberg import TrainableCircuit


class ExactNoise(Objective):
    """The cross-entropy of a QVC under a named noise, its logits those of endless shots.

    What it minimises depends on nothing that is drawn. A step costs some four sweeps of 4ⁿ numbers for each string that
    is read, whatever the size of the batch.

    Attributes:
        noise: a name of :data:`qaml_qiskit.noise.NOISES`, placed after every native gate of the layers; readout errors
            are in the logits. The encoding is taken as noiseless.
        strength: of the noise, as it is meant there.
    """

    name = "exact-noise"

    noise: NoiseName = "depolarizing"
    strength: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.001

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The cross-entropy of the noisy logits, and these; nothing is drawn."""
        logits = exact_noisy_logits(cast(QVC, model), images, self)
        return nn.functional.cross_entropy(logits, labels), logits

    def check(self, model: nn.Module) -> None:
        """Raise ConfigurationError for another model than a QVC, a noise that cannot be, or too little memory."""
        check_without_layers(model, self.name)
        _prepared(self, cast(QVC, model))

    def memory(self, model: nn.Module, batch: int) -> int:
        """Observables are kept on their way back."""
        if not isinstance(model, QVC):
            return 0
        return _prepared(self, model).circuit.memory_needed


def exact_noisy_logits(model: QVC, images: Tensor, noise: ExactNoise) -> Tensor:
    """Logits under the noise, differentiable with respect to weights and images, shape (N, m).

    Args:
        model: the QVC; on the processor.
        images: as for :meth:`QVC.forward`.
        noise: which noise.

    Raises:
        ConfigurationError: a noise that cannot be, gates that cannot be trained under it, or too little memory.
    """
    layers = _prepared(noise, model)
    states = amplitudes(model.features(images), model.config.num_qubits).to(model.weight.dtype)
    return model.logits(layers.circuit.expectations(states, layers.values(model.weight)))


@dataclass(frozen=True, eq=False)
class NativeLayers:
    """The layers of a QVC in native gates, as they are compiled for a device, their weights free.

    RY(b) becomes SX, RZ(|b| + π), SX: where b is negative, between RZ of π and −π. That is what the compiler makes of a
    rotation RZ·RY·RZ whose angles it knows, so errors of SX act on the same states as in the model in use.

    Attributes:
        circuit: with its noise.
        columns: which of the weights, angles |b| and turns each parameter is, counted through all three.
        turned: the weights b.
    """

    circuit: TrainableCircuit
    columns: tuple[int, ...]
    turned: tuple[int, ...]

    def values(self, weights: Tensor) -> Tensor:
        """Of the circuit's parameters, differentiable in the weights, shape (P,)."""
        angles = weights[list(self.turned)]
        angles = angles - 2 * pi * torch.round(angles.detach() / (2 * pi))
        signs = torch.where(angles.detach() < 0, -1.0, 1.0).to(weights)
        turns = pi * (1 - signs) / 2
        return torch.cat([weights, signs * angles, turns])[list(self.columns)]


def _prepared(noise: ExactNoise, model: QVC) -> NativeLayers:
    return _native(noise.noise, noise.strength, model.config, model.readout.strings, model.weight.dtype)


@lru_cache(maxsize=2)
def _native(
    noise: str, strength: float, config: QVCConfig, strings: tuple[ZString, ...], dtype: torch.dtype
) -> NativeLayers:
    """The layers under the noise; kept, as compiling and preparing a deep circuit takes seconds."""
    ansatz = config.build_ansatz()
    circuit = ansatz.circuit()
    weights = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    alone = [each for each in circuit.data if each.name == "ry" and isinstance(each.params[0], Parameter)]
    angles, turns = (ParameterVector(name, len(alone)) for name in ("|b|", "turn"))
    opened, count = circuit.copy_empty_like(), 0
    for each in circuit.data:
        if each.name != "ry" or not isinstance(each.params[0], Parameter):
            opened.append(each)
            continue
        opened.rz(-turns[count], each.qubits)
        opened.ry(angles[count], each.qubits)
        opened.rz(turns[count], each.qubits)
        count += 1
    native = transpile(opened, basis_gates=list(BASIS_GATES), optimization_level=1, seed_transpiler=0)
    made, model = named_noise(noise, strength).attach(native, ansatz.neighbours)
    first = {angles.name: len(weights), turns.name: len(weights) + len(alone)}
    columns = [
        first[each.vector.name] + each.index
        if isinstance(each, ParameterVectorElement) and each.vector.name in first
        else weights[each]
        for each in made.parameters
    ]
    turned = tuple(weights[each.params[0]] for each in alone)
    return NativeLayers(TrainableCircuit(made, model, strings, dtype=dtype), tuple(columns), turned)
