"""Runs a registered attack, and measures what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.measure import attackable, clean_logits, clip_to_ball, margins, predict_logits, sizes
from qaml_qiskit.attacks.model_adapter import ModelAdapter, is_black
from qaml_qiskit.attacks.randomness import RandomStream
from qaml_qiskit.attacks.result import AttackResult
from qaml_qiskit.batches import check_not_empty, label_batch
from qaml_qiskit.compute import trusting
from qaml_qiskit.freezing import differentiable, frozen

#: Halvings of the way from an image to its adversarial image, to find where the label flips.
_HALVINGS = 16


@differentiable()
def run_attack(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    *,
    targets: Tensor | None = None,
    judge: nn.Module | None = None,
    batch_size: int = 250,
    spare_wrong: bool = True,
    progress: Callable[[int], None] | None = None,
) -> AttackResult:
    """Attack ``images`` and measure the outcome; nothing that the attack says about itself is believed.

    Every result is clipped to the budget and to [0, 1] and classified anew. A result that is not finite, or that helps
    the model more than the clean image does, is thrown away and the clean image kept.

    Args:
        model: maps (N, C, H, W) in [0, 1] to logits (N, m). Judged in evaluation mode; it comes back as it went in,
            modes, weights and buffers, bit for bit.
        images: shape (N, C, H, W), float, in [0, 1]; a tensor or an array.
        labels: true classes, shape (N,).
        attack: from the registry.
        targets: what the model shall say of each image, shape (N,); the attack leads there. None to lead away from the
            labels, wherever to. An image fools the model either way if a right label becomes wrong.
        judge: says what an attack achieved, and is all that the result is about; None for ``model``. Where ``model`` is
            random, one draw of it would take the clean image for better than the adversarial one by chance: give what
            is known of its expectation.
        batch_size: images attacked together. FGSM, PGD, BIM, MIM and DeepFool do not depend on it (up to rounding);
            APGD, AutoAttack, Square and C&W do.
        spare_wrong: leave images alone that the model gets wrong already. They count as not robust either way; transfer
            to other models needs them attacked.
        progress: told after every batch how many more images are finished.

    Returns:
        One entry an image, in the order of ``images``.

    Raises:
        InputError: no image, pixels outside [0, 1], labels that do not fit, images that the model refuses or for which
            it says NaN.
        ConfigurationError: an attack that is not defined for so few classes, or that takes no targets.
    """
    images = attackable(images)
    check_not_empty(images, "attack")
    labels = label_batch(labels, images)
    # A model that is random draws from a stream of its own when it is judged, too.
    judge = model if judge is None else judge
    with frozen(model), frozen(judge), RandomStream(attack.seed, images.device).entered():
        logits = clean_logits(judge, images, batch_size)
        labels, num_classes = label_batch(labels, images, logits.shape[1]), logits.shape[1]
        correct = logits.argmax(dim=1) == labels
        aims = labels if targets is None else label_batch(targets, images, num_classes)
        aim = _Aim(targeted=targets is not None)
        search = _Search(model, judge, ModelAdapter(model, images), attack, num_classes, aim)
        chosen = correct.nonzero().squeeze(1) if spare_wrong else torch.arange(len(images), device=images.device)
        best = _Found.clean(images, aim.margins(logits, aims))
        for rows in chosen.split(batch_size):
            best.write(rows, search.attacked(images[rows], aims[rows], best.rows(rows)))
            if progress is not None:
                progress(len(rows))
    fooled, final = _within_budget(best, images, attack)
    reached = None
    if targets is not None:
        with frozen(judge), RandomStream(attack.seed, images.device).entered():
            said = predict_logits(judge, final, batch_size).argmax(dim=1)
        reached, fooled = said == aims, said != labels
    return AttackResult(
        attack=attack.variant(num_classes),
        norm=attack.traits.norm,
        eps=attack.budget,
        images=final,
        clean_correct=correct,
        fooled=fooled & correct,
        linf=sizes(final, images, "linf"),
        l2=sizes(final, images, "l2"),
        distance=best.distance if attack.traits.minimal else None,
        discarded=search.discarded,
        evaluations=search.adapter.evaluated / max(1, len(chosen)),
        reached=reached,
    )


@dataclass(frozen=True)
class _Aim:
    """Away from labels, or towards them."""

    targeted: bool

    def margins(self, logits: Tensor, labels: Tensor) -> Tensor:
        """What an attack makes small, shape (N,): the label's margin, or what the target lacks."""
        found = margins(logits, labels)
        return -found if self.targeted else found

    def missed(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Which images are not where they should be yet, shape (N,)."""
        return (logits.argmax(dim=1) == labels) != self.targeted


@dataclass
class _Found:
    """The best result so far of some images: the images, margins, whether they fool, and their l2 distance if so."""

    images: Tensor
    margin: Tensor
    fooled: Tensor
    distance: Tensor

    @classmethod
    def clean(cls, images: Tensor, margin: Tensor) -> "_Found":
        """Nothing found yet."""
        never = torch.zeros_like(margin, dtype=torch.bool)
        # Sizes have the type of the images, margins that of the logits, which may be finer.
        return cls(images.clone(), margin.clone(), never, images.new_full((len(images),), torch.inf))

    def rows(self, rows: Tensor) -> "_Found":
        """The outcome of some rows."""
        return _Found(self.images[rows], self.margin[rows], self.fooled[rows], self.distance[rows])

    def write(self, rows: Tensor, other: "_Found") -> None:
        """Replace some rows."""
        self.images[rows], self.margin[rows] = other.images, other.margin
        self.fooled[rows], self.distance[rows] = other.fooled, other.distance

    def improve(self, rows: Tensor, other: "_Found", *, shortest: bool) -> None:
        """Take over from ``other`` the rows that fool where these do not, or do it better."""
        mine = self.rows(rows)
        better = other.distance < mine.distance if shortest else other.margin < mine.margin
        take = (other.fooled & ~mine.fooled) | ((other.fooled == mine.fooled) & better)
        self.write(rows[take], other.rows(take))


class _Search:
    """Runs an attack on one batch after the other, each run with random numbers of its own."""

    def __init__(
        self,
        model: nn.Module,
        judge: nn.Module,
        adapter: ModelAdapter,
        attack: Attack,
        num_classes: int,
        aim: _Aim,
    ) -> None:
        self.model, self.judge, self.adapter, self.attack, self.aim = model, judge, adapter, attack, aim
        build = attack.build_targeted if aim.targeted else attack.build
        runs, device = range(attack.runs()), adapter.anchor.device
        self.adversaries = [build(adapter, num_classes, run) for run in runs]
        # A stream a run, and not a batch: then the size of the batches does not matter to a random start.
        self.streams = [RandomStream(attack.seed + run, device) for run in runs]
        self.discarded = 0

    def attacked(self, images: Tensor, labels: Tensor, best: _Found) -> _Found:
        """The best of all runs on a batch, starting from what is known of it."""
        minimal = self.attack.traits.minimal
        for adversary, stream in zip(self.adversaries, self.streams, strict=True):
            open_rows = (~best.fooled).nonzero().squeeze(1) if not minimal else torch.arange(len(images))
            open_rows = open_rows.to(images.device)
            if not len(open_rows):
                break
            clean, truth = images[open_rows], labels[open_rows]
            # What a library leaves behind in the model must not be there when the result is judged.
            with frozen(self.model), stream.entered(), trusting():
                # torchattacks computes in float32 throughout.
                proposed = adversary(clean.float(), truth).detach().to(clean)
            best.improve(open_rows, self._judged(proposed, clean, truth), shortest=minimal)
        return best

    def _judged(self, proposed: Tensor, clean: Tensor, labels: Tensor) -> _Found:
        usable = torch.isfinite(proposed).flatten(1).all(dim=1)
        proposed = torch.where(usable.reshape(-1, 1, 1, 1), proposed, clean)
        minimal = self.attack.traits.minimal
        bounded = clip_to_ball(proposed, clean, None if minimal else self.attack.budget, self.attack.traits.norm)
        fooled, margin, readable = _classified(self.judge, bounded, labels, clean, self.aim)
        if minimal:
            bounded = _shortened(self.judge, bounded, clean, labels, fooled, self.aim)
        usable &= readable
        self.discarded += int((~usable).sum())
        distance = sizes(bounded, clean, "l2").masked_fill(~fooled, torch.inf)
        return _Found(bounded, margin.masked_fill(~usable, torch.inf), fooled, distance)


def _classified(
    model: nn.Module, images: Tensor, labels: Tensor, clean: Tensor, aim: _Aim
) -> tuple[Tensor, Tensor, Tensor]:
    """Whether the model is where the attack leads, what it lacks, and whether it could read the image; (N,) each."""
    black = is_black(images) & ~is_black(clean)
    logits = predict_logits(model, torch.where(black.reshape(-1, 1, 1, 1), clean, images), len(images))
    readable = ~black & torch.isfinite(logits).all(dim=1)
    return ~aim.missed(logits, labels) & readable, aim.margins(logits, labels), readable


def _shortened(
    model: nn.Module, adversarial: Tensor, clean: Tensor, labels: Tensor, fooled: Tensor, aim: _Aim
) -> Tensor:
    """The nearest point found by bisection on the way from the clean to the adversarial image that still fools."""
    low, high = torch.zeros_like(fooled, dtype=clean.dtype), torch.ones_like(fooled, dtype=clean.dtype)
    for _ in range(_HALVINGS if bool(fooled.any()) else 0):
        middle = (low + high) / 2
        points = clean + middle.reshape(-1, 1, 1, 1) * (adversarial - clean)
        wrong = _classified(model, points, labels, clean, aim)[0]
        low, high = torch.where(wrong, low, middle), torch.where(wrong, middle, high)
    reach = torch.where(fooled, high, torch.ones_like(high)).reshape(-1, 1, 1, 1)
    return clean + reach * (adversarial - clean)


def _within_budget(best: _Found, images: Tensor, attack: Attack) -> tuple[Tensor, Tensor]:
    """Which images are fooled inside the budget, and the images; beyond it the clean image comes back."""
    if not attack.traits.minimal or attack.budget is None:
        return best.fooled, best.images
    fooled = best.fooled & (best.distance <= attack.budget)
    return fooled, torch.where(fooled.reshape(-1, 1, 1, 1), best.images, images)
