"""AutoAttack, also where the published one is undefined: for two and three classes."""

import torchattacks
from torch import nn

#: APGD-T and FAB-T aim at so many wrong classes at most, as in the reference implementation.
_MOST_TARGETS = 9


def autoattack(
    model: nn.Module, eps: float, num_classes: int, steps: int, queries: int, seed: int
) -> torchattacks.MultiAttack:
    """The members of AutoAttack that are defined for ``num_classes`` (Croce & Hein, 2003.01690).

    Four classes and more: APGD-CE, APGD-T (targeted DLR), FAB-T and Square, the standard version. The targeted DLR loss
    divides by a difference with the fourth logit, and the untargeted one by a difference with the third. So three
    classes get the untargeted APGD-DLR instead of APGD-T, and two classes get neither.

    Args:
        model: frozen.
        eps: l∞ radius.
        num_classes: m ≥ 2.
        steps: of APGD and FAB.
        queries: of Square.
        seed: of all members.
    """
    targets = min(num_classes - 1, _MOST_TARGETS)
    common = {"eps": eps, "seed": seed}
    members = [torchattacks.APGD(model, steps=steps, loss="ce", **common)]
    if num_classes > 3:
        members.append(torchattacks.APGDT(model, steps=steps, n_classes=targets + 1, **common))
    elif num_classes == 3:
        members.append(torchattacks.APGD(model, steps=steps, loss="dlr", **common))
    members.append(torchattacks.FAB(model, steps=steps, multi_targeted=True, n_classes=targets + 1, **common))
    members.append(torchattacks.Square(model, n_queries=queries, **common))
    return torchattacks.MultiAttack(members)
