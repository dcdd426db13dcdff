"""The quantum variational classifier as a torch module."""

from collections.abc import Callable
from functools import cached_property
from math import prod
from typing import Any, Self, cast

import torch
from pydantic import ValidationError
from qiskit.circuit import QuantumCircuit
from torch import Tensor, nn

from qaml_qiskit.batches import as_tensor
from qaml_qiskit.circuits import NoiseLayerForm, NoiseLayers, OwnCircuit, classifier_circuit, is_noise_angle
from qaml_qiskit.encodings import Encoding, FrontedEncoding
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.filters import parse_filter
from qaml_qiskit.formats import first_problem, short
from qaml_qiskit.models.averaged import AveragedCircuit
from qaml_qiskit.models.connector import AdjointConnector, AmplitudeQNN
from qaml_qiskit.models.drawn import DrawnCircuit, drawn_noise
from qaml_qiskit.models.inputs import check_batch, check_size
from qaml_qiskit.models.qvc_config import QVCConfig
from qaml_qiskit.seeds import check_seed

_PRECISIONS = (torch.float32, torch.float64)


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
        encoding = self._build_encoding(config, seed)
        self.encoding = encoding if config.filter is None else FrontedEncoding(parse_filter(config.filter), encoding)
        features = prod(config.image_shape) if self._encodes_by_itself else 2**config.num_qubits
        #: Which products of Z are averaged.
        self.readout = config.build_readout()
        network = AmplitudeQNN(ansatz.circuit(), features, self.readout.strings)
        self.connector = AdjointConnector(network, initial)
        if self.readout.trained:
            start = self.readout.head.converted(lambda part: nn.Parameter(torch.from_numpy(part).to(initial.dtype)))
            # In units of the scale: so a step of Adam, and its l2 penalty, mean to the head what they mean to an angle.
            self.head_matrix, self.head_offset = start.matrix, start.offset
        if config.noise_layers is not None:
            #: β_ℓ of the noise layers, shape (L,).
            self.betas = nn.Parameter(torch.full((ansatz.num_layers,), config.noise_layers.beta, dtype=initial.dtype))
        self._only_scales = not self.readout.trained and self.readout.head.is_scale
        # A small model takes as long to make a constant head as to apply it.
        with torch.inference_mode(False):
            likes = [] if self.readout.trained else [torch.zeros((), dtype=dtype) for dtype in _PRECISIONS]
            self._constant_heads = {(like.dtype, like.device): self._head_for(like) for like in likes}

    def _build_encoding(self, config: QVCConfig, seed: int) -> Encoding:
        """What prepares an image; a subclass may put something in front of it."""
        return config.build_encoding()

    @property
    def weight(self) -> Tensor:
        """The angles in the order of the ansatz's ``θ``, shape (P,); 3·n·L for the ladder."""
        return self.connector.weight

    @property
    def network(self) -> AmplitudeQNN:
        """What the connector evaluates; its arguments are :meth:`features` and weights."""
        return cast(AmplitudeQNN, self.connector.neural_network)

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
        if self.readout.trained:
            return self._head_for(like)
        key = like.dtype, like.device
        if key not in self._constant_heads:
            with torch.inference_mode(False):
                self._constant_heads[key] = self._head_for(like)
        return self._constant_heads[key]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What torch does to move or cast a module; what was made for another device is forgotten."""
        heads = self._constant_heads.items()
        self._constant_heads = {key: head for key, head in heads if key[1].type == "cpu"}
        return super()._apply(fn, recurse)

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

        With noise layers, in training those of one draw from torch's global random numbers, shared by all images; in
        evaluation mode the average over all draws, exactly, which is differentiable in the images alone.

        Args:
            images: shape (N, C, H, W) in [0, 1]. Where the encoding is more than flattening, also states that
                ``encoding.state`` prepared, shape (N, 2ⁿ), which spares a training the encoding in every epoch.
        """
        features, layers = self.features(images), self.config.noise_layers
        if layers is None or not (layers.in_training if self.training else layers.in_inference):
            return self.connector(features)
        if self.training:
            noise = drawn_noise(layers, len(self.betas), self.config.num_qubits)
            return self._drawn.expectations(features, self.weight, self.betas, noise)
        return self._averaged.expectations(features, self.weight, self.betas, layers)

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
        if self._only_scales:
            # The product with a matrix would add several per cent to a small model's step.
            return expectations * self.config.logit_scale
        head = self.head_for(expectations)
        # One operation of torch's, where LinearHead.logits would be three.
        return nn.functional.linear(expectations, head.matrix, head.offset)

    # Its noise layers

    @cached_property
    def _drawn(self) -> DrawnCircuit:
        features = self.connector.neural_network.num_inputs
        return DrawnCircuit(self.config.build_ansatz(), features, self.readout.strings)

    @cached_property
    def _averaged(self) -> AveragedCircuit:
        return AveragedCircuit(self.config.build_ansatz(), self.readout.strings)

    def draw(self, generator: torch.Generator | None = None) -> Tensor:
        """Angles η·β_ℓ of the noise layers, drawn anew, shape (L, n), differentiable in β.

        Args:
            generator: of the random numbers; torch's global ones if None. They are drawn on the CPU.

        Raises:
            ConfigurationError: the model has no noise layers.
        """
        noise = drawn_noise(self._noise_layers(), len(self.betas), self.config.num_qubits, generator)
        return noise.to(self.betas) * self.betas[:, None]

    def drawn_logits(self, images: Tensor, angles: Tensor) -> Tensor:
        """Logits with these angles in the noise layers, shape (N, m), whatever the phase; differentiable in everything.

        Args:
            images: as for :meth:`expectations`.
            angles: shape (L, n), such as :meth:`draw` gives; those of qubits on which no noise acts are ignored.

        Raises:
            ConfigurationError: the model has no noise layers.
            InputError: as :meth:`forward`, or angles of another shape.
        """
        self._noise_layers()
        angles, shape = as_tensor(angles, "the angles"), (len(self.betas), self.config.num_qubits)
        if angles.shape != shape:
            raise InputError(
                "the angles do not fit the noise layers",
                got=f"shape {tuple(angles.shape)}",
                expected=f"{shape}, an angle for every layer and qubit",
                remedy="take them from QVC.draw()",
            )
        scales = angles.to(self.betas).flatten()
        ones = torch.ones(len(scales), 1)
        return self.logits(self._drawn.expectations(self.features(images), self.weight, scales, ones))

    def with_noise_layers(self, layers: NoiseLayers | None) -> Self:
        """A copy with the same weights under another rule of noise layers; β stays, and starts where there was none.

        Args:
            layers: the rule; None for no noise layers.

        Raises:
            ConfigurationError: noise layers for an ansatz without layers.
        """
        return self._rebuilt("noise_layers", layers)

    def _rebuilt(self, field: str, value: object) -> Self:
        """A copy with the same weights and another value of a field of its configuration."""
        config = type(self.config).model_validate({**dict(self.config), field: value})
        made = type(self)(config).to(self.weight)
        state = self.state_dict()
        kept = {name: tensor for name, tensor in state.items() if name != "betas" or config.noise_layers is not None}
        made.load_state_dict(kept, strict=False)
        return made.train(self.training)

    def with_filter(self, words: str | None) -> Self:
        """A copy with the same weights that sees every image through a filter, such as ``median:3``; None for none.

        Raises:
            ConfigurationError: no such filter.
        """
        return self._rebuilt("filter", words)

    def without_noise_layers(self) -> Self:
        """The undefended twin: a copy with the same weights and no noise layers."""
        return self.with_noise_layers(None)

    def flips(self) -> dict[str, float]:
        """What the noise layers do on average: the probability of a Y, by marker; see :meth:`NoiseLayers.flips`.

        Raises:
            ConfigurationError: the model has no noise layers.
        """
        return self._noise_layers().flips(self.betas.tolist())

    def _noise_layers(self) -> NoiseLayers:
        if self.config.noise_layers is None:
            raise ConfigurationError(
                "the model has no noise layers",
                got=f"a {type(self).__name__} without them",
                expected="one that was built with noise_layers",
                remedy="train one with --noise-layers, or take QVC.with_noise_layers(NoiseLayers())",
            )
        return self.config.noise_layers

    def extra_repr(self) -> str:
        """What it is, for whoever prints it."""
        config = self.config
        layers = (
            f"{config.num_layers} layers of {config.ansatz}" if config.circuit is None else "a circuit of one's own"
        )
        noise = "" if config.noise_layers is None else f", noise layers in {config.noise_layers.phases}"
        return f"{config.num_qubits} qubits, {layers}, encoding {config.encoding}, readout {config.readout}{noise}"

    # As circuits

    def ansatz(self, layer_end: str | None = None, noise_layers: NoiseLayerForm | None = None) -> QuantumCircuit:
        """The variational part with this model's weights bound.

        Args:
            layer_end: label of a barrier after each layer, see :meth:`qaml_qiskit.circuits.Ansatz.circuit`.
            noise_layers: what stands for noise layers, see there. Their ``angles`` stay free; ``markers`` stand for
                :meth:`flips`.
        """
        circuit = self.config.build_ansatz().circuit(layer_end, noise_layers)
        weights = self.weight.detach().double().tolist()
        free = [parameter for parameter in circuit.parameters if not is_noise_angle(parameter)]
        return circuit.assign_parameters(dict(zip(free, weights, strict=True)))

    def circuit(self, noise_layers: NoiseLayerForm | None = None) -> QuantumCircuit:
        """Encoding, trained ansatz and readout; the encoding's angles stay free, one circuit for all images.

        Args:
            noise_layers: as for :meth:`ansatz`; with ``angles``, one circuit for all images and draws.
        """
        return classifier_circuit(self.encoding.circuit, self.ansatz(noise_layers=noise_layers), self.readout)

    def circuit_for(self, image: Tensor, noise_layers: NoiseLayerForm | None = None) -> QuantumCircuit:
        """:meth:`circuit` for one image of shape (C, H, W), with no free angle but those of noise layers.

        Args:
            image: shape (C, H, W).
            noise_layers: as for :meth:`ansatz`.

        Raises:
            InputError: another shape, or an image that cannot be encoded.
        """
        (checked,) = check_batch(image[None], self.config.image_shape)
        ansatz = self.ansatz(noise_layers=noise_layers)
        return classifier_circuit(self.encoding.circuit_for(checked), ansatz, self.readout)


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
