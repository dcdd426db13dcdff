"""Products with a constant real matrix in the compiled kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.native import Kernel
from qaml_qiskit.simulation.pages import large_pages

_PRECISIONS = (torch.float32, torch.float64)


@dataclass(frozen=True, eq=False)
class Panels:
    """A matrix in the order in which the kernel reads it, filled up with zero columns to whole vectors.

    Attributes:
        kernel: whose order it is.
        depth: rows of the matrix.
        width: its columns.
        filled_up: columns with those that fill up.
        numbers: shape (depth·filled_up,).
    """

    kernel: Kernel
    depth: int
    width: int
    filled_up: int
    numbers: Tensor

    @classmethod
    def of(cls, kernel: Kernel, matrix: Tensor) -> Panels:
        """Those of a matrix of shape (depth, width), float32 or float64, on the CPU."""
        matrix = matrix.detach().contiguous()
        depth, width = matrix.shape
        columns = filled_up(kernel, width, matrix.dtype)
        made = cls(kernel, depth, width, columns, large_pages(depth * columns, matrix.dtype))
        made.call("qaml_pack", depth, width, matrix.data_ptr(), made.numbers.data_ptr())
        return made

    def product(self, left: Tensor) -> Tensor:
        """``left`` times the matrix, shape (N, width), for ``left`` of shape (N, depth) in its precision; no slopes."""
        left = left.detach().contiguous()
        result = left.new_empty((len(left), self.width))
        arguments = (self.depth, self.width, self.numbers.data_ptr(), len(left), left.data_ptr(), result.data_ptr())
        self.call("qaml_product", *arguments)
        return result

    def call(self, name: str, *arguments: Any) -> int:
        """:meth:`Kernel.call` in the precision of the matrix."""
        return self.kernel.call(name, self.numbers.dtype == torch.float64, torch.get_num_threads(), *arguments)


def filled_up(kernel: Kernel, width: int, dtype: torch.dtype) -> int:
    """Columns filled up to whole vectors of the kernel."""
    columns: int = kernel.library.qaml_filled_up(kernel.level, int(dtype == torch.float64), width)
    return columns


def kernel_for(vectors: Tensor) -> Kernel | None:
    """The chosen kernel where it can multiply these vectors; None where torch must."""
    if vectors.device.type != "cpu" or vectors.dtype not in _PRECISIONS or is_transformed(vectors):
        return None
    return chosen_kernel()


def is_transformed(tensor: Tensor) -> bool:
    """Whether torch follows a tensor by other means than its graph: forward mode, ``vmap`` or another of torch.func."""
    # Asked of torch._C, as torch's own autograd.Function does; there is no public name.
    if torch._C._are_functorch_transforms_active():
        return True
    try:
        tensor.data_ptr()
    except RuntimeError:
        # One of many cotangents at once: ``is_grads_batched``.
        return True
    return torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None
