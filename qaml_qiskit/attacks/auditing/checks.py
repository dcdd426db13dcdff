"""The single checks of an audit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks.auditing.gradients import difference_errors, zero_gradients
from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.measure import predict_logits
from qaml_qiskit.attacks.result import AttackResult
from qaml_qiskit.attacks.running import run_attack
from qaml_qiskit.freezing import frozen


@dataclass(frozen=True)
class AuditCheck:
    """One check.

    Attributes:
        name: what is compared.
        numbers: what was measured.
        passed: whether it is as it must be.
        blames: what a failure lies with; None when it passed.
        explanation: one sentence for a reader.
    """

    name: str
    numbers: Mapping[str, float]
    passed: bool
    blames: Literal["gradient", "attack"] | None
    explanation: str


class Trials:
    """Attacks on the same images, each run once.

    Args:
        model: deterministic.
        images: that it gets right, shape (N, C, H, W).
        labels: shape (N,).
        batch_size: images at a time.
    """

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> None:
        self.model, self.images, self.labels, self.batch_size = model, images, labels, batch_size
        self._results: dict[Attack, AttackResult] = {}

    def result(self, attack: Attack) -> AttackResult:
        """What ``attack`` does."""
        if attack not in self._results:
            self._results[attack] = run_attack(self.model, self.images, self.labels, attack, batch_size=self.batch_size)
        return self._results[attack]

    def fooled(self, attack: Attack) -> Tensor:
        """Which images it fools, shape (N,)."""
        return self.result(attack).fooled

    def fooled_by(self, adversarial: Tensor) -> Tensor:
        """Which of given adversarial images fool the model, shape (N,)."""
        with frozen(self.model):
            return predict_logits(self.model, adversarial, self.batch_size).argmax(dim=1) != self.labels


@dataclass(frozen=True)
class Comparison:
    """The audited attack and a stronger reference against rivals that must not be better.

    Attributes:
        audited: images that the audited attack fools, shape (N,).
        reference: images that the reference attack fools, shape (N,).
        sigmas: of the paired counts.
    """

    audited: Tensor
    reference: Tensor
    sigmas: float

    def beaten(self, name: str, rival_name: str, rival: Tensor) -> AuditCheck:
        """Check that ``rival``, shape (N,), does not fool more images."""
        lost = _beats(rival, self.audited, self.sigmas)
        # The reference may count what the audited attack found: the question is what gradients can find at all.
        hopeless = _beats(rival, self.audited | self.reference, self.sigmas)
        only_rival, only_audited = int((rival & ~self.audited).sum()), int((self.audited & ~rival).sum())
        numbers = {
            "success": _share(self.audited),
            "rival_success": _share(rival),
            "reference_success": _share(self.reference),
            "only_rival": only_rival,
            "only_audited": only_audited,
        }
        counts = f"{only_rival} images are fooled by {rival_name} only, {only_audited} by the attack only"
        if not lost:
            return AuditCheck(name, numbers, True, None, f"{counts}: the attack is at least as strong.")
        if hopeless:
            return AuditCheck(name, numbers, False, "gradient", f"{counts}, and more steps and restarts do not help.")
        return AuditCheck(name, numbers, False, "attack", f"{counts}; with more steps and restarts the order is right.")

    def steps(self, reference_name: str) -> AuditCheck:
        """Check that the reference attack does not find much that the audited one missed."""
        gained, missed = int((self.reference & ~self.audited).sum()), int((self.audited & ~self.reference).sum())
        numbers = {
            "success": _share(self.audited),
            "reference_success": _share(self.reference),
            "only_reference": gained,
            "only_audited": missed,
        }
        passed = not _beats(self.reference, self.audited, self.sigmas)
        end = "no more than chance explains." if passed else "the attack had not converged."
        text = f"{reference_name} fool {gained} images more and {missed} fewer: {end}"
        return AuditCheck("more steps and restarts", numbers, passed, None if passed else "attack", text)


def growth_check(
    trials: Trials, attack: Attack, reference: Attack, grid: tuple[float, ...], sigmas: float
) -> AuditCheck:
    """Check that success grows with eps, and that every image is fooled when eps is 1 and nothing binds."""
    name = "success grows with eps to 100 %"
    found = {eps: trials.fooled(_with_eps(attack, eps)) for eps in (*grid, 1.0)}
    numbers = {f"success_at_{eps:g}": _share(fooled) for eps, fooled in found.items()}
    strengths = sorted(found)
    falls = [(low, high) for low, high in pairwise(strengths) if _beats(found[low], found[high], sigmas)]
    unbounded = found[1.0]
    if bool(unbounded.all()) and not falls:
        return AuditCheck(name, numbers, True, None, "Success grows with eps, and every image is fooled at eps 1.")
    best = unbounded | trials.fooled(_with_eps(reference, 1.0))
    numbers["reference_success_at_1"] = _share(best)
    if not bool(best.all()):
        text = (
            f"At eps 1 any image is allowed, yet {_share(~best):.1%} are not fooled, also with more steps and restarts."
        )
        return AuditCheck(name, numbers, False, "gradient", text)
    where = (
        f"Success falls from eps {falls[0][0]:g} to {falls[0][1]:g}" if falls else "Not every image is fooled at eps 1"
    )
    return AuditCheck(name, numbers, False, "attack", f"{where}; more steps and restarts fool every image.")


def gradient_checks(
    trials: Trials, attack: Attack, *, seed: int, zero_share: float, disagreement_share: float
) -> list[AuditCheck]:
    """Check that gradients equal finite differences at the attacked images, and that they do not vanish."""
    attacked = trials.result(attack).images
    errors, precision = difference_errors(
        trials.model, attacked, trials.labels, seed=seed, batch_size=trials.batch_size
    )
    wrong = _share(~(errors <= precision.tolerance))
    numbers = {
        "share_wrong": wrong,
        "median_error": float(errors.median()),
        "largest_error": float(errors.max()),
        "tolerance": precision.tolerance,
        "bits": float(torch.finfo(precision.dtype).bits),
    }
    passed = wrong <= disagreement_share
    text = (
        f"Gradients differ from finite differences by more than {precision.tolerance:g} on {wrong:.1%} of the images."
    )
    differences = AuditCheck("gradients are derivatives", numbers, passed, None if passed else "gradient", text)
    zero = _share(zero_gradients(trials.model, trials.images, trials.labels, trials.batch_size))
    alive = zero <= zero_share
    text = f"The gradient is zero or not finite on {zero:.1%} of the clean images."
    vanishing = AuditCheck("gradients do not vanish", {"share_zero": zero}, alive, None if alive else "gradient", text)
    return [differences, vanishing]


def _with_eps(attack: Attack, eps: float) -> Attack:
    return attack.model_copy(update={"eps": eps})


def _beats(rival: Tensor, mine: Tensor, sigmas: float) -> bool:
    """Whether ``rival`` fools more images than chance explains: paired counts, as in McNemar's test."""
    wins, losses = int((rival & ~mine).sum()), int((mine & ~rival).sum())
    return wins - losses > sigmas * math.sqrt(wins + losses)


def _share(flags: Tensor) -> float:
    return float(flags.double().mean())
