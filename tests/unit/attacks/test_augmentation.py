"""Where a substitute asks next."""

import torch
from torch import nn

from qaml_qiskit.attacks import jacobian_augmented


class Linear(nn.Module):
    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(scale * torch.tensor([[1.0, 2.0, 0.0], [1.0, -1.0, 0.5]]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weight.T


IMAGES = torch.tensor([[0.5, 0.5, 0.5], [0.0, 0.95, 1.0]]).reshape(2, 1, 1, 3)


def test_images_move_to_where_the_victims_label_is_surer() -> None:
    """Of two classes the softmax of the first rises with z₀ − z₁, whose gradient is (0, 3, −.5)."""
    found = jacobian_augmented(Linear(), IMAGES, torch.tensor([0, 1]), 0.1).reshape(2, 3)
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.6, 0.4], [0.0, 0.85, 1.0]]))


def test_a_sure_substitute_moves_them_too() -> None:
    """A softmax that is 1 in single precision, and one that is 1 in double precision."""
    for scale in (20.0, 60.0):
        found = jacobian_augmented(Linear(scale), IMAGES, torch.tensor([0, 0]), 0.1).reshape(2, 3)
        assert found[0, 1] > 0.55
    assert not IMAGES.requires_grad


def test_the_direction_is_that_of_finite_differences(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    images = torch.rand(5, 1, 2, 2, generator=generator).double() * 0.5 + 0.25
    labels, tiny = torch.tensor([0, 1, 2, 0, 1]), 1e-4
    found = jacobian_augmented(model, images, labels, 0.1) - images
    for pixel in range(4):
        change = torch.zeros(4, dtype=torch.double)
        change[pixel] = tiny
        ahead, behind = (model(images + sign * change.reshape(1, 2, 2)).softmax(1) for sign in (1, -1))
        slope = (ahead - behind).gather(1, labels[:, None])[:, 0]
        torch.testing.assert_close(found.flatten(1)[:, pixel], 0.1 * slope.sign())
