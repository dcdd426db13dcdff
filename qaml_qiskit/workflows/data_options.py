"""What the commands that take a data set are asked for: which, and what is done to it."""

from collections.abc import Sequence
from operator import not_ as _absent  # what goes without saying is not in a run's configuration, as ever
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from qaml_qiskit.datasets.references import DatasetName
from qaml_qiskit.deployments import conditions, refusals
from qaml_qiskit.deployments.references import check_model, names_code
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.fields import ClassName, Count, Otherwise
from qaml_qiskit.workflows.request import Request


class DataSteps(Request):
    """Asks for data, how one's own are read, and what is done to any of them before a model sees them."""

    dataset: Annotated[DatasetName | None, Field(exclude_if=_absent)] = None
    """Whose images. Or a path to data of your own: an .npz, a table, a folder of images, IDX files."""
    classes: Annotated[tuple[ClassName, ...] | None, Field(exclude_if=_absent), Otherwise("all")] = None
    """Labels or names of the classes to keep, such as 3,8; the k-th becomes label k."""
    test_data: Annotated[str | None, Field(exclude_if=_absent)] = None
    """Own data whose test part is another file or folder: its path."""
    label_column: Annotated[str | None, Field(exclude_if=_absent), Otherwise("label")] = None
    """Of a table: the column with the classes."""
    columns: Annotated[tuple[str, ...], Field(exclude_if=_absent), Otherwise("those of the table's first line")] = ()
    """Of a table without a header: a file with the name of a column on every line, or the names."""
    ignore_columns: Annotated[tuple[str, ...], Field(exclude_if=_absent)] = ()
    """Of a table: columns that are left out."""
    binarise: Annotated[tuple[str, ...], Field(exclude_if=_absent)] = ()
    """Two groups of classes in place of the classes: attack=neptune,smurf gives those label 1 and all others label 0;
    normal attack=* gives the class normal label 0 and all others label 1."""
    resize: Annotated[
        Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(min_length=2, max_length=2)] | None,
        Field(exclude_if=_absent),
    ] = None
    """Height and width that images are brought to, such as 16 16."""
    grey: Annotated[bool, Field(exclude_if=_absent)] = False
    """Make colour images grey."""
    pca: Annotated[Count | None, Field(exclude_if=_absent)] = None
    """Take this many principal components of the training part, scaled to [0, 1], in place of pixels or columns."""
    split_seed: Annotated[int, Field(ge=0, exclude_if=_absent)] = 0
    """Of the choice of a test part, 30 % of each class, where own data have none."""

    def loading(self, data_dir: Path | None) -> dict[str, Any]:
        """The keywords with which :func:`~qaml_qiskit.datasets.load_dataset` loads a data set as it is asked for."""
        how = {name: getattr(self, name) for name in DataSteps.model_fields if name != "dataset"}
        seed = how.pop("split_seed")
        columns = self.columns[0] if len(self.columns) == 1 else self.columns or None
        groups = self.binarise or None
        return {**how, "columns": columns, "binarise": groups, "seed": seed, "data_dir": data_dir}


class DataOptions(DataSteps):
    """Asks for a data set."""

    dataset: DatasetName = "digits"
    """Whose images. Or a path to data of your own: an .npz, a table, a folder of images, IDX files."""


class ForNetworks(DataSteps):
    """Asks which images networks of the user's are for, which do not say it themselves."""

    dataset: Annotated[DatasetName | None, Field(exclude_if=_absent), Otherwise("that of the models beside them")] = (
        None
    )
    """Whose images networks of your own take; or a path to data of your own."""
    classes: Annotated[tuple[ClassName, ...] | None, Field(exclude_if=_absent), Otherwise("all, with --dataset")] = None
    """Labels or names of classes that networks of your own tell apart, such as 3,8; the k-th is their output k."""

    def check_networks(self, names: Sequence[str]) -> None:
        """Raise ConfigurationError for networks without data, and for data without networks.

        Args:
            names: of all deployments of the request.
        """
        models = [conditions.parse_deployment(name)[0] for name in names]
        networks = [name for name in models if names_code(name)]
        steps = [name for name in DataSteps.model_fields if name != "dataset" and not self.is_default(name)]
        if steps and self.dataset is None:
            option = "--" + steps[0].replace("_", "-")
            raise ConfigurationError(
                "the data of the networks are not complete",
                got=f"{option} without --dataset",
                expected="the data set that it is about",
                remedy="add --dataset",
            )
        if networks and self.dataset is None and len(networks) == len(models):
            check_model(networks[0])
            raise refusals.needs_data(networks[0])
        if not networks and self.dataset is not None:
            # What is no model may have been meant for a network.
            for name in models:
                check_model(name)
            raise refusals.needs_no_data(f"--dataset {self.dataset}")
