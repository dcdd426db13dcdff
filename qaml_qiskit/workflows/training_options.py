"""What the commands that train a model are asked for."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit import circuits
from qaml_qiskit.circuits import READOUTS, ReadoutName, is_own
from qaml_qiskit.encodings import EncodingName, PixelOrder, encoding_defaults
from qaml_qiskit.errors import ConfigurationError, ignored_options
from qaml_qiskit.models.scale import LogitScale, circuit_rate
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.data_options import DataOptions
from qaml_qiskit.workflows.defence_options import DEFENCE_OPTIONS, NOISE_AWARE, DefenceOptions
from qaml_qiskit.workflows.fields import AnsatzOrFile, ClassName, Count, Otherwise
from qaml_qiskit.workflows.mixins import Seeded

#: Classes kept when none are asked for and every class needs a qubit: the digits have 64 pixels, hence six qubits.
DEFAULT_CLASSES = {"digits": (0, 1, 2, 3, 4, 5)}

#: Of a QVC, where none are asked for.
DEFAULT_LAYERS = 12

#: The kinds of model that are a circuit, whatever lies in front of it.
CIRCUITS = ("qvc", "hybrid")

#: The kinds of model that an option means something to; all others mean something to every kind.
_ONLY_OF = {
    **dict.fromkeys(
        ("layers", "ansatz", "readout", "observables", "encoding", "encoding_layers", "pixel_order"), CIRCUITS
    ),
    **dict.fromkeys(DEFENCE_OPTIONS[NOISE_AWARE], CIRCUITS),
    **dict.fromkeys(("logit_scale", "init_std"), (*CIRCUITS, "quadratic")),
    "maps": ("hybrid",),
    "noise_layers": CIRCUITS,
}


class TrainingOptions(DefenceOptions, Seeded, DataOptions):
    """Asks for a trained model."""

    classes: Annotated[
        tuple[ClassName, ...] | None, Otherwise("all; of the digits 0 to 5, unless the readout is trained")
    ] = None
    """Labels or names of the classes to keep, such as 3,8; the k-th becomes label k."""
    model: Literal["qvc", "hybrid", "convnet", "resnet18", "fnn", "cnn", "quadratic"] = "qvc"
    """What is trained."""
    layers: Annotated[Count | None, Otherwise("12; a circuit of your own has its own")] = DEFAULT_LAYERS
    """Layers of a QVC."""
    ansatz: AnsatzOrFile = "ladder"
    """The layers of a QVC, or a circuit of your own with its angles free."""
    readout: Annotated[ReadoutName, Field(exclude_if=lambda name: name == "qubits")] = "qubits"
    """How classes are read from a QVC's qubits."""
    observables: Annotated[tuple[str, ...], Field(exclude_if=lambda names: not names)] = ()
    """Products of Z that the readout parity or linear reads, such as ZIIZ,IZZI; the rightmost letter is qubit 0."""
    encoding: EncodingName = "multiplexed"
    """What prepares a QVC's images."""
    encoding_layers: Annotated[Count | None, Otherwise("2")] = None
    """Of the approximate encoding."""
    pixel_order: Annotated[PixelOrder | None, Otherwise("gray for approximate, flat otherwise")] = None
    """Which pixel is which amplitude."""
    logit_scale: LogitScale = 20.0
    """Logits of a QVC are what it reads of Z, those of a quadratic classifier its forms, times this."""
    init_std: Annotated[Annotated[float, Field(ge=0)] | None, Otherwise("1; 0.01 for quadratic")] = None
    """Standard deviation of the first weights of a QVC or a quadratic classifier."""
    maps: Annotated[Count, Field(exclude_if=lambda maps: maps == 3)] = 3
    """Of the convolution in front of a hybrid's circuit."""
    epochs: Count = 20
    """How often all training images are seen."""
    batch_size: Count = 64
    """Images a step, at most; all batches of an epoch are equally large but for one image."""
    learning_rate: Annotated[
        Annotated[float, Field(gt=0)] | None, Otherwise("1/layers, at most 0.1, for a QVC; 0.001 for the others")
    ] = None
    """The highest rate of the schedule."""
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    """How the learning rate moves: one-cycle goes up linearly for 30 % of the steps, then down to zero as a cosine."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Adam's l2 penalty."""
    patience: Annotated[Count | None, Otherwise("never")] = None
    """Stop after this many epochs without a lower validation loss."""
    keep_epoch: Annotated[Literal["best", "last"], Field(exclude_if=lambda kept: kept == "best")] = "best"
    """The weights of which epoch are the model's: the best by validation loss, or the last."""
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the training images set aside to choose the epoch."""
    validation_seed: Annotated[Seed | None, Otherwise("the seed"), Field(exclude_if=lambda seed: seed is None)] = None
    """Of the choice of these: models with different seeds that share it are calibrated and compared on images that none
    of them learned from."""
    train_images: Annotated[Count | None, Otherwise("all")] = None
    """Use this many training images, drawn by the seed."""

    @model_validator(mode="after")
    def _all_options_act(self) -> Self:
        """Refuse what this kind of model would ignore, where it is not left at its default."""
        given = {
            name: getattr(self, name)
            for name, kinds in _ONLY_OF.items()
            if self.model not in kinds and not self.is_default(name)
        }
        if given:
            raise ignored_options(f"a {self.model}", given, f"--model {' or '.join(_ONLY_OF[next(iter(given))])}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _no_layers_are_the_default(cls, values: Any) -> Any:
        """What the run of a circuit of one's own says of its layers is not a number that was given."""
        if isinstance(values, dict) and values.get("layers", 0) is None:
            return {name: value for name, value in values.items() if name != "layers"}
        return values

    @model_validator(mode="after")
    def _circuits_have_their_layers(self) -> Self:
        """Refuse layers for a circuit that has its own."""
        if is_own(self.ansatz) and "layers" in self.model_fields_set:
            raise ConfigurationError(
                "a circuit of your own has its own layers",
                got=f"--layers {self.layers} and --ansatz {self.ansatz}",
                expected="a number of layers for a registered ansatz alone",
                remedy="leave out --layers",
            )
        return self

    def resolved(self) -> Self:
        """The same request with defaults that depend on other choices filled in."""
        own = is_own(self.ansatz)
        layers = None if own else self.layers or DEFAULT_LAYERS
        rate = self.learning_rate or default_rate(self.model, layers or circuits.named_circuit(self.ansatz).depth)
        takes_any = self.model in CIRCUITS and READOUTS[self.readout].trained
        classes = self.classes
        if classes is None and not self.binarise and not takes_any:
            classes = DEFAULT_CLASSES.get(self.dataset)
        update: dict[str, Any] = {"learning_rate": rate, "classes": classes, "layers": layers}
        if self.model in CIRCUITS:
            layers, order = encoding_defaults(self.encoding, self.encoding_layers, self.pixel_order)
            update.update(encoding_layers=layers, pixel_order=order)
        return self.model_copy(update=update)


def default_rate(model: str, layers: int) -> float:
    """The highest learning rate of the schedule when none is given."""
    return circuit_rate(layers) if model in CIRCUITS else 0.001
