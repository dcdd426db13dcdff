"""The quantum network behind a QVC, and the connector that makes it a torch module."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from qiskit.circuit import Parameter as CircuitParameter
from qiskit.circuit import QuantumCircuit
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.exceptions import QiskitMachineLearningError
from qiskit_machine_learning.neural_networks import NeuralNetwork
from torch import Tensor
from torch.nn import Parameter

from qaml_qiskit.batches import as_tensor, example_batch
from qaml_qiskit.compute import can_look_at
from qaml_qiskit.encodings import amplitudes, norms_of
from qaml_qiskit.errors import InputError
from qaml_qiskit.simulation import (
    FactoredForms,
    Reading,
    chosen_kernel,
    collapse,
    compile_circuit,
    evolve,
    string_signs,
    z_expectations,
    z_jacobians,
)
from qaml_qiskit.simulation.readings import qubits_of

#: The matrix of 2ⁿ rows costs as much as about 2ⁿ/20 layers with the compiled kernel, 2ⁿ/60 with torch (10 qubits).
_PAYS_KERNEL, _PAYS_TORCH = 20, 60
#: Up to so many qubits double precision costs nothing, and rounding once gives exactly what a TorchConnector gives.
_DOUBLE = 4


class NetworkInputError(InputError, QiskitMachineLearningError):
    """What a network cannot be evaluated with; code written for qiskit-machine-learning catches it as its own."""

    # Qiskit's errors show their message in quotation marks.
    __str__ = Exception.__str__


class AmplitudeQNN(NeuralNetwork):
    """⟨Z_k⟩, or averages of products of Z, of a parameterised circuit on an amplitude-encoded input, exactly.

    It keeps qiskit-machine-learning's contract: :meth:`forward` and :meth:`backward` take and give float64 arrays,
    and the latter returns per-sample Jacobians, so a stock ``TorchConnector`` works. Training should use
    :class:`AdjointConnector`, which pays for one vector-Jacobian product instead.

    Args:
        circuit: the variational part on n qubits.
        num_features: length of the input vector, at most 2ⁿ; it is zero-padded and normalised here.
        qubits: the qubits whose Z is measured, or tuples of them for products of Z, in the order of the outputs.
        parameters: the order of the weights; that of ``circuit.parameters`` if None.
    """

    def __init__(
        self,
        circuit: QuantumCircuit,
        num_features: int,
        qubits: Sequence[Reading],
        parameters: Sequence[CircuitParameter] | None = None,
    ) -> None:
        self.program = compile_circuit(circuit, parameters)
        #: What is measured, an output each.
        self.readings = tuple(qubits)
        super().__init__(
            num_inputs=num_features,
            num_weights=self.program.num_weights,
            sparse=False,
            output_shape=len(self.readings),
            input_gradients=True,
        )

    def expectations(self, features: Tensor, weights: Tensor) -> Tensor:
        """⟨Z_k⟩ for a batch, differentiable in both arguments.

        Args:
            features: shape (N, num_inputs), float32 or float64.
            weights: shape (num_weights,), same dtype.

        Returns:
            Shape (N, number of outputs).
        """
        return z_expectations(self.program, amplitudes(features, self.program.num_qubits), weights, self.readings)

    def probabilities(self, features: Tensor, weights: Tensor) -> Tensor:
        """Of the outcomes of all qubits, shape (N, 2ⁿ); arguments as for :meth:`expectations`."""
        states = evolve(self.program, amplitudes(features, self.program.num_qubits), weights)
        return states.real.square() + states.imag.square()

    def signs(self, like: Tensor) -> Tensor:
        """The value of every output for every outcome, +1 or −1, shape (2ⁿ, number of outputs)."""
        return string_signs(self.program.num_qubits, tuple(map(qubits_of, self.readings)), like)

    def _forward(self, input_data: NDArray[np.float64] | None, weights: NDArray[np.float64] | None) -> object:
        features, weight = self._tensors(input_data, weights)
        with _network_errors(), torch.no_grad():
            return self.expectations(features, weight).numpy()

    def _backward(
        self, input_data: NDArray[np.float64] | None, weights: NDArray[np.float64] | None
    ) -> tuple[object | None, object | None]:
        features, weight = self._tensors(input_data, weights)
        with _network_errors():
            states = amplitudes(features, self.program.num_qubits)
            by_state, by_weight = z_jacobians(
                self.program, states, weight, self.readings, inputs=self.input_gradients, weights_=True
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
            raise NetworkInputError(
                "the network cannot be evaluated",
                got="no input or no weights",
                expected=f"{self.num_inputs} inputs and {self.num_weights} weights",
                remedy="pass both",
            )
        return torch.from_numpy(input_data), torch.from_numpy(weights)


class AdjointConnector(TorchConnector):
    """A ``TorchConnector`` that differentiates by one adjoint pass instead of per-sample Jacobians.

    It takes the place of a ``TorchConnector`` anywhere: same arguments, same values, errors that are also
    ``QiskitMachineLearningError``; other networks than an :class:`AmplitudeQNN` are left to the parent. Tensors keep
    their device and dtype, gradients that nobody asked for are not computed, and while its weights are frozen
    (``requires_grad_(False)``) a deep circuit is collapsed into one matrix, so that inference and attacks cost two
    matrix products an image at any depth (see :class:`~qaml_qiskit.simulation.FactoredForms`). A circuit so shallow
    that its layers cost less is run as it is.

    Args:
        neural_network: the network to connect.
        initial_weights: shape (num_weights,), a tensor, an array or a list; None draws them evenly from [−1, 1].
        sparse: as for the parent; an :class:`AmplitudeQNN` is dense.

    Raises:
        NetworkInputError: another number of weights, or weights that are not finite.
    """

    #: Whether frozen weights collapse the circuit. It does not pay for the few images between two steps of a training.
    collapses: bool = True

    def __init__(
        self,
        neural_network: NeuralNetwork,
        initial_weights: ArrayLike | Tensor | None = None,
        sparse: bool | None = None,
    ) -> None:
        super().__init__(neural_network, _initial(initial_weights, neural_network.num_weights), sparse)
        self._collapsed: _Collapsed | None = None

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter; the weights under both names that the parent has for them, also when replaced."""
        super().register_parameter(name, param)
        twin = {"weight": "_weights", "_weights": "weight"}.get(name)
        if twin in self._parameters:
            self._parameters[twin] = param

    def forward(self, input_data: Tensor | None = None) -> Tensor:
        """What the network measures, shape (..., outputs), for features of shape (..., num_inputs).

        Raises:
            NetworkInputError: another number of features, or features that cannot be encoded.
        """
        network = self.neural_network
        if not isinstance(network, AmplitudeQNN):
            return super().forward(input_data)
        if input_data is None or not input_data.shape or input_data.shape[-1] != network.num_inputs:
            raise NetworkInputError(
                "the input does not fit the network",
                got="nothing" if input_data is None else f"a tensor of shape {tuple(input_data.shape)}",
                expected=f"(..., {network.num_inputs})",
                remedy="pass images of the size that the model was built for",
            )
        weight = self.weight
        with _network_errors():
            features = as_tensor(input_data, "the input")
            if len(input_data.shape) != 2:
                # A view is two more nodes in the graph of every step of an attack.
                features = features.reshape(-1, network.num_inputs)
            if self.collapses and not weight.requires_grad and _collapse_pays(network, weight.device):
                result = self._collapsed_forward(network, features)
            else:
                result = layer_by_layer(network, features, weight)
        return result if len(input_data.shape) == 2 else result.reshape(*input_data.shape[:-1], len(network.readings))

    def _collapsed_forward(self, network: AmplitudeQNN, features: Tensor) -> Tensor:
        return self._current(network).forms.values(example_batch(features), norms_of)

    def _current(self, network: AmplitudeQNN) -> "_Collapsed":
        """The circuit's matrix for the weights as they are now."""
        # The values decide: neither an address nor a version counter notices every way to write to a parameter. Within
        # the loops of an attack, where a device would have to be waited for, nobody writes to it.
        weight, known = self.weight.detach(), self._collapsed
        if known is None or not (known.belongs_to(weight) if can_look_at(weight) else known.was_made_at(weight)):
            # Also where the caller is in inference mode, whose tensors a later backward pass could not use.
            with torch.inference_mode(False):
                known = self._collapsed = _Collapsed.of(network, weight)
        return known


