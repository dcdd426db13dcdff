"""How a model answers: with its noise layers or without, once or by a vote, of a smoothed or a filtered image.

An inference rule is written behind an ``@``, beside a noise or a target or by itself: ``MODEL@layers:majority:100``,
``MODEL@smoothing:0.25:100``, ``MODEL@filter:median:3``, ``MODEL@layers:mean:10@fake-torino``.

Light: requests read these names before torch or Qiskit are there, so that a wrong one is refused at once.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.filters import Filter, parse_filter
from qaml_qiskit.text import printable

#: What becomes of noise layers: their exact average, no layers, or the mean or the majority vote of fresh draws.
How = Literal["exact", "off", "mean", "majority"]
#: Draws an image on a target where nothing is said.
DEFAULT_DRAWS = 10
#: Draws of a rule at most; an answer costs as many passes of the model.
MOST_DRAWS = 100_000
LAYERS, SMOOTHING, FILTER = "layers", "smoothing", "filter"
_DRAWING = ("mean", "majority")
_WRITTEN = (
    "layers:exact, layers:off, layers:mean:DRAWS, layers:majority:DRAWS, smoothing:SIGMA:DRAWS, filter:median:SIZE or "
    "filter:bits:BITS"
)


@dataclass(frozen=True)
class LayersRule:
    """What becomes of a model's noise layers (Huang & Zhang 2023, algorithm 2).

    Attributes:
        how: ``exact`` for the average over all draws, ``off`` for the circuit without the layers, ``mean`` for the mean
            of the logits of fresh draws, ``majority`` for their vote; the logits of a vote are the shares of the draws.
        draws: J of an image, of ``mean`` and ``majority``; None for the others.

    Raises:
        ConfigurationError: an unknown rule, or draws where there are none, or none where there must be some.
    """

    how: How
    draws: int | None = None

    def __post_init__(self) -> None:
        drawing = self.how in _DRAWING
        fits = drawing if self.draws is not None else not drawing
        if self.how not in get_args(How) or not fits or (self.draws is not None and not 1 <= self.draws <= MOST_DRAWS):
            raise _unreadable(str(self), f"{self.how} with {'no' if self.draws is None else self.draws} draws")

    def __str__(self) -> str:
        return f"{LAYERS}:{self.how}" + ("" if self.draws is None else f":{self.draws}")

    @property
    def is_drawing(self) -> bool:
        """Whether it is random."""
        return self.how in _DRAWING

    @property
    def votes(self) -> bool:
        """Whether the draws vote."""
        return self.how == "majority"


@dataclass(frozen=True)
class Smoothing:
    """The majority vote over copies of the image with Gaussian noise (Cohen et al. 2019, 1902.02918).

    Attributes:
        sigma: standard deviation of the noise of every pixel.
        draws: copies of an image.

    Raises:
        ConfigurationError: a standard deviation that is not above 0, or no copy.
    """

    sigma: float
    draws: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sigma) and self.sigma > 0) or not 1 <= self.draws <= MOST_DRAWS:
            raise _unreadable(str(self), f"a standard deviation of {self.sigma:g} and {self.draws} draws")

    def __str__(self) -> str:
        short = f"{self.sigma:g}"
        sigma = short if float(short) == self.sigma else repr(float(self.sigma))
        return f"{SMOOTHING}:{sigma}:{self.draws}"

    @property
    def is_drawing(self) -> bool:
        """Always."""
        return True

    @property
    def votes(self) -> bool:
        """Always."""
        return True


@dataclass(frozen=True)
class Filtered:
    """Every image passes a filter before the model sees it; nothing is drawn ("feature squeezing", Xu et al. 2018).

    Attributes:
        filter: see :class:`~qaml_qiskit.filters.Filter`.
    """

    filter: Filter

    def __str__(self) -> str:
        return f"{FILTER}:{self.filter}"

    @property
    def is_drawing(self) -> bool:
        """Never."""
        return False

    @property
    def votes(self) -> bool:
        """Never."""
        return False


InferenceRule = LayersRule | Smoothing | Filtered
#: What draws.
DrawingRule = LayersRule | Smoothing


def names_rule(words: str) -> bool:
    """Whether a part of a deployment's name is an inference rule, whatever is wrong with it."""
    return words.split(":")[0] in (LAYERS, SMOOTHING, FILTER) and ":" in words


def parse_rule(words: str) -> InferenceRule:
    """An inference rule as it is written behind an ``@``.

    Raises:
        ConfigurationError: something else.
    """
    kind, *rest = words.split(":")
    try:
        match kind, rest:
            case "layers", [how] if how in ("exact", "off"):
                return LayersRule(how)  # type: ignore[arg-type]
            case "layers", [how, draws] if how in _DRAWING:
                return LayersRule(how, int(draws))  # type: ignore[arg-type]
            case "smoothing", [sigma, draws]:
                return Smoothing(float(sigma), int(draws))
            case "filter", [*words_of_filter]:
                return Filtered(parse_filter(":".join(words_of_filter)))
    except ValueError as error:
        raise _unreadable(words, printable(words)) from error
    raise _unreadable(words, printable(words))


def _unreadable(words: str, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"{printable(words)} is no inference rule",
        got=got,
        expected=f"{_WRITTEN}, with at least one draw, {MOST_DRAWS} at most, and a standard deviation above 0",
        remedy="write for example layers:majority:100",
    )
