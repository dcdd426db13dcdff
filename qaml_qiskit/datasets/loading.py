"""From a data set's name to its images and labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qaml_qiskit.datasets.base import Dataset, Split
from qaml_qiskit.datasets.catalogue import dataset_spec
from qaml_qiskit.datasets.classes import select_classes, take_positions
from qaml_qiskit.datasets.download import fetch_files
from qaml_qiskit.datasets.spec import DatasetSpec, RawPart, RawSplit
from qaml_qiskit.datasets.store import cache_dir, find_folder, missing_data
from qaml_qiskit.errors import ConfigurationError, InputError


def load_dataset(
    name: str,
    *,
    data_dir: Path | None = None,
    classes: Sequence[int | str] | None = None,
    limit: int | None = None,
    attribute: str | None = None,
    download: bool = True,
) -> Split:
    """Load a data set.

    The files are looked for in ``data_dir``, in ``$QAML_DATA_DIR`` and in the per-user cache, in this order; failing
    that they are downloaded into the cache. Files that are found are parsed strictly; that they are the official
    ones is checked when they are fetched, and by ``verify``.

    Args:
        name: one of ``dataset_names()``.
        data_dir: a data directory, with a folder for each data set, such as ``<data_dir>/mnist/``.
        classes: the classes to keep, by name or label; the k-th becomes label k. All when left out.
        limit: keep at most this many images of each part, the first in the published order (after the choice of
            classes). All when left out.
        attribute: for ``celeba``, the attribute to tell apart; ``Black_Hair`` when left out.
        download: whether a data set that is not found may be downloaded.

    Returns:
        The training and test parts as published: ``float32`` images in [0, 1], N×C×H×W, and ``int64`` labels.

    Raises:
        ConfigurationError: an unknown name, class or option, or data that cannot be found or downloaded.
        InputError: a file that is damaged or not in its format, or a choice that leaves no image.
    """
    spec = dataset_spec(name)
    if limit is not None and limit < 1:
        raise ConfigurationError(
            f"cannot load {name!r}", got=f"limit {limit}", expected="at least 1", remedy="leave the limit out for all"
        )
    options = _options(spec, attribute)
    raw: RawSplit = spec.read() if spec.embedded else spec.read(_folder(spec, data_dir, download), **options)
    if classes is not None:
        raw = select_classes(raw, classes, dataset=name)
    return Split(
        train=_dataset(name, "training", raw.class_names, raw.train, limit),
        test=_dataset(name, "test", raw.class_names, raw.test, limit),
    )


def _options(spec: DatasetSpec, attribute: str | None) -> dict[str, str]:
    if attribute is None:
        return {}
    if "attribute" not in spec.options:
        raise ConfigurationError(
            f"cannot load {spec.name!r}",
            got=f"attribute {attribute!r}",
            expected="no attribute for this data set",
            remedy="leave the attribute out, or load 'celeba'",
        )
    return {"attribute": attribute}


def _folder(spec: DatasetSpec, data_dir: Path | None, download: bool) -> Path:
    folder = find_folder(spec, data_dir)
    if folder is not None:
        return folder
    if not (download and spec.downloadable):
        raise missing_data(spec, data_dir)
    try:
        fetch_files(spec, cache_dir())
    except ConfigurationError as error:
        raise missing_data(spec, data_dir, tried=f"{error.what}, {error.got}") from error
    return cache_dir() / spec.folder


def _dataset(name: str, part_name: str, class_names: tuple[str, ...], part: RawPart, limit: int | None) -> Dataset:
    chosen = take_positions(part, np.arange(len(part.labels))[:limit])
    if len(chosen.labels) == 0:
        raise InputError(
            f"cannot load {name!r}",
            got=f"no image in the {part_name} part",
            expected=f"images of the classes {', '.join(class_names)}",
            remedy="choose other classes, or check the files with `qaml data verify`",
        )
    return Dataset(name, chosen.read(np.arange(len(chosen.labels))), chosen.labels, class_names)
