"""The kernel beside torch in double precision: circuits of 1 to 20 qubits, both precisions, every instruction set."""

from functools import reduce

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from torch import Tensor

from qaml_qiskit.simulation import compile_circuit, use_backend, z_expectations
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE, GRADIENT, VALUE
from tests.unit.simulation.kernel_cases import at_every_level, needs_kernel
from tests.unit.simulation.simulation_cases import close, one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

pytestmark = needs_kernel

#: Threads by level of instructions and precision: each meets one, two, and more than there is work for.
THREADS = {torch.float32: (1, 2, 5), torch.float64: (2, 5, 1)}

#: Logits, and the gradients of a loss in images and in weights.
Results = tuple[Tensor, Tensor, Tensor]


class Case:
    """A circuit, a batch that single precision holds exactly, and a loss that is linear in what is read of it."""

    def __init__(self, circuit: QuantumCircuit, rows: Tensor, weights: Tensor, cotangent: Tensor) -> None:
        self.circuit, self.rows, self.weights, self.cotangent = circuit, rows, weights, cotangent
        self.program = compile_circuit(circuit)
        self.readings = [*range(circuit.num_qubits), tuple(range(circuit.num_qubits))][: cotangent.shape[1]]

    def rows_in(self, dtype: torch.dtype) -> Tensor:
        return self.rows.to(dtype.to_complex() if self.rows.is_complex() else dtype)

    def results(self, dtype: torch.dtype) -> Results:
        rows, weights = self.rows_in(dtype).requires_grad_(), self.weights.clone().requires_grad_()
        values = z_expectations(self.program, rows, weights.to(dtype), self.readings)
        by_rows, by_weights = torch.autograd.grad((values * self.cotangent).sum(), (rows, weights))
        return values.detach(), by_rows, by_weights

    def slope(self, rows: Tensor, weights: Tensor) -> Tensor:
        """Of the loss in a direction, by central differences."""
        ends = []
        for step in (DIFFERENCE_STEP, -DIFFERENCE_STEP):
            moved = self.rows_in(torch.float64) + step * rows, self.weights + step * weights
            ends.append((z_expectations(self.program, *moved, self.readings) * self.cotangent).sum())
        return (ends[0] - ends[1]) / (2 * DIFFERENCE_STEP)


def walls(num_qubits: int, count: int, rng: np.random.Generator) -> QuantumCircuit:
    """Rotations of most qubits, CZ and trained RZZ between any, ``count`` times; some have their angle in common."""
    circuit, angles = QuantumCircuit(num_qubits), ParameterVector("w", 4 * num_qubits)
    for _ in range(count):
        for qubit in range(num_qubits):
            for gate in (circuit.rz, circuit.ry, circuit.rz):
                if rng.random() < 0.8:
                    gate(angles[rng.integers(len(angles))], qubit)
        for _ in range(num_qubits if num_qubits > 1 else 0):
            pair = rng.choice(num_qubits, 2, replace=False).tolist()
            if rng.random() < 0.9:
                circuit.cz(*pair)
            else:
                circuit.rzz(angles[rng.integers(len(angles))], *pair)
    return circuit


def product_states(batch: int, num_qubits: int, rng: np.random.Generator, *, is_complex: bool) -> Tensor:
    """States whose ⟨Z⟩ are large however many qubits there are, as they are not of random amplitudes."""
    angles = rng.uniform(0, np.pi, (num_qubits, batch))
    factors = np.stack([np.cos(angles), np.sin(angles) * np.exp(1j * angles if is_complex else 0)], -1)
    rows = reduce(lambda low, high: (high[:, :, None] * low[:, None]).reshape(batch, -1), factors)
    return torch.from_numpy(rows).to(torch.complex64 if is_complex else torch.float32)


