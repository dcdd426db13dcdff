"""What the tests of the compiled kernel share: its levels of vector instructions, one by one."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from qaml_qiskit.simulation import choice
from qaml_qiskit.simulation.native import Kernel, load_kernel

needs_kernel = pytest.mark.skipif(load_kernel() is None, reason="the compiled kernel was not built")


def every_level() -> Iterator[Kernel]:
    """The kernel at every level that this machine has."""
    kernel = load_kernel()
    assert kernel is not None
    return (replace(kernel, level=level) for level in range(kernel.level + 1))


def at_every_level() -> Iterator[Kernel]:
    """The same, each as the one that the package finds while the body of the loop runs."""
    for kernel in every_level():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choice, "load_kernel", lambda kernel=kernel: kernel)
            yield kernel
