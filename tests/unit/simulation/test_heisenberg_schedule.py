"""How channels become sweeps, and in which order they run."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.circuit import Gate
from qiskit.circuit.library import CPhaseGate, CXGate, CZGate, RXXGate, RZZGate, SwapGate
from qiskit.quantum_info import PTM, Operator, SuperOp, random_quantum_channel, random_unitary
from qiskit_aer.noise import amplitude_damping_error, depolarizing_error, thermal_relaxation_error

from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation.heisenberg.channels import (
    Channel,
    FloatArray,
    kraus_transfer,
    on_pair,
    on_sorted,
    split,
    superoperator_transfer,
    swapped,
    unitary_transfer,
)
from qaml_qiskit.simulation.heisenberg.fusion import FusedSteps, fuse
from qaml_qiskit.simulation.heisenberg.lowering import lower
from qaml_qiskit.simulation.heisenberg.noise import NoiseTable
from qaml_qiskit.simulation.heisenberg.phases import PhasesFinder
from qaml_qiskit.simulation.heisenberg.schedule import ROW_DIGITS, TILE_DIGITS, Exchange, Schedule
from qaml_qiskit.simulation.heisenberg.structure import Structures
from qaml_qiskit.simulation.heisenberg.sweeps import Form, Kind, PhasesForm, Sweep, sweeps
from qaml_qiskit.simulation.heisenberg.vectors import PauliVectors, products
from tests.tolerances import VALUE
from tests.unit.simulation.heisenberg_cases import qvc_native
from tests.unit.simulation.simulation_cases import close, one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

#: Qiskit numbers Paulis I, X, Y, Z; here Z comes before Y.
ORDER = [0, 1, 3, 2]
TOLERANCE = VALUE[torch.float64]


def qiskit_transfer(channel: SuperOp) -> FloatArray:
    """The channel's Pauli transfer matrix in this engine's order."""
    order = ORDER if channel.num_qubits == 1 else [4 * high + low for high in ORDER for low in ORDER]
    return PTM(channel).data.real[np.ix_(order, order)]


@pytest.mark.parametrize("width", [1, 2])
def test_transfer_matrices_are_qiskits(width: int) -> None:
    channel = SuperOp(random_quantum_channel(2**width, 2**width, seed=4))
    unitary = random_unitary(2**width, seed=5)
    assert np.abs(superoperator_transfer(channel.data) - qiskit_transfer(channel)).max() < TOLERANCE
    assert np.abs(unitary_transfer(unitary.data) - qiskit_transfer(SuperOp(unitary))).max() < TOLERANCE
    mixed = kraus_transfer(np.array([0.6 * unitary.data, 0.8 * np.eye(2**width)]))
    expected = 0.36 * unitary_transfer(unitary.data) + 0.64 * np.eye(4**width)
    assert np.abs(mixed - expected).max() < TOLERANCE


@pytest.mark.parametrize("first", [True, False])
def test_relaxation_and_depolarising_noise_is_split(first: bool) -> None:
    local = amplitude_damping_error(0.3, 0.2).tensor(thermal_relaxation_error(2.0, 1.5, 1.0))
    depolarising = depolarizing_error(0.2, 2)
    error = local.compose(depolarising) if first else depolarising.compose(local)
    transfer = superoperator_transfer(SuperOp(error).data)
    pieces = split(Channel((4, 2), transfer))
    widths = [len(piece.qubits) for piece in pieces]
    assert widths == ([1, 1, 2] if first else [2, 1, 1])
    total = np.eye(16)
    for piece in pieces:
        matrix = piece.transfer
        if len(piece.qubits) == 1:
            matrix = on_pair(matrix, np.eye(4)) if piece.qubits == (2,) else on_pair(np.eye(4), matrix)
        total = matrix @ total
    assert np.abs(total - transfer).max() < TOLERANCE


def test_channels_without_structure_stay_whole() -> None:
    transfer = superoperator_transfer(SuperOp(random_quantum_channel(4, 4, seed=1)).data)
    assert len(split(Channel((0, 1), transfer))) == 1
    assert Structures().blocks(transfer) is None


@given(st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=16), st.integers(0, 2**32))
def test_blocks_are_found_in_any_order(sizes: list[int], seed: int) -> None:
    rng, matrix, filled = np.random.default_rng(seed), np.zeros((16, 16)), 0
    for size in sizes:
        size = min(size, 16 - filled)
        matrix[filled : filled + size, filled : filled + size] = rng.uniform(0.1, 1, (size, size))
        filled += size
    matrix = matrix[np.ix_(rng.permutation(16), rng.permutation(16))]
    blocks = Structures().blocks(matrix)
    if blocks is None:
        assert any(size > 1 for size in sizes)  # threes and twos may not fill four blocks of four
        return
    again = np.zeros((16, 16))
    again[blocks.rows[:, :, None], blocks.columns[:, None, :]] = blocks.matrices
    assert (again == matrix).all()
    assert blocks.is_monomial == ((matrix != 0).sum(0).max() == (matrix != 0).sum(1).max() == 1)


@pytest.mark.parametrize("sizes", [[4, 4, 4, 4], [3, 1] * 4, [2] * 8, [4, 2, 2, 3, 1, 1, 1, 1], [4, 3, 2], []])
def test_blocks_that_fit_are_found(sizes: list[int]) -> None:
    matrix, filled = np.zeros((16, 16)), 0
    for size in sizes:
        matrix[filled : filled + size, filled : filled + size] = 1
        filled += size
    assert Structures().blocks(matrix[::-1]) is not None


def test_a_component_with_more_rows_than_columns_takes_empty_columns() -> None:
    matrix = np.zeros((16, 16))
    matrix[[0, 2], 0] = 1.0  # a reset: I and Z both come from I
    blocks = Structures().blocks(matrix)
    assert blocks is not None
    assert not blocks.is_monomial
    assert Structures().blocks(matrix.T) is not None
    assert Structures().blocks(np.outer(np.ones(16), np.eye(16)[0])) is None


def test_qubits_are_sorted_with_their_matrix() -> None:
    low, high = np.diag([1.0, 2, 3, 4]), np.diag([1.0, 5, 6, 7])
    qubits, matrix = on_sorted((3, 1), on_pair(high, low))
    assert qubits == (1, 3)
    assert (matrix == on_pair(low, high)).all()
    assert (swapped(matrix) == on_pair(high, low)).all()


def native_plan(num_qubits: int, layers: int, **noise: object) -> FusedSteps:
    model = NoiseSpec.model_validate(noise).build()
    circuit = lower(qvc_native(num_qubits, layers), NoiseTable(model), None)
    matrices = ((channel.qubits, channel.transfer.T) for channel in reversed(circuit.channels))
    return fuse(matrices, max(4, num_qubits), Structures())


@pytest.mark.parametrize(
    ("noise", "kinds", "form"),
    [
        ({"bit_flip": 0.01}, {Kind.BLOCKS, Kind.ACROSS}, Form.UNITAL),
        (
            {"depolarizing": {"two_qubit": 0.02}, "amplitude_damping": 0.1},
            {Kind.SHIFT, Kind.ACROSS},
            Form.PRESERVING,
        ),
    ],
)
def test_named_noise_costs_one_cheap_sweep_for_each_cz(noise: dict[str, object], kinds: set[Kind], form: Form) -> None:
    structures, plan = Structures(), native_plan(5, 6, **noise)
    found = list(sweeps(plan.steps, structures))
    assert len(found) == 4 * 6
    assert {sweep.kind for sweep in found} == kinds
    assert {sweep.form for sweep in found} == {form}
    # One qubit of a chain has its own gate behind each CZ, and only the last CZ of a layer has two.
    assert sum(sweep.kind == Kind.ACROSS for sweep in found) == 6


@pytest.mark.parametrize(
    "noise", [{}, {"depolarizing": {"one_qubit": 0.01, "two_qubit": 0.02}}, {"crosstalk": 0.05}], ids=str
)
def test_diagonal_gates_cost_one_sweep_a_pair(noise: dict[str, object]) -> None:
    spec, native = NoiseSpec.model_validate(noise), qvc_native(5, 6)
    circuit, model = spec.attach(native)
    channels = lower(circuit, NoiseTable(model), None, check_noise=False).channels
    plan = fuse(((each.qubits, each.transfer.T) for each in reversed(channels)), 5, Structures())
    found = list(sweeps(plan.steps, Structures()))
    assert {sweep.kind for sweep in found} == {Kind.PHASES}
    assert len(found) == 4 * 6
    if not noise or "depolarizing" in noise:
        assert sum(bool(sweep.form & PhasesForm.ON_HIGH) for sweep in found) == 6


@pytest.mark.parametrize("has_cz", [False, True])
@pytest.mark.parametrize("angle", [0.0, 0.3, -2.0, np.pi / 2, np.pi])
@pytest.mark.parametrize("strength", [0.0, 0.2])
def test_diagonal_gates_are_recognised(has_cz: bool, angle: float, strength: float) -> None:
    whole = Operator(RZZGate(angle)) & Operator(CZGate() if has_cz else np.eye(4))
    transfer = qiskit_transfer(SuperOp(whole) & SuperOp(depolarizing_error(strength, 2)))
    for matrix in (transfer, swapped(transfer), transfer.T):
        found = PhasesFinder()(matrix)
        assert found is not None
        assert np.abs(found.matrix - matrix).max() < TOLERANCE
        assert found.has_cz == has_cz
        assert found.only_turns == (not has_cz and strength == 0)
        assert found.turns == (angle != 0)


@pytest.mark.parametrize("gate", [CXGate(), CPhaseGate(0.3), SwapGate(), RXXGate(0.3)], ids=lambda gate: gate.name)
def test_other_gates_are_not_taken_for_them(gate: Gate) -> None:
    assert PhasesFinder()(unitary_transfer(gate.to_matrix())) is None
    assert PhasesFinder()(np.diag(np.linspace(1, 0.5, 16))) is None


def test_strings_and_products_have_digit_0_least_significant() -> None:
    factors = torch.tensor([[[1.0, 2, 3, 4], [5.0, 6, 7, 8]]])
    vectors = PauliVectors(products(factors), (1, 4))
    assert vectors.strings()[0, 3, 2] == 8 * 3
    single = PauliVectors(torch.tensor([[0.1, 0.2, 0.3, 0.4]]), (1,))
    expected = torch.tensor([[0.1 + 0.3, 0.2 - 0.4j], [0.2 + 0.4j, 0.1 - 0.3]])
    assert close(single.matrix(0, [0], is_hermitian=True), expected, VALUE[torch.float32])


@given(st.integers(4, 11), st.integers(0, 2**32))
def test_a_schedule_keeps_the_order_of_each_digit(num_digits: int, seed: int) -> None:
    rng, nothing = np.random.default_rng(seed), np.zeros(0)
    pairs = [tuple(int(digit) for digit in rng.choice(num_digits, 2, replace=False)) for _ in range(60)]
    planned = [Sweep(Kind.BLOCKS, Form.FULL, low, high, np.arange(16), np.arange(16), nothing) for low, high in pairs]
    schedule = Schedule(planned, num_digits)
    place, done = list(schedule.place), []
    for turn in schedule:
        assert len(turn.places) == min(TILE_DIGITS, num_digits) - ROW_DIGITS
        for action in turn.actions:
            if isinstance(action, Exchange):
                assert action.inside < ROW_DIGITS
                assert action.outside in turn.places
                swap = {action.inside: action.outside, action.outside: action.inside}
                place = [swap.get(position, position) for position in place]
            else:
                sweep, low, high = action
                assert (place[sweep.low], place[sweep.high]) == (low, high)
                assert {low, high} <= turn.places
                done.append(sweep)
    assert place == schedule.place
    assert len(done) == len(planned)
    for digit in range(num_digits):
        touching = [[id(sweep) for sweep in order if digit in (sweep.low, sweep.high)] for order in (done, planned)]
        assert touching[0] == touching[1]


@given(st.integers(4, 12), st.integers(0, 2**32))
def test_what_no_turn_needed_yet_lies_on_top(num_digits: int, seed: int) -> None:
    rng, nothing = np.random.default_rng(seed), np.zeros(0)
    pairs = [tuple(int(digit) for digit in rng.choice(num_digits, 2, replace=False)) for _ in range(rng.integers(30))]
    planned = [Sweep(Kind.BLOCKS, Form.FULL, low, high, np.arange(16), np.arange(16), nothing) for low, high in pairs]
    schedule, used = Schedule.growing(planned, num_digits)
    turns = list(schedule)
    assert len(turns) >= len(used)
    assert used == sorted(used)
    for turn, places in zip(turns, [*used, *[num_digits] * (len(turns) - len(used))], strict=True):
        assert max(turn.places) < places <= num_digits
    if turns:
        assert used[0] == min(TILE_DIGITS, num_digits)
    done = sorted(id(action[0]) for turn in turns for action in turn.actions if not isinstance(action, Exchange))
    assert done == sorted(map(id, planned))
