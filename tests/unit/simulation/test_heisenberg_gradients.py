"""Exact gradients through noise, in angles and in states: beside differences and parameter shifts on Aer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterVector, QuantumCircuit
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.noise import named_noise
from qaml_qiskit.simulation import use_backend
from qaml_qiskit.simulation.heisenberg import TrainableCircuit, noisy_observables
from qaml_qiskit.simulation.native import load_kernel
from tests.tolerances import AER, DIFFERENCE_STEP, DIFFERENT, FINITE_DIFFERENCE, GRADIENT, VALUE
from tests.unit.simulation.heisenberg_cases import ERRORS, aer_expectations, apply, noisy_circuits
from tests.unit.simulation.kernel_cases import at_every_level, needs_kernel
from tests.unit.simulation.simulation_cases import close, one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

BACKENDS = ["torch", *(["kernel"] if load_kernel() is not None else [])]
TRAINED = ("rx", "ry", "rz", "p", "u", "rzz", "rxx", "rzx")


def layers(num_qubits: int, count: int) -> QuantumCircuit:
    """Native gates of rotations RZ·RY·RZ and a chain of CZ, every angle free."""
    circuit, angles = QuantumCircuit(num_qubits), ParameterVector("θ", 3 * num_qubits * count)
    free = iter(angles)
    for _ in range(count):
        for qubit in range(num_qubits):
            circuit.rz(next(free), qubit)
            circuit.sx(qubit)
            circuit.rz(np.pi + next(free), qubit)
            circuit.sx(qubit)
            circuit.rz(next(free), qubit)
        for qubit in range(num_qubits - 1):
            circuit.cz(qubit, qubit + 1)
    return circuit


def states(count: int, num_qubits: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 2**num_qubits)))
    return drawn / drawn.norm(dim=1, keepdim=True)


def loss_of(trained: TrainableCircuit, inputs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Curved in what is read, so that its gradient differs from image to image."""
    read = trained.expectations(inputs, values)
    return (read.exp() * torch.linspace(-1, 2, read.numel(), dtype=read.dtype).view(read.shape)).sum()


