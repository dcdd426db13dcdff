"""The kernel's sweeps over Pauli vectors and their overlaps: each kind and form, at every instruction set."""

from collections.abc import Callable, Iterator
from itertools import combinations, cycle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from qaml_qiskit.simulation.heisenberg.channels import FloatArray
from qaml_qiskit.simulation.heisenberg.fusion import FusedSteps
from qaml_qiskit.simulation.heisenberg.kernel_runner import KernelRunner
from qaml_qiskit.simulation.heisenberg.kernel_stretches import KernelStretches
from qaml_qiskit.simulation.heisenberg.phases import Phases
from qaml_qiskit.simulation.heisenberg.schedule import Exchange, Schedule
from qaml_qiskit.simulation.heisenberg.step import Step
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.sweeps import Form, Kind, PhasesForm, sweeps
from qaml_qiskit.simulation.heisenberg.torch_runner import TorchRunner
from tests.tolerances import VALUE
from tests.unit.simulation.kernel_cases import every_level, needs_kernel
from tests.unit.simulation.simulation_cases import close, one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

pytestmark = needs_kernel

PRECISIONS = [torch.float32, torch.float64]
FULL, PRESERVING, UNITAL, PAIRS = Form.FULL, Form.PRESERVING, Form.UNITAL, Form.PAIRS


def orthogonal(size: int, rng: np.random.Generator) -> FloatArray:
    return np.linalg.qr(rng.normal(size=(size, size)))[0]


def monomial(rng: np.random.Generator) -> FloatArray:
    return np.diag(rng.choice([-1.0, 1.0], 16))[rng.permutation(16)]


def in_blocks(size: int, rng: np.random.Generator) -> FloatArray:
    """Blocks of a size, their rows and columns anywhere."""
    matrix = np.zeros((16, 16))
    for start in range(0, 16, size):
        matrix[start : start + size, start : start + size] = orthogonal(size, rng)
    return matrix[np.ix_(rng.permutation(16), rng.permutation(16))]


def of_form(size: int, form: int, rng: np.random.Generator) -> FloatArray:
    matrix = orthogonal(size, rng)
    if form != FULL:
        matrix[1:, 0], matrix[0, 0] = 0, 1
    if form == UNITAL:
        matrix[0, 1:] = 0
    return matrix


def shift(rng: np.random.Generator) -> FloatArray:
    """What is behind relaxation: the identity with more in its first row."""
    matrix = np.eye(4)
    matrix[0, 1:] = rng.uniform(-0.5, 0.5, 3)
    return matrix


def phases(form: int, rng: np.random.Generator) -> FloatArray:
    """A CZ, a rotation about ZZ and depolarising noise, as far as a form has them."""
    angle = rng.uniform(0.1, 6) if form & PhasesForm.TURNED else 0.0
    return Phases(rng.uniform(0.8, 1), bool(form & PhasesForm.CONTROLLED), np.cos(angle), np.sin(angle)).matrix


def steps_of(kind: Kind, form: int, low: int, high: int, rng: np.random.Generator) -> list[Step]:
    """What becomes a sweep of this kind and form on two digits."""
    nothing = np.eye(4)
    if kind == Kind.PHASES:
        on_high = of_form(4, UNITAL, rng) if form & PhasesForm.ON_HIGH else nothing
        first = Step(low, high, phases(form, rng), of_form(4, UNITAL, rng), on_high)
        turn = Phases(1.0, has_cz=False, cosine=np.cos(0.7), sine=np.sin(0.7)).matrix
        last = [Step(low, high, turn, nothing, nothing)] if form & PhasesForm.TURNED_LAST else []
        return [first, *last]
    if kind == Kind.DENSE:
        return [Step(low, high, of_form(16, form, rng), nothing, nothing)]
    behind = of_form(4, form & ~PAIRS, rng)
    if kind in (Kind.BLOCKS, Kind.ACROSS, Kind.SHIFT):
        other: Callable[[], FloatArray] = {
            Kind.BLOCKS: lambda: nothing, Kind.ACROSS: lambda: of_form(4, form, rng), Kind.SHIFT: lambda: shift(rng)
        }[kind]  # fmt: skip
        return [Step(low, high, monomial(rng), behind, other())]
    both = of_form(4, form & ~PAIRS, rng) if kind == Kind.BLOCKS_BOTH else nothing
    return [Step(low, high, in_blocks(2 if form & PAIRS else 4, rng), behind, both)]


