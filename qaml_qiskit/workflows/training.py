"""What a training request asks for, in the words of data sets and models: for every command that trains."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from qaml_qiskit.artifacts.training import TrainingData
from qaml_qiskit.circuits import is_own, named_circuit
from qaml_qiskit.datasets import Dataset, HeldOut, load_dataset
from qaml_qiskit.defences import DEFENCES
from qaml_qiskit.encodings import Encoding
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.formats import first_problem, short
from qaml_qiskit.models import (
    DataCard,
    ModelConfig,
    Objective,
    QVCConfig,
    TrainingConfig,
    build_model,
    check_size,
    parse_config,
)
from qaml_qiskit.workflows.defence_options import DEFENCE_OPTIONS
from qaml_qiskit.workflows.training_options import CIRCUITS, TrainingOptions

#: Images that are looked at together.
_AT_ONCE = 1024
#: A row of features may well be all at its smallest.
_FOR_FEATURES = "; or choose --encoding angle, which has a state for all features"


def load_data(request: TrainingOptions, data_dir: Path | None) -> TrainingData:
    """Load the data set and set aside the validation images."""
    split = load_dataset(request.dataset, **request.loading(data_dir))
    held_out = HeldOut(
        fraction=request.validation,
        seed=request.seed if request.validation_seed is None else request.validation_seed,
        train_images=request.train_images,
        train_seed=request.seed,
    )
    train, validation = held_out.parts(split)
    notes = list(split.notes)
    if split.validation is not None:
        notes.append(f"The validation images are the data's own {len(validation)}; --validation has nothing to do.")
    return TrainingData(train, validation, split.test, DataCard.of(split), tuple(notes), held_out=held_out)


def model_config(request: TrainingOptions, data: Dataset) -> ModelConfig:
    """The architecture that a request asks for on these images.

    Raises:
        ConfigurationError: an architecture that does not exist, or that does not fit into the memory.
    """
    values: dict[str, Any] = {
        "kind": request.model,
        "image_shape": data.image_shape,
        "num_classes": data.num_classes,
    }
    if request.model in (*CIRCUITS, "quadratic"):
        values["logit_scale"] = request.logit_scale
        if request.init_std is not None:
            values["init_std"] = request.init_std
    if request.model == "hybrid":
        values["maps"] = request.maps
    if request.model in CIRCUITS:
        if is_own(request.ansatz):
            values["circuit"] = named_circuit(request.ansatz)
        else:
            values |= {"num_layers": request.layers, "ansatz": request.ansatz}
        for name in ("readout", "observables", "encoding", "encoding_layers", "pixel_order"):
            values[name] = getattr(request, name)
        values["noise_layers"] = request.noise_rule
    config = parse_config(values)
    check_size(config.memory)
    if request.model in CIRCUITS and is_own(request.ansatz):
        # What the engine cannot follow, such as an angle that has no derivative, is told before anything is written.
        build_model(config)
    return config


def check_encodable(config: ModelConfig, data: TrainingData) -> None:
    """Look at all images before anything is written, so that the last of them does not end a training.

    Raises:
        InputError: the circuit has no state for an image, such as a black one.
    """
    # A hybrid encodes features, and a constant beside them.
    if not isinstance(config, QVCConfig) or config.kind != "qvc":
        return
    encoding = config.build_encoding()
    for told, part in (("training", data.train), ("validation", data.validation), ("test", data.test)):
        for start in range(0, len(part), _AT_ONCE):
            if _refusal(encoding, part.images[start : start + _AT_ONCE]) is not None:
                _refuse_first(encoding, told, part, start)


def _refuse_first(encoding: Encoding, told: str, part: Dataset, start: int) -> None:
    """Name the first image from a position on that has no state."""
    for index in range(start, len(part)):
        error = _refusal(encoding, part.images[index : index + 1])
        if error is not None:
            raise InputError(
                f"cannot encode the {told} images of {part.name}: image {index} has no state",
                got=error.got,
                expected=error.expected,
                remedy=error.remedy + _FOR_FEATURES * (part.image_shape[:2] == (1, 1)),
            )


def _refusal(encoding: Encoding, images: NDArray[np.float32]) -> InputError | None:
    try:
        encoding.wanted(torch.from_numpy(images))
    except InputError as error:
        return error
    return None


def training_config(request: TrainingOptions) -> TrainingConfig:
    """How a request's model is trained."""
    return TrainingConfig(**request.model_dump(include=set(TrainingConfig.model_fields)))


def objective_of(request: TrainingOptions) -> Objective:
    """What a request's model minimises: the defence, with those of its settings that are options of the request.

    Raises:
        ConfigurationError: a defence that cannot be loaded, that needs settings that no option gives, or that would
            ignore one.
    """
    name = request.named_defence
    kind = DEFENCES[name]
    options = DEFENCE_OPTIONS.get(name, {field: field for field in kind.model_fields})
    request.refuse_all_but(options)
    known = type(request).model_fields
    try:
        return kind(**{setting: getattr(request, option) for option, setting in options.items() if option in known})
    except ValidationError as error:
        detail, expected = first_problem(error)
        setting = ".".join(map(str, detail["loc"])) or "settings that fit"
        missing = detail["type"] == "missing"
        raise ConfigurationError(
            f"the defence {name} cannot be asked for by its name alone" if missing else f"{setting} does not fit",
            got=f"no {setting}" if missing else short(detail["input"]),
            expected="settings that all have defaults" if missing else expected,
            remedy="use it from Python: Trainer(…, objective=…)" if missing else f"correct {setting}",
        ) from error
