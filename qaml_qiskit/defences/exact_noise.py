"""Training under a named noise without sampling it: what the device says on average, and its exact gradient."""

from functools import lru_cache
from typing import Annotated, cast

import torch
from pydantic import Field
from qiskit import transpile
from torch import Tensor, nn

from qaml_qiskit.circuits import ZString
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.errors import ConfigurationError
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
        if not isinstance(model, QVC):
            raise ConfigurationError(
                "cannot train this model under device noise",
                got=f"a {type(model).__name__}",
                expected="a QVC",
                remedy="train it without noise",
            )
        if model.config.noise_layers is not None:
            raise ConfigurationError(
                "cannot train noise layers under device noise",
                got=f"the defence {self.name} for a model with noise layers",
                expected="one kind of randomness in the circuit",
                remedy="leave out --noise-layers, or take another defence, such as combined",
            )
        _prepared(self, model)

    def memory(self, model: nn.Module, batch: int) -> int:
        """Observables are kept on their way back."""
        if not isinstance(model, QVC):
            return 0
        circuit, _ = _prepared(self, model)
        return circuit.memory_needed


def exact_noisy_logits(model: QVC, images: Tensor, noise: ExactNoise) -> Tensor:
    """Logits under the noise, differentiable with respect to weights and images, shape (N, m).

    Args:
        model: the QVC; on the processor.
        images: as for :meth:`QVC.forward`.
        noise: which noise.

    Raises:
        ConfigurationError: a noise that cannot be, gates that cannot be trained under it, or too little memory.
    """
    circuit, columns = _prepared(noise, model)
    states = amplitudes(model.features(images), model.config.num_qubits).to(model.weight.dtype)
    return model.logits(circuit.expectations(states, model.weight[columns]))


def _prepared(noise: ExactNoise, model: QVC) -> tuple[TrainableCircuit, list[int]]:
    return _circuit(noise.noise, noise.strength, model.config, model.readout.strings, model.weight.dtype)


@lru_cache(maxsize=2)
def _circuit(
    noise: str, strength: float, config: QVCConfig, strings: tuple[ZString, ...], dtype: torch.dtype
) -> tuple[TrainableCircuit, list[int]]:
    """The layers in native gates under the noise, and which weight each of the circuit's parameters is."""
    ansatz = config.build_ansatz()
    circuit = ansatz.circuit()
    places = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    native = transpile(circuit, basis_gates=list(BASIS_GATES), optimization_level=1, seed_transpiler=0)
    made, model = named_noise(noise, strength).attach(native, ansatz.neighbours)
    return TrainableCircuit(made, model, strings, dtype=dtype), [places[each] for each in made.parameters]
