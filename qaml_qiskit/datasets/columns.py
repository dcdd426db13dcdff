"""The columns of a table as features in [0, 1]: scales and categories of the training part, for all later rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from qaml_qiskit.errors import InputError
from qaml_qiskit.text import printable, shortened

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
#: A column of more different texts is a name or a remark, and no category.
_MOST_CATEGORIES = 1000
#: scikit-learn takes a column of a smaller range for a constant one.
_NARROWEST = 10 * np.finfo(np.float64).eps
#: Twice this is still a number.
_LARGEST = 1e307


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("each name once")
    return names


class Header(BaseModel):
    """The columns of a table that does not name them itself.

    Args:
        names: in the order of the table; further columns are called ``column_K``, counted from 1.
        categorical: which of them are categories, whatever they look like.
    """

    model_config = _STRICT

    names: Annotated[tuple[str, ...], AfterValidator(_each_once)]
    categorical: tuple[str, ...] = ()


#: How pandas calls a column without a name.
_UNNAMED = "Unnamed: "


class Scaled(BaseModel):
    """A column of numbers: ``low`` becomes 0 and ``high`` becomes 1; what lies outside is clipped."""

    model_config = _STRICT

    kind: Literal["numbers"] = "numbers"
    name: str
    low: float
    high: float

    @model_validator(mode="after")
    def _range(self) -> "Scaled":
        if not self.high - self.low > _NARROWEST:
            raise ValueError("a low below a high")
        return self


class OneHot(BaseModel):
    """A column of categories: a feature each, 1 where it is the row's; an unknown one has none."""

    model_config = _STRICT

    kind: Literal["categories"] = "categories"
    name: str
    categories: Annotated[tuple[str, ...], Field(min_length=2), AfterValidator(_each_once)]


class Columns(BaseModel):
    """What becomes of a table.

    Args:
        columns: in the order of the features, those of numbers first.
        dropped: columns of the training part that are the same everywhere.
    """

    model_config = _STRICT

    columns: Annotated[tuple[Annotated[Scaled | OneHot, Field(discriminator="kind")], ...], Field(min_length=1)]
    dropped: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """What every feature is: a column of numbers, or ``column=category``."""
        return tuple(
            name
            for column in self.columns
            for name in (
                (column.name,)
                if isinstance(column, Scaled)
                else tuple(f"{column.name}={category}" for category in column.categories)
            )
        )

    def doubts(self, categorical: Sequence[str]) -> list[str]:
        """A sentence about every column that may not be what it was taken for.

        The table has no name for it: it often numbers the rows. Or it is of categories, most of which are numbers.

        Args:
            categorical: columns that were said to be categories.
        """
        found = []
        for column in self.columns:
            if column.name.startswith(_UNNAMED):
                found.append(
                    f"The column {column.name!r} has no name in the table and is taken as a feature; if it numbers the "
                    f"rows, leave it out: --ignore-columns {column.name!r}."
                )
            if isinstance(column, OneHot) and column.name not in categorical:
                others = [each for each in column.categories if not _is_like_number(each)]
                if 2 * len(others) < len(column.categories):
                    example = shortened(printable(_no_number(column.categories)), 40)
                    found.append(
                        f"The column {column.name!r} is taken as {len(column.categories)} categories, since it has "
                        f"texts such as {example!r}; if it should be numbers, correct its cells."
                    )
        return found

    def images(self, table: "DataFrame", source: str) -> NDArray[np.float32]:
        """The rows as images of shape 1×1×D.

        Raises:
            InputError: a column is missing, or a number is none.
        """
        from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

        scaled = [column for column in self.columns if isinstance(column, Scaled)]
        onehot = [column for column in self.columns if isinstance(column, OneHot)]
        _check_columns(table, [column.name for column in self.columns], source)
        blocks = []
        if scaled:
            values = np.stack([_numbers(table[column.name], source) for column in scaled], axis=1)
            extremes = np.array([[each.low for each in scaled], [each.high for each in scaled]])
            blocks.append(MinMaxScaler(clip=True).fit(extremes).transform(values))
        if onehot:
            texts = np.stack([as_text(table[column.name]) for column in onehot], axis=1).astype(object)
            categories = [np.array(column.categories, dtype=object) for column in onehot]
            encoder = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False)
            blocks.append(encoder.fit(np.array([[each[0] for each in categories]], dtype=object)).transform(texts))
        return np.concatenate(blocks, axis=1).astype(np.float32)[:, None, None, :]

    def unknown(self, table: "DataFrame") -> tuple[str, ...]:
        """Sentences about categories that the training part did not have."""
        found = []
        for column in self.columns:
            if isinstance(column, OneHot) and column.name in table:
                texts = as_text(table[column.name])
                strange = texts[~np.isin(texts, column.categories)]
                if len(strange):
                    example = shortened(printable(str(strange[0])), 40)
                    rows = f"{len(strange)} row{' has' if len(strange) == 1 else 's have'}"
                    found.append(
                        f"{rows} a category of {column.name} that the training part does not have, such as "
                        f"{example!r}: all features of that column are 0 there."
                    )
        return tuple(found)


