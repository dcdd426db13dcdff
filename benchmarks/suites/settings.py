"""Sizes and repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.contest import Rounds
from benchmarks.problem import Problem


@dataclass(frozen=True)
class Settings:
    """How a run is made.

    Attributes:
        out: the folder of the results.
        quick: tiny sizes and few rounds, to try the program; the numbers mean nothing.
        fresh: measure again what is already there.
    """

    out: Path
    quick: bool = False
    fresh: bool = False

    @property
    def problem(self) -> Problem:
        """The problem of the comparison."""
        return Problem.of_size(6, 10) if self.quick else Problem.of_size(10, 200)

    @property
    def batch(self) -> int:
        """The batch of the comparison."""
        return 8 if self.quick else 64

    @property
    def rounds(self) -> Rounds:
        """Rounds of the comparison."""
        return Rounds(many=3, few=2) if self.quick else Rounds()

    @property
    def short_rounds(self) -> Rounds:
        """Rounds of a point of a scaling curve."""
        return Rounds(many=2, few=1) if self.quick else Rounds(many=5, few=3)