@dataclass(frozen=True, eq=False)
class _Collapsed:
    """The whole circuit as a matrix.

    Attributes:
        weights: that it was computed for, shape (P,).
        place: where these lay, and how often that had been written to.
        forms: what is measured: |Ux|² of the features, summed with signs.
    """

    weights: Tensor
    place: tuple[object, ...]
    forms: FactoredForms

    @classmethod
    def of(cls, network: AmplitudeQNN, weights: Tensor) -> "_Collapsed":
        forms = collapse(network.program, weights, network.readings, network.num_inputs)
        return cls(weights.clone(), _place(weights), forms)

    def belongs_to(self, weights: Tensor) -> bool:
        mine = self.weights
        return mine.dtype == weights.dtype and mine.device == weights.device and torch.equal(mine, weights)

    def was_made_at(self, weights: Tensor) -> bool:
        """As :meth:`belongs_to`, by everything but the values."""
        return self.place == _place(weights)


def _place(weights: Tensor) -> tuple[object, ...]:
    # Tensors that were made in inference mode count no versions; nor can they be written to.
    version = None if weights.is_inference() else weights._version
    return weights.device, weights.dtype, weights.data_ptr(), version


def layer_by_layer(network: AmplitudeQNN, features: Tensor, weight: Tensor) -> Tensor:
    """What a network measures, shape (N, outputs), run gate by gate; of few qubits in double precision."""
    if network.program.num_qubits > _DOUBLE or weight.dtype == torch.float64:
        return network.expectations(features, weight)
    dtype = torch.promote_types(features.dtype, weight.dtype)
    features = features.to(torch.promote_types(dtype, torch.float64))
    return network.expectations(features, weight.double()).to(dtype.to_real())


def _initial(weights: ArrayLike | Tensor | None, count: int) -> NDArray[np.float64] | None:
    """Initial weights as the parent wants them."""
    if weights is None:
        return None
    array = np.asarray(weights.detach().cpu() if isinstance(weights, Tensor) else weights, dtype=np.float64)
    if array.shape != (count,) or not np.isfinite(array).all():
        raise NetworkInputError(
            "the initial weights do not fit the network",
            got=f"shape {array.shape}" + ("" if np.isfinite(array).all() else " with values that are not finite"),
            expected=f"({count},), finite",
            remedy="pass one number for each of the network's weights, or None",
        )
    return array


@contextmanager
def _network_errors() -> Iterator[None]:
    """Say with the network's class of errors what the rooms below refuse."""
    try:
        yield
    except InputError as error:
        raise NetworkInputError(error.what, got=error.got, expected=error.expected, remedy=error.remedy) from error


def _collapse_pays(network: AmplitudeQNN, device: torch.device) -> bool:
    """Whether two products with the circuit's matrix cost less than running its layers."""
    has_kernel = device.type == "cpu" and chosen_kernel() is not None
    layers_per_matrix = 2**network.program.num_qubits / (_PAYS_KERNEL if has_kernel else _PAYS_TORCH)
    return network.program.num_walls >= layers_per_matrix
