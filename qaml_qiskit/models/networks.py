"""Networks of the user's, tried out, with what they are for: what a deployment holds where it holds no stored model."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import nn

from qaml_qiskit.models.factories import Factory
from qaml_qiskit.models.programs import ProgramFile
from qaml_qiskit.models.trial import tried
from qaml_qiskit.models.user_network import NetworkCard, UserNetwork, snapshot


@dataclass(frozen=True, eq=False)
class Network:
    """A user's network and what it is for. Pickled it is its file or its name where it has one, else itself.

    Attributes:
        model: the network.
        card: what it takes and is for.
        code: fingerprints of the files that made it, by what they are; empty for a module of this process.
        no_gradients: why attacks by gradients cannot read it; empty where they can.
        notes: what a reader of results should know of it, in sentences.
    """

    model: UserNetwork
    card: NetworkCard
    code: Mapping[str, str] = field(default_factory=dict)
    no_gradients: str = ""
    notes: tuple[str, ...] = ()
    _origin: ProgramFile | Factory | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Callable[..., "Network"], tuple[Any, ...]]:
        found = (self.card, self.code, self.no_gradients, self.notes, self._origin)
        if self._origin is None:
            return Network, (self.model, *found)
        return _again, (self._origin.state_of(self.model), *found)

    @property
    def key(self) -> str:
        """A name that says what it is: its own, and a fingerprint of the weights and of what it is for."""
        words = f"{self.weights}{self.card.model_dump_json()}".encode()
        return f"{re.sub('[^A-Za-z0-9]+', '-', self.model.name).strip('-')}-{hashlib.sha256(words).hexdigest()[:12]}"

    @cached_property
    def weights(self) -> str:
        """Fingerprint of the weights and of :attr:`code`, 16 hexadecimal digits."""
        words = hashlib.sha256(repr(sorted(self.code.items())).encode())
        network = self.model.network
        for name, module in network.named_modules():
            words.update(f"{name}:{type(module).__qualname__};".encode())
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            words.update(f"{name}:{tensor.dtype}{tuple(tensor.shape)};".encode())
            words.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        return words.hexdigest()[:16]


def network_of(module: nn.Module, name: str, card: NetworkCard) -> Network:
    """A module of this process as it is now; later changes to it do not count, and it is not touched.

    Args:
        module: images (N, C, H, W) in [0, 1] to logits (N, m).
        name: what it is called.
        card: what it takes and is for.

    Raises:
        QamlError: it cannot be copied, does not take such images, or gives no such logits.
    """
    return _tried(snapshot(module, name, card.model), card)


def read_network(name: str, card: NetworkCard) -> Network:
    """The network that a name stands for. This runs code: that of a factory, and any that a ``.pt2`` holds.

    Args:
        name: the path of a ``.pt2``, or ``package.module:factory``.
        card: what it takes and is for.

    Raises:
        QamlError: there is no such file or module, it gives no network, or as :func:`network_of`.
    """
    origin = Factory(name) if Factory.is_name(name) else ProgramFile.read(name)
    code = origin.code
    return _tried(origin.build(card.model), card, code, origin)


def _tried(
    model: UserNetwork,
    card: NetworkCard,
    code: Mapping[str, str] | None = None,
    origin: ProgramFile | Factory | None = None,
) -> Network:
    no_gradients, notes = tried(model)
    if origin is not None:
        notes = (f"{model.name} is code of yours, or of whoever wrote it: reading and asking it ran that code.", *notes)
    return Network(model, card, code or {}, no_gradients, notes, origin)


def _again(state: Mapping[str, torch.Tensor] | None, card: NetworkCard, *found: Any) -> Network:
    """The same network in another process."""
    model = found[-1].build(card.model)
    if state is not None:
        model.load_state_dict(state)
    return Network(model, card, *found)
