"""What a quantum variational classifier is, apart from its weights."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.circuits import (
    ANSAETZE,
    OWN,
    READOUTS,
    Ansatz,
    NoiseLayers,
    OwnAnsatz,
    OwnCircuit,
    Readout,
    ReadoutName,
)
from qaml_qiskit.encodings import ENCODINGS, Encoding, EncodingName, PixelOrder, encoding_for
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.filters import FilterName
from qaml_qiskit.models.inputs import ImageShape, check_size
from qaml_qiskit.models.scale import LogitScale
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.registry import Named
from qaml_qiskit.simulation import chosen_kernel
from qaml_qiskit.simulation.heisenberg import memory_needed
from qaml_qiskit.text import printable, shortened

#: Of Qiskit's circuit and its compiled form, while both exist; measured for 200 and 1,000 layers.
_BYTES_A_WEIGHT = 4000
#: Of one image's state and what is computed from it, by the compiled kernel and by torch, which serves where the kernel
#: does not; measured for 20 to 22 qubits, with gradients.
_BYTES_AN_AMPLITUDE = {"kernel": 80, "torch": 720}
#: A message shows this much of names.
_SHOWN = 80


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
        noise_layers: random rotations in front of every layer; None for none, and then not written.
        filter: what every image passes before it is encoded, such as ``median:3``; None for none, and then not written.
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
    noise_layers: Annotated[NoiseLayers | None, Field(exclude_if=lambda layers: layers is None)] = None
    filter: Annotated[FilterName | None, Field(exclude_if=lambda words: words is None)] = None

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
        if self.noise_layers is not None:
            self.build_ansatz().check_noise_layers()
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
                got=shortened(", ".join(map(printable, shared)), _SHOWN),
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
        """P, 3·n·L for the ladder, m·(S + 1) of a trained head over S averages, and L of noise layers."""
        betas = 0 if self.noise_layers is None else self.num_layers
        return self.build_ansatz().num_parameters + self._head_weights + betas

    @property
    def _head_weights(self) -> int:
        readout = self.build_readout()
        return self.num_classes * (len(readout.strings) + 1) if readout.trained else 0

    @property
    def memory(self) -> int:
        """Bytes of the circuit while it is built, and of one image's state, what is computed from it and what is read.

        With noise layers there are three circuits, and where they act in inference, what is read on average.
        """
        circuits = _BYTES_A_WEIGHT * self.build_ansatz().num_parameters * (1 if self.noise_layers is None else 3)
        kernel = chosen_kernel()
        serves = kernel is not None and kernel.serves(self.num_qubits)
        each = _BYTES_AN_AMPLITUDE["kernel" if serves else "torch"]
        averages = len(self.build_readout().strings)
        needed = circuits + 4 * self._head_weights + (each + 4 * averages) * 2**self.num_qubits
        if self.noise_layers is not None and self.noise_layers.in_inference:
            needed += memory_needed(self.num_qubits, averages)
        return needed

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
