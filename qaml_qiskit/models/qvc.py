"""The quantum variational classifier as a torch module."""

from functools import cached_property
from math import prod
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.circuit import QuantumCircuit
from torch import Tensor, nn

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.circuits import ANSAETZE, READOUTS, Ansatz, AnsatzName, Readout, ReadoutName, classifier_circuit
from qaml_qiskit.encodings import Encoding, EncodingName, PixelOrder, encoding_for
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.models.connector import AdjointConnector, AmplitudeQNN
from qaml_qiskit.models.inputs import ImageShape, check_batch, check_size
from qaml_qiskit.models.scale import LogitScale
from qaml_qiskit.seeds import check_seed

#: Of Qiskit's circuit and its compiled form, while both exist; measured for 200 and 1,000 layers.
_BYTES_A_WEIGHT = 4000


class QVCConfig(BaseModel):
    """What a QVC is, apart from its weights.

    Attributes:
        image_shape: (C, H, W); the number of qubits follows from the encoding: the smallest n with 2ⁿ ≥ C·H·W, with
            ``angle`` C·H·W.
        num_classes: m.
        num_layers: L.
        ansatz: the layers, a name of :data:`qaml_qiskit.circuits.ANSAETZE`.
        readout: how classes are read from qubits, a name of :data:`qaml_qiskit.circuits.READOUTS`; written only where
            it is not the ``qubits`` of all files before.
        observables: products of Z such as ``ZIIZ`` for a readout that takes some, the rightmost letter for qubit 0;
            written only where there are some.
        encoding: the circuit that prepares the image on a device, of :data:`qaml_qiskit.encodings.ENCODINGS`:
            ``multiplexed`` (exact), ``approximate``, ``angle`` (one qubit a pixel, for small data), or one that was
            registered. The model sees the state that the encoding really prepares.
        encoding_layers: of an encoding with layers, as the approximate one.
        pixel_order: which pixel becomes which amplitude; see :func:`qaml_qiskit.encodings.pixel_positions`.
        logit_scale: what the readout makes of averages of Z is multiplied by this; of a trained head, what it starts
            from. Averages are bounded by 1, and unscaled logits would cap a ten-class softmax at 0.451.
        init_std: weights start from N(0, init_std²), in radians.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["qvc"] = "qvc"
    image_shape: ImageShape
    num_classes: int
    num_layers: Annotated[int, Field(ge=1)]
    ansatz: AnsatzName = "ladder"
    readout: Annotated[ReadoutName, Field(exclude_if=lambda name: name == "qubits")] = "qubits"
    observables: Annotated[tuple[str, ...], Field(exclude_if=lambda names: not names)] = ()
    encoding: EncodingName = "multiplexed"
    encoding_layers: Annotated[int, Field(ge=1)] | None = None
    pixel_order: PixelOrder = "flat"
    logit_scale: LogitScale = 20.0
    init_std: Annotated[float, Field(ge=0)] = 1.0

    @model_validator(mode="after")
    def _fits(self) -> "QVCConfig":
        self.build_readout()
        return self

    @property
    def num_qubits(self) -> int:
        """n, from the encoding, the shape of the images and the pixel order."""
        return self.build_encoding().num_qubits

    @property
    def num_weights(self) -> int:
        """P, 3·n·L for the ladder, and m·(S + 1) of a trained head over S averages."""
        return self.build_ansatz().num_parameters + self._head_weights

    @property
    def _head_weights(self) -> int:
        readout = self.build_readout()
        return self.num_classes * (len(readout.strings) + 1) if readout.trained else 0

    @property
    def memory(self) -> int:
        """Bytes of the circuit while it is built, and of one image's state and what is computed from it."""
        return _BYTES_A_WEIGHT * self.build_ansatz().num_parameters + 4 * self._head_weights + 48 * 2**self.num_qubits

    def build_encoding(self) -> Encoding:
        """The encoding that these fields describe."""
        return encoding_for(self.encoding, self.image_shape, layers=self.encoding_layers, order=self.pixel_order)

    def build_ansatz(self) -> Ansatz:
        """The layers that these fields describe."""
        return ANSAETZE[self.ansatz](self.num_qubits, self.num_layers)

    def build_readout(self) -> Readout:
        """The readout that these fields describe.

        Raises:
            ConfigurationError: the classes do not fit the qubits, or the observables not the readout.
        """
        return READOUTS[self.readout](self.num_classes, self.num_qubits, self.observables)


