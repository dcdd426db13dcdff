"""The quantum variational classifier as a torch module."""

from functools import cached_property
from math import prod
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from qiskit.circuit import QuantumCircuit
from torch import Tensor, nn

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.circuits import (
    ANSAETZE,
    OWN,
    READOUTS,
    Ansatz,
    OwnAnsatz,
    OwnCircuit,
    Readout,
    ReadoutName,
    classifier_circuit,
)
from qaml_qiskit.encodings import ENCODINGS, Encoding, EncodingName, PixelOrder, encoding_for
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.formats import first_problem, short
from qaml_qiskit.models.connector import AdjointConnector, AmplitudeQNN
from qaml_qiskit.models.inputs import ImageShape, check_batch, check_size
from qaml_qiskit.models.scale import LogitScale
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.registry import Named
from qaml_qiskit.seeds import check_seed

#: Of Qiskit's circuit and its compiled form, while both exist; measured for 200 and 1,000 layers.
_BYTES_A_WEIGHT = 4000
_PRECISIONS = (torch.float32, torch.float64)


class QVCConfig(BaseModel):
    """What a QVC is, apart from its weights.

    Attributes:
        image_shape: (C, H, W); the number of qubits follows from the encoding: the smallest n with 2ⁿ ≥ C·H·W, with
            ``angle`` C·H·W.
        num_classes: m.
        num_layers: L; of a circuit of one's own follows from it: the layers that it marks, or 1.
        ansatz: the layers, a name of :data:`qaml_qiskit.circuits.ANSAETZE`, or ``circuit`` where there is a circuit.
        circuit: of one's own, in the place of a registered ansatz; any parameterised circuit is taken. Written only
            where there is one.
        readout: how classes are read from qubits, a name of :data:`qaml_qiskit.circuits.READOUTS`; written only where
            it is not the ``qubits`` of all files before.
        observables: products of Z such as ``ZIIZ`` for a readout that takes some, the rightmost letter for qubit 0;
            written only where there are some.
        encoding: the circuit that prepares the image on a device, of :data:`qaml_qiskit.encodings.ENCODINGS`:
            ``multiplexed`` (exact), ``approximate``, ``angle`` (one qubit a pixel, for small data), or one that was
            registered. The model sees the state that the encoding really prepares.
        encoding_layers: of an encoding with layers, as the approximate one.
        pixel_order: which pixel becomes which amplitude; see :func:`qaml_qiskit.encodings.pixel_positions`.
        logit_scale: what the readout makes of averages of Z is multiplied by this. Averages are bounded by 1, and
            unscaled logits would cap a ten-class softmax at 0.451. A trained head makes up for it, and learns the
            faster the larger it is.
        init_std: weights start from N(0, init_std²), in radians.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["qvc"] = "qvc"
    image_shape: ImageShape
    num_classes: int
    num_layers: Annotated[int, Field(ge=1)]
    ansatz: Annotated[str, Named(ANSAETZE, {OWN: "a circuit of one's own"})] = "ladder"
    circuit: Annotated[OwnCircuit | None, Field(exclude_if=lambda own: own is None)] = None
    readout: Annotated[ReadoutName, Field(exclude_if=lambda name: name == "qubits")] = "qubits"
    observables: Annotated[tuple[str, ...], Field(exclude_if=lambda names: not names)] = ()
    encoding: EncodingName = "multiplexed"
    encoding_layers: Annotated[int, Field(ge=1)] | None = None
    pixel_order: PixelOrder = "flat"
    logit_scale: LogitScale = 20.0
    init_std: Annotated[float, Field(ge=0)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _read_circuit(cls, values: Any) -> Any:
        """What a circuit of one's own says of the other fields."""
        if not isinstance(values, dict) or not isinstance(
            circuit := values.get("circuit"), QuantumCircuit | OwnCircuit
        ):
            return values
        own = circuit if isinstance(circuit, OwnCircuit) else OwnCircuit.of(circuit)
        layers = OwnAnsatz(own, LAYER_END).num_layers
        return {"num_layers": layers, "ansatz": OWN, **values, "circuit": own}

    @model_validator(mode="after")
    def _fits(self) -> "QVCConfig":
        self._check_circuit()
        self.build_readout()
        return self

    def _check_circuit(self) -> None:
        """Raise ConfigurationError for a circuit that does not fit the encoding, or the other fields."""
        if (self.circuit is None) != (self.ansatz != OWN):
            raise ConfigurationError(
                "the ansatz is not clear",
                got=f"the ansatz {self.ansatz}" + (" without a circuit" if self.circuit is None else " and a circuit"),
                expected="a circuit, or the name of a registered ansatz",
                remedy="give one of them",
            )
        if self.circuit is None:
            return
        encoding, ansatz = self.build_encoding(), self.build_ansatz()
        if ansatz.num_qubits != encoding.num_qubits:
            raise ConfigurationError(
                "the circuit does not fit the images",
                got=f"a circuit on {ansatz.num_qubits} qubits",
                expected=f"{encoding.num_qubits}, on which the encoding {self.encoding} puts images of shape "
                f"{self.image_shape}",
                remedy="change the circuit, the encoding, or the size of the images",
            )
        check_size(self.memory)
        # Its vector on a few qubits has the same name, and not an element for every amplitude.
        few = type(encoding).on_qubits(min(encoding.num_qubits, 8), layers=self.encoding_layers, order=self.pixel_order)
        if shared := [name for name in self.circuit.parameters if name.startswith(f"{few.parameters.name}[")]:
            raise ConfigurationError(
                "the circuit has parameters of the encoding",
                got=", ".join(shared),
                expected="angles of its own, which are trained; those of the image are the encoding's alone",
                remedy="rename them, or leave out what encodes the image",
            )
        if ansatz.num_layers != self.num_layers:
            raise ConfigurationError(
                "a circuit of your own has its own layers",
                got=f"num_layers {self.num_layers}",
                expected=f"{ansatz.num_layers}, the layers that the circuit marks"
                if ansatz.layered
                else "none: the circuit marks no ends of layers",
                remedy="leave num_layers out",
            )

    @classmethod
    def of_circuit(cls, circuit: QuantumCircuit | OwnCircuit, **settings: Any) -> "QVCConfig":
        """The QVC of a circuit of one's own.

        Args:
            circuit: on n qubits, with free parameters.
            settings: further fields. ``num_classes`` is 2 by default, and ``image_shape`` the grey images that fill the
                qubits: 2^⌊n/2⌋ × 2^⌈n/2⌉ pixels, or 1 × n where the encoding has a qubit for every pixel.

        Raises:
            ConfigurationError: a circuit that cannot be an ansatz, or that does not fit the settings.
        """
        own = circuit if isinstance(circuit, OwnCircuit) else OwnCircuit.of(circuit)
        n = own.circuit.num_qubits
        one_each = ENCODINGS[settings.get("encoding", "multiplexed")].qubit_a_pixel
        shape = (1, 1, n) if one_each else (1, 2 ** (n // 2), 2 ** (n - n // 2))
        return cls(**{"num_classes": 2, "image_shape": shape, **settings, "circuit": own})

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
        if self.circuit is not None:
            return OwnAnsatz(self.circuit, LAYER_END)
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
        config: the architecture; None where there is a circuit.
        seed: of the initial weights.
        circuit: of one's own, with free parameters, instead of a configuration.
        settings: beside a circuit, fields of the configuration; see :meth:`QVCConfig.of_circuit`.

    Raises:
        ConfigurationError: the model does not fit into the memory, or the circuit cannot be an ansatz.
        InputError: a seed that is none.
    """

    def __init__(
        self,
        config: QVCConfig | None = None,
        seed: int = 0,
        *,
        circuit: QuantumCircuit | OwnCircuit | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        config = _the_config(config, circuit, settings)
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
        if self.readout.trained:
            start = self.readout.head.converted(lambda part: nn.Parameter(torch.from_numpy(part).to(initial.dtype)))
            # In units of the scale: so a step of Adam, and its l2 penalty, mean to the head what they mean to an angle.
            self.head_matrix, self.head_offset = start.matrix, start.offset
        # A small model takes as long to make a constant head as to apply it.
        with torch.inference_mode(False):
            likes = [] if self.readout.trained else [torch.zeros((), dtype=dtype) for dtype in _PRECISIONS]
            self._constant_heads = {like.dtype: self._head_for(like) for like in likes}

    def _build_encoding(self, config: QVCConfig, seed: int) -> Encoding:
        """What prepares an image; a subclass may put something in front of it."""
        return config.build_encoding()

    @property
    def weight(self) -> Tensor:
        """The angles in the order of the ansatz's ``θ``, shape (P,); 3·n·L for the ladder."""
        return self.connector.weight

    @property
    def head(self) -> LinearHead[Tensor]:
        """From :meth:`expectations` to logits, ``logit_scale`` included; constant, or differentiable where trained."""
        return self.head_for(self.weight)

    @property
    def unit_head(self) -> LinearHead[Tensor]:
        """:attr:`head` over ``logit_scale``: parameters where it is trained, else constants in double precision."""
        if self.readout.trained:
            return LinearHead(self.head_matrix, self.head_offset)
        return self.readout.head.converted(torch.from_numpy)

    def head_for(self, like: Tensor) -> LinearHead[Tensor]:
        """:attr:`head` in the precision and on the device of a tensor."""
        constant = self._constant_heads.get(like.dtype)
        return self._head_for(like) if constant is None or like.device.type != "cpu" else constant

    def _head_for(self, like: Tensor) -> LinearHead[Tensor]:
        return self.unit_head.converted(lambda part: part.to(like)).times(self.config.logit_scale)

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
        head = self.head_for(expectations)
        # One operation of torch's, where LinearHead.logits would be three.
        return nn.functional.linear(expectations, head.matrix, head.offset)

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

    def circuit_for(self, image: Tensor) -> QuantumCircuit:
        """:meth:`circuit` for one image of shape (C, H, W), with no free angle.

        Raises:
            InputError: another shape, or an image that cannot be encoded.
        """
        (checked,) = check_batch(image[None], self.config.image_shape)
        return classifier_circuit(self.encoding.circuit_for(checked), self.ansatz(), self.readout)


def _the_config(
    config: QVCConfig | None, circuit: QuantumCircuit | OwnCircuit | None, settings: dict[str, Any]
) -> QVCConfig:
    """The one that was given, or that of a circuit."""
    if (config is None) == (circuit is None) or (config is not None and settings):
        raise ConfigurationError(
            "cannot build a QVC",
            got="neither a configuration nor a circuit"
            if config is None and circuit is None
            else f"a configuration beside {', '.join([*(['a circuit'] if circuit is not None else []), *settings])}",
            expected="QVC(config), or QVC(circuit=…) with fields of a configuration",
            remedy="give one of them",
        )
    if circuit is None:
        if isinstance(config, QVCConfig):
            return config
        raise ConfigurationError(
            "cannot build a QVC",
            got=f"a {type(config).__name__}",
            expected="a QVCConfig, or a circuit as QVC(circuit=…)",
            remedy="write QVC(QVCConfig(image_shape=(1, 8, 8), num_classes=3, num_layers=6))",
        )
    try:
        return QVCConfig.of_circuit(circuit, **settings)
    except ValidationError as error:
        detail, expected = first_problem(error)
        name = ".".join(map(str, detail["loc"])) or "the configuration"
        raise ConfigurationError(
            f"{name} does not fit", got=short(detail["input"]), expected=expected, remedy=f"correct {name}"
        ) from error
