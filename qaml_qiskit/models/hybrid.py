"""A QVC behind a small convolution, trained together."""

from typing import Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from qaml_qiskit.encodings import ENCODINGS, Encoding, FrontedEncoding, encoding_for
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models.inputs import Size
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.models.qvc_config import QVCConfig
from qaml_qiskit.seeds import check_seed

#: Of the convolution: the side of its window, and how far it moves.
_WINDOW, _STRIDE = 3, 2


class HybridConfig(QVCConfig):
    """What a hybrid is, apart from its weights: a QVC's fields, and those of what lies in front of it.

    Attributes:
        image_shape: (C, H, W) of the images; the circuit takes the features instead.
        maps: of the convolution; each has a quarter of the pixels.
    """

    # A hybrid's card is a card of its own, however much of a QVC's it has.
    kind: Literal["hybrid"] = "hybrid"  # type: ignore[assignment]
    maps: Size = 3

    @model_validator(mode="after")
    def _is_trained_through_its_encoding(self) -> Self:
        if ENCODINGS[self.encoding].fits_images:
            raise ConfigurationError(
                f"a hybrid cannot be trained through the {self.encoding} encoding",
                got="an encoding that is fitted to every image, while the features change in every step",
                expected="one that is computed, such as multiplexed",
                remedy="leave out --encoding",
            )
        return self

    @property
    def num_features(self) -> int:
        """How many amplitudes are not zero: the features, and the one beside them."""
        rows, columns = ((side - 1) // _STRIDE + 1 for side in self.image_shape[1:])
        return self.maps * rows * columns + 1

    @property
    def memory(self) -> int:
        """See the parent; with the weights of the convolution."""
        return super().memory + 4 * self.maps * (_WINDOW**2 * self.image_shape[0] + 1)

    def build_encoding(self) -> Encoding:
        """Of the features; the hybrid puts its convolution in front of it."""
        shape = (1, 1, self.num_features)
        return encoding_for(self.encoding, shape, layers=self.encoding_layers, order=self.pixel_order)


class Hybrid(QVC):
    """A 3×3 convolution with stride 2 and ReLU, whose features, and a one beside them, enter the circuit of a QVC.

    The one keeps every state defined. Where all features are zero, as behind ReLU they may be, the norm would be zero,
    and there would be nothing to encode; so the state is that of the one alone. It also tells the circuit how large the
    features are, which amplitude encoding otherwise forgets.

    To all the rest of the package a hybrid is a QVC whose encoding begins with a convolution: a device gets the angles
    of the features, its noise acts on the circuit, and an attack goes through everything.

    Args:
        config: the architecture.
        seed: of the initial weights.

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    config: HybridConfig

    def __init__(self, config: HybridConfig, seed: int = 0) -> None:
        super().__init__(config, seed)

    def _build_encoding(self, config: QVCConfig, seed: int) -> Encoding:
        assert isinstance(config, HybridConfig)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(check_seed(seed))
            self.layers = Features(config.image_shape[0], config.maps)
        return FrontedEncoding(self.layers, config.build_encoding())


class Features(nn.Module):
    """Images (N, C, H, W) to features, shape (N, 1, 1, F), never all zero: those of the convolution, and a one."""

    def __init__(self, channels: int, maps: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, maps, _WINDOW, stride=_STRIDE, padding=_WINDOW // 2)

    def forward(self, images: Tensor) -> Tensor:
        """Features in the type of the images, at least 0."""
        found = torch.relu(self.convolution(images.to(self.convolution.weight.dtype))).flatten(1)
        return nn.functional.pad(found, (0, 1), value=1.0)[:, None, None].to(images.dtype)