def gradients(trained: TrainableCircuit, inputs: torch.Tensor, values: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """By the values and by the inputs."""
    angles = torch.from_numpy(values).requires_grad_()
    inputs = inputs.clone().requires_grad_()
    loss_of(trained, inputs, angles).backward()
    assert angles.grad is not None
    assert inputs.grad is not None
    return angles.grad, inputs.grad


@st.composite
def trained_circuits(draw: st.DrawFn) -> tuple[QuantumCircuit, NoiseModel, np.ndarray]:
    """A random noisy circuit with gates that are trained between others, some of the same angle."""
    circuit, model = draw(noisy_circuits(max_qubits=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    found, angles = circuit.copy_empty_like(), [Parameter(f"a{k}") for k in range(4)]
    found.ry(angles[0], 0)
    for each in circuit.data:
        found.append(each)
        name = draw(st.sampled_from(TRAINED))
        width = 2 if name.startswith("r") and len(name) == 3 else 1
        if width > circuit.num_qubits or draw(st.booleans()):
            continue
        gate = QuantumCircuit(width)
        qubits = rng.permutation(circuit.num_qubits)[:width].tolist()
        apply(gate, name, range(width), rng)
        operation = gate.data[0].operation.to_mutable()
        operation.params = [rng.normal() * rng.choice(angles) + rng.choice(angles) for _ in operation.params]
        found.append(operation, qubits)
        if rng.random() < 0.5:
            error = ERRORS[rng.choice([*ERRORS])](width, rng)
            model.add_quantum_error(error, name, qubits, warnings=False)
    return found, model, rng.uniform(-2, 2, found.num_parameters)


@settings(max_examples=20)
@given(trained_circuits(), st.integers(0, 2**32), st.booleans())
def test_gradients_are_those_of_differences(
    case: tuple[QuantumCircuit, NoiseModel, np.ndarray], seed: int, is_whole: bool
) -> None:
    circuit, model, values = case
    rng = np.random.default_rng(seed)
    entering = rng.permutation(circuit.num_qubits)[: circuit.num_qubits if is_whole else 1].tolist()
    readings = [0, tuple(range(circuit.num_qubits))]
    inputs, found = states(3, len(entering), seed), []
    for backend in BACKENDS:
        with use_backend(backend):
            trained = TrainableCircuit(circuit, model, readings, inputs=entering, dtype=torch.float64)
            bound = circuit.assign_parameters(values)
            known = noisy_observables(bound, model, readings, inputs=entering, dtype=torch.float64)
            difference = trained.expectations(inputs, torch.from_numpy(values)) - known.expectations(inputs)
            assert difference.abs().max() < VALUE[torch.float64]
            found.append(gradients(trained, inputs, values))
            for index in rng.permutation(len(values))[:2]:
                step = DIFFERENCE_STEP * np.eye(len(values))[index]
                ends = [float(loss_of(trained, inputs, torch.from_numpy(values + sign * step))) for sign in (1, -1)]
                slope = (ends[0] - ends[1]) / (2 * DIFFERENCE_STEP)
                assert abs(slope - float(found[-1][0][index])) < FINITE_DIFFERENCE
            direction = states(3, len(entering), seed + 1) * DIFFERENCE_STEP
            ends = [float(loss_of(trained, inputs + sign * direction, torch.from_numpy(values))) for sign in (1, -1)]
            along = float((found[-1][1] * direction).sum())
            assert abs((ends[0] - ends[1]) / 2 - along) < FINITE_DIFFERENCE * DIFFERENCE_STEP
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert (one - other).abs().max() < GRADIENT[torch.float64] * max(1.0, float(one.abs().max()))


@pytest.fixture(params=["depolarizing", "amplitude-damping", "crosstalk", "readout", "over-rotation"])
def noisy_layers(request: pytest.FixtureRequest) -> tuple[QuantumCircuit, NoiseModel]:
    return named_noise(request.param, 0.05).attach(layers(3, 2))


def test_gradients_are_parameter_shifts_of_a_density_matrix(noisy_layers: tuple[QuantumCircuit, NoiseModel]) -> None:
    circuit, model = noisy_layers
    values, inputs = np.random.default_rng(1).uniform(-2, 2, circuit.num_parameters), states(1, 3)
    contrast, offset = np.ones(3), np.zeros(3)
    readout = [error for error in model.to_dict()["errors"] if error["type"] == "roerror"]
    if readout:
        rows = np.array(readout[0]["probabilities"])
        # Aer's density matrix is not read: flips are put on its averages.
        contrast, offset = contrast * (rows[0, 0] - rows[1, 0]), offset + rows[0, 0] + rows[1, 0] - 1

    def read(angles: np.ndarray) -> np.ndarray:
        return offset + contrast * aer_expectations(circuit.assign_parameters(angles), model, inputs[0].numpy())

    trained = TrainableCircuit(circuit, model, range(3), dtype=torch.float64)
    angles = torch.from_numpy(values).requires_grad_()
    found = trained.expectations(inputs, angles)[0]
    assert np.abs(found.detach().numpy() - read(values)).max() < AER
    for index in (0, 4, 8, 13, 17):
        shift = np.pi / 2 * np.eye(len(values))[index]
        wanted = (read(values + shift) - read(values - shift)) / 2
        got = [torch.autograd.grad(each, angles, retain_graph=True)[0][index].item() for each in found]
        assert np.abs(np.array(got) - wanted).max() < AER


def test_noise_that_cannot_be_undone_between_gates_is_followed() -> None:
    circuit, model = layers(4, 2), NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.995), "sx")
    damped = amplitude_damping_error(0.3)
    model.add_all_qubit_quantum_error(damped.tensor(damped), "cz")
    values, inputs = np.random.default_rng(2).uniform(-2, 2, circuit.num_parameters), states(2, 4)
    trained = TrainableCircuit(circuit, model, [1, 3], dtype=torch.float64)
    by_angles, _ = gradients(trained, inputs, values)
    for index in range(0, len(values), 5):
        step = DIFFERENCE_STEP * np.eye(len(values))[index]
        ends = [float(loss_of(trained, inputs, torch.from_numpy(values + sign * step))) for sign in (1, -1)]
        assert abs((ends[0] - ends[1]) / (2 * DIFFERENCE_STEP) - float(by_angles[index])) < FINITE_DIFFERENCE


@pytest.mark.parametrize("backend", BACKENDS)
def test_keeping_less_changes_nothing_and_needs_less_memory(backend: str) -> None:
    circuit, model = named_noise("crosstalk", 0.1).attach(layers(5, 7))
    values, inputs = np.random.default_rng(3).uniform(-2, 2, circuit.num_parameters), states(2, 5)
    with use_backend(backend):  # type: ignore[arg-type]
        whole, little = (
            TrainableCircuit(circuit, model, [0, 4], dtype=torch.float64, kept=kept) for kept in (2**30, 0)
        )
        assert little.memory_needed < whole.memory_needed
        for one, other in zip(gradients(whole, inputs, values), gradients(little, inputs, values), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("num_qubits", [6, 9])
def test_single_precision_and_many_tiles(num_qubits: int) -> None:
    circuit, model = named_noise("depolarizing", 0.01).attach(layers(num_qubits, 2))
    model.add_all_qubit_readout_error(ReadoutError([[0.97, 0.03], [0.05, 0.95]]))
    values, inputs = np.random.default_rng(4).uniform(-2, 2, circuit.num_parameters), states(3, num_qubits)
    double, single = (
        gradients(TrainableCircuit(circuit, model, [0, num_qubits - 1], dtype=dtype), inputs.to(dtype), values)
        for dtype in (torch.float64, torch.float32)
    )
    for one, other in zip(double, single, strict=True):
        assert (one - other.double()).abs().max() < GRADIENT[torch.float32]
    assert double[0].abs().max() > DIFFERENT


@needs_kernel
@pytest.mark.parametrize("noise", ["crosstalk", "amplitude-damping"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_every_instruction_set_has_torchs_gradients(noise: str, dtype: torch.dtype) -> None:
    circuit, model = named_noise(noise, 0.1).attach(layers(5, 2))
    values, inputs = np.random.default_rng(6).uniform(-2, 2, circuit.num_parameters), states(3, 5)
    with use_backend("torch"):
        expected = gradients(TrainableCircuit(circuit, model, [4, (0, 2)], dtype=torch.float64), inputs, values)
    trained = TrainableCircuit(circuit, model, [4, (0, 2)], dtype=dtype)
    for _ in at_every_level():
        for one, other in zip(expected, gradients(trained, inputs.to(dtype), values), strict=True):
            assert close(other.double(), one, GRADIENT[dtype])


def test_training_learns_under_noise() -> None:
    circuit, model = named_noise("amplitude-damping", 0.05).attach(layers(3, 2))
    trained = TrainableCircuit(circuit, model, [0], dtype=torch.float64)
    values = torch.zeros(trained.num_parameters, dtype=torch.float64, requires_grad=True)
    inputs, wanted = states(4, 3), torch.tensor([0.3, -0.3, 0.3, -0.3])[:, None].double()
    optimiser, losses = torch.optim.Adam([values], lr=0.1), []
    for _ in range(15):
        optimiser.zero_grad()
        loss = (trained.expectations(inputs, values) - wanted).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_what_cannot_be_trained_is_refused() -> None:
    angle = Parameter("a")
    circuit = QuantumCircuit(2)
    circuit.cp(angle, 0, 1)
    with pytest.raises(ConfigurationError, match="cannot train the gate"):
        TrainableCircuit(circuit, None, [0])
    trained = TrainableCircuit(layers(2, 1), None, [0])
    with pytest.raises(InputError, match=r"values do not fit the circuit: got shape \(3,\); expected"):
        trained.matrices(torch.zeros(3))
    with pytest.raises(InputError, match=r"got shape \(6,\) with values that are not finite; expected"):
        trained.matrices(torch.full((6,), torch.nan))
    with pytest.raises(InputError, match="states do not fit"):
        trained.expectations(torch.zeros(1, 4, dtype=torch.float64), torch.zeros(6))
    with pytest.raises(ConfigurationError, match="too many for the memory"):
        TrainableCircuit(layers(8, 2), None, [0], memory_limit=2**20)
