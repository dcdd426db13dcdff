"""Penalties that keep a classifier from changing fast: on its weights, on its norms, or on its gradients."""

from itertools import combinations
from math import sqrt
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC, Objective, QuadraticClassifier

#: Layers of a network that have a matrix.
_LINEAR = (nn.Linear, nn.modules.conv._ConvNd)


class Regularised(Objective):
    """The cross-entropy plus a weight times a penalty.

    Attributes:
        penalty: ``spectral``, :func:`spectral_penalty`; ``gradient``, the mean square of the l2 length of the gradient
            of an image's loss with respect to its pixels (Drucker & LeCun 1992), which fits every model and costs a
            derivative of second order; or ``squares``, the mean square of all weights.
        penalty_weight: multiplies it.
    """

    name = "regularised"
    #: The gradient is with respect to pixels, not to states that were prepared from them.
    changes_images: ClassVar[bool] = True

    penalty: Literal["spectral", "gradient", "squares"] = "gradient"
    penalty_weight: Annotated[float, Field(ge=0)] = 1.0

    def loss(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Nothing is random."""
        steep = self.penalty == "gradient"
        images = images.detach().requires_grad_(steep)
        logits = model(images)
        entropies = nn.functional.cross_entropy(logits, labels, reduction="none")
        if steep:
            (gradient,) = torch.autograd.grad(entropies.sum(), images, create_graph=True)
            penalty = gradient.flatten(1).square().sum(1).mean()
        elif self.penalty == "spectral":
            penalty = spectral_penalty(model)
        else:
            weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
            penalty = torch.cat([each.flatten() for each in weights]).square().mean()
        return entropies.mean() + self.penalty_weight * penalty, logits

    def check(self, model: nn.Module) -> None:
        """Refuse the spectral penalty where there is no norm that training could change."""
        if self.penalty != "spectral" or isinstance(model, QuadraticClassifier):
            return
        if isinstance(model, QVC):
            raise ConfigurationError(
                "the spectral penalty cannot act on this model",
                got="a circuit, whose observables U†ZU have the eigenvalues ±1 whatever its angles",
                expected="a quadratic model, or a network with linear layers or convolutions",
                remedy="take --penalty gradient",
            )
        if not _matrices(model):
            raise ConfigurationError(
                "the spectral penalty cannot act on this model",
                got=f"a {type(model).__name__} without a linear layer or a convolution",
                expected="a quadratic model, or a network with linear layers or convolutions",
                remedy="take --penalty gradient",
            )


def spectral_penalty(model: nn.Module) -> Tensor:
    """A bound on how fast a classifier changes, as something to make small; differentiable, shape ().

    Of a quadratic classifier the mean over all pairs of classes of ((a_max − a_min)/2)², with the outermost eigenvalues
    of M_j − M_k: the margin x̂ᵀ(M_j − M_k)x̂ changes by at most a_max − a_min times the trace distance of the states, so
    ‖x‖·margin/(a_max − a_min) is a radius (:func:`qaml_qiskit.certificates.lipschitz_radii`). Of a network the sum of
    the squared spectral norms of its layers (Yoshida & Miyato, 1705.10941), a convolution's kernel as a matrix with a
    row for every map.

    Eigenvalues and singular values are computed, not iterated: there is no state to keep.
    """
    if isinstance(model, QuadraticClassifier):
        forms = model.matrices.unflatten(1, (-1, len(model.matrices))).transpose(0, 1)
        forms = (forms + forms.mT) / 2
        pairs = torch.stack([forms[j] - forms[k] for j, k in combinations(range(len(forms)), 2)])
        values = torch.linalg.eigvalsh(pairs)
        return ((values[:, -1] - values[:, 0]) / 2).square().mean()
    return torch.stack([torch.linalg.matrix_norm(each.flatten(1), ord=2).square() for each in _matrices(model)]).sum()


def lipschitz_bound(model: nn.Module) -> float:
    """L with ‖f(x) − f(x')‖ ≤ L·‖x − x'‖ for the logits of a chain of layers, in l2.

    The product of the norms of all linear layers and convolutions; what lies between them must not stretch, as ReLU,
    pooling, dropout in evaluation and flattening do not. A convolution of kernel h×w is at most √(h·w) times its
    kernel's matrix: every pixel is in at most h·w windows, and so every row of windows is at most that much longer than
    the image. A label then stays within margin/(√2·L), as a margin is a difference of two logits.
    """
    bound = 1.0
    for each in _matrices(model):
        window = sqrt(each[0, 0].numel()) if each.dim() > 2 else 1.0
        bound *= window * float(torch.linalg.matrix_norm(each.detach().double().flatten(1), ord=2))
    return bound


def _matrices(model: nn.Module) -> list[Tensor]:
    return [module.weight for module in model.modules() if isinstance(module, _LINEAR)]
