"""Data sets and images of this process, in place of their names."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from qaml_qiskit.artifacts import AdversarialImages
from qaml_qiskit.artifacts.session import content_name, keep_in_session, session_folder
from qaml_qiskit.batches import read_examples
from qaml_qiskit.datasets import Dataset, Split, keep_given, load_dataset, same_part
from qaml_qiskit.datasets.arrays import in_order
from qaml_qiskit.datasets.preparation import is_table
from qaml_qiskit.deployments import Batch
from qaml_qiskit.errors import ConfigurationError, QamlError
from qaml_qiskit.formats import npz
from qaml_qiskit.workflows.data_options import DataSteps
from qaml_qiskit.workflows.request import Request, cannot_take

if TYPE_CHECKING:
    from pandas import DataFrame

_PLAIN = str | int | float | bool | None
#: Steps that arrays can be put through, beside the choice of a test part.
_STEPS = ("classes", "binarise", "resize", "grey", "pca")


def data_named(kind: type[Request], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request with a name in place of a data set; steps that it says already are among them.

    What ``load_dataset`` gave is asked for as it was there, where that gives the same data once more. All else is kept
    for this process, with the steps done to it.

    Args:
        kind: the request's class.
        values: its fields; ``dataset`` is a name; or a Split; or a Dataset, a DataLoader, a torch Dataset or (images,
            labels), of which a part is set aside for the test, see :meth:`Split.from_arrays`; or two of these, for
            training and test.

    Raises:
        InputError: images or labels that cannot be used.
        ConfigurationError: something else, or steps that cannot be done.
    """
    value = values["dataset"]
    if isinstance(value, str):
        return dict(values)
    said = {name: each for name, each in values.items() if name in DataSteps.model_fields and name != "dataset"}
    defaults = {name: kind.model_fields[name].default for name in said}
    steps = {
        name: each
        for name, each in said.items()
        if not isinstance(each, type(defaults[name])) or each != defaults[name]
    }
    others = {name: each for name, each in values.items() if name not in said}
    if not isinstance(value, Split):
        return {**others, "dataset": keep_given(_split_of(kind.command, value, steps))}
    asked = _as_asked(value)
    twice = [name for name in steps if asked is None or name in asked]
    if twice:
        raise ConfigurationError(
            f"{kind.command} cannot do this to data that were prepared",
            got=f"{twice[0]}={steps[twice[0]]!r} beside a Split",
            expected="the steps where the data are loaded",
            remedy=f"give {twice[0]} to load_dataset, or to Split.from_arrays",
        )
    if asked is None:
        return {**others, "dataset": keep_given(value)}
    asked |= steps
    if value.source is None and not {"classes", "binarise"} & set(asked):
        # A training on a named data set may have classes of its own choice.
        asked["classes"] = value.classes
    return {**others, **asked}


