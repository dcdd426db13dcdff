"""Matrices that commute with what lies between them become one step, and the same comes out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit.library import CZGate, RZGate, RZZGate, SXGate

from qaml_qiskit.simulation import use_backend
from qaml_qiskit.simulation.choice import chosen_kernel
from qaml_qiskit.simulation.heisenberg.channels import FloatArray, unitary_transfer
from qaml_qiskit.simulation.heisenberg.fusion import fuse
from qaml_qiskit.simulation.heisenberg.kernel_runner import KernelRunner
from qaml_qiskit.simulation.heisenberg.places import applied
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.torch_runner import TorchRunner
from qaml_qiskit.simulation.heisenberg.vectors import products
from qaml_qiskit.simulation.native import load_kernel
from tests.tolerances import VALUE
from tests.unit.simulation.simulation_cases import one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

DIGITS = 5
Operation = tuple[tuple[int, ...], FloatArray]

PAIRS: dict[str, FloatArray] = {
    "cz": unitary_transfer(CZGate().to_matrix()),
    "rzz": unitary_transfer(RZZGate(0.3).to_matrix()),
    "depolarising": np.diag([1.0, *[0.9] * 15]),
    "dense": np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0],
}
SINGLE: dict[str, FloatArray] = {
    "rz": unitary_transfer(RZGate(0.4).to_matrix()),
    "sx": unitary_transfer(SXGate().to_matrix()),
    "damping": np.array([[1, 0, 0.1, 0], [0, 0.95, 0, 0], [0, 0, 0.9, 0], [0, 0, 0, 0.95]]),
}


@st.composite
def operations(draw: st.DrawFn) -> list[Operation]:
    found: list[Operation] = []
    for _ in range(draw(st.integers(1, 20))):
        order = draw(st.permutations(range(DIGITS)))
        name = draw(st.sampled_from([*PAIRS, *SINGLE]))
        found.append((tuple(order[:2]), PAIRS[name]) if name in PAIRS else ((order[0],), SINGLE[name]))
    return found


@given(operations(), st.integers(0, 2**32))
def test_the_same_comes_out_as_one_by_one(found: list[Operation], seed: int) -> None:
    factors = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, DIGITS, 4)))
    wanted = products(factors)
    for digits, matrix in found:
        pair = digits if len(digits) == 2 else (digits[0], (digits[0] + 1) % DIGITS)
        whole = matrix if len(digits) == 2 else np.kron(np.eye(4), matrix)
        if pair[0] > pair[1]:
            whole = whole.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)
        wanted = applied(whole, wanted, (min(pair), max(pair)), DIGITS)
    plan = fuse(found, DIGITS, Structures())
    start = torch.stack([torch.from_numpy(np.asarray(m)) @ f for m, f in zip(plan.start, factors[0], strict=True)])[
        None
    ]
    runners = [TorchRunner(plan, torch.float64, torch.device("cpu"))]
    if load_kernel() is not None:
        with use_backend("kernel"):
            kernel = chosen_kernel()
        assert kernel is not None
        runners.append(KernelRunner(kernel, plan, Structures(), torch.float64))  # type: ignore[arg-type]
    for runner in runners:
        vectors = runner.run(start, lambda: None)
        scale = max(1.0, float(wanted.abs().max()))
        assert (vectors.strings().reshape(1, -1) - wanted).abs().max() < VALUE[torch.float64] * scale


def test_a_layer_with_crosstalk_is_a_step_a_pair() -> None:
    chain: list[Operation] = []
    for low in range(DIGITS - 1):
        chain.append(((low, low + 1), PAIRS["cz"]))
        chain += [((other, other + 1), PAIRS["rzz"]) for other in (low - 1, low + 1) if 0 <= other < DIGITS - 1]
    assert len(fuse(chain, DIGITS, Structures()).steps) == DIGITS - 1
    between = [*chain, *[((digit,), SINGLE["sx"]) for digit in range(DIGITS)], *chain]
    assert len(fuse(between, DIGITS, Structures()).steps) == 2 * (DIGITS - 1)
