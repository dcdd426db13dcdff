"""States as vectors against Qiskit's, and the plane of their principal axes."""

import numpy as np
import pytest
import torch
from qiskit.quantum_info import Pauli, Statevector

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.studies import Plane, Projecting, state_vectors
from tests.integration.small import ideal, images, model
from tests.tolerances import DIFFERENT, ROUNDED, VALUE

TOLERANCE = VALUE[torch.float64]


def paulis(state: Statevector) -> list[float]:
    n = state.num_qubits
    return [
        float(state.expectation_value(Pauli("I" * (n - 1 - qubit) + axis + "I" * qubit)).real)
        for qubit in range(n)
        for axis in "XYZ"
    ]


def test_bloch_vectors_are_qiskits() -> None:
    qvc, pictures = model(), images(3)
    found = state_vectors(ideal(qvc), pictures, "circuit")
    for vector, picture in zip(found, pictures, strict=True):
        state = Statevector(qvc.encoding.state(picture[None].double())[0].numpy()).evolve(qvc.ansatz())
        assert vector == pytest.approx(paulis(state), abs=TOLERANCE)


def test_noise_layers_are_drawn_for_every_image_anew() -> None:
    qvc = model().with_noise_layers(NoiseLayers(beta=1.0, variance=0.5))
    same = images(1).repeat(3, 1, 1, 1)
    found = state_vectors(ideal(qvc), same, "circuit", seed=1)
    assert np.abs(found[0] - found[1]).max() > DIFFERENT
    assert np.array_equal(found, state_vectors(ideal(qvc), same, "circuit", seed=1))
    assert np.abs(found - state_vectors(ideal(qvc), same, "circuit", seed=2)).max() > DIFFERENT
    generator = torch.Generator().manual_seed(1)
    angles = qvc.draw(generator).detach().double().flatten().numpy()
    drawn = qvc.ansatz(noise_layers="angles").assign_parameters(angles)
    state = Statevector(qvc.encoding.state(same[:1].double())[0].numpy()).evolve(drawn)
    assert found[0] == pytest.approx(paulis(state), abs=TOLERANCE)


def test_the_work_tells_labels_too() -> None:
    pictures, told = images(4), []
    found = Projecting(ideal(), "encoding")(pictures, lambda count, *words: told.append(count))
    assert found["predicted"].tolist() == ideal().logits(pictures).argmax(1).tolist()
    assert found["vectors"].shape == (4, 8)
    assert sum(told) == 4


def test_the_plane_holds_what_lies_in_it() -> None:
    generator = np.random.default_rng(2)
    flat = generator.normal(size=(20, 2)) @ np.array([[3.0, 0, 0, 0], [0, 1.0, 0, 0]]) + 5
    plane = Plane.of(flat)
    assert plane.variance == pytest.approx(1)
    assert plane.distances(flat) == pytest.approx(np.zeros(20), abs=ROUNDED)
    assert plane.distances(flat + np.array([0, 0, 2, 0])) == pytest.approx(np.full(20, 2.0))
    assert plane.points(flat).var(axis=0)[0] > plane.points(flat).var(axis=0)[1]
    assert np.take_along_axis(plane.axes, np.abs(plane.axes).argmax(axis=1)[:, None], axis=1).min() > 0


@pytest.mark.parametrize("vectors", [np.ones((1, 3)), np.ones((4, 1)), np.zeros((3, 3))])
def test_too_few_directions_leave_an_axis_empty(vectors: np.ndarray) -> None:
    plane = Plane.of(vectors)
    assert plane.variance == 1
    assert plane.points(vectors) == pytest.approx(np.zeros((len(vectors), 2)))
