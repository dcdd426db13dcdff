"""The quantum variational classifier as a torch module."""

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.circuit import QuantumCircuit
from torch import Tensor, nn

from qaml_qiskit.circuits import check_classes, classifier_circuit, qvc_ansatz, qvc_parameter_count
from qaml_qiskit.encodings import MultiplexedEncoding, qubits_for
from qaml_qiskit.models.connector import AdjointConnector, AmplitudeQNN
from qaml_qiskit.models.inputs import check_batch


class QVCConfig(BaseModel):
    """What a QVC is, apart from its weights.

    Attributes:
        image_shape: (C, H, W); the number of qubits is the smallest n with 2ⁿ ≥ C·H·W.
        num_classes: m; class k is read from ⟨Z_k⟩.
        num_layers: L.
        encoding: the circuit that prepares the image on a device.
        logit_scale: logits are ⟨Z_k⟩ times this. ⟨Z_k⟩ is bounded by 1, and unscaled logits would cap a ten-class
            softmax at 0.451.
        init_std: weights start from N(0, init_std²), in radians.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["qvc"] = "qvc"
    image_shape: tuple[int, int, int]
    num_classes: int
    num_layers: Annotated[int, Field(ge=1)]
    encoding: Literal["multiplexed"] = "multiplexed"
    logit_scale: Annotated[float, Field(gt=0)] = 20.0
    init_std: Annotated[float, Field(ge=0)] = 1.0

    @model_validator(mode="after")
    def _classes_fit(self) -> "QVCConfig":
        check_classes(self.num_classes, self.num_qubits)
        return self

    @property
    def num_qubits(self) -> int:
        """n, from the number of pixels."""
        channels, height, width = self.image_shape
        return qubits_for(channels * height * width)


class QVC(nn.Module):
    """Amplitude-encoded images through L layers of rotations and CZ, logits from ⟨Z_k⟩ (West et al. 2023).

    Args:
        config: the architecture.
        seed: of the initial weights.
    """

    def __init__(self, config: QVCConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(seed)
        size = qvc_parameter_count(config.num_qubits, config.num_layers)
        initial = config.init_std * torch.randn(size, generator=generator)
        channels, height, width = config.image_shape
        network = AmplitudeQNN(
            qvc_ansatz(config.num_qubits, config.num_layers), channels * height * width, range(config.num_classes)
        )
        self.connector = AdjointConnector(network, initial)

    @property
    def weight(self) -> Tensor:
        """The angles, shape (3·n·L,), in the order of :func:`qaml_qiskit.circuits.qvc_ansatz`."""
        return self.connector.weight

    def expectations(self, images: Tensor) -> Tensor:
        """⟨Z_k⟩ of the class qubits, shape (N, m), for images of shape (N, C, H, W) in [0, 1]."""
        check_batch(images, self.config.image_shape)
        return self.connector(images.flatten(1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m): ⟨Z_k⟩ times ``logit_scale``. The highest wins.

        Raises:
            InputError: a wrong shape, or an image that cannot be encoded (all zeros, NaN, infinite).
        """
        return self.expectations(images) * self.config.logit_scale

    def ansatz(self) -> QuantumCircuit:
        """The variational part with this model's weights bound."""
        circuit = qvc_ansatz(self.config.num_qubits, self.config.num_layers)
        return circuit.assign_parameters(self.weight.detach().double().cpu().numpy())

    def circuit(self) -> QuantumCircuit:
        """Encoding, trained ansatz and readout; the encoding's angles stay free, one circuit for all images."""
        return classifier_circuit(self.encoding.circuit, self.ansatz(), self.config.num_classes)

    @property
    def encoding(self) -> MultiplexedEncoding:
        """The encoding that gives a batch's angles for :meth:`circuit`."""
        return MultiplexedEncoding(self.config.num_qubits)
