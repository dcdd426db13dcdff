"""The noisy engine against Aer."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.noise import NoiseSpec
from qaml_qiskit.simulation import compile_circuit, use_backend, z_expectations
from qaml_qiskit.simulation.heisenberg import NoisyObservables, memory_needed, noisy_expectations, noisy_observables
from qaml_qiskit.simulation.heisenberg.forms import quadratic_forms
from tests.tolerances import SIGMAS, VALUE
from tests.unit.simulation.heisenberg_cases import aer_expectations, noisy_circuits, qvc_native
from tests.unit.simulation.kernel_cases import needs_kernel
from tests.unit.simulation.simulation_cases import close, one_thread, same_gradients, same_values, samples

_one_thread = pytest.fixture(autouse=True)(one_thread)

BACKENDS = ["torch", pytest.param("kernel", marks=needs_kernel)]
NOISE = NoiseSpec.model_validate(
    {
        "depolarizing": {"one_qubit": 0.01, "two_qubit": 0.03},
        "amplitude_damping": 0.02,
        "bit_flip": 0.01,
        "readout": {"p10": 0.03, "p01": 0.08},
    }
).build()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with use_backend(request.param):
        yield request.param


def random_state(num_qubits: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    state = rng.normal(size=2**num_qubits) + 1j * rng.normal(size=2**num_qubits)
    return state / np.linalg.norm(state)


@given(case=noisy_circuits(max_qubits=6), seed=st.integers(0, 2**32))
@settings(max_examples=100)
def test_random_circuits_and_channels_agree_with_aer(case: tuple[QuantumCircuit, NoiseModel], seed: int) -> None:
    circuit, model = case
    state = random_state(circuit.num_qubits, seed)
    from_state = torch.from_numpy(aer_expectations(circuit, model, state))
    from_zero = torch.from_numpy(aer_expectations(circuit, model))
    for backend in ("torch", "auto"):
        with use_backend(backend):
            observables = noisy_observables(circuit, model, dtype=torch.complex128)
            assert same_values(observables.expectations(torch.from_numpy(state)[None])[0], from_state)
            assert same_values(noisy_expectations(circuit, model), from_zero)


@pytest.mark.parametrize("num_qubits", [4, 6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_real_states_need_only_the_symmetric_part(backend: str, num_qubits: int, dtype: torch.dtype) -> None:
    circuit, rows = qvc_native(num_qubits, 4), samples(3, num_qubits, dtype)
    observables = noisy_observables(circuit, NOISE, [1, 0], dtype=dtype)
    whole = noisy_observables(circuit, NOISE, [1, 0], dtype=dtype.to_complex())
    assert torch.equal(observables.matrices, whole.matrices.real)
    assert same_values(observables.matrices, observables.matrices.mT)
    assert same_values(whole.matrices, whole.matrices.mH)
    assert same_values(observables.expectations(rows), whole.expectations(rows.to(dtype.to_complex())))
    theirs = [
        aer_expectations(circuit, NOISE, row.double().numpy())[[1, 0]] for row in rows / rows.norm(dim=1)[:, None]
    ]
    read = (1 - 0.03 - 0.08) * torch.from_numpy(np.array(theirs)) + 0.08 - 0.03
    assert same_values(observables.expectations(rows), read)


def test_without_noise_it_is_the_ideal_circuit(backend: str) -> None:
    circuit, rows = qvc_native(5, 3), samples(4, 5, torch.float64)
    ideal = z_expectations(compile_circuit(circuit), rows, torch.zeros(0, dtype=torch.float64), [3, 1])
    for model in (None, NoiseModel()):
        ours = noisy_observables(circuit, model, [3, 1], dtype=torch.float64).expectations(rows)
        assert same_values(ours, ideal)


@pytest.mark.parametrize("num_qubits", [8, 9, 10])
def test_backends_agree_where_the_kernel_works_in_tiles(num_qubits: int) -> None:
    circuit = qvc_native(num_qubits, 3)
    circuit.swap(0, num_qubits - 1)
    circuit.rzz(0.3, 2, num_qubits - 2)
    circuit.unitary(np.linalg.qr(random_state(4, 1).reshape(4, 4))[0], [num_qubits - 1, 1])
    results = {}
    for backend in ("torch", "auto"):
        with use_backend(backend):
            results[backend] = noisy_observables(circuit, NOISE, [0, num_qubits - 1], dtype=torch.float64).matrices
    assert same_values(results["auto"], results["torch"])


def test_shots_of_trajectories_lie_within_the_standard_errors() -> None:
    shots, circuit, rows = 1000, qvc_native(10, 2), samples(1, 10, torch.float64)
    full = QuantumCircuit(10)
    full.set_statevector(rows[0].numpy())
    full.compose(circuit, inplace=True)
    full.measure_all()
    simulator = AerSimulator(method="statevector", noise_model=NOISE, seed_simulator=5, max_parallel_threads=1)
    counts = simulator.run(full, shots=shots).result().get_counts()
    sampled = sum(number * torch.tensor([1 - 2 * int(bit) for bit in reversed(key)]) for key, number in counts.items())
    observables = noisy_observables(circuit, NOISE, dtype=torch.float64)
    errors = observables.standard_errors(rows, shots)
    assert errors.shape == (1, 10)
    assert ((sampled / shots - observables.expectations(rows)).abs() < SIGMAS * errors).all()


def test_products_of_readings_give_covariances(backend: str) -> None:
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [0])
    model.add_readout_error(ReadoutError([[0.7, 0.3], [0.4, 0.6]]), [1])
    readings = [0, 1, (0, 1), (2, 0)]
    zero = torch.eye(8, dtype=torch.float64)[:1]
    # Bits are (0, 0) or (1, 1) with equal chances, read as ±1 with the means of each row.
    first, second = np.array([0.9 - 0.1, 0.2 - 0.8]), np.array([0.7 - 0.3, 0.4 - 0.6])
    expected = torch.tensor([[first.mean(), second.mean(), (first * second).mean(), first.mean()]])
    assert same_values(noisy_observables(circuit, model, readings, dtype=torch.float64).expectations(zero), expected)
    assert same_values(noisy_expectations(circuit, model, readings), expected[0])


def test_inputs_enter_on_some_qubits_and_the_others_start_in_zero(backend: str) -> None:
    circuit, inputs = qvc_native(4, 3), [2, 0]
    state = random_state(2, 3)
    whole = np.zeros(16, dtype=complex)
    for index, amplitude in enumerate(state):
        whole[(index & 1) << 2 | index >> 1] = amplitude
    observables = noisy_observables(circuit, NOISE, inputs=inputs, dtype=torch.complex128)
    everything = noisy_observables(circuit, NOISE, dtype=torch.complex128)
    assert observables.matrices.shape == (4, 4, 4)
    ours = observables.expectations(torch.from_numpy(state)[None])
    assert same_values(ours, everything.expectations(torch.from_numpy(whole)[None]))
    nothing = noisy_observables(circuit, NOISE, inputs=[], dtype=torch.float64)
    assert same_values(nothing.matrices[:, 0, 0], noisy_expectations(circuit, NOISE))


def test_qubits_outside_the_light_cone_cost_nothing(backend: str) -> None:
    wide, narrow = QuantumCircuit(60, 2), qvc_native(3, 2)
    wide.compose(narrow, [50, 7, 23], inplace=True)
    for qubit in range(30, 40):
        wide.x(qubit)
    wide.measure([23, 50], [0, 1])
    observables = noisy_observables(wide, NOISE, inputs=[50, 7, 23], dtype=torch.float64)
    assert observables.readings == (23, 50)
    assert same_values(observables.matrices, noisy_observables(narrow, NOISE, [2, 0], dtype=torch.float64).matrices)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex128], ids=str)
def test_gradients_are_those_of_the_quadratic_forms(dtype: torch.dtype) -> None:
    observables = noisy_observables(qvc_native(4, 2), NOISE, [0, 2, 3], dtype=dtype)
    rows = samples(5, 4, dtype)
    rows[:, 3:6] = 0  # amplitudes that are zero everywhere have gradients all the same
    weights = torch.linspace(-1, 1, 15, dtype=rows.real.dtype).reshape(5, 3)
    results = []
    for forms in (
        observables.expectations,
        lambda x: torch.einsum("ni,kij,nj->nk", x.conj(), observables.matrices, x).real,
    ):
        point = rows.clone().requires_grad_()
        values = forms(point)
        results.append((values.detach(), *torch.autograd.grad((values * weights).sum(), point)))
    assert same_values(results[0][0], results[1][0])
    assert same_gradients(results[0][1], results[1][1])
    with torch.no_grad():
        assert same_values(observables.expectations(rows), results[1][0])


def test_many_states_and_large_matrices_go_in_blocks() -> None:
    generator = torch.Generator().manual_seed(3)
    matrices = torch.randn(2, 300, 300, generator=generator, dtype=torch.float64)
    matrices, rows = matrices + matrices.mT, torch.randn(5000, 300, generator=generator, dtype=torch.float64)
    rows[:, 250:] = 0
    assert close(
        quadratic_forms(rows, matrices), torch.einsum("ni,kij,nj->nk", rows, matrices, rows), VALUE[rows.dtype]
    )


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    circuit, results = qvc_native(9, 4), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(noisy_observables(circuit, NOISE, [4]).matrices)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_everything_stays_on_the_device() -> None:
    observables = noisy_observables(qvc_native(3, 2), NOISE, [0, 1], device="meta")
    states = torch.empty(5, 8, device="meta", requires_grad=True)
    values = observables.expectations(states)
    assert values.device.type == "meta"
    assert values.shape == (5, 2)
    assert torch.autograd.grad(values.sum(), states)[0].shape == (5, 8)


def test_progress_runs_to_its_end(backend: str) -> None:
    seen: list[tuple[int, int]] = []
    noisy_observables(qvc_native(4, 3), NOISE, [0, 1, 2], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(index + 1, len(seen)) for index in range(len(seen))]
    assert seen


def test_memory_is_stated_and_refused_beforehand() -> None:
    assert memory_needed(12, 2) < 2**30
    assert memory_needed(10, 10, torch.complex128) > 10 * 4**10 * 16
    with pytest.raises(ConfigurationError, match=r"12 qubits are too many.*0\.\d GiB needed, 0\.1 GiB allowed.*fewer"):
        noisy_observables(qvc_native(12, 4), NOISE, [0, 5, 11], memory_limit=10**8)
    with pytest.raises(ConfigurationError, match=r"25 qubits are too many.*GiB needed"):
        noisy_expectations(qvc_native(25, 25), NOISE)
    states = noisy_observables(qvc_native(3, 1), NOISE)
    assert states.memory == 3 * 64 * 4


def middle() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.measure(0, 0)
    circuit.sx(0)
    return circuit


def conditional() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    return circuit


def three() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    return circuit


def unbound() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    return circuit


def foreign() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.u(0.1, 0.2, 0.3, 0)
    return circuit


def elsewhere() -> NoiseModel:
    model = NoiseModel()
    model.add_quantum_error(depolarizing_error(0.1, 1), "u", [3])
    return model


def joint_readout() -> NoiseModel:
    model = NoiseModel()
    model.add_readout_error(ReadoutError(np.full((4, 4), 0.25)), [0, 1])
    return model


@pytest.mark.parametrize(
    ("circuit", "model", "message"),
    [
        (middle(), NOISE, r"'sx' on qubits \[0\].*already measured.*measured at most at the end"),
        (conditional(), NOISE, r"'if_else'.*classical bits"),
        (three(), NOISE, "'ccx'.*3 qubits"),
        (unbound(), NOISE, "'rx'.*parameter without a value.*[Bb]ind"),
        (foreign(), NOISE, "touches no gate.*noise on cx, cz, .*; gates u.*Compile"),
        (foreign(), elsewhere(), "touches no gate"),
        (qvc_native(2, 1), joint_readout(), r"readout error of several qubits.*\[0, 1\]"),
    ],
)
def test_what_cannot_be_followed_is_refused(circuit: QuantumCircuit, model: NoiseModel, message: str) -> None:
    for function in (noisy_observables, noisy_expectations):
        with pytest.raises(ConfigurationError, match=message):
            function(circuit, model)


def test_wrong_arguments_are_named() -> None:
    circuit = qvc_native(3, 1)
    for qubits in ([3], [0, -1], [(0, 0)], []):
        with pytest.raises(InputError, match="cannot use these qubits"):
            noisy_observables(circuit, NOISE, qubits)
    with pytest.raises(InputError, match="cannot use these qubits"):
        noisy_observables(circuit, NOISE, inputs=[1, 1])
    with pytest.raises(InputError, match=r"torch.float16.*torch.float32"):
        noisy_observables(circuit, NOISE, dtype=torch.float16)
    with pytest.raises(InputError, match=r"torch.complex64.*torch.float32 or torch.float64"):
        noisy_expectations(circuit, NOISE, dtype=torch.complex64)
    observables = noisy_observables(circuit, NOISE, [0])
    for states in (torch.zeros(8), torch.zeros(1, 4), torch.zeros(1, 8, dtype=torch.float64)):
        with pytest.raises(InputError, match=r"do not fit.*\(N, 8\), torch.float32"):
            observables.expectations(states)
    with pytest.raises(InputError, match=r"shots.*0"):
        observables.standard_errors(torch.zeros(1, 8), 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_second_derivatives_of_the_quadratic_forms(dtype: torch.dtype) -> None:
    matrices = torch.randn(2, 4, 4, dtype=dtype, generator=torch.Generator().manual_seed(1))
    observables = NoisyObservables((0, 1), matrices + matrices.mH)
    point = samples(3, 2, dtype).requires_grad_()
    assert torch.autograd.gradgradcheck(observables.expectations, (point,))
    if dtype == torch.float64:
        # The cotangent needs no gradient, and the second derivative of xᵀMx is 2M all the same.
        hessian = torch.autograd.functional.hessian(lambda row: observables.expectations(row[None])[0, 0], point[0])
        assert same_values(hessian, 2 * observables.matrices[0])


@pytest.mark.parametrize("num_qubits", [1, 3])
def test_a_readout_that_tells_nothing_reads_zero(backend: str, num_qubits: int) -> None:
    model = NoiseModel()
    model.add_readout_error(ReadoutError([[0.5, 0.5], [0.5, 0.5]]), [0])
    circuit = qvc_native(num_qubits, 2)
    zero = torch.eye(2**num_qubits, dtype=torch.float64)[:1]
    forwards = noisy_expectations(circuit, model)
    backwards = noisy_observables(circuit, model, dtype=torch.float64).expectations(zero)[0]
    assert forwards[0] == backwards[0] == 0
    assert same_values(forwards, backwards)
