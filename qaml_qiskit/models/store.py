"""Models on disk: weights as safetensors, configuration as JSON beside them. Loading never executes code."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from qaml_qiskit.circuits import CIRCUIT_FILE
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.datasets import DataPreparation, DataSource, HeldOut, Split, told_data
from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError, StorageError
from qaml_qiskit.files import make_folders, write_atomically
from qaml_qiskit.formats import model_of, read_bytes
from qaml_qiskit.models.cnn import CNN, CNNConfig
from qaml_qiskit.models.convnet import ConvNet, ConvNetConfig
from qaml_qiskit.models.fnn import FNN, FNNConfig
from qaml_qiskit.models.hybrid import Hybrid, HybridConfig
from qaml_qiskit.models.objective import ObjectiveCard
from qaml_qiskit.models.quadratic import QuadraticClassifier, QuadraticConfig
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.models.qvc_config import QVCConfig
from qaml_qiskit.models.resnet import ResNet18, ResNet18Config

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "model.json"
#: Stands for the data set of a model that has no card.
UNNAMED_DATA = "unnamed"

Model = QVC | Hybrid | ConvNet | ResNet18 | FNN | CNN | QuadraticClassifier
ModelConfig = Annotated[
    QVCConfig | HybridConfig | ConvNetConfig | ResNet18Config | FNNConfig | CNNConfig | QuadraticConfig,
    Field(discriminator="kind"),
]
_CLASSES: dict[str, Callable[..., Model]] = {
    "qvc": QVC,
    "hybrid": Hybrid,
    "convnet": ConvNet,
    "resnet18": ResNet18,
    "fnn": FNN,
    "cnn": CNN,
    "quadratic": QuadraticClassifier,
}


class DataCard(BaseModel):
    """The data a model was trained for.

    Attributes:
        dataset: the name of the data set; of own data, that of the file or folder.
        classes: those kept, in the order of the labels: numbers of classes of a data set that is known by name, names
            elsewhere.
        source: what own data were read from, by content.
        preparation: what is done to data before the model sees them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    dataset: str
    classes: tuple[int | str, ...]
    source: Annotated[DataSource | None, Field(exclude_if=lambda source: source is None)] = None
    preparation: Annotated[DataPreparation | None, Field(exclude_if=lambda steps: steps is None)] = None

    @classmethod
    def of(cls, split: Split) -> "DataCard":
        """The card of data that were loaded."""
        return cls(dataset=split.train.name, classes=split.classes, source=split.source, preparation=split.preparation)

    @property
    def fingerprint(self) -> str | None:
        """Of own data: first 16 hexadecimal digits of the SHA-256 of what they were read from."""
        return None if self.source is None else self.source.fingerprint

    @property
    def told(self) -> str:
        """The data to a reader: those of one name may differ in content."""
        return told_data(self.dataset, self.fingerprint)

    @property
    def prepared(self) -> str:
        """A fingerprint of the preparation, 8 hexadecimal digits, or ``none``."""
        if self.preparation is None:
            return "none"
        return hashlib.sha256(self.preparation.model_dump_json().encode()).hexdigest()[:8]


class SubstituteCard(BaseModel):
    """Whose answers a substitute was trained on, in place of labels.

    Attributes:
        victim: the name of the deployment that was asked.
        weights: its fingerprint.
        queries: how many images it was asked about.
        first: how many of them were images that the attacker had.
        step: how far images were moved to make the others, in pixel units.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    victim: str
    weights: str
    queries: int
    first: int
    step: float


class ModelCard(BaseModel):
    """What lies beside the weights.

    Attributes:
        format: of the file.
        model: the architecture.
        data: what it was trained for.
        objective: what it was trained with; not written for the plain cross-entropy, and None too where nobody said.
        substitute: of a model that was trained on a victim's answers.
        held_out: which images its training set aside.
        temperature: that makes probabilities of its logits, fitted to those images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format: Annotated[int, Field(ge=1, le=1)] = 1
    model: ModelConfig
    data: DataCard
    objective: Annotated[ObjectiveCard | None, Field(exclude_if=lambda card: card is None or card.name == "clean")] = (
        None
    )
    substitute: Annotated[SubstituteCard | None, Field(exclude_if=lambda card: card is None)] = None
    held_out: Annotated[HeldOut | None, Field(exclude_if=lambda choice: choice is None)] = None
    temperature: Annotated[Temperature | None, Field(exclude_if=lambda fitted: fitted is None)] = None


@dataclass(frozen=True)
class StoredModel:
    """A model with the card it was stored with. Pickled it is its card and its weights."""

    model: Model
    card: ModelCard
    #: What else is said of a :class:`~qaml_qiskit.models.Network`: nothing of a model whose reading runs no code.
    code: ClassVar[Mapping[str, str]] = {}
    no_gradients: ClassVar[str] = ""
    notes: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def weights(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of ``model.safetensors``, and of a circuit of the user's own."""
        own = self.card.model.circuit if isinstance(self.card.model, QVCConfig) else None
        told = b"" if own is None else own.fingerprint.encode()
        return hashlib.sha256(model_files(self.model, self.card)[WEIGHTS_FILE] + told).hexdigest()[:16]

    def __reduce__(self) -> tuple[Callable[..., "StoredModel"], tuple[ModelCard, bytes]]:
        return _restored, (self.card, model_files(self.model, self.card)[WEIGHTS_FILE])


def as_stored(model: "StoredModel | Model", data: DataCard | None = None) -> StoredModel:
    """A model with a card; a bare one was trained for data that nobody named, unless they are given."""
    if isinstance(model, StoredModel):
        return model
    unnamed = DataCard(dataset=UNNAMED_DATA, classes=tuple(range(model.config.num_classes)))
    return StoredModel(model, ModelCard(model=model.config, data=data or unnamed))


def build_model(config: ModelConfig, seed: int = 0) -> Model:
    """A fresh model of the configured kind; the same seed gives the same weights."""
    return _CLASSES[config.kind](config, seed)


def parse_config(values: dict[str, object]) -> ModelConfig:
    """A typed configuration from plain values, chosen by ``kind``. Raises pydantic's ValidationError."""
    adapter: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)
    return adapter.validate_python(values)