#: All that a sweep can be, but for exchanges.
CASES = [
    *((kind, form) for kind in (Kind.BLOCKS, Kind.ACROSS, Kind.SHIFT) for form in (FULL, PRESERVING, UNITAL)),
    *((Kind.DENSE, form) for form in (FULL, PRESERVING)),
    *(
        (kind, form)
        for kind in (Kind.BLOCKS_LOW, Kind.BLOCKS_BOTH)
        for form in (FULL, UNITAL, FULL + PAIRS, UNITAL + PAIRS)
    ),
    *((Kind.PHASES, form) for form in range(16)),
]


def plan_of(num_digits: int, steps: list[Step]) -> FusedSteps:
    return FusedSteps(num_digits, np.tile(np.eye(4), (num_digits, 1, 1)), tuple(steps))


def check(plan: FusedSteps, rng: np.random.Generator) -> None:
    """Every level, in both precisions, beside torch in double precision."""
    factors = torch.from_numpy(rng.normal(size=(1, plan.num_digits, 4))).float()
    expected = TorchRunner(plan, torch.float64, torch.device("cpu")).run(factors.double(), lambda: None).strings()
    for kernel in every_level():
        for dtype in PRECISIONS:
            runner = KernelRunner(kernel, plan, Structures(), dtype)
            for _ in range(2):  # a runner may be used again
                found = runner.run(factors.to(dtype), lambda: None).strings()
                assert close(found.double(), expected, VALUE[dtype])


@pytest.mark.parametrize(("kind", "form"), CASES)
def test_each_kind_and_form_by_itself(kind: Kind, form: int) -> None:
    rng = np.random.default_rng(10 * kind + form)
    for low, high in ((0, 1), (1, 3), (2, 4)):
        steps = steps_of(kind, form, low, high, rng)
        assert [(sweep.kind, sweep.form) for sweep in sweeps(steps, Structures())] == [(kind, form)]
        check(plan_of(5, steps), rng)


@given(
    num_digits=st.integers(4, 9),
    cases=st.lists(st.sampled_from(CASES), min_size=1, max_size=8),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=12)
def test_any_sweeps_after_each_other(num_digits: int, cases: list[tuple[Kind, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = (sorted(rng.choice(num_digits, 2, replace=False).tolist()) for _ in cases)
    steps = [step for case, pair in zip(cases, pairs, strict=True) for step in steps_of(*case, *pair, rng)]
    check(plan_of(num_digits, steps), rng)


@pytest.mark.parametrize("num_digits", [6, 10])
def test_all_of_them_with_both_digits_inside_a_row(num_digits: int) -> None:
    rng = np.random.default_rng(num_digits)
    pairs = rng.permutation([*combinations(range(num_digits), 2)])[: len(CASES)]
    steps = [
        step for pair, case in zip(pairs.tolist(), cycle(CASES), strict=False) for step in steps_of(*case, *pair, rng)
    ]
    planned = list(sweeps(steps, Structures()))
    schedule, _ = Schedule.growing(planned, num_digits)
    actions = [action for turn in schedule for action in turn.actions]
    assert {action.inside for action in actions if isinstance(action, Exchange)} == {0, 1}
    check(plan_of(num_digits, steps), rng)


def with_gaps(vector: Tensor, strides: tuple[int, ...], size: int) -> Tensor:
    """A vector of 4**D numbers as the kernel keeps it; what lies in the gaps is no number."""
    numbers = torch.arange(len(vector))
    places = sum((numbers >> 2 * digit & 3) * stride for digit, stride in enumerate(strides))
    return vector.new_full((size,), torch.nan).index_copy_(0, torch.as_tensor(places), vector)


@pytest.fixture
def threads() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("num_digits", [4, 5, 6, 8, 9])
def test_overlaps_of_two_vectors(num_digits: int, dtype: torch.dtype, threads: None) -> None:
    rng = np.random.default_rng(num_digits)
    vectors = torch.from_numpy(rng.normal(loc=1, size=(2, 4**num_digits)) / 2**num_digits).to(dtype)
    one, other = (vector.double() for vector in vectors)
    expected = torch.stack([
        torch.tensordot(one.view(-1, 4, 4**digit), other.view(-1, 4, 4**digit), dims=([0, 2], [0, 2]))
        for digit in range(num_digits)
    ])  # fmt: skip
    for kernel in every_level():
        stretches = KernelStretches(kernel, [], num_digits, Structures(), dtype)
        kept = [with_gaps(vector, stretches.strides, stretches.size) for vector in vectors]
        found = []
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            found.append(stretches.overlaps(*kept))
        assert close(torch.from_numpy(found[0]), expected, VALUE[dtype])
        assert all(np.array_equal(found[0], again) for again in found[1:])
