"""The quantum network behind a QVC, and the connector that makes it a torch module."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import NeuralNetwork
from torch import Tensor

from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation import chosen_kernel, compile_circuit, unitary, z_expectations, z_jacobians

#: The matrix of 2ⁿ rows costs as much as about 2ⁿ/10 layers with the compiled kernel, 2ⁿ/60 with torch (10 qubits).
_PAYS_KERNEL, _PAYS_TORCH = 10, 60


class AmplitudeQNN(NeuralNetwork):
    """⟨Z_k⟩ of a parameterised circuit on an amplitude-encoded input, simulated exactly.

    It keeps qiskit-machine-learning's contract: :meth:`forward` and :meth:`backward` take and give float64 arrays,
    and the latter returns per-sample Jacobians, so a stock ``TorchConnector`` works. Training should use
    :class:`AdjointConnector`, which pays for one vector-Jacobian product instead.

    Args:
        circuit: the variational part on n qubits.
        num_features: length of the input vector, at most 2ⁿ; it is zero-padded and normalised here.
        qubits: the qubits whose Z is measured, in the order of the outputs.
    """

    def __init__(self, circuit: QuantumCircuit, num_features: int, qubits: Sequence[int]) -> None:
        self.program = compile_circuit(circuit)
        self.qubits = tuple(qubits)
        super().__init__(
            num_inputs=num_features,
            num_weights=self.program.num_weights,
            sparse=False,
            output_shape=len(self.qubits),
            input_gradients=True,
        )

    def expectations(self, features: Tensor, weights: Tensor) -> Tensor:
        """⟨Z_k⟩ for a batch, differentiable in both arguments.

        Args:
            features: shape (N, num_inputs), float32 or float64.
            weights: shape (num_weights,), same dtype.

        Returns:
            Shape (N, number of measured qubits).
        """
        return z_expectations(self.program, amplitudes(features, self.program.num_qubits), weights, self.qubits)

    def _forward(self, input_data: NDArray[np.float64] | None, weights: NDArray[np.float64] | None) -> object:
        features, weight = self._tensors(input_data, weights)
        with torch.no_grad():
            return self.expectations(features, weight).numpy()

    def _backward(
        self, input_data: NDArray[np.float64] | None, weights: NDArray[np.float64] | None
    ) -> tuple[object | None, object | None]:
        features, weight = self._tensors(input_data, weights)
        states = amplitudes(features, self.program.num_qubits)
        by_state, by_weight = z_jacobians(
            self.program, states, weight, self.qubits, inputs=self.input_gradients, weights_=True
        )
        if by_state is None:
            return None, cast(Tensor, by_weight).numpy()
        # States are x/‖x‖, so the derivative along the state itself drops out: J_x = (J_a − (J_a·a)aᵀ)/‖x‖.
        radial = (by_state * states[:, None]).sum(2, keepdim=True) * states[:, None]
        norms = torch.linalg.vector_norm(features, dim=1)[:, None, None]
        by_feature = ((by_state - radial) / norms)[..., : self.num_inputs]
        return by_feature.numpy(), cast(Tensor, by_weight).numpy()

    def _tensors(
        self, input_data: NDArray[np.float64] | None, weights: NDArray[np.float64] | None
    ) -> tuple[Tensor, Tensor]:
        if input_data is None or weights is None:
            raise InputError(
                "the network cannot be evaluated",
                got="no input or no weights",
                expected=f"{self.num_inputs} inputs and {self.num_weights} weights",
                remedy="pass both",
            )
        return torch.from_numpy(input_data), torch.from_numpy(weights)


class AdjointConnector(TorchConnector):
    """A ``TorchConnector`` that differentiates by one adjoint pass instead of per-sample Jacobians.

    Tensors keep their device and dtype, gradients that nobody asked for are not computed, and while its weights are
    frozen (``requires_grad_(False)``) a deep circuit is collapsed into one matrix, so that inference and attacks cost
    two matrix products an image at any depth. A circuit so shallow that its layers cost less is run as it is.

    Args:
        neural_network: the network to connect.
        initial_weights: shape (num_weights,).
    """

    def __init__(self, neural_network: AmplitudeQNN, initial_weights: Tensor) -> None:
        # The parent converts with torch.tensor, which wants an array.
        super().__init__(neural_network, initial_weights.detach().cpu().numpy())
        self._collapsed: tuple[Tensor, int, Tensor, Tensor] | None = None

    def forward(self, input_data: Tensor | None = None) -> Tensor:
        """⟨Z_k⟩, shape (..., outputs), for features of shape (..., num_inputs)."""
        network = cast(AmplitudeQNN, self.neural_network)
        if input_data is None or input_data.shape[-1] != network.num_inputs:
            raise InputError(
                "the input does not fit the network",
                got="nothing" if input_data is None else f"a tensor of shape {tuple(input_data.shape)}",
                expected=f"(..., {network.num_inputs})",
                remedy="pass images of the size that the model was built for",
            )
        features = input_data.reshape(-1, network.num_inputs)
        weight = self.weight
        collapsed = not weight.requires_grad and _collapse_pays(network, weight.device)
        result = self._collapsed_forward(features) if collapsed else network.expectations(features, weight)
        return result.reshape(*input_data.shape[:-1], -1)

    def _collapsed_forward(self, features: Tensor) -> Tensor:
        network = cast(AmplitudeQNN, self.neural_network)
        # What lies behind the features is padding, zero.
        states = amplitudes(features, network.program.num_qubits)[:, : network.num_inputs]
        # |U x|² summed with the signs of Z; U is real and imaginary part side by side: (num_inputs, 2·2ⁿ).
        matrix, signs = (part.to(states.dtype) for part in self._collapsed_parts())
        evolved = states @ matrix
        return evolved.square() @ signs

    def _collapsed_parts(self) -> tuple[Tensor, Tensor]:
        """The circuit's matrix, and the signs with which the squares of what it gives are summed."""
        weight = self.weight
        # The weights themselves are kept with the matrix: an address alone may be used again by other weights.
        known = self._collapsed
        if known is not None and (known[2].dtype, known[2].device) != (weight.dtype, weight.device):
            known = None
        if known is None or known[0] is not weight or known[1] != weight._version:
            network = cast(AmplitudeQNN, self.neural_network)
            # Computed once and used for every image, so it is worth double precision.
            matrix = unitary(network.program, weight.detach().double())
            both = torch.cat((matrix.real, matrix.imag)).T[: network.num_inputs].contiguous().to(weight.dtype)
            signs = _z_signs(network.qubits, network.program.num_qubits).repeat(2, 1).to(both)
            known = self._collapsed = (weight, weight._version, both, signs)
        return known[2], known[3]


def _collapse_pays(network: AmplitudeQNN, device: torch.device) -> bool:
    """Whether two products with the circuit's matrix cost less than running its layers."""
    has_kernel = device.type == "cpu" and chosen_kernel() is not None
    layers_per_matrix = 2**network.program.num_qubits / (_PAYS_KERNEL if has_kernel else _PAYS_TORCH)
    return network.program.num_walls >= layers_per_matrix


def _z_signs(qubits: Sequence[int], num_qubits: int) -> Tensor:
    """Diagonals of Z on each of ``qubits`` as columns, shape (2ⁿ, m)."""
    basis = torch.arange(2**num_qubits)
    return torch.stack([1 - 2 * ((basis >> qubit) & 1) for qubit in qubits], dim=1)
