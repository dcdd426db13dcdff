"""A circuit with noise layers on average, exactly: a Y flip on each qubit in place of each random rotation."""

from dataclasses import dataclass

import torch
from qiskit.circuit import QuantumCircuit
from torch import Tensor

from qaml_qiskit.circuits import Ansatz, NoiseLayers, ZString
from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.noise import add_flips
from qaml_qiskit.simulation.heisenberg import NoisyObservables, noisy_observables


class AveragedCircuit:
    """What is read of an ansatz behind noise layers, on average over their draws.

    What is read is carried back through the circuit once for given weights and β, and kept.

    Args:
        ansatz: with layers.
        strings: products of Z.
    """

    def __init__(self, ansatz: Ansatz, strings: tuple[ZString, ...]) -> None:
        self._circuit = ansatz.circuit(noise_layers="markers")
        self._strings = strings
        self._known: _Known | None = None

    def expectations(self, features: Tensor, weights: Tensor, betas: Tensor, layers: NoiseLayers) -> Tensor:
        """Averages of the strings, shape (N, S), differentiable in the features; all else is a constant.

        Args:
            features: shape (N, F), padded and normalised here.
            weights: of the ansatz, shape (P,).
            betas: shape (L,).
            layers: the rule by which noise is drawn.
        """
        states = amplitudes(features, self._circuit.num_qubits)
        dtype = torch.promote_types(states.dtype, weights.dtype)
        return self._observables(weights.detach(), betas.detach(), layers, dtype).expectations(states.to(dtype))

    def _observables(self, weights: Tensor, betas: Tensor, layers: NoiseLayers, dtype: torch.dtype) -> NoisyObservables:
        # The values decide, as where a circuit is collapsed.
        known = self._known
        if known is None or not known.belongs_to(weights, betas, layers, dtype):
            # Also where the caller is in inference mode, whose tensors a later backward pass could not use.
            with torch.inference_mode(False), torch.no_grad():
                made = averaged_observables(self._circuit, self._strings, weights, betas, layers, dtype)
                known = self._known = _Known(weights.clone(), betas.clone(), layers, made)
        return known.observables


@dataclass(frozen=True, eq=False)
class _Known:
    """Observables, and what they were computed for."""

    weights: Tensor
    betas: Tensor
    layers: NoiseLayers
    observables: NoisyObservables

    def belongs_to(self, weights: Tensor, betas: Tensor, layers: NoiseLayers, dtype: torch.dtype) -> bool:
        if layers != self.layers or dtype != self.observables.matrices.dtype:
            return False
        pairs = ((weights, self.weights), (betas, self.betas))
        return all(a.device == b.device and a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


def averaged_observables(
    circuit: QuantumCircuit,
    strings: tuple[ZString, ...],
    weights: Tensor,
    betas: Tensor,
    layers: NoiseLayers,
    dtype: torch.dtype,
) -> NoisyObservables:
    """Products of Z behind a circuit and its noise layers, as observables on the states that enter.

    Args:
        circuit: with its noise layers marked, the weights free.
        strings: the products.
        weights: shape (P,); where it lies, there is computed.
        betas: shape (L,).
        layers: the rule by which noise is drawn.
        dtype: of the observables; a complex one for complex states.
    """
    bound = circuit.assign_parameters(weights.double().cpu().numpy())
    marked, model = add_flips(bound, layers.flips(betas.tolist()))
    return noisy_observables(marked, model, strings, dtype=dtype, device=weights.device)
