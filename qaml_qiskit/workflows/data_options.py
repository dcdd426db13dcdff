"""What the commands that take a data set are asked for: which, and what is done to it."""

from operator import not_
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from qaml_qiskit.datasets.names import DatasetName
from qaml_qiskit.workflows.fields import ClassName, Count, Otherwise
from qaml_qiskit.workflows.request import Request


class DataOptions(Request):
    """Asks for a data set."""

    dataset: DatasetName = "digits"
    """Whose images. Or a path to data of your own: an .npz, a table, a folder of images, IDX files."""
    classes: Annotated[tuple[ClassName, ...] | None, Field(exclude_if=not_), Otherwise("all")] = None
    """Labels or names of the classes to keep, such as 3,8; the k-th becomes label k."""
    test_data: Annotated[str | None, Field(exclude_if=not_)] = None
    """Own data whose test part is another file or folder: its path."""
    label_column: Annotated[str | None, Field(exclude_if=not_), Otherwise("label")] = None
    """Of a table: the column with the classes."""
    columns: Annotated[str | None, Field(exclude_if=not_), Otherwise("those of the table's first line")] = None
    """Of a table without a header: a file with the name of a column on every line."""
    ignore_columns: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    """Of a table: columns that are left out."""
    binarise: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    """Two groups of classes in place of the classes: attack=neptune,smurf gives those label 1 and all others label 0;
    normal attack=* gives the class normal label 0 and all others label 1."""
    resize: Annotated[
        Annotated[tuple[Count, ...], Field(min_length=2, max_length=2)] | None, Field(exclude_if=not_)
    ] = None
    """Height and width that images are brought to, such as 16 16."""
    grey: Annotated[bool, Field(exclude_if=not_)] = False
    """Make colour images grey."""
    pca: Annotated[Count | None, Field(exclude_if=not_)] = None
    """Take this many principal components of the training part, scaled to [0, 1], in place of pixels or columns."""
    split_seed: Annotated[int, Field(ge=0, exclude_if=not_)] = 0
    """Of the choice of a test part, 30 % of each class, where own data have none."""

    def loading(self, data_dir: Path | None) -> dict[str, Any]:
        """The keywords with which :func:`~qaml_qiskit.datasets.load_dataset` loads it."""
        names = ("classes", "test_data", "label_column", "columns", "ignore_columns", "resize", "grey", "pca")
        how = {name: getattr(self, name) for name in names}
        return {**how, "binarise": self.binarise or None, "seed": self.split_seed, "data_dir": data_dir}