def model_files(model: nn.Module, card: ModelCard) -> dict[str, bytes]:
    """The files that store a model, by name, in the order in which to write them. Writing is the caller's business."""
    weights = save({name: tensor.detach().contiguous().cpu() for name, tensor in _tensors(model).items()})
    own = card.model.circuit if isinstance(card.model, QVCConfig) else None
    circuit = {} if own is None else {CIRCUIT_FILE: own.content}
    return {CARD_FILE: (card.model_dump_json(indent=2) + "\n").encode(), **circuit, WEIGHTS_FILE: weights}


def save_model(folder: Path | str, model: Model, data: DataCard) -> Path:
    """Write a model, however it was trained, so that :func:`load_model` and every command take the folder.

    Args:
        folder: is made where it does not exist; a model that is there already is replaced.
        model: one of this package's models; its ``config`` is written beside the weights.
        data: what it was trained for. ``dataset`` may be a name of your own: then give images as an .npz.

    Returns:
        The folder.

    Raises:
        InputError: another kind of model, or a folder that cannot be written.
    """
    folder = Path(folder)
    if not isinstance(model, Model):
        raise InputError(
            "this model cannot be stored",
            got=f"a {type(model).__name__}",
            expected=f"one of {', '.join(kind.__name__ for kind in get_args(Model))}",
            remedy="store the model itself, not a module around it or its state_dict",
        )
    try:
        make_folders(folder)
        for name, content in model_files(model, ModelCard(model=model.config, data=data)).items():
            write_atomically(folder / name, content)
    except StorageError as error:
        raise InputError(
            f"cannot store the model in {folder}",
            got=error.got,
            expected="a folder that can be written",
            remedy="choose another folder",
        ) from error
    return folder


def load_model(path: Path | str) -> StoredModel:
    """Read a model from a folder, or from its ``model.safetensors`` with the card beside it.

    Raises:
        InputError: a file is missing, is corrupt, or weights and configuration do not belong together.
    """
    path = Path(path)
    if path.is_file() and path.suffix != ".safetensors":
        raise _unreadable(
            path,
            f"a file {path.suffix or 'without an ending'}; of models only safetensors are read, which hold no code",
            "check the path; a network of your own is given as a program of torch.export, .pt2, or as "
            "package.module:factory",
        )
    folder = path if path.is_dir() else path.parent
    card = _read_card(folder / CARD_FILE)
    weights_file = path if path.is_file() else folder / WEIGHTS_FILE
    model = build_model(card.model)
    if not weights_file.is_file():
        raise _unreadable(weights_file, "No such file or directory")
    try:
        state = load(read_bytes(weights_file))
        if state.keys() != _tensors(model).keys():
            raise _unreadable(weights_file, f"weights that do not fit {CARD_FILE}")
        if any(tensor.is_floating_point() and not bool(tensor.isfinite().all()) for tensor in state.values()):
            raise _unreadable(weights_file, "weights that are NaN or infinite")
        model.load_state_dict(state, strict=False)
    except (DamagedFileError, SafetensorError, ValueError) as error:
        raise _unreadable(weights_file, "a corrupt or truncated file") from error
    except RuntimeError as error:
        raise _unreadable(weights_file, f"weights that do not fit {CARD_FILE}") from error
    return StoredModel(model.eval(), card)


def _restored(card: ModelCard, weights: bytes) -> StoredModel:
    model = build_model(card.model)
    model.load_state_dict(load(weights), strict=False)
    return StoredModel(model.eval(), card)


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each once: a TorchConnector lists its weights under two names."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def _read_card(file: Path) -> ModelCard:
    if not file.is_file():
        raise _unreadable(file, "No such file or directory")
    beside = file.with_name(CIRCUIT_FILE)
    try:
        context = {CIRCUIT_FILE: read_bytes(beside)} if beside.is_file() else None
        return model_of(read_bytes(file), str(file), ModelCard, context=context)
    except DamagedFileError as error:
        if CIRCUIT_FILE in error.what:
            raise _unreadable(beside, str(error.got)) from error
        raise _unreadable(file, f"a corrupt file, or one of another version: {error.got}") from error
    except ConfigurationError as error:
        raise InputError(
            f"cannot load the model from {file}",
            got=f"{error.what}: {error.got}",
            expected=error.expected,
            remedy="install the package that this part of the model comes from, or train the model again",
        ) from error


def _unreadable(file: Path, got: str, remedy: str = "check the path, or train the model again") -> InputError:
    return InputError(
        f"cannot load the model from {file}",
        got=got,
        expected=f"{WEIGHTS_FILE} and {CARD_FILE} as `qaml train` wrote them",
        remedy=remedy,
    )
