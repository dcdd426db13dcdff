"""Filters in front of a model, against SciPy and by their definition."""

from itertools import product

import pytest
import torch
from scipy.ndimage import median_filter

from qaml_qiskit.filters import parse_filter
from tests.tolerances import VALUE

TIGHT = VALUE[torch.float64]


@pytest.mark.parametrize(("size", "shape"), list(product((2, 3, 5), ((3, 4), (1, 7), (8, 8)))))
def test_the_median_is_that_of_scipy(size: int, shape: tuple[int, int]) -> None:
    pixels = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(3))
    expected = median_filter(pixels.numpy(), size=(1, 1, size, size), mode="nearest")
    assert torch.equal(parse_filter(f"median:{size}")(pixels), torch.from_numpy(expected))


def test_bits_round_to_as_many_levels_and_pass_the_slope() -> None:
    pixels = torch.linspace(0, 1, 101, dtype=torch.float64).reshape(1, 1, 1, -1).requires_grad_(True)
    for bits in (1, 2, 8):
        found = parse_filter(f"bits:{bits}")(pixels)
        steps = found.detach() * (2**bits - 1)
        assert torch.allclose(steps, steps.round(), rtol=0, atol=TIGHT)
        assert float((found - pixels).detach().abs().max()) <= 0.5 / (2**bits - 1) + TIGHT
        (slope,) = torch.autograd.grad(found.sum(), pixels)
        assert torch.equal(slope, torch.ones_like(pixels))


def test_an_image_of_which_nothing_is_left_stays_as_it_is() -> None:
    line = torch.zeros(2, 1, 8, 8)
    line[0, 0, :, 3] = 0.4
    line[1, 0, 2:7, 2:7] = 0.4
    assert torch.equal(parse_filter("median:3")(line)[0], line[0])
    assert not torch.equal(parse_filter("median:3")(line)[1], line[1])
    assert torch.equal(parse_filter("bits:1")(line), line)
