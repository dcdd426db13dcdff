"""What is done to data before a model sees them: asked for once, fitted on the training part, then done to all rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeIs

from qaml_qiskit.datasets.classes import Labelling
from qaml_qiskit.datasets.columns import Columns, fit_columns
from qaml_qiskit.datasets.pixels import Projection, Size, fit_projection, greyed, stacked
from qaml_qiskit.datasets.spec import Values
from qaml_qiskit.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame


def _absent(value: object) -> bool:
    return value is None or value is False or value == Labelling()


class DataPreparation(BaseModel):
    """From what was read to images and labels; the steps are done in this order.

    Attributes:
        labels: which classes are kept, and what they are taken together to.
        columns: what became of a table's columns.
        resize: height and width.
        grey: whether colours became grey.
        pca: principal components.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    labels: Annotated[Labelling, Field(exclude_if=_absent)] = Labelling()
    columns: Annotated[Columns | None, Field(exclude_if=_absent)] = None
    resize: Annotated[Size | None, Field(exclude_if=_absent)] = None
    grey: Annotated[bool, Field(exclude_if=_absent)] = False
    pca: Annotated[Projection | None, Field(exclude_if=_absent)] = None

    def images(self, values: Values, source: str) -> NDArray[np.float32]:
        """What was read, as images N×C×H×W.

        Args:
            values: of one part.
            source: what they come from, for messages.

        Raises:
            InputError: they are not such as those of the training.
        """
        images = self._before_pca(values, source)
        return images if self.pca is None else self.pca.images(images, source)

    def fitted(
        self, values: Values, *, categorical: Sequence[str], pca: int | None, source: str
    ) -> tuple["DataPreparation", NDArray[np.float32]]:
        """The preparation with what it learns from the training part, and that part prepared.

        Args:
            values: of the training part.
            categorical: columns of a table that are categories although they look like numbers.
            pca: how many principal components to take; None for the pixels or features themselves.
            source: what they come from, for messages.

        Raises:
            InputError: columns or images that cannot be used.
            ConfigurationError: a step that does not fit the data.
        """
        found = self
        if is_table(values):
            found = found.model_copy(update={"columns": fit_columns(values, categorical, source)})
        images = found._before_pca(values, source)
        if pca is not None:
            projection = fit_projection(images, pca, source)
            found, images = found.model_copy(update={"pca": projection}), projection.images(images, source)
        return found, images

    def _before_pca(self, values: Values, source: str) -> NDArray[np.float32]:
        if is_table(values) != (self.columns is not None):
            raise InputError(
                f"cannot use {source}",
                got="a table" if is_table(values) else "images",
                expected="images" if is_table(values) else "a table",
                remedy="give data of the kind that the model was trained on",
            )
        if not is_table(values):
            images = stacked(values, self.resize, source)
            return greyed(images, source) if self.grey else images
        option = "--resize" if self.resize is not None else "--grey" if self.grey else ""
        if option or self.columns is None:
            raise InputError(
                f"cannot prepare {source}", got=f"{option} of a table", expected="images", remedy=f"leave out {option}"
            )
        return self.columns.images(values, source)


def is_table(values: object) -> "TypeIs[DataFrame]":
    """Whether values are a table of pandas. Tells without importing it."""
    return type(values).__name__ == "DataFrame" and hasattr(values, "columns")
