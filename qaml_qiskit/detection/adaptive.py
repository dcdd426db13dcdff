"""The attacker who knows the detector: its models, what it learned, and its threshold."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.image.base import Count
from qaml_qiskit.attacks.joint import Evasion, JointPGD, Situation, Standing
from qaml_qiskit.batches import label_batch
from qaml_qiskit.detection.detector import Detector, Evidence, FittedDetector
from qaml_qiskit.detection.evidence import evidence_of
from qaml_qiskit.freezing import differentiable, frozen

#: Something of every model.
Part = TypeVar("Part")


class Adaptive(JointPGD):
    """An attacker who knows the classifier, the detector, what it learned, and its threshold.

    The classifier shall be wrong and the detector silent. Where the detector compares several models, all of them shall
    say the same wrong class, and he follows :func:`agreed_margins`; only then the detector, as far as it is still
    alarmed.

    Attributes:
        restarts: runs, each from a random start of its own; the first goes to whatever class is nearest at every step,
            every further one to the next best class of the clean image.
    """

    restarts: Count = 3

    def images(
        self,
        modules: Sequence[nn.Module],
        detector: Detector,
        fitted: FittedDetector,
        threshold: float,
        images: Tensor,
        labels: Tensor,
        *,
        seed: int,
        known: Sequence[Tensor] = (),
    ) -> Tensor:
        """The images of :meth:`search`, shape (N, C, H, W)."""
        return self.search(modules, detector, fitted, threshold, images, labels, seed=seed, known=known).images

    @differentiable()
    def search(
        self,
        modules: Sequence[nn.Module],
        detector: Detector,
        fitted: FittedDetector,
        threshold: float,
        images: Tensor,
        labels: Tensor,
        *,
        seed: int,
        known: Sequence[Tensor] = (),
        batch_size: int = 250,
    ) -> Evasion:
        """Look for images near the given ones that fool the first model and raise no alarm.

        Success is judged by what the detector truly says, whatever was followed on the way.

        Args:
            modules: images to logits, differentiable, as the detector asks them; the first is watched.
            detector: gives the views.
            fitted: says how suspicious an image is.
            threshold: above it an alarm is raised.
            images: clean, shape (N, C, H, W), in [0, 1].
            labels: true classes, shape (N,).
            seed: of the random starts.
            known: what attackers who do not know the detector made of the images, of the same shape; no result is
                worse than these.
            batch_size: images that are attacked together.
        """
        labels = label_batch(labels, images)
        with ExitStack() as stack:
            for module in modules:
                stack.enter_context(frozen(module))
            asked = _asked(detector, fitted, evidence_of(modules, detector, images[:1]))
            watched = _Watched(modules, detector, fitted, threshold, labels, asked)
            return self.evade(images, self._situations(watched, images), seed=seed, known=known, batch_size=batch_size)

    def _situations(self, watched: "_Watched", images: Tensor) -> Sequence[Situation]:
        """What every run follows."""
        if self.restarts == 1:
            return [watched]
        order = watched.nearest(images)
        return [watched] + [watched.towards(order[:, run % order.shape[1]]) for run in range(self.restarts - 1)]


@dataclass(frozen=True)
class _Watched:
    """A situation: models and their detector."""

    modules: Sequence[nn.Module]
    detector: Detector
    fitted: FittedDetector
    threshold: float
    labels: Tensor
    asked: tuple[int, ...]
    target: Tensor | None = None

    def _asked_of(self, each: Sequence[Part]) -> list[Part]:
        """Of what there is of every model, that of those which shall say the same."""
        return [each[number] for number in self.asked]

    def towards(self, target: Tensor) -> "_Watched":
        """The same for an attacker who wants one class, shape (N,), said of every image."""
        return replace(self, target=target)

    @torch.no_grad()
    def nearest(self, images: Tensor, batch_size: int = 250) -> Tensor:
        """The wrong classes of every image, the one that the models are nearest to saying first, shape (N, m − 1)."""
        logits = [[module(part) for part in images.split(batch_size)] for module in self._asked_of(self.modules)]
        margins = agreed_margins([torch.cat(each) for each in logits])
        wrong = margins.scatter(1, self.labels[:, None], -torch.inf)
        return wrong.argsort(1, descending=True)[:, :-1]

    def __call__(self, images: Tensor, rows: Tensor) -> Standing:
        evidence = _on_the_processor(evidence_of(self.modules, self.detector, images))
        labels = self.labels[rows].cpu()
        agreed = agreed_margins(self._asked_of(evidence.logits)).scatter(1, labels[:, None], -torch.inf)
        gain = agreed.amax(1) if self.target is None else agreed.gather(1, self.target[rows].cpu()[:, None]).squeeze(1)
        with torch.no_grad():
            excess = self.fitted.scores(evidence) - self.threshold
        fooled = evidence.logits[0].argmax(1) != labels
        return Standing(*(each.to(images.device) for each in (gain, self.fitted.surrogate(evidence), fooled, excess)))


def _asked(detector: Detector, fitted: FittedDetector, evidence: Evidence) -> tuple[int, ...]:
    """Which models shall say the same wrong class: the watched one, and those that the detector compares with it.

    What a detector compares shows from where its slope goes: a stack, for example, may have members of several kinds.
    """
    if detector.least_models > 1:
        return tuple(range(len(evidence.logits)))
    leaves = [each.detach().cpu().requires_grad_() for each in evidence.logits]
    views = {name: tuple(each.detach().cpu() for each in said) for name, said in evidence.views.items()}
    followed = fitted.surrogate(Evidence(evidence.images.detach().cpu(), tuple(leaves), views))
    if not followed.requires_grad:
        return (0,)
    slopes = torch.autograd.grad(followed.sum(), leaves, allow_unused=True)
    return tuple(number for number, slope in enumerate(slopes) if not number or slope is not None)


def _on_the_processor(evidence: Evidence) -> Evidence:
    """The evidence where detectors learn and score; a slope goes through it."""
    views = {name: tuple(each.cpu() for each in said) for name, said in evidence.views.items()}
    return Evidence(evidence.images.cpu(), tuple(each.cpu() for each in evidence.logits), views)


def agreed_margins(logits: Sequence[Tensor]) -> Tensor:
    """How far models are from saying each class all together, shape (N, m); above 0 where all of them say it.

    The sum over the models of the part of their margins that is missing where one is, else the smallest margin. Each
    model's logits are divided by their spread over the classes, so that no model counts more for its scale.

    Args:
        logits: of every model, shape (N, m) each.
    """
    margins = torch.stack([_margins(each.double()) for each in logits])
    return torch.where((margins > 0).all(0), margins.amin(0), margins.clamp(max=0).sum(0))


def _margins(logits: Tensor) -> Tensor:
    """The lead of every class over the best other one, in units of the spread, shape (N, m)."""
    best = logits.topk(2, dim=1)
    ahead = torch.arange(logits.shape[1], device=logits.device) == best.indices[:, :1]
    other = torch.where(ahead, best.values[:, 1:], best.values[:, :1])
    return (logits - other) / logits.detach().std(1, keepdim=True).clamp(min=torch.finfo(logits.dtype).tiny)
