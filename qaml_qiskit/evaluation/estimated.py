"""Figures with intervals at any level, so that an interval and a p-value never say two things."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri, stdtrit

from qaml_qiskit.evaluation.proportions import wilson_interval

#: Lower and upper end, of the probability α that is left outside.
Ends = Callable[[float], tuple[float, float]]

#: Of an interval.
_OUTSIDE = 0.05
#: p-values are not told apart below this.
_LEAST_P = 1e-15
#: Halvings of log α.
_STEPS = 50


@dataclass(frozen=True)
class Estimated:
    """A figure, and how far it may be off.

    Attributes:
        value: of the figure.
        ends: of its interval, at any level.
        exact_p: of an exact test that the figure is truly so much, where there is one; None gives no answer there.
    """

    value: float
    ends: Ends
    exact_p: Callable[[float], float | None] | None = None

    @classmethod
    def certain(cls, value: float) -> Self:
        """A figure that nothing random is in, such as a count of gates."""
        return cls(value, lambda _: (value, value))

    @classmethod
    def of_interval(cls, value: float, interval: tuple[float, float]) -> Self:
        """Of a 95 % interval that somebody else made; at other levels its sides are stretched as normal ones are."""
        down, up = value - interval[0], interval[1] - value

        def ends(alpha: float) -> tuple[float, float]:
            stretch = critical(alpha) / critical(_OUTSIDE)
            return value - stretch * down, value + stretch * up

        return cls(value, ends)

    @property
    def interval(self) -> tuple[float, float]:
        """95 %."""
        low, high = self.ends(_OUTSIDE)
        return float(low), float(high)

    @property
    def is_certain(self) -> bool:
        """Whether nothing random is in it."""
        low, high = self.interval
        return low == high

    def p_at(self, edge: float) -> float:
        """The two-sided p-value of the figure being ``edge``: what is left outside of the interval that ends there.

        So p ≤ .05 says the same as that the 95 % interval does not have ``edge`` inside. An exact test, where there is
        one, takes its place.
        """
        exact = None if self.exact_p is None else self.exact_p(edge)
        if exact is not None:
            return exact
        if self.is_certain:
            return float(self.value == edge)

        def has(alpha: float) -> bool:
            low, high = self.ends(alpha)
            return low <= edge <= high

        if has(1.0):
            return 1.0
        if not has(_LEAST_P):
            return _LEAST_P
        inside, outside = np.log(_LEAST_P), 0.0
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if has(float(np.exp(middle))) else (inside, middle)
        return float(np.exp(inside))

    def minus(self, other: "Estimated") -> "Estimated":
        """The difference of two figures that are independent: distances to the ends are put together by squares.

        Newcombe's tenth method for two shares with Wilson's intervals (Statistics in Medicine 17, 873, 1998), and for
        other figures what Zou & Donner (2008) call MOVER. Of figures that rise together it is cautious.
        """

        def ends(alpha: float) -> tuple[float, float]:
            (low, high), (low_other, high_other) = self.ends(alpha), other.ends(alpha)
            difference = self.value - other.value
            down = np.hypot(self.value - low, high_other - other.value)
            up = np.hypot(high - self.value, other.value - low_other)
            return float(difference - down), float(difference + up)

        return Estimated(self.value - other.value, ends)


def published_share(value: float, images: int) -> Estimated:
    """A share of so many images that somebody published, with Wilson's interval."""
    return Estimated(value, lambda alpha: wilson_interval(value, images, critical(alpha)))


def critical(alpha: float, degrees: float = np.inf) -> float:
    """The two-sided quantile of Student's t, or without ``degrees`` of the normal distribution."""
    return float(-ndtri(alpha / 2) if np.isinf(degrees) else -stdtrit(degrees, alpha / 2))
