"""Names for what is given in their place: models, data sets and images of this process.

A request holds names, so that it can be written down, compared and handed to workers. What a caller of Python gives
instead is kept under a name that says what is in it (a fingerprint), for as long as the process lives.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from qaml_qiskit.artifacts import AdversarialImages
from qaml_qiskit.artifacts.session import keep_in_session, session_folder
from qaml_qiskit.batches import read_examples
from qaml_qiskit.circuits import CIRCUIT_FILE, OwnCircuit
from qaml_qiskit.datasets import DATASETS, Dataset, DatasetSpec, Split, load_dataset
from qaml_qiskit.datasets.preparation import DataPreparation
from qaml_qiskit.datasets.spec import RawPart, RawSplit
from qaml_qiskit.deployments import Batch, Deployment, deploy
from qaml_qiskit.deployments.conditions import OnTarget, written
from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.errors import ConfigurationError, QamlError
from qaml_qiskit.formats import npz
from qaml_qiskit.models import NETWORKS, Model, Network, StoredModel, as_stored, load_model, model_files
from qaml_qiskit.workflows.fields import NamesModel, holds_text, marks
from qaml_qiskit.workflows.outcomes import TrainOutcome
from qaml_qiskit.workflows.request import Request

_PLAIN = str | int | float | bool | None


def with_names(kind: type[Request], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request with names in place of objects.

    Args:
        kind: the request's class.
        values: its fields, as a caller gave them.

    Raises:
        QamlError: a thing that cannot stand for the name of this field, or one with damage.
    """
    found = dict(values)
    for name, value in values.items():
        field = kind.model_fields.get(name)
        if field is None or value is None:
            continue
        if any(isinstance(mark, NamesModel) for mark in marks(field)):
            several = isinstance(value, tuple | list)
            names = [model_name(kind.command, name, each) for each in (value if several else [value])]
            found[name] = tuple(names) if several else names[0]
            _add_recipe(kind, found, [value] if not several else value)
        elif name == "dataset":
            found |= _dataset_fields(kind.command, value, found)
        elif name == "ansatz":
            several = isinstance(value, tuple | list)
            circuits = tuple(_circuit_name(each) for each in (value if several else [value]))
            found[name] = circuits if several else circuits[0]
        elif name == "images" and holds_text(field):
            found[name] = images_name(kind.command, value)
        elif name == "adversarial":
            several = isinstance(value, tuple | list)
            found[name] = tuple(_adversarial_name(each) for each in (value if several else [value]))
        elif isinstance(value, os.PathLike):
            found[name] = os.fspath(value)
    return found


def model_name(command: str, field: str, value: object) -> str:
    """The name of a model, or of a deployment, that a request can hold.

    Raises:
        ConfigurationError: no model.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, TrainOutcome):
        value = value.model
    if isinstance(value, StoredModel | Model):
        return _kept_model(as_stored(value))
    if isinstance(value, Deployment):
        return written(_kept(value.model_name, value.stored), value.condition)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, torch.nn.Module):
        # Says what is missing: what the network is for.
        return model_name(command, field, deploy(value))
    raise _refused(
        command,
        field,
        value,
        "a model: a QVC or another classifier of this package, what load_model, train or deploy give, or a name",
        "name a run folder, a model file or a reference, or give the model itself; a module of your own as "
        "deploy(module, data=…)",
    )


def images_name(command: str, value: object) -> str:
    """A number of images as text, or the .npz that holds those that were given."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, AdversarialImages):
        return _adversarial_name(value)
    if isinstance(value, Split):
        value = value.test
    if isinstance(value, Batch | Dataset):
        images, labels = np.asarray(value.images), np.asarray(value.labels)
    elif isinstance(value, DataLoader | TorchDataset) or _is_pair(value):
        images, labels = map(np.asarray, _arrays(value))
    else:
        raise _refused(
            command,
            "images",
            value,
            "a number N for the first N of the model's own test set, an .npz, a Dataset, a Batch, or (images, labels)",
            "give images with their labels, as (images, labels)",
        )
    return _kept_npz(images=images, labels=labels)


