"""The choice between the compiled kernel and torch. Knows no torch, so that ``qaml --version`` need not wait for it."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import get_args

from qaml_qiskit.compute import Compute, Simulator
from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.simulation.native import Kernel, load_kernel

_CHOICE: ContextVar[Simulator] = ContextVar("qaml_simulation_backend", default="auto")


@contextmanager
def use_backend(backend: Simulator) -> Iterator[None]:
    """Choose the backend for everything that runs inside the ``with`` block, in this thread or task only.

    Args:
        backend: ``"kernel"`` for the compiled kernel, ``"torch"`` for torch operations, ``"auto"`` for the kernel
            where it can serve (it was built, 2 to 20 qubits, CPU tensors) and torch elsewhere.

    Raises:
        ConfigurationError: for another name, or for ``"kernel"`` where no compiled kernel is installed.
    """
    if backend not in get_args(Simulator):
        raise unknown_name("there is no such simulation backend", backend, get_args(Simulator))
    if backend == "kernel" and load_kernel() is None:
        raise ConfigurationError(
            "the compiled kernel is not available",
            got="a package built without a C++ compiler",
            expected="the extension qaml_qiskit.simulation._kernel",
            remedy="reinstall the package where g++ or clang++ is installed, or use the backend 'torch'",
        )
    token = _CHOICE.set(backend)
    try:
        yield
    finally:
        _CHOICE.reset(token)


@contextmanager
def computing(compute: Compute) -> Iterator[None]:
    """Compute as asked for inside the ``with`` block, in this thread or task only.

    The simulator ``auto`` leaves what was chosen around the block.

    Raises:
        ConfigurationError: this machine has no such device, or no compiled kernel where that is asked for.
    """
    compute.check_device()
    with nullcontext() if compute.simulator == "auto" else use_backend(compute.simulator):
        yield


def chosen_kernel() -> Kernel | None:
    """The compiled kernel, unless there is none or :func:`use_backend` turned it off."""
    return load_kernel() if _CHOICE.get() != "torch" else None


def backend_description() -> str:
    """What ``"auto"`` runs on CPU tensors, for example ``"C++ kernel (avx512)"``."""
    kernel = chosen_kernel()
    return "torch (no compiled kernel)" if kernel is None else f"C++ kernel ({kernel.instructions})"
