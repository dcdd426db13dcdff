"""What happens on two digits at a time."""

from __future__ import annotations

from dataclasses import dataclass

from qaml_qiskit.simulation.heisenberg.channels import on_pair
from qaml_qiskit.simulation.heisenberg.varying import Matrix, combined


@dataclass(eq=False)
class Step:
    """A 16×16 matrix on two digits, then a 4×4 matrix on each; any of them may vary.

    Attributes:
        low: the first digit, the less significant one of the matrix's index.
        high: the second digit, greater than ``low``.
        core: shape (16, 16).
        after_low: shape (4, 4).
        after_high: shape (4, 4).
    """

    low: int
    high: int
    core: Matrix
    after_low: Matrix
    after_high: Matrix

    @property
    def matrix(self) -> Matrix:
        """The whole step, shape (16, 16)."""
        pair: Matrix = combined(on_pair, self.after_high, self.after_low)
        return pair @ self.core