def images_name(command: str, value: object) -> str:
    """A number of images as text, or the file that holds those that were given."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, AdversarialImages):
        return adversarial_name(value)
    if is_table(value):
        return _kept_table(value)
    if isinstance(value, Split):
        value = value.test
    if isinstance(value, Batch | Dataset):
        images, labels = value.images, value.labels
    elif isinstance(value, DataLoader | TorchDataset) or _is_pair(value):
        images, labels = _arrays(value)
    else:
        raise cannot_take(
            command,
            "images",
            value,
            "a number N for the first N of the model's own test set, a file, a table with its column of classes, a "
            "Dataset, a Batch, or (images, labels)",
            "give images with their labels, as (images, labels)",
        )
    if is_table(images):
        return _kept_table(images.assign(label=np.asarray(labels)))
    return _kept_npz(images=np.asarray(images), labels=np.asarray(labels))


def adversarial_name(value: object) -> str:
    """The path of adversarial images, or the file that holds those that were given."""
    if isinstance(value, AdversarialImages):
        return _kept_npz(**value.arrays())
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _as_asked(split: Split) -> dict[str, Any] | None:
    """The fields with which a request loads a split once more; None where they do not give the same data."""
    loaded = split.loaded
    if loaded is None or loaded["limit"] is not None or loaded["attribute"] is not None:
        return None
    columns, groups = loaded["columns"], loaded["binarise"]
    if isinstance(groups, Mapping):
        members = {name: (each,) if isinstance(each, str) else tuple(each) for name, each in groups.items()}
        groups = tuple(word for name, (first, *more) in members.items() for word in (f"{name}={first}", *more))
    fields = {
        "dataset": str(loaded["name"]),
        "classes": _plain(loaded["classes"]),
        "test_data": None if loaded["test_data"] is None else str(loaded["test_data"]),
        "label_column": loaded["label_column"],
        "columns": (str(columns),) if isinstance(columns, str | os.PathLike) else tuple(columns or ()),
        "ignore_columns": tuple(loaded["ignore_columns"]),
        "binarise": groups or (),
        "resize": _plain(loaded["resize"]),
        "grey": loaded["grey"],
        "pca": loaded["pca"],
        "split_seed": loaded["seed"],
    }
    fields = {name: each for name, each in fields.items() if each not in (None, (), False, 0)}
    try:
        how = DataSteps.model_validate(fields).loading(loaded["data_dir"])
        again = load_dataset(fields["dataset"], **how, download=False)
    except QamlError:
        return None
    parts = ((split.train, again.train), (split.test, again.test), (split.validation, again.validation))
    told = replace(again, train=split.train, test=split.test, validation=split.validation, notes=split.notes)
    return fields if told == split and all(same_part(mine, its) for mine, its in parts) else None


def _plain(values: Any) -> tuple[int | str, ...]:
    """Numbers and texts, those of numpy among them, as a request has them."""
    return () if values is None else tuple(np.asarray(values, dtype=object).tolist())


def _split_of(command: str, value: Any, steps: Mapping[str, Any]) -> Split:
    """Training and test images from whatever holds them, and the steps done to them."""
    parts = value if isinstance(value, tuple | list) and len(value) == 2 and not _is_pair(value) else [value]
    if not all(isinstance(each, Dataset | DataLoader | TorchDataset) or _is_pair(each) for each in parts):
        remedy = "name a data set of `qaml data list`, or give images of shape (N, C, H, W) in [0, 1] with their labels"
        if is_table(value):
            remedy = "give the table without its labels, and these beside it: (table.drop(columns=name), table[name])"
        expected = "the name of a data set, what load_dataset gives, a DataLoader, or (images, labels)"
        raise cannot_take(command, "dataset", value, expected, remedy)
    if strange := [name for name in steps if name not in (*_STEPS, "split_seed")]:
        raise ConfigurationError(
            f"{command} has no use for {strange[0]} here",
            got=f"{strange[0]}={steps[strange[0]]!r} beside data in memory",
            expected="a path beside it",
            remedy="leave it out",
        )
    if all(isinstance(each, Dataset) for each in parts) and len(parts) == 2 and not steps:
        return Split(*parts)
    loading = DataSteps.model_validate(dict(steps)).loading(None)
    how = {name: loading[name] for name in (*_STEPS, "seed")}
    if isinstance(parts[0], Dataset):
        how["name"] = parts[0].name
        if how["classes"] is None and parts[0].class_names != in_order(np.array(parts[0].class_names)):
            how["classes"] = parts[0].class_names
    return Split.from_arrays(*(array for part in parts for array in _arrays(part)), **how)


def _is_pair(value: object) -> bool:
    """Whether these are images and labels."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        return False
    return all(isinstance(each, np.ndarray | torch.Tensor) or _is_column(each) for each in value)


def _is_column(value: object) -> bool:
    """A plain list of labels, or a table or a column of pandas."""
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


def _kept_npz(**arrays: NDArray[Any]) -> str:
    return _kept_file(npz(**arrays), ".npz")


def _kept_table(table: "DataFrame") -> str:
    return _kept_file(table.to_csv(index=False).encode(), ".csv")


def _kept_file(content: bytes, ending: str) -> str:
    name = f"images-{content_name(content)}{ending}"
    return str(keep_in_session(session_folder("images"), {name: content}) / name)
