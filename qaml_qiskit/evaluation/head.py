"""From what is measured to logits: a linear map, so that logits are quadratic forms of the image, whatever is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

#: An array or a tensor: this room knows no library of tensors, and needs nothing of one but its arithmetic.
Array = TypeVar("Array", bound=Any, default=NDArray[np.floating])
Other = TypeVar("Other", bound=Any)


@dataclass(frozen=True)
class LinearHead(Generic[Array]):
    """Logits matrix·⟨P⟩ + offset of the expectation values ⟨P_s⟩ of S products of Z.

    Attributes:
        matrix: shape (m, S).
        offset: shape (m,).
    """

    matrix: Array
    offset: Array

    def logits(self, values: Array) -> Array:
        """Logits, shape (N, m), from ⟨P⟩ of shape (N, S)."""
        logits: Array = values @ self.matrix.T + self.offset
        return logits

    def covariance(self, covariance: Array) -> Array:
        """Covariance of the logits, shape (N, m, m), from that of ⟨P⟩, shape (N, S, S)."""
        found: Array = self.matrix @ covariance @ self.matrix.T
        return found

    @property
    def is_scale(self) -> bool:
        """Whether logit k is the k-th average times one positive number."""
        matrix = np.asarray(self.matrix)
        square = matrix.shape[0] == matrix.shape[1] and matrix[0, 0] > 0
        return bool(square and (matrix == matrix[0, 0] * np.eye(len(matrix))).all() and not np.any(self.offset))

    def times(self, scale: float) -> "LinearHead[Array]":
        """The head whose logits are so many times as large."""
        return LinearHead(self.matrix * scale, self.offset * scale)

    def converted(self, convert: Callable[[Array], Other]) -> "LinearHead[Other]":
        """The head of other arrays: of another library, precision or device."""
        return LinearHead(convert(self.matrix), convert(self.offset))
