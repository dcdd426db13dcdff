from math import pi

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import CPhaseGate, CXGate, RXGate, RZXGate, XGate, get_standard_gate_name_mapping
from qiskit.quantum_info import DensityMatrix, Operator, Pauli, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import phase_damping_error

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import NoiseSpec, check_touches
from qaml_qiskit.noise.aer_model import errors_everywhere
from qaml_qiskit.simulation.heisenberg import noisy_expectations
from tests.tolerances import AER, VALUE

TOLERANCE = VALUE[torch.float64]


def density(circuit: QuantumCircuit, spec: NoiseSpec) -> np.ndarray:
    circuit = circuit.copy()
    circuit.save_density_matrix()
    return (
        AerSimulator(method="density_matrix", noise_model=spec.build())
        .run(circuit)
        .result()
        .data()["density_matrix"]
        .data
    )


def one_gate() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.x(0)
    return circuit


def test_depolarising_after_one_gate() -> None:
    spec = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.3}})
    assert np.abs(density(one_gate(), spec) - np.diag([0.15, 0.85])).max() < TOLERANCE


def test_amplitude_damping_decays_to_zero_not_to_one() -> None:
    """The paper writes the decay the other way round; physically |1⟩ relaxes to |0⟩."""
    spec = NoiseSpec(amplitude_damping=0.2)
    assert np.abs(density(one_gate(), spec) - np.diag([0.2, 0.8])).max() < TOLERANCE


def test_bit_flip() -> None:
    assert np.abs(density(one_gate(), NoiseSpec(bit_flip=0.1)) - np.diag([0.1, 0.9])).max() < TOLERANCE


def test_channels_follow_one_another_on_each_qubit_of_a_two_qubit_gate() -> None:
    circuit = QuantumCircuit(2)
    circuit.x([0, 1])
    circuit.cz(0, 1)
    spec = NoiseSpec.model_validate({"depolarizing": {"two_qubit": 0.4}})
    mixed = density(circuit, spec)
    expected = 0.6 * np.diag([0, 0, 0, 1]) + 0.4 * np.eye(4) / 4
    assert np.abs(mixed - expected).max() < TOLERANCE


def test_rz_is_free() -> None:
    circuit = QuantumCircuit(1)
    circuit.rz(0.3, 0)
    spec = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.5}, "amplitude_damping": 0.5, "bit_flip": 0.5})
    assert np.abs(density(circuit, spec) - np.diag([1, 0])).max() < TOLERANCE


def test_channels_preserve_the_trace() -> None:
    spec = NoiseSpec.model_validate({"depolarizing": {"one_qubit": 0.1}, "amplitude_damping": 0.2, "bit_flip": 0.3})
    assert SuperOp(errors_everywhere(spec.build())["sx"]).is_cptp()


def test_empty_noise_is_ideal() -> None:
    assert NoiseSpec().build().is_ideal()


def test_noise_on_foreign_gates_is_refused() -> None:
    circuit = QuantumCircuit(1)
    circuit.u(0.1, 0.2, 0.3, 0)
    with pytest.raises(ConfigurationError, match="touches no gate"):
        check_touches(NoiseSpec(bit_flip=0.1).build(), circuit)
    check_touches(NoiseSpec(bit_flip=0.1).build(), one_gate())
    check_touches(NoiseSpec().build(), circuit)


