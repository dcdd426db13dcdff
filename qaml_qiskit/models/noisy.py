"""A QVC under noise, exactly."""

from collections.abc import Callable
from dataclasses import replace
from typing import Self

from torch import Tensor, nn

from qaml_qiskit.models.inputs import check_batch
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.simulation.heisenberg import NoisyObservables


class NoisyQVC(nn.Module):
    """The classifier that a noisy device would be with endless shots: logits from xᵀM_s x, with noisy observables M_s.

    The gradient with respect to the images is exact, through the noise and through the encoding. The weights are
    constants of the observables, so the module has no parameters to train.

    Args:
        model: the QVC; its encoding prepares the states, without noise.
        observables: what its layers, their noise and the readout errors make of the readout's strings on these states,
            one for each.
    """

    def __init__(self, model: QVC, observables: NoisyObservables) -> None:
        super().__init__()
        self.model = model
        self.observables = observables
        self.config = model.config

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """The observables move with the module, to a device or a precision."""
        self.observables = replace(self.observables, matrices=fn(self.observables.matrices))
        return super()._apply(fn, recurse)

    def expectations(self, images: Tensor) -> Tensor:
        """⟨P⟩ of the readout's strings under noise, shape (N, S), for images of shape (N, C, H, W) in [0, 1].

        Raises:
            InputError: a wrong shape, or an image that cannot be encoded.
        """
        images = check_batch(images, self.config.image_shape)
        return self.observables.expectations(self.model.encoding.state(images).to(self.observables.matrices))

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), as the QVC makes them from ⟨P⟩.

        Raises:
            InputError: as :meth:`expectations`.
        """
        found = self.expectations(images)
        return self.model.head_for(found).converted(Tensor.detach).logits(found)
