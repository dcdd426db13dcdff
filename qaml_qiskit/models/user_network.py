"""A torch network of the user's: what it is, and the module that the package asks."""

import copy
from contextlib import suppress
from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.models.inputs import ImageShape, Size, check_batch
from qaml_qiskit.models.store import DataCard
from qaml_qiskit.text import printable


class NetworkConfig(BaseModel):
    """What is known of a network: what it takes and what it gives.

    Attributes:
        image_shape: (C, H, W).
        num_classes: m.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["network"] = "network"
    image_shape: ImageShape
    num_classes: Size


class NetworkCard(BaseModel):
    """What a model's card says, for a network that came without one.

    Attributes:
        model: what it takes and gives.
        data: what it is for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: NetworkConfig
    data: DataCard


class UserNetwork(nn.Module):
    """A user's network as a constant: images of any type, anywhere, to logits.

    Images are moved to where the weights of the network lie and cast to their type; the logits come back to where the
    images are, in single precision at least. The network stays in evaluation mode and none of its weights requires a
    gradient, so that a QVC inside of it is collapsed.

    Args:
        network: belongs to this module from now on.
        name: what it is called in errors.
        config: what it takes and gives.
    """

    def __init__(self, network: nn.Module, name: str, config: NetworkConfig) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.config = config
        # An exported program has the mode that it was exported in, and no other.
        with suppress(NotImplementedError):
            network.eval()
        # A TorchScript module has weights, but no requires_grad_ of its own.
        for weight in network.parameters():
            weight.requires_grad_(False)
        self.training = False

    def train(self, mode: bool = True) -> Self:
        """Leave every mode as it is: a constant is not trained."""
        return self

    @property
    def place(self) -> Tensor | None:
        """A tensor that lies where images must and has the type that they need; None where any will do."""
        tensors = (*self.network.parameters(), *self.network.buffers())
        return next((each for each in tensors if each.is_floating_point()), None)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1].

        Raises:
            InputError: images of another shape; or the network fails, or gives something else than logits.
        """
        images = check_batch(images, self.config.image_shape)
        if not len(images):
            return images.new_zeros(0, self.config.num_classes)
        place = self.place
        logits = self._answered(images if place is None else images.to(place))
        return logits.to(images.device, torch.float64 if logits.dtype == torch.float64 else torch.float32)

    def _answered(self, images: Tensor) -> Tensor:
        """The logits of images that lie where they must."""
        return self._asked(images)

    def _asked(self, images: Tensor) -> Tensor:
        """What the network says, checked."""
        try:
            # Its own copy: a network may normalise it in place.
            logits = self.network(images.clone())
        except QamlError:
            raise
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.name} cannot read the images",
                got=f"{type(error).__name__}: {printable(str(error))}",
                expected=f"a network from images of shape {_shape('N', *self.config.image_shape)} to logits",
                remedy="call the network on such images by itself, and mend it, or choose the data that it is for",
            ) from error
        wanted = (len(images), self.config.num_classes)
        plain = isinstance(logits, Tensor) and logits.layout == torch.strided and not logits.is_meta
        if not plain or logits.shape != wanted or not logits.is_floating_point():
            raise InputError(
                f"{self.name} gives no logits",
                got=_told_output(logits),
                expected=f"a tensor of shape {wanted}: a row an image, a number a class",
                remedy="mend what the network gives, or choose the data and the classes that it is for",
            )
        return logits


class ExportedNetwork(UserNetwork):
    """A program of ``torch.export``: it stays where and as it was exported, and has the batches that it was made for.

    Args:
        network: as for :class:`UserNetwork`.
        name: as there.
        config: as there.
        place: lies where the program's input must, and has its type.
        fewest: images at once; fewer are filled up with the last of them.
        most: images at once, None for any number; more are split.
    """

    def __init__(
        self, network: nn.Module, name: str, config: NetworkConfig, place: Tensor, fewest: int, most: int | None
    ) -> None:
        super().__init__(network, name, config)
        self._input, self._fewest, self._most = place, fewest, most

    @property
    def place(self) -> Tensor:
        """See the parent."""
        return self._input

    def _apply(self, fn: object, recurse: bool = True) -> Self:
        """Stay: device and type are written into the program."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Itself: nothing in it changes."""
        return self

    def _answered(self, images: Tensor) -> Tensor:
        parts = (images,) if self._most is None else images.split(self._most)
        return torch.cat([self._asked(self._filled_up(part))[: len(part)] for part in parts])

    def _filled_up(self, images: Tensor) -> Tensor:
        missing = self._fewest - len(images)
        return images if missing <= 0 else torch.cat([images, images[-1:].expand(missing, -1, -1, -1)])


def snapshot(module: nn.Module, name: str, config: NetworkConfig) -> UserNetwork:
    """A copy of a module as it is now; the module itself is not touched.

    Raises:
        ConfigurationError: a module that cannot be copied, or whose weights are not there yet.
    """
    if any(is_lazy(each) for each in (*module.parameters(), *module.buffers())):
        raise ConfigurationError(
            f"{name} has no weights yet",
            got="lazy layers, whose sizes are not known",
            expected="a network that was trained, or asked once",
            remedy="call it on a batch of images, train it, and deploy it then",
        )
    if any(each.is_meta for each in (*module.parameters(), *module.buffers())):
        raise ConfigurationError(
            f"{name} has no weights",
            got="tensors on the device meta, which have sizes and no values",
            expected="a network with its weights loaded",
            remedy="build it on the cpu, or call to_empty(device='cpu') and load its weights",
        )
    try:
        # TorchScript copies its weights by operations, which would be recorded.
        with torch.no_grad():
            copied = copy.deepcopy(module)
        if not isinstance(copied, nn.Module):
            raise TypeError(f"its copy is a {type(copied).__name__}")
        network = UserNetwork(copied, name, config)
    except Exception as error:
        raise ConfigurationError(
            f"{name} cannot be copied",
            got=f"{type(error).__name__}: {printable(str(error))}",
            expected="a module that copy.deepcopy copies and eval() switches, so that nothing changes in yours",
            remedy="build it anew and load its weights by load_state_dict, or give a factory as package.module:factory",
        ) from error
    return network


def _shape(*sizes: object) -> str:
    return f"({', '.join(map(str, sizes))})"


def _told_output(output: object) -> str:
    if not isinstance(output, Tensor):
        return f"a {type(output).__name__}"
    kind = "" if output.is_floating_point() else f" of type {output.dtype}"
    where = " without values" if output.is_meta else "" if output.layout == torch.strided else " that is sparse"
    return f"a tensor of shape {tuple(output.shape)}{kind}{where}"
