"""One thread for all arithmetic: sums are split among threads, and their last digits with them."""

from collections.abc import Iterator
from contextlib import contextmanager

# Loaded before their threads are limited: a library that is loaded later brings threads of its own.
import numpy  # noqa: F401
import scipy.linalg  # noqa: F401
import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute the block with one thread, in torch as well as in the linear algebra of NumPy and SciPy."""
    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