def _adversarial_name(value: object) -> str:
    if isinstance(value, AdversarialImages):
        return _kept_npz(**value.arrays())
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _circuit_name(value: object) -> str:
    """The name of an ansatz, or the file that holds a circuit."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    own = value if isinstance(value, OwnCircuit) else OwnCircuit.of(cast(QuantumCircuit, value))
    words = json.dumps([own.fingerprint, *own.parameters]).encode()
    folder = keep_in_session(session_folder("circuits") / _fingerprint(words), {CIRCUIT_FILE: own.content})
    return str(folder / CIRCUIT_FILE)


def _kept(name: str, held: StoredModel | Network) -> str:
    """The name of what a deployment holds: its own where it is found by that, else one for this process."""
    if isinstance(held, StoredModel):
        return name if _is_known(name, held) else _kept_model(held)
    if held.key not in NETWORKS:
        NETWORKS.register(held.key, held, told="given to this process")
    return held.key


def _kept_model(stored: StoredModel) -> str:
    files = model_files(stored.model, stored.card)
    name = f"{stored.card.model.kind}-{_fingerprint(*files.values())}"
    keep_in_session(session_folder("models") / name, files)
    return name


def _is_known(name: str, stored: StoredModel) -> bool:
    """Whether a model is what is found by this name."""
    try:
        found = load_model(model_path(name))
    except QamlError:
        return False
    return model_files(found.model, found.card) == model_files(stored.model, stored.card)


def _add_recipe(kind: type[Request], found: dict[str, Any], values: Any) -> None:
    """A recipe is no part of a condition's name: it goes where the request has a field for it."""
    recipes = {
        each.condition.recipe
        for each in values
        if isinstance(each, Deployment) and isinstance(each.condition, OnTarget)
    }
    if len(recipes) == 1 and "recipe" in kind.model_fields:
        found.setdefault("recipe", recipes.pop())


def _kept_npz(**arrays: NDArray[Any]) -> str:
    content = npz(**arrays)
    name = f"{_fingerprint(content)}.npz"
    return str(keep_in_session(session_folder("images"), {name: content}) / name)


# Data sets


