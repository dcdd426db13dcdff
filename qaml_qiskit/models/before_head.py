"""What a QVC averages, as a module."""

from torch import Tensor, nn

from qaml_qiskit.models.noisy import NoisyQVC
from qaml_qiskit.models.qvc import QVC


class BeforeHead(nn.Module):
    """Images to ⟨P_s⟩ of the readout's S products of Z, shape (N, S): a QVC, with noise or without, before its head.

    Args:
        model: maps images to logits.
    """

    def __init__(self, model: QVC | NoisyQVC) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Shape (N, S), for what the model takes."""
        return self.model.expectations(images)
