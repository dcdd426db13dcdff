"""Own data at a path: every layout, what is done to the parts, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from qaml_qiskit.datasets import Dataset, Split, load_dataset, load_rows, load_test
from qaml_qiskit.datasets.columns import Columns, fit_columns
from qaml_qiskit.errors import ConfigurationError, DataWarning, QamlError
from tests.tolerances import DIFFERENT, VALUE
from tests.unit.datasets.own_files import flows, kdd, letters, medmnist, photographs

CLOSE = VALUE[torch.float32]


def test_medmnist_has_its_three_parts(tmp_path: Path) -> None:
    split = load_dataset(medmnist(tmp_path / "xrays.npz"))
    assert split.validation is not None
    assert [len(part) for part in (split.train, split.validation, split.test)] == [40, 10, 20]
    assert split.train.images.shape == (40, 1, 4, 4)
    assert split.train.images.max() <= 1
    assert (split.train.name, split.train.class_names, split.classes) == ("xrays.npz", ("0", "1"), ("0", "1"))
    assert split.source is not None
    assert split.source.seed is None
    assert split.notes == ()


@pytest.mark.parametrize(
    ("shape", "channels_first"),
    [((4, 5), (1, 4, 5)), ((4, 5, 3), (3, 4, 5)), ((3, 4, 5), (3, 4, 5)), ((1, 2, 6), (1, 2, 6)), ((7,), (1, 1, 7))],
)
@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_layouts_of_arrays(shape: tuple[int, ...], channels_first: tuple[int, ...], kind: type) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, *shape)).astype(np.uint8)
    given = pixels if kind is np.uint8 else pixels / 255
    made = Dataset.from_arrays(given, np.arange(10)[:, None] % 2)
    assert made.image_shape == channels_first
    moved = np.moveaxis(pixels, -1, 1) if shape == (4, 5, 3) else pixels
    assert_allclose(made.images.reshape(10, -1), moved.reshape(10, -1) / 255, atol=CLOSE)


def test_labels_with_gaps_and_texts_are_mapped_and_told(tmp_path: Path) -> None:
    images = np.zeros((30, 2, 2))
    np.savez(tmp_path / "gaps.npz", images=images, labels=np.array([10, 3, 7] * 10))
    split = load_dataset(tmp_path / "gaps.npz")
    assert split.train.class_names == ("3", "7", "10")
    assert "3 is 0, 7 is 1, 10 is 2" in split.notes[1]
    np.savez(tmp_path / "texts.npz", images=images, labels=np.array(["ship", "car", "dog"] * 10))
    assert load_dataset(tmp_path / "texts.npz").classes == ("car", "dog", "ship")
    assert load_dataset(tmp_path / "texts.npz", classes=["ship", "car"]).train.class_names == ("ship", "car")
    assert load_dataset(tmp_path / "gaps.npz", classes=[7, 3]).train.class_names == ("7", "3")


def test_a_test_part_is_chosen_by_the_seed_and_of_every_class(tmp_path: Path) -> None:
    images = np.arange(40)[:, None, None] / np.full((40, 2, 2), 40.0)
    np.savez(tmp_path / "all.npz", images=images, labels=np.arange(40) % 4 // 3)
    first, again, other = (load_dataset(tmp_path / "all.npz", seed=seed) for seed in (0, 0, 1))
    assert_array_equal(first.test.images, again.test.images)
    assert not np.array_equal(first.test.images, other.test.images)
    assert np.bincount(first.test.labels).tolist() == [9, 3]
    together = np.sort(np.concatenate([first.train.images, first.test.images])[:, 0, 0, 0])
    assert_allclose(together, np.arange(40) / 40, atol=CLOSE)
    assert "12 of 40 rows were chosen" in first.notes[0]


def test_columns_are_scaled_by_the_training_part_alone(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b,same,label\n2,x,1,no\n4,y,1,yes\n3,x,1,no\n")
    (tmp_path / "test.csv").write_text("label,b,a,same\nno,z,9,5\nyes,x,3,1\n")
    split = load_dataset(tmp_path / "train.csv", test_data=tmp_path / "test.csv")
    assert split.preparation is not None
    assert split.preparation.columns is not None
    assert split.preparation.columns.features == ("a", "b=x", "b=y")
    assert split.train.images.shape == (3, 1, 1, 3)
    assert_allclose(split.train.images[:, 0, 0], [[0, 1, 0], [1, 0, 1], [0.5, 1, 0]])
    assert_allclose(split.test.images[:, 0, 0], [[1, 0, 0], [0.5, 1, 0]])
    assert split.test.labels.tolist() == [0, 1]
    told = " ".join(split.notes)
    assert "the same in all training rows: same" in told
    assert "1 row has a category of b that the training part does not have, such as 'z'" in told


def test_parquet_says_what_csv_says(tmp_path: Path) -> None:
    table = pd.read_csv(flows(tmp_path / "flows.csv"))
    table.to_parquet(tmp_path / "flows.parquet")
    one, other = (load_dataset(tmp_path / f"flows.{kind}", label_column="kind") for kind in ("csv", "parquet"))
    assert_array_equal(one.train.images, other.train.images)
    assert one.preparation == other.preparation
    here = Split.from_arrays(table.drop(columns="kind"), table["kind"])
    assert_array_equal(here.test.images, one.test.images)
    assert here.preparation == one.preparation


def test_the_published_files_of_nsl_kdd(tmp_path: Path) -> None:
    train, test, names = kdd(tmp_path)
    split = load_dataset(
        train,
        test_data=test,
        columns=names,
        label_column="column_5",
        ignore_columns=["column_6"],
        binarise="normal attack=*",
    )
    assert split.train.class_names == ("normal", "attack")
    assert (len(split.train), len(split.test)) == (60, 30)
    assert split.preparation is not None
    assert split.preparation.columns is not None
    assert split.preparation.columns.features == (
        *("duration", "rate"),
        *("protocol_type=icmp", "protocol_type=tcp", "protocol_type=udp"),
    )
    assert split.source is not None
    again = load_test(split.train.name, split.classes, split.source, split.preparation, None)
    assert_array_equal(again.images, split.test.images)
    assert_array_equal(again.labels, split.test.labels)


@pytest.mark.parametrize("parts", [(), ("train", "test"), ("train", "val", "test")])
def test_folders_of_images(tmp_path: Path, parts: tuple[str, ...]) -> None:
    folder = photographs(tmp_path / "photos", parts)
    split = load_dataset(folder)
    assert split.train.class_names == ("ships", "trucks")
    assert split.train.image_shape == (3, 4, 6)
    assert (split.validation is not None) == ("val" in parts)
    shown = np.asarray(Image.open(folder / "train/ships/0.png")) if parts else None
    if shown is not None:
        assert_allclose(split.train.images[0], shown.transpose(2, 0, 1) / 255, atol=CLOSE)
    assert load_dataset(folder, grey=True, resize=(2, 3)).train.image_shape == (1, 2, 3)


def test_grey_and_deep_images(tmp_path: Path) -> None:
    folder = photographs(tmp_path / "grey", mode="L")
    assert load_dataset(folder).train.image_shape == (1, 4, 6)
    deep = np.full((4, 6), 65535, np.uint16)
    Image.fromarray(deep).save(folder / "ships/0.png")
    split = load_dataset(folder)
    assert max(split.train.images.max(), split.test.images.max()) == 1


def test_idx_files(tmp_path: Path) -> None:
    folder = letters(tmp_path / "letters")
    split = load_dataset(folder)
    assert split.train.class_names == ("1", "2", "3")
    assert_allclose(split.test.images[1].ravel(), np.arange(15, 30) / 255, atol=CLOSE)
    pair = load_dataset(
        folder / "train-images-idx3-ubyte.gz", test_data=folder / "t10k-images-idx3-ubyte.gz", classes=["3", "1"]
    )
    assert pair.train.class_names == ("3", "1")
    assert len(load_dataset(letters(tmp_path / "half", ("train",))).test) == 6


def test_groups_of_classes() -> None:
    digits = load_dataset("digits", classes=[0, 1, 2, 3])

    def labels(asked: object, classes: list[int] | None = None) -> tuple[tuple[str, ...], list[int]]:
        split = load_dataset("digits", binarise=asked, classes=classes)  # type: ignore[arg-type]
        return split.train.class_names, np.bincount(split.train.labels).tolist()

    counts = np.bincount(load_dataset("digits").train.labels).tolist()
    rest = sum(counts) - counts[1] - counts[2]
    assert labels("few=1,2") == (("not few", "few"), [rest, counts[1] + counts[2]])
    assert labels("1") == (("not 1", "1"), [sum(counts) - counts[1], counts[1]])
    assert labels("1 others=*") == (("1", "others"), [counts[1], sum(counts) - counts[1]])
    assert labels({"few": ["1", "2"], "three": "3"}) == (("few", "three"), [counts[1] + counts[2], counts[3]])
    assert labels(("few=1", "2"), [0, 1, 2, 3])[1] == [counts[0] + counts[3], counts[1] + counts[2]]
    assert digits.classes == (0, 1, 2, 3)


def test_principal_components_are_the_same_for_the_same_row() -> None:
    split = load_dataset("digits", pca=5, classes=[3, 8])
    assert split.train.images.shape[1:] == (1, 1, 5)
    assert split.train.images.min() == 0
    assert split.train.images.max() == 1
    whole = load_dataset("digits", classes=[3, 8]).test.images
    steps = split.preparation
    assert steps is not None
    assert steps.pca is not None
    assert_allclose(steps.pca.images(whole[7:8], "test")[0], split.test.images[7], atol=CLOSE)
    assert_array_equal(load_test("digits", (3, 8), None, steps, None).images, split.test.images)
    # Distances among training rows are those in the plane, up to the scale of each axis.
    assert 0.3 < steps.pca.explained < 1


def test_other_rows_go_the_same_way(tmp_path: Path) -> None:
    split = load_dataset(flows(tmp_path / "flows.csv"), label_column="kind", classes=["normal", "smurf"])
    (tmp_path / "new.csv").write_text("kind,bytes,duration,protocol\nsmurf,1e9,0.5,sctp\nneptune,5,0.1,tcp\n")
    rows, positions, notes = load_rows(tmp_path / "new.csv", split.classes, split.source, split.preparation)
    assert (rows.labels.tolist(), positions.tolist()) == ([1], [0])
    assert rows.images[0, 0, 0, 1:].tolist() == [1, 0, 0, 0]
    assert "Left out of new.csv: rows of classes that the model does not have, 1" in notes[0]
    assert "'sctp'" in notes[1]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_later_rows_may_have_a_header_and_labels_of_their_own(ending: str, tmp_path: Path) -> None:
    train, test, names = kdd(tmp_path)
    how: dict[str, Any] = {"label_column": "column_5", "ignore_columns": ["column_6"], "binarise": "normal attack=*"}
    split = load_dataset(train, test_data=test, columns=names, **how)
    table = pd.read_csv(test, header=None, names=["duration", "protocol_type", "land", "rate", "label", "difficulty"])
    write = {"csv": lambda file: table.to_csv(file, index=False), "parquet": table.to_parquet}[ending]
    write(tmp_path / f"later.{ending}")
    rows, _, notes = load_rows(tmp_path / f"later.{ending}", split.classes, split.source, split.preparation)
    assert_array_equal(rows.images, split.test.images)
    assert_array_equal(rows.labels, split.test.labels)
    assert notes == ()
    (tmp_path / "other.csv").write_text(table.rename(columns={"label": "kind"}).to_csv(index=False))
    with pytest.raises(QamlError, match=r"no column 'column_5'.*as in the training, or 'label'"):
        load_rows(tmp_path / "other.csv", split.classes, split.source, split.preparation)


def test_a_path_may_be_called_like_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    letters(tmp_path / "digits")
    assert load_dataset("digits").train.image_shape == (1, 8, 8)
    assert load_dataset("./digits").train.image_shape == (1, 3, 5)


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    def fingerprint(path: Path) -> str:
        source = load_dataset(path).source
        assert source is not None
        return source.fingerprint

    one = photographs(tmp_path / "one", ("train", "test"))
    shutil.copytree(one, tmp_path / "other")
    assert fingerprint(one) == fingerprint(tmp_path / "other")
    (tmp_path / "other/test/ships/0.png").rename(tmp_path / "other/test/ships/9.png")
    assert fingerprint(one) != fingerprint(tmp_path / "other")


def _write(content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "rows.csv").write_text(content)
        return folder / "rows.csv"

    return write


def _arrays(**arrays: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.savez(folder / "rows.npz", **arrays)
        return folder / "rows.npz"

    return write


def _broken_image(folder: Path) -> Path:
    photographs(folder / "photos")
    content = (folder / "photos/trucks/3.png").read_bytes()
    (folder / "photos/trucks/3.png").write_bytes(content[: len(content) // 2])
    return folder / "photos"


def _no_image(folder: Path) -> Path:
    photographs(folder / "photos")
    (folder / "photos/trucks/3.png").write_text("hello")
    return folder / "photos"


def _two_sizes(folder: Path) -> Path:
    photographs(folder / "photos")
    Image.new("RGB", (9, 9)).save(folder / "photos/trucks/3.png")
    return folder / "photos"


def _measured(folder: Path) -> Path:
    photographs(folder / "photos")
    Image.fromarray(np.full((4, 6), 0.5, np.float32)).save(folder / "photos/trucks/9.tif")
    return folder / "photos"


def _broken_link(folder: Path) -> Path:
    (photographs(folder / "photos") / "trucks/9.png").symlink_to("nowhere.png")
    return folder / "photos"


def _flat(folder: Path) -> Path:
    return photographs(folder / "photos") / "ships"


def _empty_class(folder: Path) -> Path:
    (photographs(folder / "photos") / "planes").mkdir()
    return folder / "photos"


IMAGES, LABELS = np.zeros((20, 2, 2)), np.arange(20) % 2
REFUSED: dict[str, tuple[Callable[[Path], Path], dict[str, object], str]] = {
    "pickles": (_arrays(images=np.array([{}] * 4), labels=LABELS), {}, "holds pickled objects"),
    "no labels": (_arrays(images=IMAGES), {}, "no array 'labels'"),
    "other names": (_arrays(x=IMAGES, y=LABELS), {}, "got the arrays 'x', 'y'"),
    "one class": (_arrays(images=IMAGES, labels=0 * LABELS), {}, "one class only"),
    "labels with fractions": (_arrays(images=IMAGES, labels=LABELS / 2), {}, "the label 0.5 in row 1; "),
    "measured labels": (_write("a,label\n" + "1,0.5\n2,1\n" * 9), {}, "the column 'label' .*the label 0.5 in row 0; "),
    "a label that is none": (_arrays(images=IMAGES, labels=np.where(LABELS, np.nan, 0)), {}, "the label nan in row 1"),
    "images in no part": (
        _arrays(images=IMAGES, labels=LABELS, test_images=IMAGES, test_labels=LABELS),
        {},
        "`images` beside `test_images`",
    ),
    "images in a part and in none": (
        _arrays(images=IMAGES, labels=LABELS, train_images=IMAGES, train_labels=LABELS),
        {},
        "`images` beside `train_images`",
    ),
    "semicolons": (_write("a;label\n" + "1;x\n2;y\n" * 9), {}, "'a;label', with semicolons in it"),
    "tabs": (_write("1\tx\n2\ty\n" * 9), {"columns": ["a", "label"]}, "a single column, '1.x', with tabs in it"),
    "pixels without a white": (_measured, {}, r"trucks/9\.tif: got pixels that are numbers with fractions"),
    "a link to nothing": (_broken_link, {}, r"trucks/9\.png: got No such file"),
    "images without a folder a class": (_flat, {}, "a folder without images in sub-folders"),
    "labels of several": (_arrays(images=IMAGES, labels=np.eye(2)[LABELS]), {}, "one label an image"),
    "pixels beyond one": (_arrays(images=IMAGES + 3, labels=LABELS), {}, "pixel 3.0"),
    "a class of one row": (_arrays(images=IMAGES, labels=np.arange(20) // 19), {}, "missing in its test part: .*'1'"),
    "a class that is not tested": (
        lambda folder: medmnist(folder / "x.npz", test_labels=np.zeros(20, int)),
        {},
        "missing in its test part",
    ),
    "NaN cells": (_write("a,b,label\n1,2,x\n,3,y\n2,3,x\n"), {}, "row 1 .*a cell without a value in the column 'a'"),
    "infinite cells": (
        _write("a,label\n" + "1,x\n1,y\n2,x\n3,y\n" * 5 + "inf,x\ninf,x\ninf,x\n"),
        {},
        r"row 2[012] of .*'inf' .* expected a finite number",
    ),
    "constant columns": (_write("a,label\n" + "1,x\n1,y\n" * 9), {}, "the same in all training rows"),
    "no label column": (_write("a,b\n1,2\n"), {}, "no column 'label'; expected one of the columns a, b"),
    "misspelt label column": (_write("a,kind\n1,2\n"), {"label_column": "kinds"}, "Perhaps kind is meant"),
    "rows longer than the header": (_write("a,label\n" + "1,2,x\n3,4,y\n" * 5), {}, "rows longer than the header"),
    "a header of its own": (_write("a,label\n" + "1,x\n2,y\n" * 5), {"columns": ["a", "label"]}, "Leave out --columns"),
    "too many names": (_write("1,x\n2,y\n"), {"columns": ["a", "b", "label"]}, "2 columns; expected at least the 3"),
    "a name twice": (_write("1,x\n2,y\n"), {"columns": ["a", "a"]}, "Name every column once"),
    "no header": (_write("1,x\n2,y\n3,x\n"), {}, "needs --columns"),
    "an empty table": (_write(""), {}, "an empty file"),
    "a table of a head": (_write("a,label\n"), {}, "no rows"),
    "an empty npz": (lambda folder: _bytes(folder / "x.npz", b""), {}, "an empty file"),
    "a table that is none": (lambda folder: _bytes(folder / "x.parquet", b"PAR1"), {}, "cannot read the data"),
    "a broken image": (_broken_image, {}, r"trucks/3\.png: got a damaged image"),
    "no image": (_no_image, {}, r"trucks/3\.png: got a damaged image"),
    "images of two sizes": (_two_sizes, {}, r"different sizes.*9×9 for .*trucks/3\.png.*--resize"),
    "a class without images": (_empty_class, {}, "planes: got no image"),
    "another ending": (lambda folder: _bytes(folder / "x.mat", b"x"), {}, r"a file \.mat"),
    "a table is resized": (
        _write("a,label\n1,x\n2,y\n" * 1 + "3,x\n4,y\n" * 5),
        {"resize": (2, 2)},
        "--resize of a table",
    ),
    "more components than columns": (
        _write("a,label\n" + "1,x\n2,y\n" * 9),
        {"pca": 5},
        "--pca 5 of .*expected 1 to 1",
    ),
    "a group of nothing": (_write("a,label\n" + "1,x\n2,y\n" * 9), {"binarise": "z"}, "got 'z'; expected classes"),
    "three groups": (_write("a,label\n" + "1,x\n2,y\n" * 9), {"binarise": "a=x b=y c=*"}, "one group or two"),
    "columns of arrays": (_arrays(images=IMAGES, labels=LABELS), {"label_column": "a"}, "has no columns"),
}


def _bytes(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    write, how, said = REFUSED[name]
    with pytest.raises(QamlError, match=said):
        load_dataset(write(tmp_path), **how)  # type: ignore[arg-type]


def test_arrays_are_refused_with_their_name() -> None:
    with pytest.raises(QamlError, match="the test part is not complete: got images alone"):
        Split.from_arrays(IMAGES, LABELS, IMAGES)
    with pytest.raises(QamlError, match="the train images: cannot use image 2"):
        Split.from_arrays(np.where(np.arange(20)[:, None, None] == 2, np.nan, IMAGES), LABELS)
    made = Split.from_arrays(IMAGES + LABELS[:, None, None], LABELS, IMAGES, LABELS, name="mine")
    with pytest.raises(QamlError, match="trained on data of a Python process"):
        load_test("mine", made.classes, made.source, made.preparation, None)
    assert Split.from_arrays(IMAGES, LABELS).source != made.source


NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
WORDS = st.sampled_from(["tcp", "udp", "icmp", "", " a", "1"])


@settings(max_examples=40, deadline=None)
@given(
    numbers=arrays(np.float64, st.tuples(st.integers(4, 12), st.integers(1, 4)), elements=NUMBERS),
    later=st.lists(NUMBERS, min_size=1, max_size=3),
    words=st.lists(WORDS, min_size=12, max_size=12),
)
def test_random_tables_are_prepared_by_what_is_kept(numbers: np.ndarray, later: list[float], words: list[str]) -> None:
    table = pd.DataFrame({f"n{column}": numbers[:, column] for column in range(numbers.shape[1])})
    table["word"] = words[: len(table)]
    low, high = numbers.min(0), numbers.max(0)
    assume((high - low > DIFFERENT).all())
    columns = fit_columns(table, (), "a table")
    kept = Columns.model_validate_json(columns.model_dump_json())
    images = kept.images(table, "a table")
    assert_array_equal(images, columns.images(table, "a table"))
    assert images.shape == (len(table), 1, 1, len(kept.features))
    count = numbers.shape[1]
    assert_allclose(images[:, 0, 0, :count], (numbers - low) / (high - low), atol=CLOSE)
    assert_array_equal(images[:, 0, 0, count:].sum(1), np.full(len(table), float(len(set(words[: len(table)])) > 1)))
    new = table.iloc[[0]].assign(n0=later[0], word="never")
    first = kept.images(new, "new")[0, 0, 0]
    assert_allclose(first[0], np.clip((later[0] - low[0]) / (high[0] - low[0]), 0, 1), atol=CLOSE)
    assert not first[count:].any()


@settings(max_examples=30, deadline=None)
@given(
    labels=st.lists(st.sampled_from("abc"), min_size=2, max_size=60),
    seed=st.integers(0, 9),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 6)),
)
def test_random_data_are_split_class_by_class(labels: list[str], seed: int, shape: tuple[int, int]) -> None:
    counts = {name: labels.count(name) for name in set(labels)}
    assume(len(counts) > 1 and min(counts.values()) > 1)
    images = np.arange(len(labels))[:, None, None] / np.full((len(labels), *shape), float(len(labels)))
    split = Split.from_arrays(images, labels, seed=seed)
    assert split.train.class_names == tuple(sorted(counts))
    for label, name in enumerate(sorted(counts)):
        tested = int((split.test.labels == label).sum())
        assert tested == min(max(round(0.3 * counts[name]), 1), counts[name] - 1)
    for part in (split.train, split.test):
        rows = np.rint(part.images[:, 0, 0, 0] * len(labels)).astype(int)
        assert [labels[row] for row in rows] == [part.class_names[label] for label in part.labels]


PIXELS, CLASSES = np.full((20, 2, 2), 0.5), np.arange(20) % 2
NOT_ARRAYS: dict[str, tuple[object, object, dict[str, Any], str]] = {
    "nothing": (None, None, {}, "train part is not complete: got nothing"),
    "rows of two lengths": ([[1, 2], [3]], [0, 1], {}, "a list that is no array"),
    "labels of two lengths": (PIXELS, [[1], [0, 1]] * 10, {}, "train labels: got a list that is no array"),
    "a column twice": (pd.DataFrame(PIXELS[:, 0], columns=["a", "a"]), CLASSES, {}, "the column 'a' twice"),
    "no rows": (pd.DataFrame({"a": []}), [], {}, "got 0 rows of 1 columns"),
    "bytes": (pd.DataFrame({"a": [b"\xff", b"a"] * 10}), CLASSES, {}, "column 'a' of the train table: got bytes"),
    "complex numbers": (
        pd.DataFrame({"a": np.arange(20) * 1j}),
        CLASSES,
        {},
        r"row (\d+) of arrays: got '\1j' in .*real",
    ),
    "a range beyond all numbers": (
        pd.DataFrame({"a": np.where(CLASSES, 1e308, -1e308)}),
        CLASSES,
        {},
        r"'-?1e\+308' in .* 'a'",
    ),
    "a label that is missing": (PIXELS, ["x", None] * 10, {}, "the label None in row 1"),
    "endless labels": (PIXELS, CLASSES * 1e300, {}, r"the label 1e\+300 in row 1"),
    "classes": (PIXELS, CLASSES, {"classes": 3}, "classes does not fit: got 3"),
    "resize": (PIXELS, CLASSES, {"resize": 3}, "cannot resize: got "),
    "grey": (PIXELS, CLASSES, {"grey": "x"}, "grey does not fit: got 'x'"),
    "pca": (PIXELS, CLASSES, {"pca": 1.5}, "pca does not fit: got 1.5"),
    "groups": (PIXELS, CLASSES, {"binarise": {"a": 3}}, "binarise does not fit"),
    "groups by number": (PIXELS, CLASSES, {"binarise": [1]}, "binarise does not fit"),
    "seed": (PIXELS, CLASSES, {"seed": "x"}, "this is no seed: got 'x'"),
}


@pytest.mark.parametrize("what", NOT_ARRAYS)
def test_what_is_no_data_set_is_refused(what: str) -> None:
    rows, labels, options, said = NOT_ARRAYS[what]
    with pytest.raises(QamlError, match=said):
        Split.from_arrays(rows, labels, **options)


@pytest.mark.parametrize(
    "options",
    [{"name": 3}, {"name": None}, {"limit": "x"}, {"limit": 1.5}, {"classes": 3}, {"columns": 3}, {"pca": "a"}],
    ids=str,
)
def test_arguments_of_another_kind_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"does not fit|cannot load the data"):
        load_dataset(**{"name": "digits", **options})


def test_tensors_are_arrays_wherever_they_are_from() -> None:
    pixels, labels = torch.full((20, 2, 2), 0.5, requires_grad=True), torch.arange(20) % 2
    split = Split.from_arrays(pixels, labels)
    assert split.train.images.shape == (14, 1, 2, 2)
    assert (split.train.images == 0.5).all()


def test_bytes_that_are_hardly_light_are_told_of() -> None:
    masks = np.arange(80).reshape(20, 2, 2) % 2
    with pytest.warns(DataWarning, match=r"The values of the train images are bytes, none above 1.*astype\(bool\)"):
        dark = Split.from_arrays(masks.astype(np.uint8), LABELS)
    assert_allclose(dark.train.images.max(), 1 / 255, atol=CLOSE)
    assert Split.from_arrays(masks.astype(bool), LABELS).train.images.max() == 1


def test_sizes_of_numpy_are_sizes() -> None:
    split = Split.from_arrays(IMAGES, LABELS, resize=np.array([1, 2]))  # type: ignore[arg-type]
    assert split.train.image_shape == (1, 1, 2)


@pytest.mark.parametrize(("cell", "declared"), [("?", False), ('"1,000"', False), ("?", True)])
def test_numbers_that_became_categories_are_told(cell: str, declared: bool, tmp_path: Path) -> None:
    rows = "".join(f"{cell if row % 10 > 7 else row % 3},{'xy'[row % 2]}\n" for row in range(40))
    (tmp_path / "rows.csv").write_text("a,label\n" * (not declared) + rows)
    (tmp_path / "names.txt").write_text("a,symbolic\nlabel\n")
    split = load_dataset(tmp_path / "rows.csv", columns=tmp_path / "names.txt" if declared else None)
    told = f"'a' is taken as 4 categories, since it has texts such as {cell.strip(chr(34))!r}"
    assert any(told in note for note in split.notes) != declared


def test_a_column_without_a_name_is_told(tmp_path: Path) -> None:
    lines = [",a,label", *(f"{number},{number % 7},{'xy'[number % 2]}" for number in range(20))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    notes = load_dataset(tmp_path / "rows.csv").notes
    assert any("'Unnamed: 0' has no name in the table" in note for note in notes)
    assert not any("Unnamed" in note for note in load_dataset(tmp_path / "rows.csv", ignore_columns="Unnamed: 0").notes)
