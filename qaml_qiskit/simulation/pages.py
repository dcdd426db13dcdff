"""Memory in large pages."""

import mmap
from contextlib import suppress

import torch
from torch import Tensor


def large_pages(size: int, dtype: torch.dtype) -> Tensor:
    """Zeros, shape (size,), in large pages where the system has them: what walks through megabytes meets fewer."""
    if not size or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.zeros(size, dtype=dtype)
    memory = mmap.mmap(-1, size * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=dtype)