def _dataset_fields(command: str, value: object, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that name a data set: one that is known, or one that is kept for this process."""
    if isinstance(value, str):
        return {}
    if isinstance(value, os.PathLike):
        return {"dataset": os.fspath(value)}
    split = as_split(command, value)
    others = {*given} & {"classes", "test_data", "label_column", "columns", "ignore_columns", "resize", "grey", "pca"}
    if not others and (fields := _loaded_again(split)) is not None:
        return fields
    parts = [part for part in (split.train, split.test, split.validation) if part is not None]
    content = [each for part in parts for each in (part.images, part.labels)]
    name = f"data-{_fingerprint('|'.join(split.train.class_names).encode(), *map(_bytes, content))}"
    if name not in DATASETS:
        DATASETS.register(name, _spec(name, split), told="given to this process")
    return {"dataset": name, **({} if "classes" in given else {"classes": tuple(range(split.train.num_classes))})}


def as_split(command: str, value: object) -> Split:
    """Training and test images from whatever holds them.

    Args:
        command: that asks, for the message.
        value: a Split; or a Dataset, a DataLoader, a torch Dataset or (images, labels), of which a part is set aside
            for the test, see :meth:`Split.from_arrays`; or two of these, for training and test.

    Raises:
        InputError: images or labels that cannot be used.
        ConfigurationError: something else.
    """
    if isinstance(value, Split):
        return value
    parts = value if isinstance(value, tuple | list) and len(value) == 2 and not _is_pair(value) else [value]
    if all(isinstance(each, Dataset) for each in parts) and len(parts) == 2:
        return Split(*parts)
    if all(isinstance(each, Dataset | DataLoader | TorchDataset) or _is_pair(each) for each in parts):
        return Split.from_arrays(*(array for part in parts for array in _arrays(part)), name="given")
    raise _refused(
        command,
        "dataset",
        value,
        "the name of a data set, what load_dataset gives, a DataLoader, or (images, labels)",
        "name a data set of `qaml data list`, or give images of shape (N, C, H, W) in [0, 1] with their labels",
    )


def _is_pair(value: object) -> bool:
    """Whether these are images and labels."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    return all(isinstance(each, np.ndarray | torch.Tensor) or _is_table(each) for each in value)


def _is_table(value: object) -> bool:
    """A plain list of labels, or a column of a table."""
    plain = isinstance(value, list) and bool(value) and all(isinstance(each, _PLAIN) for each in value)
    return plain or type(value).__module__.startswith("pandas")


def _arrays(value: Any) -> tuple[Any, Any]:
    """Images and labels as arrays, or a table as it is; of a data set the labels are the names of their classes."""
    if isinstance(value, Dataset):
        return value.images, np.array(value.class_names)[value.labels]
    images, labels = read_examples(value) if isinstance(value, DataLoader | TorchDataset) else value
    return _array(images), _array(labels)


def _array(values: Any) -> Any:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values


def _loaded_again(split: Split) -> dict[str, Any] | None:
    """The fields with which a request loads a split once more, image by image; None where it is something else."""
    source, steps = split.source, split.preparation or DataPreparation()
    if steps.labels.groups or (source is not None and (not source.data.path or source.header is not None)):
        return None
    fields: dict[str, Any] = {"dataset": split.train.name, "classes": split.classes}
    if source is not None:
        fields = {
            "dataset": source.data.path,
            "classes": split.classes,
            "test_data": None if source.test is None else source.test.path,
            "label_column": source.label_column,
            "ignore_columns": source.ignored,
            "seed": source.seed or 0,
        }
    elif fields["dataset"] not in DATASETS:
        return None
    fields |= {"resize": steps.resize, "grey": steps.grey}
    fields |= {} if steps.pca is None else {"pca": steps.pca.kept}
    try:
        again = load_dataset(fields["dataset"], **{**_without_dataset(fields), "download": False})
    except (QamlError, TypeError, ValueError, AttributeError):
        return None
    if not _equal(split, again):
        return None
    given = {("split_seed" if name == "seed" else name): value for name, value in fields.items()}
    return {name: value for name, value in given.items() if value not in (None, (), False, 0)}


def _without_dataset(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "dataset"}


def _equal(first: Split, second: Split) -> bool:
    parts = ((first.train, second.train), (first.test, second.test), (first.validation, second.validation))
    return first.classes == second.classes and all(
        mine is its
        or (
            mine is not None
            and its is not None
            and mine.class_names == its.class_names
            and np.array_equal(mine.images, its.images)
            and np.array_equal(mine.labels, its.labels)
        )
        for mine, its in parts
    )


def _spec(name: str, split: Split) -> DatasetSpec:
    def raw(part: Dataset) -> RawPart:
        return RawPart(part.labels, part.images.__getitem__)

    validation = None if split.validation is None else raw(split.validation)
    read = RawSplit(split.train.class_names, raw(split.train), raw(split.test), validation)
    return DatasetSpec(name, "given to this process", "", split.train.class_names, lambda: read)


def _fingerprint(*contents: bytes) -> str:
    whole = hashlib.sha256()
    for each in contents:
        whole.update(len(each).to_bytes(8) + each)
    return whole.hexdigest()[:12]


def _bytes(array: NDArray[Any]) -> bytes:
    return f"{array.dtype}{array.shape}".encode() + array.tobytes()


def _refused(command: str, field: str, value: object, expected: str, remedy: str) -> ConfigurationError:
    got = repr(value) if isinstance(value, _PLAIN) else f"a {type(value).__name__}"
    return ConfigurationError(f"{command} cannot take this as {field}", got=got, expected=expected, remedy=remedy)
