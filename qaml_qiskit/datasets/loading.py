"""From a data set's name, or the path of own data, to images and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qaml_qiskit.datasets.base import Split
from qaml_qiskit.datasets.catalogue import dataset_spec
from qaml_qiskit.datasets.classes import Binarise
from qaml_qiskit.datasets.columns import Header
from qaml_qiskit.datasets.download import fetch_files
from qaml_qiskit.datasets.files.format import TableOptions
from qaml_qiskit.datasets.files.table import read_header
from qaml_qiskit.datasets.own import read_own
from qaml_qiskit.datasets.pixels import size_of
from qaml_qiskit.datasets.preparing import Asked, prepared_named, prepared_own
from qaml_qiskit.datasets.references import GIVEN, is_path
from qaml_qiskit.datasets.sources import find
from qaml_qiskit.datasets.spec import DatasetSpec, RawSplit
from qaml_qiskit.datasets.store import cache_dir, find_folder, missing_data
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.seeds import check_seed


def load_dataset(
    name: str | Path,
    *,
    data_dir: Path | None = None,
    classes: Sequence[int | str] | None = None,
    limit: int | None = None,
    attribute: str | None = None,
    download: bool = True,
    test_data: str | Path | None = None,
    label_column: str | None = None,
    columns: str | Path | Sequence[str] | None = None,
    ignore_columns: Sequence[str] = (),
    resize: Sequence[int] | None = None,
    grey: bool = False,
    binarise: Binarise | None = None,
    pca: int | None = None,
    seed: int = 0,
) -> Split:
    """Load a data set that is known by name, or own data.

    The files of a data set by name are looked for in ``data_dir``, in ``$QAML_DATA_DIR`` and in the per-user cache, in
    this order; failing that they are downloaded into the cache. Files that are found are parsed strictly; that they are
    the official ones is checked when they are fetched, and by ``verify``.

    Own data are an .npz, a table, a folder of images, or IDX files, at a path; ``docs/data.md`` has the layouts.
    Without a test part, 30 per cent of every class, chosen by a hash, become one.

    Args:
        name: one of ``dataset_names()``, or a path.
        data_dir: a data directory, with a folder for each data set, such as ``<data_dir>/mnist/``; own data are looked
            for there, too.
        classes: the classes to keep, by name or label; the k-th becomes label k. All when left out.
        limit: keep at most this many images of each part, the first in the published order (after the choice of
            classes). All when left out.
        attribute: for ``celeba``, the attribute to tell apart; ``Black_Hair`` when left out.
        download: whether a data set that is not found may be downloaded.
        test_data: a path with the test part, where it is a file of its own.
        label_column: of a table, the column with the classes; ``label`` when left out.
        columns: of a table without a header, the names of its columns, or a file with one a line.
        ignore_columns: of a table, columns that are left out.
        resize: height and width that images are brought to.
        grey: whether colours become grey.
        binarise: two groups of classes instead of the classes, such as ``"attack=neptune,smurf"``,
            ``"normal attack=*"`` or ``{"normal": "normal", "attack": "*"}``; a single group becomes label 1, and all
            other classes label 0.
        pca: take this many principal components, fitted on the training part and scaled to [0, 1], as features.
        seed: of the choice of a test part.

    Returns:
        The parts: ``float32`` images in [0, 1], N×C×H×W, and ``int64`` labels; a row of a table is an image of 1×1×D.

    Raises:
        ConfigurationError: an unknown name, class or option, or data that cannot be found or downloaded.
        InputError: a file that is damaged or not in its format, or a choice that leaves no image.
    """
    arguments = dict(locals())
    _check_kinds(arguments)
    asked = Asked(classes, binarise, size_of(resize), grey, pca, limit)
    check_seed(seed)
    if limit is not None and limit < 1:
        raise ConfigurationError(
            f"cannot load {str(name)!r}",
            got=f"limit {limit}",
            expected="at least 1",
            remedy="leave the limit out for all",
        )
    ignored = (ignore_columns,) if isinstance(ignore_columns, str) else tuple(ignore_columns)
    options = TableOptions(label_column, _header(columns, data_dir), ignored)
    test_path = None if test_data is None else str(test_data)
    if name in GIVEN:
        if asked != Asked() or options.given or test_path is not None or attribute is not None:
            raise ConfigurationError(
                f"the data {name} are prepared already",
                got="further steps",
                expected="data as they were given",
                remedy="give the steps to load_dataset, or to Split.from_arrays",
            )
        return GIVEN[str(name)]
    if is_path(name):
        if attribute is not None:
            raise _no_attribute(str(name), attribute)
        return Split.of(prepared_own(read_own(str(name), test_path, options, seed, data_dir), asked), arguments)
    if options.given or test_data is not None:
        raise ConfigurationError(
            f"the data set {dataset_spec(str(name)).name!r} has no use for options of own data",
            got="--test-data" if test_data is not None else "--label-column, --columns or --ignore-columns",
            expected="a path beside them",
            remedy="leave them out",
        )
    spec = dataset_spec(str(name))
    if spec.states and (asked.resize or asked.grey or asked.pca):
        raise _no_states(spec, asked)
    raw = read_named(str(name), data_dir, attribute=attribute, download=download)
    found = prepared_named(str(name), raw, asked)
    return Split.of(replace(found, notes=(*spec.notes, *found.notes)), arguments)


def _check_kinds(arguments: Mapping[str, Any]) -> None:
    """Refuse what is no text, path or list of them, where one is expected."""
    for what, kinds in (
        ("name", str | Path),
        ("test_data", str | Path | None),
        ("label_column", str | None),
        ("columns", str | Path | Sequence | None),
        ("ignore_columns", Sequence),
        ("data_dir", Path | str | None),
    ):
        if not isinstance(arguments[what], kinds):
            raise ConfigurationError(
                "cannot load the data",
                got=f"a {type(arguments[what]).__name__} for {what}",
                expected="a text or a path" if "column" not in what else "texts",
                remedy="arrays become a data set by Split.from_arrays" if what == "name" else f"correct {what}",
            )


def read_named(name: str, data_dir: Path | None, *, attribute: str | None = None, download: bool = True) -> RawSplit:
    """All classes of a data set that is known by name; the arguments are those of :func:`load_dataset`."""
    spec = dataset_spec(name)
    options = _options(spec, attribute)
    return spec.read() if spec.embedded else spec.read(_folder(spec, data_dir, download), **options)


def _header(columns: str | Path | Sequence[str] | None, data_dir: Path | None) -> Header | None:
    if columns is None:
        return None
    if isinstance(columns, str | Path):
        return read_header(find(str(columns), data_dir))
    names = tuple(map(str, columns))
    if not names or len(set(names)) < len(names):
        raise ConfigurationError(
            "cannot name the columns", got=list(names), expected="different names", remedy="name every column once"
        )
    return Header(names=names)


def _options(spec: DatasetSpec, attribute: str | None) -> dict[str, str]:
    if attribute is None:
        return {}
    if "attribute" not in spec.options:
        raise _no_attribute(spec.name, attribute)
    return {"attribute": attribute}


def _no_attribute(name: str, attribute: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot load {name!r}",
        got=f"attribute {attribute!r}",
        expected="no attribute for this data set",
        remedy="leave the attribute out, or load 'celeba'",
    )


def _no_states(spec: DatasetSpec, asked: Asked) -> ConfigurationError:
    return ConfigurationError(
        f"the images of {spec.name!r} are quantum states",
        got="--resize" if asked.resize else "--grey" if asked.grey else "--pca",
        expected="their amplitudes as they are",
        remedy="leave it out",
    )


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
