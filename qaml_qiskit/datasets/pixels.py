"""What can be done to pixels before a model sees them: another size, grey, principal components."""

import base64
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.memory import check_memory

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
#: Luma of red, green and blue (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_LARGEST = 4096
Size = tuple[Annotated[int, Field(ge=1, le=_LARGEST)], Annotated[int, Field(ge=1, le=_LARGEST)]]
Floats = NDArray[np.float32]


def size_of(resize: Sequence[int] | None) -> Size | None:
    """A height and a width.

    Raises:
        ConfigurationError: another number of them, or one below 1.
    """
    if resize is None:
        return None
    size = tuple(resize) if isinstance(resize, Iterable) else (resize,)
    whole = all(isinstance(each, int | np.integer) and not isinstance(each, bool) for each in size)
    if len(size) != 2 or not whole or not all(0 < each <= _LARGEST for each in size):
        raise ConfigurationError(
            "cannot resize",
            got=size,
            expected=f"a height and a width, 1 to {_LARGEST} each",
            remedy="give for example 16 16",
        )
    return int(size[0]), int(size[1])


def stacked(images: Collection[Floats], size: Size | None, source: str) -> Floats:
    """Images C×H×W as one array N×C×H×W.

    Args:
        images: one after the other, so that large ones need not be kept.
        size: the height and width that they are brought to, by bilinear interpolation over the area of a new pixel.
        source: what they come from, for messages.

    Raises:
        InputError: images of different sizes.
        ConfigurationError: more than the memory holds.
    """
    if size is None and isinstance(images, np.ndarray):
        return images
    found: Floats | None = None
    for index, image in enumerate(images):
        brought = image if size is None else _resized(image, size)
        if found is None:
            remedy = "ask for smaller images with --resize, or give fewer"
            check_memory(f"cannot hold the images of {source}", brought.nbytes * len(images), remedy=remedy)
            found = np.empty((len(images), *brought.shape), dtype=np.float32)
        if brought.shape != found.shape[1:]:
            raise InputError(
                f"the images of {source} are of different sizes",
                got="{}×{} for {} and {}×{} for {}".format(
                    *found.shape[2:], _told(images, 0), *brought.shape[1:], _told(images, index)
                ),
                expected="one height and width",
                remedy="give --resize with the height and width that all are brought to",
            )
        found[index] = brought
    return np.empty((0, 1, 1, 1), dtype=np.float32) if found is None else found


def _told(images: Collection[Floats], index: int) -> str:
    """An image to a reader: its file, where each has one."""
    files = getattr(images, "files", None)
    return f"image {index}" if files is None else str(files[index])


def greyed(images: NDArray[np.float32], source: str) -> NDArray[np.float32]:
    """Colour images as their luma, N×1×H×W; grey ones as they are.

    Raises:
        InputError: neither three channels nor one.
    """
    channels = images.shape[1]
    if channels == 1:
        return images
    if channels != len(_LUMA):
        raise InputError(
            f"cannot make the images of {source} grey",
            got=f"{channels} channels",
            expected="red, green and blue, or one channel",
            remedy="leave out --grey",
        )
    return np.tensordot(images, _LUMA, axes=(1, 0))[:, None].clip(0, 1)


class Projection(BaseModel):
    """Principal components of the training part, each scaled to [0, 1] there and clipped elsewhere.

    Arrays are the base64 of little-endian ``float32``.

    Attributes:
        kept: K, how many there are.
        explained: their share of the variance.
        mean: of every pixel or feature, D.
        directions: K×D.
        low: the smallest value of each, K.
        high: the largest.
    """

    model_config = _STRICT

    kept: Annotated[int, Field(ge=1)]
    explained: float
    mean: str
    directions: str
    low: str
    high: str

    @model_validator(mode="after")
    def _arrays_fit(self) -> "Projection":
        mean, directions, low, high = map(_unpacked, (self.mean, self.directions, self.low, self.high))
        if directions.size != self.kept * mean.size or not low.size == high.size == self.kept:
            raise ValueError("arrays of D, K×D, K and K numbers")
        if not all(np.isfinite(each).all() for each in (mean, directions, low, high)) or (low >= high).any():
            raise ValueError("finite numbers, and a range for every component")
        return self

    def images(self, images: NDArray[np.float32], source: str) -> NDArray[np.float32]:
        """N×1×1×K.

        Raises:
            InputError: images of another number of pixels.
        """
        rows = images.reshape(len(images), -1)
        mean, low, high = (_unpacked(text) for text in (self.mean, self.low, self.high))
        if rows.shape[1] != len(mean):
            raise InputError(
                f"cannot use the images of {source}",
                got=f"{rows.shape[1]} pixels or features",
                expected=f"{len(mean)}, as in training",
                remedy="give data as they were before the training",
            )
        values = _along(rows, mean, _unpacked(self.directions).reshape(self.kept, -1))
        return ((values - low) / (high - low)).clip(0, 1).astype(np.float32)[:, None, None, :]


def fit_projection(images: NDArray[np.float32], count: int, source: str) -> Projection:
    """The principal components of images.

    Raises:
        ConfigurationError: more of them than there are pixels or images, or than the images differ by.
    """
    from sklearn.decomposition import PCA

    rows = images.reshape(len(images), -1)
    most = min(rows.shape[1], len(rows) - 1)
    found = PCA(count, random_state=0).fit(rows) if 1 <= count <= most else None
    if found is None or found.explained_variance_[-1] <= 1e-12 * found.explained_variance_[0]:
        rank = int(np.linalg.matrix_rank(rows - rows.mean(axis=0))) if found is not None else most
        raise ConfigurationError(
            f"cannot take principal components of {source}",
            got=f"--pca {count} of {len(rows)} rows with {rows.shape[1]} pixels or features",
            expected=f"1 to {rank}",
            remedy=f"ask for at most {rank}",
        )
    mean, directions = (np.asarray(array, dtype=np.float32) for array in (found.mean_, found.components_))
    values = _along(rows, mean, directions)
    return Projection(
        kept=count,
        explained=round(float(found.explained_variance_ratio_.sum()), 6),
        mean=_packed(mean),
        directions=_packed(directions),
        low=_packed(values.min(axis=0)),
        high=_packed(values.max(axis=0)),
    )


def _along(
    rows: NDArray[np.float32], mean: NDArray[np.float32], directions: NDArray[np.float32]
) -> NDArray[np.float32]:
    # In double precision, so that a row's value hardly depends on the rows beside it.
    return ((rows.astype(np.float64) - mean) @ directions.T.astype(np.float64)).astype(np.float32)


def _resized(image: NDArray[np.float32], size: Size) -> NDArray[np.float32]:
    from PIL import Image

    if image.shape[1:] == size:
        return image
    channels = [np.asarray(Image.fromarray(channel).resize(size[::-1], Image.Resampling.BILINEAR)) for channel in image]
    return np.stack(channels).clip(0, 1)


def _packed(array: NDArray[np.floating]) -> str:
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4").astype(np.float32)
