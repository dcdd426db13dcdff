"""What a reader of audited attacks and defences must know."""

from collections.abc import Mapping, Sequence
from typing import Protocol

#: What the verdicts mean.
AUDIT_READING = (
    "sound: no check failed. weak attack: the attack is not as strong as it could be, so its robust accuracy is too "
    "high. masked: the gradients of the model mislead, so attacks by gradients say nothing about its robustness."
)

#: What the columns of an audited defence mean.
DEFENCE_READING = (
    "accuracy: share of all images that the defended model names correctly, undefended_accuracy that of its undefended "
    "twin on the same images, each with its 95 % interval. attacker: what it knows. draws: noisy gradients, so many "
    "averaged; expectation: what the model answers on average, exactly; scale-free: the same, logits rescaled; "
    "twin: the undefended model alone; queries: answers alone, no gradient; worst: every image as the attacker left it "
    "who did most harm. verdict: holds, the gain is there under every attacker; smaller than published, less of it; "
    "nil, none that is worth having; cannot be decided, too few images or no twin."
)

#: What its gains are.
GAINS_READING = (
    "Every gain is a difference of two shares of the same images. clean: accuracy on clean images less that of the "
    "undefended model; what the defence costs, where it is below 0. published kind: what papers report, accuracy under "
    "one noisy gradient a step, or under the gradient where nothing is drawn, less that of the undefended model under "
    "its own. left: the difference when both meet the worst of all these images. lost: the published kind less what is "
    "left. gradient noise: what one noisy gradient misses and the best gradient finds. share_of_published: the gain "
    "over that of the published kind; empty where that one is not above 0."
)


#: What the comparison of the logits of both models found.
RESCALING_READING = (
    "Are the defended logits those of the undefended model times one scale, but for what all classes share? residual: "
    "the part of the logits that is not, at the points that were compared; forms_residual: of the quadratic forms, for "
    "all images; agreement: share of the points that both decide alike. is_mere: nothing but a rescaling, so "
    "no gain; is_proven: for all images."
)


class ShownCheck(Protocol):
    """A check of an audit."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def passed(self) -> bool:
        """Whether it found nothing."""

    @property
    def explanation(self) -> str:
        """What was checked, and what it means to fail."""


class Audit(Protocol):
    """An audit that is done, or why there was none."""

    @property
    def verdict(self) -> str:
        """One of those in :data:`AUDIT_READING`, or that nothing was audited."""

    @property
    def images(self) -> int:
        """How many were used."""

    @property
    def reason(self) -> str:
        """Why nothing was audited; empty where it was."""

    @property
    def checks(self) -> Sequence[ShownCheck]:
        """In their order."""


def audit_notes(audits: Mapping[str, Audit]) -> list[str]:
    """The meaning of the verdicts, which checks failed, and what was not audited.

    Args:
        audits: by the name of what was audited; without any there is nothing to know.
    """
    if not audits:
        return []
    count = max(each.images for each in audits.values())
    failures = [
        f"{each.verdict}, {key}: {check.name}. {check.explanation}"
        for key, each in audits.items()
        for check in each.checks
        if not check.passed
    ]
    reasons = dict.fromkeys(each.reason for each in audits.values() if each.reason)
    return [
        f"The audit used {count} images. {AUDIT_READING}",
        *failures,
        *(f"Not audited: {reason}" for reason in reasons),
    ]
