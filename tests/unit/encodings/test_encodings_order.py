import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector

from qaml_qiskit.encodings import (
    MultiplexedEncoding,
    PixelOrder,
    amplitudes,
    arrange,
    order_qubits,
    pixel_positions,
    state_preparation,
)
from qaml_qiskit.errors import InputError
from tests.tolerances import VALUE

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12))


@given(SHAPES, st.sampled_from(["flat", "gray"]), st.integers(0, 3))
def test_positions_are_one_to_one(shape: tuple[int, int, int], order: PixelOrder, spare: int) -> None:
    num_qubits = order_qubits(shape, order) + spare
    positions = pixel_positions(shape, num_qubits, order)
    assert len(positions) == np.prod(shape)
    assert len(positions.unique()) == len(positions)
    assert int(positions.min()) >= 0
    assert int(positions.max()) < 2**num_qubits


@pytest.mark.parametrize(
    ("shape", "qubits"), [((1, 28, 28), 10), ((28, 28), 10), ((3, 32, 32), 12), ((1, 8, 8), 6), ((1, 1, 1), 1)]
)
def test_gray_order_needs_the_qubits_of_its_frame(shape: tuple[int, ...], qubits: int) -> None:
    assert order_qubits(shape, "gray") == qubits


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_in_gray_order_differ_in_one_bit(axis: int) -> None:
    positions = pixel_positions((28, 28), 10, "gray").reshape(28, 28)
    first, second = positions.narrow(axis, 0, 27), positions.narrow(axis, 1, 27)
    assert {int(bits).bit_count() for bits in (first ^ second).flatten()} == {1}


def test_coarse_bits_meet_in_the_middle() -> None:
    """Bit 5 of ten is the upper or lower half of the frame, bit 4 the left or right half."""
    positions = pixel_positions((32, 32), 10, "gray").reshape(32, 32)
    assert (((positions >> 5) & 1) == torch.arange(32)[:, None].ge(16)).all()
    assert (((positions >> 4) & 1) == torch.arange(32)[None].ge(16)).all()


def test_arranging_is_differentiable_and_keeps_every_pixel(generator: torch.Generator) -> None:
    images = torch.rand(2, 1, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    arranged = arrange(images, 6, "gray")
    weights = torch.rand(arranged.shape, generator=generator, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((arranged * weights).sum(), images)
    positions = pixel_positions((1, 5, 6), 6, "gray")
    assert torch.equal(arranged[:, positions], images.flatten(1))
    assert torch.equal(gradient.flatten(1), weights[:, positions])


def test_exact_encodings_take_an_order(generator: torch.Generator) -> None:
    images = torch.rand(2, 1, 4, 4, generator=generator, dtype=torch.float64)
    wanted = amplitudes(images, 4, "gray")
    encoding = MultiplexedEncoding(4, order="gray")
    assert torch.equal(encoding.state(images), wanted)
    assert torch.equal(encoding.fidelity(images), torch.ones(2, dtype=torch.float64))
    for image, row, state in zip(images, encoding.angles(images).numpy(), wanted.numpy(), strict=True):
        circuits = (encoding.circuit.assign_parameters(row), state_preparation(image, 4, "gray").decompose(reps=8))
        for circuit in circuits:
            assert np.abs(Statevector(circuit).data - state).max() < VALUE[torch.float64]


def test_gray_order_needs_rows_and_columns() -> None:
    with pytest.raises(InputError, match="Do not flatten"):
        arrange(torch.ones(2, 16), 4, "gray")


def test_a_frame_that_does_not_fit() -> None:
    with pytest.raises(InputError, match="Use 12 qubits"):
        arrange(torch.ones(2, 3, 20, 20), 11, "gray")
