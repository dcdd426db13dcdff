"""Noise layers in circuits: where they stand, in which form, and what they do on average."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Operator

from qaml_qiskit.circuits import ANSAETZE, NoiseLayers, OwnAnsatz, OwnCircuit, noise_layer_label
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.execution import load_recipe, open_target, to_isa
from qaml_qiskit.execution.catalogue import IdealEntry
from qaml_qiskit.noise import LAYER_END, add_flips
from tests.tolerances import VALUE
from tests.unit.circuits.circuit_cases import own_circuits

N, L = 4, 3


def kinds(circuit: QuantumCircuit) -> list[tuple[str, str | None, tuple[int, ...]]]:
    return [
        (each.name, each.label, tuple(circuit.find_bit(qubit).index for qubit in each.qubits)) for each in circuit.data
    ]


def weights(count: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-3, 3, count)


@pytest.mark.parametrize("name", sorted(ANSAETZE.parts()))
def test_every_layer_has_its_noise_in_front_of_it(name: str) -> None:
    ansatz = ANSAETZE[name](N, L)
    angles, markers = ansatz.circuit(noise_layers="angles"), ansatz.circuit(LAYER_END, "markers")
    noisy = [(layer, qubit) for layer in range(L) for qubit in ansatz.noisy_qubits(layer)]
    drawn = [each for each in angles.data if each.params and str(each.params[0]).startswith("ν[")]
    assert [(each.name, str(each.params[0])) for each in drawn] == [("ry", f"ν[{i * N + q}]") for i, q in noisy]
    assert [angles.find_bit(each.qubits[0]).index for each in drawn] == [qubit for _, qubit in noisy]
    labelled = [(label, qubits) for _, label, qubits in kinds(markers) if label is not None]
    expected = []
    for layer in range(L):
        expected += [(noise_layer_label(layer), ansatz.noisy_qubits(layer)), (LAYER_END, tuple(range(N)))]
    assert labelled == expected


@pytest.mark.parametrize("name", sorted(ANSAETZE.parts()))
def test_noise_of_angle_zero_is_none(name: str) -> None:
    ansatz = ANSAETZE[name](N, L)
    circuit = ansatz.circuit(noise_layers="angles")
    free = {each: 0.0 for each in circuit.parameters if each.name.startswith("ν[")}
    theta = weights(ansatz.num_parameters)
    quiet, plain = circuit.assign_parameters(free), ansatz.circuit()
    assert len(free) == sum(len(ansatz.noisy_qubits(layer)) for layer in range(L))
    difference = Operator(quiet.assign_parameters(theta)).data - Operator(plain.assign_parameters(theta)).data
    assert np.abs(difference).max() < VALUE[torch.float64]


def test_a_qcnn_has_noise_on_the_qubits_that_are_left() -> None:
    ansatz = ANSAETZE["qcnn"](8, 4)
    assert [ansatz.noisy_qubits(layer) for layer in range(4)] == [
        tuple(range(8)),
        tuple(range(8)),
        (0, 2, 4, 6),
        (0, 4),
    ]


@given(own_circuits(layers=True))
def test_marked_layers_of_an_own_circuit_have_noise(circuit: QuantumCircuit) -> None:
    ansatz = OwnAnsatz(OwnCircuit.of(circuit), LAYER_END)
    made = ansatz.circuit(noise_layers="angles")
    assert made.num_parameters == ansatz.num_parameters + ansatz.num_layers * ansatz.num_qubits
    markers = [label for _, label, _ in kinds(ansatz.circuit(noise_layers="markers"))]
    assert markers.count(noise_layer_label(ansatz.num_layers - 1)) == 1


@given(own_circuits())
def test_a_circuit_without_layers_cannot_have_noise_layers(circuit: QuantumCircuit) -> None:
    ansatz = OwnAnsatz(OwnCircuit.of(circuit), LAYER_END)
    for form in ("angles", "markers"):
        with pytest.raises(ConfigurationError, match="noise layers need layers"):
            ansatz.circuit(noise_layers=form)


@given(
    st.floats(-3, 3),
    st.floats(0, 3),
    st.floats(0.01, 1),
)
def test_flips_are_what_a_random_rotation_does_on_average(beta: float, variance: float, probability: float) -> None:
    """The transfer of RY(φ) on X and Z is cos φ, integrated over the density of φ; on Y it is 1, as with flips."""
    rule = NoiseLayers(variance=variance, distribution="gaussian-bernoulli", probability=probability)
    (flip,) = rule.flips([beta]).values()
    points, shares = np.polynomial.hermite_e.hermegauss(60)
    turned = (shares * np.cos(points * math.sqrt(variance) * beta)).sum() / math.sqrt(2 * math.pi)
    assert abs(1 - 2 * flip - (probability * turned + 1 - probability)) < VALUE[torch.float64]


@pytest.mark.parametrize("beta", [math.nan, math.inf])
def test_flips_of_no_number_are_refused(beta: float) -> None:
    with pytest.raises(InputError, match="NaN or infinite"):
        NoiseLayers().flips([0.1, beta])


def test_the_smallest_flips_keep_their_digits() -> None:
    (flip,) = NoiseLayers(variance=1).flips([1e-9]).values()
    assert flip == pytest.approx(2.5e-19, rel=1e-9)


@pytest.mark.parametrize("recipe", ["quick", "level3"])
def test_flips_survive_a_compilation(recipe: str) -> None:
    """Barriers do, and what stands behind them is put there afterwards; identities would be removed."""
    ansatz = ANSAETZE["cnot"](N, L)
    target = open_target("native", IdealEntry(kind="ideal"), N)
    bound = ansatz.circuit(noise_layers="markers").assign_parameters(weights(ansatz.num_parameters))
    isa = to_isa(bound, target.isa, load_recipe(recipe))
    flips = {noise_layer_label(0): 0.1, noise_layer_label(1): 0.0, noise_layer_label(2): 1e-12}
    marked, model = add_flips(isa, flips)
    assert model is not None
    for layer, count in ((0, N), (1, 0), (2, N)):
        found = [each for each in kinds(marked) if each[:2] == ("id", noise_layer_label(layer))]
        assert len(found) == count
    assert set(model.noise_instructions) == {noise_layer_label(0), noise_layer_label(2)}


def test_angles_survive_a_compilation() -> None:
    """One compiled circuit, whose free angles are the noise of any draw."""
    ansatz = ANSAETZE["ladder"](3, 2)
    target = open_target("native", IdealEntry(kind="ideal"), 3)
    circuit = ansatz.circuit(noise_layers="angles")
    theta = weights(ansatz.num_parameters)
    own = [each for each in circuit.parameters if each.name.startswith("θ[")]
    bound = circuit.assign_parameters(dict(zip(own, theta, strict=True)))
    isa = to_isa(bound, target.isa, load_recipe("level3"))
    assert [each.name for each in isa.parameters] == [f"ν[{index}]" for index in range(6)]
    draw = np.random.default_rng(4).normal(size=6)
    assert Operator(isa.assign_parameters(draw)).equiv(Operator(bound.assign_parameters(draw)))


def test_flips_without_their_markers_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="would not act"):
        add_flips(ANSAETZE["ladder"](2, 1).circuit(), {noise_layer_label(0): 0.1})


@pytest.mark.parametrize(
    "values",
    [
        {"variance": -0.1},
        {"variance": math.inf},
        {"beta": math.nan},
        {"distribution": "gaussian-bernoulli", "probability": 0},
        {"distribution": "gaussian-bernoulli", "probability": 1.5},
        {"distribution": "cauchy"},
        {"phases": "never"},
        {"sigma": 1},
    ],
)
def test_a_rule_that_is_none(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NoiseLayers.model_validate(values)


def test_gaussian_noise_has_no_probability() -> None:
    with pytest.raises(ConfigurationError, match="have no probability"):
        NoiseLayers(probability=0.3)