def fit_columns(table: "DataFrame", categorical: Sequence[str], source: str) -> Columns:
    """Learn scales and categories.

    Args:
        table: the training part without its labels.
        categorical: columns that are categories although they look like numbers.
        source: the file, for messages.

    Raises:
        InputError: no column that differs from row to row, or one with too many categories.
    """
    import pandas as pd
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

    numbers: list[Scaled] = []
    categories: list[OneHot] = []
    dropped = []
    for name in map(str, table.columns):
        if name not in categorical and pd.api.types.is_numeric_dtype(table[name]):
            fitted = MinMaxScaler().fit(_numbers(table[name], source)[:, None])
            low, high = float(fitted.data_min_[0]), float(fitted.data_max_[0])
            if high - low > _NARROWEST:
                numbers.append(Scaled(name=name, low=low, high=high))
            else:
                dropped.append(name)
            continue
        found = OneHotEncoder().fit(as_text(table[name]).astype(object)[:, None]).categories_[0].tolist()
        if len(found) > _MOST_CATEGORIES:
            raise InputError(
                f"cannot use the column {name!r} of {source}",
                got=f"{len(found)} different texts, such as {shortened(printable(_no_number(found)), 40)!r}",
                expected=f"numbers, or at most {_MOST_CATEGORIES} categories",
                remedy=f"leave it out with --ignore-columns {name}",
            )
        if len(found) > 1:
            categories.append(OneHot(name=name, categories=tuple(found)))
        else:
            dropped.append(name)
    if not numbers and not categories:
        raise InputError(
            f"cannot use the table {source}",
            got="columns that are the same in all training rows" if dropped else "no column beside the label",
            expected="at least one column that differs from row to row",
            remedy="check the columns, or add one",
        )
    return Columns(columns=(*numbers, *categories), dropped=tuple(dropped))


def check_cells(table: "DataFrame", source: str) -> None:
    """Refuse the first cell without a value: a guess in its place would be the user's to make. So with bytes.

    Raises:
        InputError: there is one.
    """
    for name in (name for name, kind in table.dtypes.items() if kind.name == "object"):
        if any(isinstance(each, bytes | bytearray) for each in table[name]):
            raise InputError(
                f"cannot use the column {str(name)!r} of {source}",
                got="bytes",
                expected="numbers or texts",
                remedy=f"write it as texts, or leave it out with --ignore-columns {name}",
            )
    missing = np.asarray(table.isna())
    if not missing.any():
        return
    row, column = (int(each) for each in np.argwhere(missing)[0])
    more = int(missing.sum()) - 1
    raise InputError(
        f"cannot use row {row} of {source}",
        got=f"a cell without a value in the column {str(table.columns[column])!r}"
        + (f", and {more} more such cells" if more else ""),
        expected="a value in every cell (NaN, NA, null and nothing at all are none)",
        remedy="fill the cells in, leave the rows out, or leave the column out with --ignore-columns",
    )


def as_text(column: "Series") -> NDArray[np.str_]:
    """A column as texts; whole numbers without a point, however the file has them."""
    import pandas as pd

    if pd.api.types.is_float_dtype(column) and bool(((column == column.round()) & (column.abs() < 2.0**63)).all()):
        column = column.astype("int64")
    return np.asarray(column.astype(str), dtype=np.str_)


def _is_like_number(text: str) -> bool:
    """Whether a text is a number to a reader, who also knows 1,000."""
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def _no_number(texts: Sequence[str]) -> str:
    """The text that keeps a column from being numbers: the first that is none at all, or is no number to pandas."""
    strange = [each for each in texts if not _is_like_number(each)]
    return (strange or [each for each in texts if "," in each] or list(texts))[0]


def _numbers(column: "Series", source: str) -> NDArray[np.float64]:
    import pandas as pd

    values = np.full(len(column), np.nan)
    if not pd.api.types.is_complex_dtype(column):
        values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    # A range between two of these would be no number any more.
    bad = np.flatnonzero(~(np.abs(values) < _LARGEST))
    if bad.size:
        raise InputError(
            # The rows of a part keep the numbers that they have in the file.
            f"cannot use row {printable(str(column.index[bad[0]]))} of {source}",
            got=f"{shortened(printable(str(column.iloc[bad[0]])), 40)!r} in the column {str(column.name)!r}",
            expected=f"a finite number, real and below {_LARGEST:g}",
            remedy="correct the table, or leave the row out",
        )
    return values


def _check_columns(table: "DataFrame", names: Sequence[str], source: str) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        raise InputError(
            f"cannot use the table {source}",
            got=f"no column {shortened(missing[0], 60)!r}",
            expected=f"the columns {', '.join(names)}",
            remedy="give a table with the columns that the model was trained on",
        )
