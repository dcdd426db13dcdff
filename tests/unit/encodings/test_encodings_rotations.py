import numpy as np
import torch
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from qaml_qiskit.encodings.rotations import (
    euler_angles,
    nearest_rotation,
    preparation_angles,
    rotation_matrix,
    split_eigenvectors,
)
from tests.tolerances import VALUE

EXACT = VALUE[torch.float64]


def random_rotors(count: int, generator: torch.Generator) -> torch.Tensor:
    rotors = torch.randn(count, 2, 4, generator=generator, dtype=torch.float64)
    return rotors / rotors.norm(dim=2, keepdim=True)


def block(walls: np.ndarray, controlled: tuple[bool, bool]) -> QuantumCircuit:
    """RY walls, each after a CZ where ``controlled`` says so; the more significant qubit first."""
    circuit = QuantumCircuit(2)
    for wall, cz in zip(walls, (False, *controlled), strict=True):
        if cz:
            circuit.cz(0, 1)
        circuit.ry(wall[0], 1)
        circuit.ry(wall[1], 0)
    return circuit


def test_rotors_are_rotations(generator: torch.Generator) -> None:
    matrices = rotation_matrix(random_rotors(50, generator))
    assert (matrices @ matrices.mT - torch.eye(4)).abs().max() < EXACT
    assert (torch.linalg.det(matrices) - 1).abs().max() < EXACT


def test_every_rotation_is_a_circuit_of_two_cz(generator: torch.Generator) -> None:
    rotors = torch.cat([random_rotors(20, generator), torch.eye(4).double()[:, None].repeat(1, 2, 1)])
    for matrix, walls in zip(rotation_matrix(rotors), euler_angles(rotors).numpy(), strict=True):
        assert np.abs(Operator(block(walls, (True, True))).data - matrix.numpy()).max() < EXACT


def test_every_state_of_two_qubits_takes_one_cz(generator: torch.Generator) -> None:
    states = torch.cat([torch.randn(20, 4, generator=generator, dtype=torch.float64), torch.eye(4).double()])
    states = states / states.norm(dim=1, keepdim=True)
    for state, walls in zip(states, preparation_angles(states).numpy(), strict=True):
        assert np.abs(Statevector(block(walls, (False, True))).data - state.numpy()).max() < EXACT


def test_nearest_rotation_is_the_polar_factor(generator: torch.Generator) -> None:
    """Also with negative determinant, where the direction of the smallest singular value is turned round."""
    matrices = torch.randn(50, 4, 4, generator=generator, dtype=torch.float64)
    assert (torch.linalg.det(matrices) < 0).any()
    left, _, right = torch.linalg.svd(matrices)
    left[:, :, 3] *= torch.linalg.det(left @ right)[:, None].sign()
    assert (rotation_matrix(nearest_rotation(matrices)) - left @ right).abs().max() < EXACT


def test_nearest_rotation_has_the_right_derivative(generator: torch.Generator) -> None:
    matrices = torch.randn(3, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda matrix: rotation_matrix(nearest_rotation(matrix)), matrices)


def test_eigenspaces_have_a_derivative_although_eigenvalues_coincide(generator: torch.Generator) -> None:
    basis = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64))[0]
    matrix = (basis @ torch.diag(torch.tensor([3.0, 3.0, 0.0, 0.0]).double()) @ basis.T)[None].requires_grad_(True)

    def projector(matrix: torch.Tensor) -> torch.Tensor:
        dominant, _ = split_eigenvectors(matrix + matrix.mT, 2)
        return dominant @ dominant.mT

    assert torch.autograd.gradcheck(projector, matrix)
