"""Filters in front of a model ("feature squeezing", Xu et al. 2018, 1704.01155): smoothing and quantisation.

A filter is written ``median:SIZE`` or ``bits:BITS``. It is fixed, draws nothing and learns nothing.

Light: requests read these names before torch or Qiskit are there, so that a wrong one is refused at once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import AfterValidator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.lazy import library
from qaml_qiskit.text import printable

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = library("torch")

Kind = Literal["median", "bits"]
#: What the number of a filter may be: the side of a window in pixels, or bits of a pixel.
_RANGES = {"median": (2, 9), "bits": (1, 8)}
_EXPECTED = "median:SIZE with a window of 2 to 9 pixels, or bits:BITS with 1 to 8"


@dataclass(frozen=True)
class Filter:
    """What is done to every image before it is read.

    Attributes:
        kind: ``median`` for the median of a window, ``bits`` for pixels of fewer bits.
        number: the side of the window, or the bits.

    Raises:
        ConfigurationError: another kind, or a number that it cannot have.
    """

    kind: Kind
    number: int

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or not _RANGES[self.kind][0] <= self.number <= _RANGES[self.kind][1]:
            raise _unreadable(str(self))

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"

    def __call__(self, images: "Tensor") -> "Tensor":
        """Filtered copies of images, shape (N, C, H, W), with slopes.

        An image of which nothing but black would be left stays as it is: a black one has no state.

        The median passes the slope to the pixel that it takes; rounding has none, and passes that of the identity
        (Bengio et al. 2013, 1308.3432; Athalye et al. 2018, 1802.00420, section 4.1).
        """
        found = _median(images, self.number) if self.kind == "median" else _quantised(images, self.number)
        return torch.where((found == 0).flatten(1).all(1)[:, None, None, None], images, found)


def parse_filter(words: str) -> Filter:
    """A filter as it is written.

    Raises:
        ConfigurationError: something else.
    """
    kind, _, number = words.partition(":")
    if not number.isdecimal() or len(number) > 2:
        raise _unreadable(words)
    return Filter(kind, int(number))  # type: ignore[arg-type]


def _checked(words: str) -> str:
    return str(parse_filter(words))


#: A filter as it is written; for fields of settings.
FilterName = Annotated[str, AfterValidator(_checked)]


def _median(images: "Tensor", size: int) -> "Tensor":
    """The median of a window around every pixel, the upper one of two; beyond the edge pixels go on as they end.

    As SciPy's ``median_filter`` has it in the mode ``nearest``: a window of even size has one row and column more in
    front of its pixel than behind.
    """
    before, after = size // 2, (size - 1) // 2
    padded = torch.nn.functional.pad(images, (before, after, before, after), mode="replicate")
    windows = padded.unfold(2, size, 1).unfold(3, size, 1).flatten(4)
    return windows.kthvalue(size * size // 2 + 1, dim=4).values


def _quantised(images: "Tensor", bits: int) -> "Tensor":
    """Pixels in [0, 1] as whole numbers of so many bits, again in [0, 1]."""
    levels = 2**bits - 1
    return images + ((images * levels).round() / levels - images).detach()


def _unreadable(words: str) -> ConfigurationError:
    return ConfigurationError(
        f"{printable(words)} is no filter",
        got=printable(words),
        expected=_EXPECTED,
        remedy="write for example median:3",
    )
