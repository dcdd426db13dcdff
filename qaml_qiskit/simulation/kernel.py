"""The compiled kernel, where it was built."""

from __future__ import annotations

from typing import Any


class KernelEngine:
    """Placeholder until the kernel is there."""

    def __init__(self, kernel: Any) -> None:
        raise NotImplementedError


def load_kernel() -> Any:
    """None: not built."""
    return None
