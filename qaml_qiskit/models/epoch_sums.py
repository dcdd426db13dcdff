"""Sums over the steps of an epoch, added up where the losses are."""

import torch
from torch import Tensor

from qaml_qiskit.models.training_state import TrainingState

#: The sums of a device are read after so many steps: to read them is to wait for it.
_STEPS = 16


class EpochSums:
    """Adds losses to a training's state: on the CPU at once, elsewhere without waiting for the device.

    The sums are the same, bit for bit, whenever they are read.

    Args:
        state: whose ``seen``, ``loss_sum`` and ``correct`` are kept.
        device: where losses are.
        at_once: whether every loss is read when it comes; if None, on the CPU alone.
    """

    def __init__(self, state: TrainingState, device: torch.device, *, at_once: bool | None = None) -> None:
        self._state, self._device = state, device
        self._at_once = device.type == "cpu" if at_once is None else at_once
        self._images = self._steps = 0
        #: The sums of losses and of right answers, and the last loss that is not finite, or 0.
        self._sums: tuple[Tensor, Tensor, Tensor] | None = None

    def add(self, loss: Tensor, correct: Tensor, images: int) -> None:
        """A step.

        Args:
            loss: the mean over its images, shape ().
            correct: how many of them were classified correctly, shape ().
            images: how many there were.
        """
        if self._at_once:
            state = self._state
            state.seen, state.loss_sum = state.seen + images, state.loss_sum + loss.item() * images
            state.correct += int(correct)
            return
        if self._sums is None:
            like = torch.empty((), dtype=torch.float64, device=self._device)
            state, empty = self._state, torch.zeros_like(like)
            self._sums = (torch.full_like(like, state.loss_sum), torch.full_like(like, state.correct), empty)
        loss_sum, right, broken = self._sums
        loss = loss.double()
        broken = torch.where(torch.isfinite(loss), broken, loss)
        self._sums = loss_sum + loss * images, right + correct, broken
        self._images += images
        self._steps += 1

    @property
    def is_due(self) -> bool:
        """Whether the sums should be read: behind the first step, so that there is something to tell, and at times."""
        return self._state.seen == 0 or self._steps >= _STEPS

    def settle(self) -> float:
        """Bring the state up to date; what is returned is not finite where a loss was not."""
        if self._sums is None:
            return 0.0
        loss_sum, correct, broken = torch.stack(self._sums).tolist()
        state = self._state
        state.seen, state.loss_sum, state.correct = state.seen + self._images, loss_sum, int(correct)
        self._images, self._steps, self._sums = 0, 0, None
        return float(broken)
