"""What readout errors make of ⟨Z⟩, and back."""

from dataclasses import dataclass, field, replace
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

#: An array or a tensor: this room knows no library of tensors, and needs nothing of one but its arithmetic.
Array = TypeVar("Array", bound=Any, default=NDArray[np.float64])
Values = TypeVar("Values", bound=Any)
#: For the type checker, which would take the difference of 1 and an array for a number.
_ONE: Any = 1


@dataclass(frozen=True)
class ReadoutMap(Generic[Array]):
    """Readout errors: what is read of ⟨Z_k⟩ on average is contrast·⟨Z_k⟩ + offset.

    Attributes:
        p10: probability of reading 1 for |0⟩, of shape (m,) or one that fits the values by broadcasting.
        p01: probability of reading 0 for |1⟩, of the same shape.
        shots: of each of the two calibration circuits that measured them; None where they are known exactly.
    """

    p10: Array
    p01: Array
    shots: int | None = field(default=None, kw_only=True)

    @classmethod
    def affine(cls, contrast: Array, offset: Array) -> "ReadoutMap[Array]":
        """The errors that make contrast·⟨Z⟩ + offset of ⟨Z⟩."""
        p10: Array = (_ONE - contrast - offset) / 2
        p01: Array = (_ONE - contrast + offset) / 2
        return cls(p10, p01)

    @property
    def contrast(self) -> Array:
        """1 − p10 − p01: what is left of the difference between |0⟩ and |1⟩; errors grow by its inverse."""
        contrast: Array = _ONE - self.p10 - self.p01
        return contrast

    @property
    def offset(self) -> Array:
        """p01 − p10: what is read where ⟨Z⟩ is 0."""
        offset: Array = self.p01 - self.p10
        return offset

    @property
    def is_perfect(self) -> bool:
        """Whether there are no readout errors."""
        return bool((self.p10 == 0).all() and (self.p01 == 0).all())

    def read(self, z: Values) -> Values:
        """What is read of ⟨Z_k⟩ on average, shape (N, m)."""
        read: Values = self.contrast * z + self.offset
        return read

    def inverted(self, read: Values) -> Values:
        """⟨Z_k⟩ from what was read of it, shape (N, m): every class by the errors of its own qubit."""
        z: Values = (read - self.offset) / self.contrast
        return z

    def calibrated(self, shots: int) -> "ReadoutMap[Array]":
        """The same errors, as calibration circuits of so many shots each find them on average."""
        return replace(self, shots=shots)

    def variances(self) -> tuple[Array, Array]:
        """Of p10 and of p01, by the calibration's own shots; 0 without a calibration."""
        of_p10, of_p01 = (p * (1 - p) / (self.shots or np.inf) for p in (self.p10, self.p01))
        return of_p10, of_p01

    @property
    def contrast_error(self) -> Array:
        """Standard error of :attr:`contrast` by the calibration's own shots."""
        error: Array = sum(self.variances()) ** 0.5
        return error

    def document(self) -> dict[str, list[float]]:
        """Plain numbers, for a run's configuration."""
        return {"p10": self.p10.tolist(), "p01": self.p01.tolist()}
