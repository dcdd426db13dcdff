"""What a backend has to offer, and the choice between backends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol, get_args

from torch import Tensor

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.simulation.kernel import Kernel, KernelEngine, load_kernel
from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Pullback, Wanted
from qaml_qiskit.simulation.torch_backend import TorchEngine

Backend = Literal["auto", "kernel", "torch"]

_CHOICE: ContextVar[Backend] = ContextVar("qaml_simulation_backend", default="auto")


class Engine(Protocol):
    """Runs programs on batches. Wires, not circuit qubits; the state is a tensor in a layout of the engine's own."""

    def forward(self, program: Program, angles: Tensor, amplitudes: Tensor) -> Tensor:
        """The final state, for angles (A,) float64 and amplitudes (B, 2**n), real or complex."""

    def amplitudes(self, program: Program, state: Tensor, batch: int) -> Tensor:
        """The state as complex amplitudes, shape (B, 2**n)."""

    def expectations(self, program: Program, state: Tensor, wires: Sequence[int], batch: int) -> Tensor:
        """⟨Z⟩ of the wires, shape (B, len(wires))."""

    def pull_back_amplitudes(
        self, program: Program, angles: Tensor, state: Tensor, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the final amplitudes, shape (B, 2**n) complex."""

    def pull_back_expectations(
        self, program: Program, angles: Tensor, state: Tensor, wires: Sequence[int], cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to ⟨Z⟩ of the wires, shape (B, len(wires))."""


@contextmanager
def use_backend(backend: Backend) -> Iterator[None]:
    """Choose the backend for everything that runs inside the ``with`` block, in this thread or task only.

    Args:
        backend: ``"kernel"`` for the compiled kernel, ``"torch"`` for torch operations, ``"auto"`` for the kernel
            where it can serve (it was built, 2 to 14 qubits, CPU tensors) and torch elsewhere.

    Raises:
        ConfigurationError: for another name, or for ``"kernel"`` where no compiled kernel is installed.
    """
    if backend not in get_args(Backend):
        raise ConfigurationError(
            "unknown simulation backend",
            got=repr(backend),
            expected=" or ".join(repr(name) for name in get_args(Backend)),
            remedy="name one of them",
        )
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


def chosen_kernel() -> Kernel | None:
    """The compiled kernel, unless there is none or :func:`use_backend` turned it off."""
    return load_kernel() if _CHOICE.get() != "torch" else None


def choose_engine(program: Program, amplitudes: Tensor) -> Engine:
    """The engine for these amplitudes under the current choice; the kernel is passed over where it cannot serve."""
    kernel = chosen_kernel()
    if kernel is not None and amplitudes.device.type == "cpu" and kernel.serves(program.num_qubits):
        return KernelEngine(kernel)
    return TorchEngine()


def backend_description() -> str:
    """What ``"auto"`` runs on CPU tensors, for example ``"C++ kernel (avx512)"``."""
    kernel = chosen_kernel()
    return "torch (no compiled kernel)" if kernel is None else f"C++ kernel ({kernel.instructions})"
