"""Every named noise, by gate and by layer: against channels written out by hand, and against Aer."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, SuperOp
from qiskit_aer import AerSimulator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import NOISES, NoiseName, NoiseSpec, Placement, named_noise
from qaml_qiskit.noise.aer_model import errors_everywhere
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from tests.tolerances import AER, DIFFERENT, SIGMAS, VALUE
from tests.unit.noise.noise_cases import hand_made, marked
from tests.unit.simulation.heisenberg_cases import aer_expectations, qvc_native
from tests.unit.simulation.simulation_cases import one_thread

_one_thread = pytest.fixture(autouse=True)(one_thread)

TOLERANCE = VALUE[torch.float64]
PLACEMENTS: tuple[Placement, ...] = ("gate", "layer")
NAMES = tuple(NOISES)


def layered(num_qubits: int, layers: int, seed: int) -> tuple[QuantumCircuit, list[QuantumCircuit]]:
    """A native circuit with marked layers, and the layers by themselves."""
    parts = [qvc_native(num_qubits, 1, seed + layer) for layer in range(layers)]
    return marked(parts), parts


def strong(name: NoiseName) -> float:
    """A strength that shows."""
    return 0.3 if name == "crosstalk" else 0.05


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_is_what_it_says(name: NoiseName, placement: Placement, data: st.DataObject) -> None:
    num_qubits = data.draw(st.integers(3 if name == "crosstalk" else 1, 4))
    layers, seed = data.draw(st.integers(1, 2)), data.draw(st.integers(0, 1000))
    strength = data.draw(st.floats(0.001, min(NOISES[name].high, 4.0)))
    marked, parts = layered(num_qubits, layers, seed)
    circuit, model = named_noise(name, strength, placement).attach(marked)
    wanted = hand_made(parts, name, strength, placement)
    exact = noisy_expectations(circuit, model, range(num_qubits), dtype=torch.float64).numpy()
    assert np.abs(exact - wanted).max() < TOLERANCE
    if name != "readout":
        assert np.abs(aer_expectations(circuit, model) - wanted).max() < AER


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("name", NAMES)
def test_changes_the_result_and_vanishes_at_zero(name: NoiseName, placement: Placement) -> None:
    marked, _ = layered(3, 3, 7)
    ideal = noisy_expectations(marked, None, range(3), dtype=torch.float64)
    circuit, model = named_noise(name, strong(name), placement).attach(marked)
    noisy = noisy_expectations(circuit, model, range(3), dtype=torch.float64)
    assert (noisy - ideal).abs().max() > DIFFERENT
    # The markers by themselves compute nothing.
    assert (noisy_expectations(circuit, None, range(3), dtype=torch.float64) - ideal).abs().max() < TOLERANCE
    none = named_noise(name, 0, placement)
    circuit, model = none.attach(marked)
    assert none == NoiseSpec(placement=placement)
    assert circuit is marked
    assert model.is_ideal()


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "readout"])
def test_preserves_the_trace_at_every_strength(name: NoiseName, placement: Placement) -> None:
    marked, _ = layered(3, 1, 0)
    for strength in (1e-7, 0.5, NOISES[name].high):
        _, model = named_noise(name, strength, placement).attach(marked)
        assert errors_everywhere(model)
        assert all(SuperOp(error).is_cptp() for error in errors_everywhere(model).values())


@pytest.mark.parametrize("name", ["amplitude-damping", "thermal-relaxation"])
def test_relaxation_ends_in_zero(name: NoiseName) -> None:
    error = SuperOp(errors_everywhere(named_noise(name, 0.4, "layer").build())["layer-noise"])
    zero, state = DensityMatrix.from_label("0"), DensityMatrix.from_label("l")
    assert np.abs(zero.evolve(error).data - zero.data).max() < TOLERANCE
    for _ in range(200):
        state = state.evolve(error)
    assert np.abs(state.data - zero.data).max() < TOLERANCE


def test_readout_flips_counts_either_way() -> None:
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    circuit, model = named_noise("readout", 0.1).attach(circuit)
    shots = 20_000
    counts = AerSimulator(noise_model=model, seed_simulator=11).run(circuit, shots=shots).result().get_counts()
    margin = SIGMAS * np.sqrt(0.81 * 0.19 / shots)
    assert abs(counts["01"] / shots - 0.81) < margin
    margin = SIGMAS * np.sqrt(0.09 * 0.91 / shots)
    assert abs(counts["00"] / shots - 0.09) < margin
    assert abs(counts["11"] / shots - 0.09) < margin


def test_global_and_gate_by_gate_depolarising_differ() -> None:
    marked, _ = layered(3, 2, 5)
    ideal = noisy_expectations(marked, None, range(3), dtype=torch.float64)
    ratios = {}
    for name in ("global-depolarizing", "depolarizing"):
        circuit, model = named_noise(name, 0.02).attach(marked)
        ratios[name] = noisy_expectations(circuit, model, range(3), dtype=torch.float64) / ideal
    uses = sum(instruction.name in ("sx", "cz") for instruction in marked.data)
    assert (ratios["global-depolarizing"] - 0.98**uses).abs().max() < TOLERANCE
    assert ratios["depolarizing"].max() - ratios["depolarizing"].min() > DIFFERENT


@pytest.mark.parametrize("strength", [-0.001, float("nan"), float("inf"), 101.0])
@pytest.mark.parametrize("name", NAMES)
def test_strengths_out_of_range_are_refused(name: NoiseName, strength: float) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot have this strength: got .*; expected 0 to "):
        named_noise(name, strength)


def test_a_time_too_short_to_be_meant_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="mix of units"):
        named_noise("thermal-relaxation", 1e-12)


@pytest.mark.parametrize(("name", "placement"), [("depolarising", "gate"), ("readout", "gates")])
def test_unknown_words_are_refused_with_the_nearest(name: str, placement: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Perhaps (depolarizing|gate)"):
        named_noise(name, 0.1, placement)  # type: ignore[arg-type]
