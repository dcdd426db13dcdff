"""The directions in which rows of numbers spread most: of images, or of the states that they become."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Principal:
    """A linear subspace that keeps the most of the rows that it was fitted to.

    Attributes:
        mean: what the rows are taken from, shape (d,).
        directions: orthonormal, as columns, shape (d, k).
    """

    mean: Tensor
    directions: Tensor

    def projected(self, rows: Tensor) -> Tensor:
        """The nearest points of the subspace, shape (N, d)."""
        mean, directions = self.mean.to(rows), self.directions.to(rows)
        return mean + (rows - mean) @ directions @ directions.T

    def lost(self, rows: Tensor) -> Tensor:
        """The squared distances of rows from the subspace, shape (N,)."""
        return (rows - self.projected(rows)).square().sum(1)


def principal(rows: Tensor, kept: float, *, centred: bool = True) -> Principal:
    """The smallest subspace that keeps a share of the rows' sum of squares (Pearson 1901; Eckart & Young 1936).

    Args:
        rows: shape (N, d), in double precision.
        kept: the share, above 0 and below 1.
        centred: whether the sum of squares is that around the mean; otherwise that around 0.
    """
    mean = rows.mean(0) if centred else torch.zeros_like(rows[0])
    _, values, directions = torch.linalg.svd(rows - mean, full_matrices=False)
    shares = values.square().cumsum(0) / values.square().sum().clamp(min=torch.finfo(rows.dtype).tiny)
    count = min(int((shares < kept).sum()) + 1, len(shares))
    return Principal(mean, directions[:count].T.contiguous())
