"""The classical classifier of the QVC's own form: free quadratic forms of the normalised image."""

from math import prod
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from qaml_qiskit.encodings import amplitudes, qubits_for
from qaml_qiskit.models.inputs import ImageShape, Size, check_batch, check_size
from qaml_qiskit.models.scale import LogitScale
from qaml_qiskit.seeds import check_seed


class QuadraticConfig(BaseModel):
    """What a quadratic classifier is, apart from its weights.

    Attributes:
        image_shape: (C, H, W).
        num_classes: m.
        logit_scale: multiplies the quadratic forms, as in the QVC.
        init_std: the matrices start from N(0, init_std²).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["quadratic"] = "quadratic"
    image_shape: ImageShape
    num_classes: Size
    logit_scale: LogitScale = 20.0
    init_std: Annotated[float, Field(ge=0)] = 0.01

    @property
    def memory(self) -> int:
        """Bytes of the weights."""
        return 4 * self.num_classes * prod(self.image_shape) ** 2


class QuadraticClassifier(nn.Module):
    """Logits s·xᵀM_k x/xᵀx with any real M_k.

    The logits of an amplitude-encoded QVC of any depth have this form, with M_k the real part of U†Z_kU, restricted to
    the image's pixels. Trained freely it shows what the form can do, and so what the circuit costs.

    Args:
        config: the architecture.
        seed: of the initial weights.

    Raises:
        ConfigurationError: the model does not fit into the memory.
        InputError: a seed that is none.
    """

    def __init__(self, config: QuadraticConfig, seed: int = 0) -> None:
        super().__init__()
        check_size(config.memory)
        self.config = config
        size = prod(config.image_shape)
        generator = torch.Generator().manual_seed(check_seed(seed))
        initial = config.init_std * torch.randn(size, config.num_classes * size, generator=generator)
        #: The matrices side by side, shape (d, m·d).
        self.matrices = nn.Parameter(initial)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (N, m), for images of shape (N, C, H, W) in [0, 1].

        Raises:
            InputError: a wrong shape, or an image without direction (all zeros, NaN, infinite).
        """
        images = check_batch(images, self.config.image_shape, self.matrices.dtype)
        size = prod(self.config.image_shape)
        states = amplitudes(images, qubits_for(size))[:, :size]
        forms = (states @ self.matrices).unflatten(1, (self.config.num_classes, size))
        return torch.einsum("bkd,bd->bk", forms, states) * self.config.logit_scale