class QVC(nn.Module):
    """Amplitude-encoded images through the layers of an ansatz, logits from averages of Z (West et al. 2023).

    Args:
        config: the architecture.
        seed: of the initial weights.

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    def __init__(self, config: QVCConfig, seed: int = 0) -> None:
        super().__init__()
        check_size(config.memory)
        self.config = config
        generator = torch.Generator().manual_seed(check_seed(seed))
        ansatz = config.build_ansatz()
        initial = config.init_std * torch.randn(ansatz.num_parameters, generator=generator)
        #: Prepares an image on a device; its ``angles`` bind the circuit of :meth:`circuit`.
        self.encoding = self._build_encoding(config, seed)
        features = prod(config.image_shape) if self._encodes_by_itself else 2**config.num_qubits
        #: Which products of Z are averaged.
        self.readout = config.build_readout()
        network = AmplitudeQNN(ansatz.circuit(), features, self.readout.strings)
        self.connector = AdjointConnector(network, initial)
        #: In double precision; where :attr:`head` is trained, only its start.
        self._first_head = self.readout.head.times(config.logit_scale)
        if self.readout.trained:
            start = self._first_head.converted(lambda part: nn.Parameter(torch.from_numpy(part).to(initial.dtype)))
            self.head_matrix, self.head_offset = start.matrix, start.offset

    def _build_encoding(self, config: QVCConfig, seed: int) -> Encoding:
        """What prepares an image; a subclass may put something in front of it."""
        return config.build_encoding()

    @property
    def weight(self) -> Tensor:
        """The angles in the order of the ansatz's ``θ``, shape (P,); 3·n·L for the ladder."""
        return self.connector.weight

    @property
    def head(self) -> LinearHead[Tensor]:
        """From :meth:`expectations` to logits, the scale included: parameters where it is trained, else constants."""
        if self.readout.trained:
            return LinearHead(self.head_matrix, self.head_offset)
        return self._first_head.converted(torch.from_numpy)

    @cached_property
    def _encodes_by_itself(self) -> bool:
        """Whether flattening, padding and normalising, which the network does, is all that the encoding does."""
        if self.config.pixel_order != "flat":
            return False
        positions = self.encoding.positions(self.config.image_shape)
        return positions is not None and torch.equal(positions, torch.arange(len(positions)))

    def expectations(self, images: Tensor) -> Tensor:
        """⟨P⟩ of the readout's strings, shape (N, S): the ⟨Z_k⟩ of qubit k where every class has its own.

        Args:
            images: shape (N, C, H, W) in [0, 1]. Where the encoding is more than flattening, also states that
                ``encoding.state`` prepared, shape (N, 2ⁿ), which spares a training the encoding in every epoch.
        """
        return self.connector(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """What the connector takes, shape (N, F): the states, or just the pixels where it encodes them by itself.

        Args:
            images: as for :meth:`expectations`.
        """
        images = as_tensor(images, "the images")
        if not self._encodes_by_itself and images.dim() == 2 and images.shape[1] == 2**self.encoding.num_qubits:
            return images
        images = check_batch(images, self.config.image_shape)
        return images.flatten(1) if self._encodes_by_itself else self.encoding.state(images)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m): what :attr:`head` makes of :meth:`expectations`. The highest wins.

        Raises:
            InputError: a wrong shape, or an image that cannot be encoded (all zeros, NaN, infinite).
        """
        return self.logits(self.expectations(images))

    def logits(self, expectations: Tensor) -> Tensor:
        """What :attr:`head` makes of ⟨P⟩ of the readout's strings, shape (N, S), in their precision."""
        return self.head.converted(lambda part: part.to(expectations)).logits(expectations)

    def ansatz(self, layer_end: str | None = None) -> QuantumCircuit:
        """The variational part with this model's weights bound.

        Args:
            layer_end: label of a barrier after each layer, see :meth:`qaml_qiskit.circuits.Ansatz.circuit`.
        """
        circuit = self.config.build_ansatz().circuit(layer_end)
        return circuit.assign_parameters(self.weight.detach().double().cpu().numpy())

    def circuit(self) -> QuantumCircuit:
        """Encoding, trained ansatz and readout; the encoding's angles stay free, one circuit for all images."""
        return classifier_circuit(self.encoding.circuit, self.ansatz(), self.readout)
