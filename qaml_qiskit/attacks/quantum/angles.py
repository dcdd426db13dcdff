"""Changed angles: of the trained weights, or of the encoding."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from qaml_qiskit.attacks.measure import margins
from qaml_qiskit.attacks.quantum.budget import (
    Access,
    Budget,
    Damage,
    Part,
    harm,
    summarised,
    true_labels,
    turn_strength,
)
from qaml_qiskit.attacks.traits import Norm
from qaml_qiskit.batches import as_tensor, floating
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.freezing import differentiable, frozen
from qaml_qiskit.seeds import check_seed

#: Angles to logits (N, m), differentiable.
Logits = Callable[[Tensor], Tensor]


def logits_of_weights(model: nn.Module, name: str, images: Tensor) -> tuple[Logits, Tensor]:
    """A model's logits as a function of one of its parameters, and the parameter's value.

    Args:
        model: not changed.
        name: of the parameter, as in ``model.named_parameters()``; of a QVC, ``connector.weight``.
        images: what the model takes, shape (N, ...), floating-point.

    Raises:
        InputError: other numbers.
        ConfigurationError: no such parameter.
    """
    images = floating(as_tensor(images, "the images"))
    parameters = dict(model.named_parameters())
    if name not in parameters:
        raise ConfigurationError(
            "there is no such parameter",
            got=repr(name),
            expected=" or ".join(parameters) or "a model with parameters",
            remedy="name a parameter of the model",
        )

    def logits(angles: Tensor) -> Tensor:
        with frozen(model):
            result: Tensor = functional_call(model, {name: angles}, (images,))
        return result

    return logits, parameters[name].detach().clone()


@dataclass(frozen=True)
class AngleAttack:
    """The worst wrong angles, by gradient ascent.

    Angles of shape (P,) are shared by all images, as trained weights are: one change must do for all, and the ascent is
    on a smooth count of the wrong images. Angles of shape (N, P) belong to one image each, as an encoding's do: every
    image gets its own change, and the ascent is on the margin.

    Attributes:
        logits: angles to logits (N, m). Called with angles that require a gradient.
        angles: the honest ones, in radians.
        labels: shape (N,).
        norm: ``linf``: every angle is a component, and may be wrong by 2·asin(ε). ``l2``: the root of the sum of the
            squares may be that large, so that the whole circuit is allowed what one gate would be.
        steps: of the ascent.
        restarts: the first starts from the honest angles, further ones at random.
        seed: of the random starts.
    """

    logits: Logits
    angles: Tensor
    labels: Tensor
    norm: Norm = "linf"
    steps: int = 40
    restarts: int = 1
    seed: int = 0

    @property
    def access(self) -> Access:
        """Weights: changed; model, images and labels known. Encoding: the same, for its angles."""
        changed: Part = "weights" if self.angles.dim() == 1 else "encoding"
        return Access(changed, ("weights", "gates", "images", "labels"))

    @differentiable()
    def damage(self, budget: Budget) -> Damage:
        """The worst change found within a budget.

        Raises:
            InputError: labels that do not fit the logits, or logits that are NaN.
        """
        honest = self._logits(torch.zeros_like(self.angles))
        labels = true_labels(self.labels, honest)
        scale = float(margins(honest, labels).abs().median().clamp(min=1e-6))
        generator = torch.Generator().manual_seed(check_seed(self.seed))
        best = torch.zeros_like(self.angles)
        for restart in range(self.restarts):
            start = torch.zeros_like(self.angles)
            if restart:
                noise = 2 * torch.rand(self.angles.shape, generator=generator).to(self.angles) - 1
                start = self._project(noise * budget.angle, budget)
            best = self._ascend(start, best, labels, budget, scale)
        strongest = best.abs().amax() if self.norm == "linf" else self._lengths(best).amax()
        components = int((best != 0).sum()) if best.dim() == 1 else int((best != 0).sum(dim=1).amax())
        spent = (float(turn_strength(strongest)), components)
        return summarised(
            f"{self.access.changes}-{self.norm}",
            self.access,
            budget,
            spent,
            honest,
            self._logits(best),
            labels,
            best,
        )

    def _ascend(self, change: Tensor, best: Tensor, labels: Tensor, budget: Budget, scale: float) -> Tensor:
        length = 2.5 * budget.angle / self.steps
        chosen: Tensor | None = None
        for _ in range(self.steps):
            point = change.detach().requires_grad_()
            margin = margins(self.logits(self.angles + point), labels)
            # Per image the margin itself, which never saturates; for shared angles a smooth count of the wrong images.
            goal = -margin if self.angles.dim() == 2 else torch.sigmoid(-margin / scale)
            (slope,) = torch.autograd.grad(goal.sum(), point)
            if chosen is None:
                chosen = _largest(slope, budget.components)
            slope = slope * chosen
            step = slope.sign() if self.norm == "linf" else slope / self._lengths(slope).clamp(min=1e-30)
            change = self._project((change + length * step) * chosen, budget)
            best = self._better(change, best, labels)
        return best

    def _project(self, change: Tensor, budget: Budget) -> Tensor:
        if self.norm == "linf":
            return change.clamp(-budget.angle, budget.angle)
        return change * (budget.angle / self._lengths(change).clamp(min=1e-30)).clamp(max=1)

    def _lengths(self, change: Tensor) -> Tensor:
        return torch.linalg.vector_norm(change, dim=-1, keepdim=True)

    def _better(self, change: Tensor, best: Tensor, labels: Tensor) -> Tensor:
        new, old = self._logits(change), self._logits(best)
        if self.angles.dim() == 1:
            return change if harm(new, labels) > harm(old, labels) else best
        lower = margins(new, labels) < margins(old, labels)
        return torch.where(lower[:, None], change, best)

    def _logits(self, change: Tensor) -> Tensor:
        # A gradient is asked for although none is used: a QVC must not collapse a circuit that changes every time.
        return self.logits((self.angles + change.detach()).requires_grad_()).detach()


def _largest(slope: Tensor, count: int | None) -> Tensor:
    """1 for the ``count`` entries of largest size along the last axis, else 0."""
    if count is None or count >= slope.shape[-1]:
        return torch.ones_like(slope)
    places = slope.abs().topk(count, dim=-1).indices
    return torch.zeros_like(slope).scatter(-1, places, 1.0)
