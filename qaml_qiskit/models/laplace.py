"""A Gaussian over the angles of a trained QVC: the Laplace approximation with the generalised Gauss–Newton matrix."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self, cast

import torch
from torch import Tensor, nn

from qaml_qiskit.encodings import amplitudes
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.memory import check_memory
from qaml_qiskit.models.qvc import QVC
from qaml_qiskit.progress import Advance, ignore
from qaml_qiskit.simulation import z_jacobians

#: Images whose Jacobians are computed at a time: the compiled kernel has 16 lanes.
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Laplace:
    """N(θ̂, (λ1 + Σ_i s_i v_i v_iᵀ)⁻¹) over a QVC's angles θ (MacKay 1992; Immer et al. 2021, 2008.08400, equation 8).

    A trained head and the other parts of a hybrid stay as they are.

    Attributes:
        model: trained, at θ̂.
        curvatures: s, eigenvalues of the generalised Gauss–Newton matrix of the training's loss, summed over its
            images, shape (R,); those of further directions are 0.
        directions: v, shape (P, R).
        prior: λ, the precision that all directions have before anything is learned. An angle is known to 2π, so below
            about 1/π² a Gaussian says nothing any more.
    """

    model: QVC
    curvatures: Tensor
    directions: Tensor
    prior: float = 1.0

    @classmethod
    def fit(cls, model: QVC, images: Tensor, *, trained_on: int, prior: float = 1.0, advance: Advance = ignore) -> Self:
        """The curvature of the training's loss at the trained angles; no labels are needed for it.

        Exact for these images: by the matrix of P × P, or by that of N·m × N·m where it is the smaller one.

        Args:
            model: as it is trained; its logits are taken at temperature 1, where training took them.
            images: of the training, shape (N, C, H, W), or their states.
            trained_on: how many images the training had; the sum over the given ones is scaled up to it.
            prior: λ; see :meth:`with_prior`.
            advance: told about every image.

        Raises:
            ConfigurationError: it does not fit into the memory, no QVC, or one whose noise layers act.
            InputError: no image, or one that cannot be encoded.
        """
        check_laplace(model)
        if not len(images):
            raise InputError(
                "there is no curvature to look at", got="no image", expected="at least one", remedy="give some images"
            )
        rows, size = len(images) * model.config.num_classes, len(model.weight)
        small = min(rows, size)
        check_memory(
            "the Laplace approximation does not fit into the memory",
            8 * (3 * small**2 + (rows * size if rows < size else 0) + 2 * _BATCH * model.config.num_classes * size),
            remedy="give fewer images (--curvature-images), or take a model with fewer angles",
        )
        scale = trained_on / len(images)
        factors = _curvature_factors(model, images, advance)
        if rows < size:
            jacobian = torch.cat(list(factors))
            values, vectors = torch.linalg.eigh(jacobian @ jacobian.T)
            kept = values > values[-1] * torch.finfo(values.dtype).eps * rows
            values, vectors = values[kept], vectors[:, kept]
            return cls(model, scale * values, jacobian.T @ (vectors / values.sqrt()), prior)
        matrix = torch.zeros(size, size, dtype=torch.float64)
        for factor in factors:
            matrix.addmm_(factor.T, factor)
        values, vectors = torch.linalg.eigh(matrix)
        return cls(model, scale * values.clamp_min(0), vectors, prior)

    def with_prior(self, prior: float) -> Self:
        """The same curvature with another λ.

        Raises:
            ConfigurationError: λ is not above 0.
        """
        if not 0 < prior < float("inf"):
            raise ConfigurationError(
                "this is no precision of a prior", got=f"{prior}", expected="a number above 0", remedy="choose another"
            )
        return replace(self, prior=prior)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Angles drawn from the posterior, shape (P,), in double precision."""
        noise = torch.randn(len(self.directions), generator=generator, dtype=torch.float64)
        along = self.directions.T @ noise
        # √Σ·ε: 1/√λ in every direction, and less along those that the data know of.
        shrink = (self.prior / (self.prior + self.curvatures)).sqrt() - 1
        return self.model.weight.detach().double() + (noise + self.directions @ (shrink * along)) / self.prior**0.5

    def at(self, angles: Tensor) -> QVC:
        """The model with other angles, shape (P,), frozen."""
        return with_angles(self.model, angles)

    def covariances(self, images: Tensor, priors: tuple[float, ...] | None = None, advance: Advance = ignore) -> Tensor:
        """Covariance JΣJᵀ of the logits of the linearised model, shape (L, N, m, m), for each of L priors.

        Args:
            images: shape (N, C, H, W), or their states.
            priors: None for its own alone.
            advance: told about every image.
        """
        found = []
        for jacobian in _jacobians(self.model, images, advance):
            projected = jacobian @ self.directions
            whole = jacobian @ jacobian.mT
            per_prior = []
            for prior in priors or (self.prior,):
                known = self.curvatures / (self.curvatures + prior)
                per_prior.append((whole - (projected * known) @ projected.mT) / prior)
            found.append(torch.stack(per_prior))
        return torch.cat(found, dim=1)


def check_laplace(model: nn.Module, name: str = "this model") -> None:
    """Raise ConfigurationError unless the module, of this name, is a QVC whose logits are those of one circuit."""
    if not isinstance(model, QVC):
        raise ConfigurationError(
            f"there is no Laplace approximation of {name}",
            got=f"a {type(model).__name__}, which has no angles",
            expected="a qvc",
            remedy="choose a qvc, or compare several trainings of the network: --members ensemble",
        )
    layers = model.config.noise_layers
    if layers is not None and layers.in_inference:
        raise ConfigurationError(
            f"there is no Laplace approximation of {name}",
            got="a qvc with noise layers in inference, whose logits are an average over circuits",
            expected="a qvc without noise layers",
            remedy="name it with @layers:off behind it, or take its draws: --members draws",
        )


def with_angles(model: QVC, angles: Tensor) -> QVC:
    """A frozen copy of a QVC with other angles, shape (P,), in its own precision."""
    made = copy.deepcopy(model).eval()
    with torch.no_grad():
        made.weight.copy_(angles)
    return made.requires_grad_(False)


def _jacobians(model: QVC, images: Tensor, advance: Advance) -> Iterator[Tensor]:
    """∂logits/∂θ of a few images at a time, shape (B, m, P), in double precision."""
    network, weight = model.network, model.weight.detach().double()
    head = model.unit_head.converted(lambda part: part.detach().double()).times(model.config.logit_scale)
    for batch in images.split(_BATCH):
        with torch.no_grad():
            states = amplitudes(model.features(batch).double(), network.program.num_qubits)
            found = z_jacobians(network.program, states, weight, network.readings, inputs=False)
        yield head.matrix @ cast(Tensor, found.weights)
        advance(len(batch))


def _curvature_factors(model: QVC, images: Tensor, advance: Advance) -> Iterator[Tensor]:
    """B with BᵀB = Σ JᵀHJ over a few images, shape (images·m, P); H is the Hessian of −log softmax at the logits.

    H = diag(p) − ppᵀ = SᵀS with S = (1 − √p√pᵀ)·diag(√p).
    """
    batches = iter(images.split(_BATCH))
    for jacobian in _jacobians(model, images, advance):
        with torch.no_grad():
            root = model(next(batches)).double().softmax(dim=1).sqrt()
        scaled = root[:, :, None] * jacobian
        yield (scaled - root[:, :, None] * (root[:, None] @ scaled)).flatten(0, 1)
