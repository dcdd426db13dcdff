"""What a backend has to offer, and which one serves."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from qaml_qiskit.simulation.batched.engine import engine_on
from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.kernel import KernelEngine
from qaml_qiskit.simulation.program import Program
from qaml_qiskit.simulation.pullback import Pullback, Wanted
from qaml_qiskit.simulation.readings import Strings
from qaml_qiskit.simulation.torch_backend import TorchEngine


class Engine(Protocol):
    """Runs programs on batches. Wires, not circuit qubits; the state is a tensor in a layout of the engine's own.

    Strings are products of Z, each the wires whose Z are multiplied.
    """

    def forward(self, program: Program, angles: Tensor, amplitudes: Tensor) -> Tensor:
        """The final state, for angles (A,) float64 and amplitudes (B, 2**n), real or complex."""

    def amplitudes(self, program: Program, state: Tensor, batch: int) -> Tensor:
        """The state as complex amplitudes, shape (B, 2**n)."""

    def expectations(self, program: Program, state: Tensor, strings: Strings, batch: int) -> Tensor:
        """Averages of the strings, shape (B, number of strings)."""

    def pull_back_amplitudes(
        self, program: Program, angles: Tensor, state: Tensor, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the final amplitudes, shape (B, 2**n) complex."""

    def pull_back_expectations(
        self, program: Program, angles: Tensor, state: Tensor, strings: Strings, cotangent: Tensor, wanted: Wanted
    ) -> Pullback:
        """Gradients, given those with respect to the averages of the strings, shape (B, number of strings)."""


def choose_engine(program: Program, amplitudes: Tensor) -> Engine:
    """The engine for these amplitudes under the current choice; the kernel is passed over where it cannot serve."""
    if amplitudes.device.type != "cpu":
        return engine_on(amplitudes.device)
    kernel = chosen_kernel()
    if kernel is not None and kernel.serves(program.num_qubits):
        return KernelEngine(kernel)
    return TorchEngine()
