"""torch's global random numbers, used by the attacks and given back untouched."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class RandomStream:
    """A seeded stretch of torch's global random numbers that can be left and entered again.

    Args:
        seed: where it starts.
        device: on which random numbers are drawn besides the CPU.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._seed = seed
        self._device = device
        self._states: list[torch.Tensor] | None = None

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Draw from this stream; afterwards the global state is what it was, and this stream remembers its place."""
        devices = _gpus(self._device)
        with torch.random.fork_rng(devices=devices):
            if self._states is None:
                self._start(devices)
            else:
                torch.set_rng_state(self._states[0])
                for gpu, state in zip(devices, self._states[1:], strict=True):
                    torch.cuda.set_rng_state(state, gpu)
            try:
                yield
            finally:
                self._states = [torch.get_rng_state(), *(torch.cuda.get_rng_state(gpu) for gpu in devices)]

    def _start(self, gpus: list[int]) -> None:
        if self._device.type not in ("cpu", "cuda"):
            torch.manual_seed(self._seed)
            return
        # The same numbers as from torch.manual_seed, which looks for every kind of device there is: that would take a
        # small model a sixth of its training step.
        torch.default_generator.manual_seed(self._seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(self._seed)


def _gpus(device: torch.device) -> list[int]:
    """Devices whose state an attack may change: its own, and the current one, which torchattacks always seeds."""
    if not torch.cuda.is_available():
        return []
    own = [device.index or 0] if device.type == "cuda" else []
    return sorted({*own, torch.cuda.current_device()})
