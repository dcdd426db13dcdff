"""The audit of an attack: is a model robust, or does the attack just fail?

The checks are those of Carlini et al., On evaluating adversarial robustness (1902.06705), sections 4 and 5, each as a
comparison of numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from qaml_qiskit.attacks.auditing.checks import AuditCheck, Comparison, Trials, gradient_checks, growth_check
from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.image.fgsm import FGSMConfig
from qaml_qiskit.attacks.image.pgd import PGDConfig
from qaml_qiskit.attacks.image.square import SquareConfig
from qaml_qiskit.attacks.measure import attackable, clean_logits, clip_to_ball
from qaml_qiskit.batches import as_tensor, label_batch
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.evaluation import Z_95
from qaml_qiskit.freezing import differentiable, frozen
from qaml_qiskit.seeds import SEEDS, Seed

#: What an audit concludes.
Verdict = Literal["sound", "masked", "weak attack"]


class AuditSettings(BaseModel):
    """How an attack is audited.

    Attributes:
        eps_grid: strengths for the check of growth; by default ¼, ½, 1 and 2 times the attack's eps. 1 is always added.
        factor: the reference attack has so many times the steps of the audited one,
        least_steps: but at least so many,
        restarts: and so many random starts.
        queries: of the gradient-free attack, an image.
        zero_share: largest share of images whose gradient may be zero.
        disagreement_share: largest share of images whose gradient may differ from finite differences; pieces of a ReLU
            network meet in kinks, where it does.
        sigmas: one attack beats another when the images that only it fools outnumber those that only the other fools by
            more than so many standard errors, √(sum of both).
        seed: of the other attacks and of the directions of finite differences.
        batch_size: images at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    eps_grid: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    factor: Annotated[int, Field(ge=1)] = 5
    least_steps: Annotated[int, Field(ge=1)] = 50
    restarts: Annotated[int, Field(ge=1)] = 3
    queries: Annotated[int, Field(ge=1)] = 500
    zero_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    disagreement_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    sigmas: Annotated[float, Field(gt=0)] = Z_95
    seed: Seed = 0
    batch_size: Annotated[int, Field(ge=1)] = 250


@dataclass(frozen=True)
class AuditReport:
    """The outcome of an audit.

    Attributes:
        checks: in the order in which they were made.
        clean_accuracy: of the model.
        robust_accuracy: under the audited attack, as a share of all images.
        worst_accuracy: what is right under every attack that the audit ran within eps, the better figure to report.
    """

    checks: tuple[AuditCheck, ...]
    clean_accuracy: float
    robust_accuracy: float
    worst_accuracy: float

    @property
    def verdict(self) -> Verdict:
        """``sound``: every check passed. ``masked``: a failure lies with the model's gradient. Else ``weak attack``.

        A failure lies with the gradient when the gradient is zero or wrong, or when the reference attack, with more
        steps and restarts, fails the same comparison; and with the attack when the reference attack passes.
        """
        blamed = {check.blames for check in self.checks}
        if "gradient" in blamed:
            return "masked"
        return "weak attack" if "attack" in blamed else "sound"


@differentiable()
def audit(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    settings: AuditSettings | None = None,
    transferred: Mapping[str, Tensor] | None = None,
) -> AuditReport:
    """Check an l∞ attack that reads gradients.

    Only the images count that the model gets right.

    Args:
        model: deterministic; attack the expectation of a random one.
        images: shape (N, C, H, W) in [0, 1].
        labels: shape (N,).
        attack: to audit, with its eps.
        settings: how.
        transferred: adversarial images made on other models from the same ``images``, by the source's name; shape
            (N, C, H, W). They are clipped to the ball of the attack.

    Raises:
        ConfigurationError: not a white-box attack in l∞, or an eps of 0.
        InputError: images or labels that do not fit, a model that gets no image right, or transferred images of
            another shape.
    """
    settings = settings or AuditSettings()
    _check_attack(attack)
    images = attackable(images)
    labels = label_batch(labels, images)
    with frozen(model):
        logits = clean_logits(model, images, settings.batch_size)
    labels = label_batch(labels, images, logits.shape[1])
    right = logits.argmax(dim=1) == labels
    if not bool(right.any()):
        raise InputError(
            "there is nothing to audit",
            got="a model that gets every image wrong",
            expected="some images that it gets right",
            remedy="check that the labels belong to the images, or train the model",
        )
    trials = Trials(model, images[right], labels[right], settings.batch_size)
    rivals = {
        source: trials.fooled_by(_in_ball(as_tensor(adversarial, source), images, attack, source)[right])
        for source, adversarial in (transferred or {}).items()
    }
    checks, worst = _checks(trials, attack, settings, rivals)
    share = float(right.double().mean())
    robust = 1 - float(trials.fooled(attack).double().mean())
    return AuditReport(checks, share, share * robust, share * (1 - float(worst.double().mean())))


def _checks(
    trials: Trials, attack: Attack, settings: AuditSettings, rivals: Mapping[str, Tensor]
) -> tuple[tuple[AuditCheck, ...], Tensor]:
    eps = float(attack.budget or 0)
    reference = _reference(attack, settings)
    compare = Comparison(trials.fooled(attack), trials.fooled(reference), settings.sigmas)
    one_step = trials.fooled(FGSMConfig(eps=eps))
    square = trials.fooled(SquareConfig(eps=eps, queries=settings.queries, seed=settings.seed))
    checks = [compare.beaten("iterative against one-step", "one step (FGSM)", one_step)]
    checks += [compare.beaten(f"white-box against transfer from {s}", f"images from {s}", f) for s, f in rivals.items()]
    grid = tuple(sorted(set(settings.eps_grid or (eps / 4, eps / 2, eps, min(1.0, 2 * eps)))))
    checks.append(growth_check(trials, attack, reference, grid, settings.sigmas))
    checks.append(compare.steps(f"{reference.steps} steps and {reference.restarts} restarts"))
    checks += gradient_checks(
        trials,
        attack,
        seed=settings.seed,
        zero_share=settings.zero_share,
        disagreement_share=settings.disagreement_share,
    )
    checks.append(compare.beaten("gradient against gradient-free", "random search (Square)", square))
    every = [compare.audited, compare.reference, one_step, square, *rivals.values()]
    return tuple(checks), torch.stack(every).any(dim=0)


def _reference(attack: Attack, settings: AuditSettings) -> PGDConfig:
    steps = max(settings.least_steps, settings.factor * int(getattr(attack, "steps", 1)))
    # Another seed than the audited attack's, so that the starts are new.
    seed = (settings.seed + attack.seed + 1) % SEEDS
    return PGDConfig(eps=float(attack.budget or 0), steps=steps, restarts=settings.restarts, seed=seed)


def _check_attack(attack: Attack) -> None:
    if not attack.can_be_audited:
        raise ConfigurationError(
            "this attack cannot be audited",
            got=f"{attack.name} with eps {attack.budget}",
            expected="an attack in l∞ that reads gradients, such as pgd or apgd, with eps above 0",
            remedy="choose another attack or eps",
        )


def _in_ball(adversarial: Tensor, images: Tensor, attack: Attack, source: str) -> Tensor:
    if adversarial.shape != images.shape:
        raise InputError(
            f"the images from {source} cannot be compared",
            got=f"shape {tuple(adversarial.shape)}",
            expected=f"{tuple(images.shape)}, one adversarial image for every image",
            remedy="attack the same images on the other model",
        )
    return clip_to_ball(adversarial.to(images), images, attack.budget, "linf")
