"""How far states can be moved: against all corners of small boxes, and against what cannot change it."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from qaml_qiskit.encodings import (
    AngleEncoding,
    ApproximateEncoding,
    MultiplexedEncoding,
    amplitude_movement,
    angle_movement,
)
from qaml_qiskit.encodings.encoding import Encoding
from qaml_qiskit.errors import ConfigurationError, InputError
from tests.tolerances import CERTIFICATE, DIFFERENT, VALUE

SEEDS = st.integers(0, 2**32 - 1)
TINY = VALUE[torch.float64]


def images(seed: int, size: int, count: int = 3) -> Tensor:
    drawn = torch.rand(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (1.4 * drawn - 0.3).clamp(0, 1) + 1e-3 * torch.eye(size, dtype=torch.float64)[0]


def distances(encoding: Encoding, image: Tensor, others: Tensor) -> Tensor:
    overlap = encoding.state(others) @ encoding.state(image[None])[0]
    return (1 - overlap.square()).clamp(min=0).sqrt()


@given(SEEDS, st.integers(1, 3), st.floats(0.01, 0.9))
@settings(max_examples=40, deadline=None)
def test_no_corner_is_beyond_the_bound_and_the_witness_is_one(seed: int, qubits: int, eps: float) -> None:
    size, encoding = 2**qubits, MultiplexedEncoding(qubits)
    batch = images(seed, size)
    witness, bound = amplitude_movement(batch, eps)
    corners = torch.tensor(list(product((-1.0, 1.0), repeat=size)), dtype=torch.float64)
    inside = 2 * torch.rand(300, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1
    for image, low, high in zip(batch, witness, bound, strict=True):
        near = (image + eps * torch.cat([corners, inside])).clamp(0, 1)
        found = distances(encoding, image, near[near.any(1)]).max()
        # A witness is a corner, so none of them all is better than the best.
        assert low - 1e-7 <= found <= high + 1e-7


def test_in_l2_the_tangent_is_reached() -> None:
    image = images(1, 8, 1)
    eps = 0.3
    moved, same = amplitude_movement(image, eps, "l2")
    assert torch.equal(moved, same)
    length = image.norm()
    across = torch.linalg.qr(torch.cat([image.T, torch.eye(8, dtype=torch.float64)[:, :1]], 1)).Q[:, 1]
    angle = torch.asin(eps / length)
    tangent = image[0] * torch.cos(angle) ** 2 + across * length * torch.sin(angle) * torch.cos(angle)
    assert (tangent - image[0]).norm() == pytest.approx(eps)
    assert distances(MultiplexedEncoding(3), image[0], tangent[None])[0] == pytest.approx(moved.item())
    assert amplitude_movement(image, 99.0, "l2")[0].item() == 1


def test_without_a_box_it_is_the_ball_around() -> None:
    batch, eps = images(2, 512, 4), 0.02
    witness, bound = amplitude_movement(batch, eps, box=None)
    expected = eps * 512**0.5 / batch.norm(dim=1)
    torch.testing.assert_close(bound, expected, rtol=CERTIFICATE, atol=0)
    assert ((expected - witness) / expected < DIFFERENT).all()


def test_order_padding_and_copies_change_nothing() -> None:
    batch, eps = images(3, 64, 4), 0.05
    order = torch.randperm(64, generator=torch.Generator().manual_seed(0))
    for changed in (batch[:, order], batch.repeat_interleave(4, dim=1)):
        for box in (None, (0.0, 1.0)):
            torch.testing.assert_close(
                amplitude_movement(changed, eps, box=box)[1],
                amplitude_movement(batch, eps, box=box)[1],
                rtol=1e-6,
                atol=0,
            )
    flat, gray = (MultiplexedEncoding(6, order=each) for each in ("flat", "gray"))
    shaped = batch.reshape(4, 1, 8, 8)
    assert torch.equal(flat.movement(shaped, eps), gray.movement(shaped, eps))
    assert torch.equal(flat.movement(shaped, eps), MultiplexedEncoding(9).movement(shaped, eps))


@given(SEEDS, st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_angles_move_as_far_as_told(seed: int, eps: float) -> None:
    encoding, batch = AngleEncoding(3), images(seed, 3).clamp(0, 1)
    corners = eps * torch.tensor(list(product((-1.0, 0.0, 1.0), repeat=3)), dtype=torch.float64)
    moved = encoding.movement(batch, eps)
    ball = torch.randn(300, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ball = torch.cat([ball / ball.norm(dim=1, keepdim=True), torch.eye(3, dtype=torch.float64)])
    for image, far in zip(batch, moved, strict=True):
        assert distances(encoding, image, (image + corners).clamp(0, 1)).max() == pytest.approx(far.item(), abs=1e-7)
        reached = distances(encoding, image, image + eps * ball).max().item()
        assert reached == pytest.approx(angle_movement(image[None], eps, "l2").item(), abs=1e-7)


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="approximate"):
        ApproximateEncoding(3, 1).movement(torch.rand(1, 1, 2, 4), 0.1)
    for wrong in (torch.zeros(1, 4), -torch.ones(1, 4)):
        with pytest.raises(InputError, match="can be moved"):
            amplitude_movement(wrong, 0.1)
    with pytest.raises(InputError, match="the range of a feature"):
        angle_movement(torch.rand(1, 2), 1.5)