def random_case(num_qubits: int, batch: int, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    circuit = walls(num_qubits, 1 if num_qubits > 12 else int(rng.integers(3)), rng)
    rows = product_states(batch, num_qubits, rng, is_complex=bool(rng.random() < 0.3))
    noise = torch.from_numpy(rng.normal(size=rows.shape)) / 2 ** (num_qubits / 2)
    weights = torch.from_numpy(rng.normal(size=circuit.num_parameters, scale=3))
    # With the product of all Z, or without.
    cotangent = torch.from_numpy(rng.normal(size=(batch, num_qubits + int(rng.integers(2)))))
    return Case(circuit, rows + 0.3 * noise.to(rows.dtype), weights, cotangent)


def agree(found: Results, expected: Results, dtype: torch.dtype) -> bool:
    """To the precision's tolerances of the largest entry: of gradients in many amplitudes all are small."""
    for ours, theirs, allowed in zip(found, expected, (VALUE[dtype], GRADIENT[dtype], GRADIENT[dtype]), strict=True):
        size = max(float(theirs.abs().max()), 1 / ours[0].numel() ** 0.5) if theirs.numel() else 1.0
        if not close(ours.to(theirs.dtype) / size, theirs / size, allowed):
            return False
    return True


def check(case: Case, expected: Results) -> None:
    for kernel in at_every_level():
        for dtype, threads in THREADS.items():
            torch.set_num_threads(threads[kernel.level])
            assert agree(case.results(dtype), expected, dtype)


def check_differences(case: Case, expected: Results, rng: np.random.Generator) -> None:
    """Of the images alone, and of the weights alone."""
    _, by_rows, by_weights = expected
    nothing, towards = torch.zeros_like(by_rows), torch.from_numpy(rng.normal(size=by_rows.shape)).to(by_rows.dtype)
    towards /= max(1.0, float(towards.norm()))
    assert close(
        case.slope(towards, torch.zeros_like(case.weights)), (towards.conj() * by_rows).real.sum(), FINITE_DIFFERENCE
    )
    towards = torch.from_numpy(rng.normal(size=by_weights.shape)) / max(1, len(by_weights)) ** 0.5
    assert close(case.slope(nothing, towards), (towards * by_weights).sum(), FINITE_DIFFERENCE)


def check_random(num_qubits: int, filling: float, amplitudes: int, seed: int) -> None:
    """A batch of 1 to 70, with at most so many amplitudes where it is not a single one."""
    batch = 1 + round(filling * (min(70, max(1, amplitudes >> num_qubits)) - 1))
    case = random_case(num_qubits, batch, seed)
    with use_backend("torch"):
        expected = case.results(torch.float64)
        assert agree(case.results(torch.float32), expected, torch.float32)
    check(case, expected)
    check_differences(case, expected, np.random.default_rng(seed))


@given(st.integers(1, 16), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_it_agrees_with_torch_and_differences(num_qubits: int, filling: float, seed: int) -> None:
    check_random(num_qubits, filling, 2**15, seed)


@pytest.mark.slow
@pytest.mark.parametrize("num_qubits", range(1, 21))
@given(st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=2)
def test_it_agrees_with_torch_and_differences_at_every_size(num_qubits: int, filling: float, seed: int) -> None:
    check_random(num_qubits, filling, 2**20, seed)


def halved_case(num_qubits: int, batch: int, seed: int) -> tuple[Case, Results]:
    """A circuit of two parts that never meet, on qubits anywhere, and what torch makes of each by itself."""
    rng = np.random.default_rng(seed)
    circuit, halves = QuantumCircuit(num_qubits), np.array_split(rng.permutation(num_qubits), 2)
    parts = [half_case(name, len(half), batch, rng) for name, half in zip("ab", halves, strict=True)]
    numbers = np.arange(2**num_qubits)
    inside = [sum((numbers >> qubit & 1) << place for place, qubit in enumerate(half)) for half in halves]
    rows = [part.rows.double()[:, places] for part, places in zip(parts, inside, strict=True)]
    squares = [part.rows.double().square().sum(1, keepdim=True) for part in parts]
    values, cotangent = torch.empty(2, batch, num_qubits, dtype=torch.float64)
    by_rows, by_weights = torch.zeros_like(rows[0]), []
    for index, (part, half) in enumerate(zip(parts, halves, strict=True)):
        circuit.compose(part.circuit, half.tolist(), inplace=True)
        cotangent[:, half] = part.cotangent
        # What is read of one part is read as often as there is something of the other.
        part.cotangent = part.cotangent * squares[1 - index]
        with use_backend("torch"):
            found = part.results(torch.float64)
        values[:, half] = found[0] * squares[1 - index]
        by_rows += (found[1] / squares[1 - index])[:, inside[index]] * rows[1 - index]
        by_weights.append(found[2])
    case = Case(circuit, (rows[0] * rows[1]).float(), torch.cat([part.weights for part in parts]), cotangent)
    return case, (values, by_rows, torch.cat(by_weights))


def half_case(name: str, num_qubits: int, batch: int, rng: np.random.Generator) -> Case:
    """Rows of so few bits that single precision holds their products, too."""
    circuit = walls(num_qubits, 1, rng)
    angles = ParameterVector(name, circuit.num_parameters)
    circuit = circuit.assign_parameters(dict(zip(circuit.parameters, angles, strict=True)))
    rows = product_states(batch, num_qubits, rng, is_complex=False)
    rows = (rows + torch.from_numpy(rng.normal(size=rows.shape, scale=0.02)).float()).half().float()
    weights, cotangent = rng.normal(size=circuit.num_parameters), rng.normal(size=(batch, num_qubits))
    return Case(circuit, rows, torch.from_numpy(weights), torch.from_numpy(cotangent))


@pytest.mark.parametrize("num_qubits", [17, 18, 19, 20])
def test_large_states_are_those_of_two_halves(num_qubits: int) -> None:
    check(*halved_case(num_qubits, 1, seed=num_qubits))


@pytest.mark.slow
@pytest.mark.parametrize("batch", [2, 70])
def test_a_batch_of_the_largest_states(batch: int) -> None:
    case, expected = halved_case(20, batch, batch)
    torch.set_num_threads(2)
    assert agree(case.results(torch.float32), expected, torch.float32)