@pytest.mark.parametrize(
    "values", [{"bit_flip": 1.2}, {"amplitude_damping": -0.1}, {"bitflip": 0.1}, {"readout": {"p10": 2}}]
)
def test_strengths_are_probabilities(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NoiseSpec.model_validate(values)


def error_after(gate: str, **fields: object) -> np.ndarray:
    """The superoperator of the error that follows a gate."""
    error = errors_everywhere(NoiseSpec.model_validate(fields).build())[gate]
    return SuperOp(error).data


def test_phase_damping_is_aers() -> None:
    wanted = SuperOp(phase_damping_error(0.3)).data
    assert np.abs(error_after("sx", phase_damping=0.3) - wanted).max() < TOLERANCE
    both = SuperOp(phase_damping_error(0.3).tensor(phase_damping_error(0.3))).data
    assert np.abs(error_after("cz", phase_damping=0.3) - both).max() < TOLERANCE


def test_relaxation_lasts_as_long_as_the_gate() -> None:
    """After a time t, ⟨Z⟩ − 1 has shrunk by e^(−t/T1) and ⟨X⟩ by e^(−t/T2)."""
    times = {"t1": 100e-6, "t2": 150e-6, "one_qubit": 1e-6, "x": 2e-6, "two_qubit": 5e-6}
    for gate, time in {"sx": 1e-6, "x": 2e-6, "ecr": 5e-6}.items():
        error = SuperOp(error_after(gate, thermal_relaxation=times))
        width = 2 if gate == "ecr" else 1
        one, plus = (DensityMatrix.from_label(label * width).evolve(error) for label in "1+")
        excited = np.exp(-time / 100e-6)
        assert abs(one.expectation_value(Pauli("Z"), [0]) - (1 - 2 * excited)) < AER
        assert abs(plus.expectation_value(Pauli("X"), [width - 1]) - np.exp(-time / 150e-6)) < AER


@pytest.mark.parametrize(("t1", "t2", "of_z", "of_x"), [(None, 1e-4, 0.0, 0.01), (1e-4, None, 0.01, 0.005)])
def test_only_one_of_the_times(t1: float | None, t2: float | None, of_z: float, of_x: float) -> None:
    error = SuperOp(error_after("x", thermal_relaxation={"t1": t1, "t2": t2, "x": 1e-6}))
    one, plus = (DensityMatrix.from_label(label).evolve(error) for label in "1+")
    assert abs(one.expectation_value(Pauli("Z")) - (1 - 2 * np.exp(-of_z))) < AER
    assert abs(plus.expectation_value(Pauli("X")) - np.exp(-of_x)) < AER


def test_t2_beyond_twice_t1_is_cut_and_said() -> None:
    long, cut = ({"t1": 1e-4, "t2": t2, "one_qubit": 1e-6} for t2 in (5e-4, 2e-4))
    assert np.abs(error_after("sx", thermal_relaxation=long) - error_after("sx", thermal_relaxation=cut)).max() == 0
    (note,) = NoiseSpec.model_validate({"thermal_relaxation": long}).notes()
    assert note.startswith("T2 is 500 µs and 2·T1 is 200 µs")
    assert NoiseSpec.model_validate({"thermal_relaxation": cut}).notes() == ()


@pytest.mark.parametrize("angle", [0.3, -1.0, 1e-6, -1e-9])
@pytest.mark.parametrize("gate", ["sx", "x", "cz", "cx", "ecr"])
def test_an_over_rotated_gate_turns_further(gate: str, angle: float) -> None:
    """The gate and its error together are the gate with a larger angle of its own. Aer would drop the small ones."""
    further = {
        "sx": Operator(RXGate(pi / 2 + angle)),
        "x": Operator(RXGate(pi + angle)),
        "cz": Operator(CPhaseGate(pi + angle)),
        "cx": Operator(CXGate().power((pi + angle) / pi)),
        "ecr": Operator(RZXGate(pi / 2 + angle)).compose(XGate(), [0]),
    }[gate]
    own = pi / 2 if gate in ("sx", "ecr") else pi
    ideal = SuperOp(get_standard_gate_name_mapping()[gate])
    for fields in ({"one_qubit": angle, "two_qubit": angle}, {"fraction": angle / own}):
        noisy = ideal.compose(SuperOp(error_after(gate, over_rotation=fields)))
        assert np.abs(noisy.data - SuperOp(further).data).max() < TOLERANCE


def test_asymmetric_readout() -> None:
    circuit = QuantumCircuit(2)
    circuit.x(0)
    spec = NoiseSpec.model_validate({"readout": {"p10": 0.1, "p01": 0.3}})
    found = noisy_expectations(circuit, spec.build(), range(2), dtype=torch.float64).numpy()
    assert np.abs(found - [-1 + 2 * 0.3, 1 - 2 * 0.1]).max() < TOLERANCE


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"t1": 0.0, "t2": 1e-4, "sx": 1e-8}, "greater than 0"),
        ({"t1": float("nan"), "sx": 1e-8}, "finite number"),
        ({"t1": float("inf"), "sx": 1e-8}, "finite number"),
        ({"t1": 1e-4, "sx": -1e-8}, "greater than or equal to 0"),
        ({"t1": 1e-4}, "at least one gate time"),
        ({"sx": 1e-8}, "t1 or t2"),
        ({"t1": 100, "t2": 80, "sx": 5e-8}, "all times in seconds"),
        ({"t1": 1e-4, "t2": 8e-5, "cz": 70}, "all times in seconds"),
        ({"t1": 1e-4, "rz": 1e-8}, "Extra inputs"),
        ({"t1": 1e-4, "layer": 1e-6}, "for noise placed by gate: no thermal_relaxation.layer"),
    ],
)
def test_nonsense_times_are_refused(values: dict[str, float], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        NoiseSpec.model_validate({"thermal_relaxation": values})


@pytest.mark.parametrize(
    "values",
    [
        {"depolarizing": {"two_qubit": 0.1}},
        {"over_rotation": {"fraction": 0.1}},
        {"thermal_relaxation": {"t1": 1e-4, "cz": 1e-6}},
    ],
)
def test_what_has_no_place_in_a_layer_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="for noise placed by layer: no "):
        NoiseSpec.model_validate({"placement": "layer", **values})


def test_noise_that_aer_would_leave_out_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="too weak for Aer"):
        NoiseSpec(amplitude_damping=1e-9).build()
    assert not NoiseSpec(amplitude_damping=1e-7).build().is_ideal()
