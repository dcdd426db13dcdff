"""The audit of a defence: how much of its gain is left when its attackers know it?

A random or saturated model can look robust to an attack that follows one noisy, or vanishing, gradient a step (Athalye,
Carlini & Wagner, 1802.00420). So the model is attacked through everything that can be known of it, and judged together
with its undefended twin on all of the images.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from qaml_qiskit.attacks.auditing.findings import DefenceFindings, Encounter
from qaml_qiskit.attacks.auditing.gradients import zero_gradients
from qaml_qiskit.attacks.auditing.rescaling import Rescaling, comparison_points, rescaling
from qaml_qiskit.attacks.auditing.views import NOBODY, Attacker, DefenceViews, ScaleFree, attackers_of
from qaml_qiskit.attacks.image.base import Attack
from qaml_qiskit.attacks.image.square import SquareConfig
from qaml_qiskit.attacks.measure import attackable
from qaml_qiskit.attacks.running import run_attack
from qaml_qiskit.attacks.stochastic import DrawnAccuracy, ExpectedLogits, RandomModule, drawn_accuracy
from qaml_qiskit.batches import check_not_empty, label_batch
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.seeds import SEEDS, Seed


class DefenceSettings(BaseModel):
    """How a defence is audited.

    Attributes:
        draws: K of the attackers who average noisy gradients; 1, the papers', is always among them.
        judged: draws by which a random model is judged on every set of images. As many others say which attacker is
            the worst for an image, and what an attack achieved where nobody knows the expectation.
        queries: of the gradient-free attack, an image.
        relevant: the smallest gain that anybody would care for, as a share of the images.
        seed: of the draws, of the gradient-free attack and of the points where logits are compared.
        batch_size: images at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    draws: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (1, 10, 100)
    judged: Annotated[int, Field(ge=1)] = 20
    queries: Annotated[int, Field(ge=1)] = 500
    relevant: Annotated[float, Field(gt=0, le=1)] = 0.05
    seed: Seed = 0
    batch_size: Annotated[int, Field(ge=1)] = 250


@dataclass(frozen=True, eq=False)
class DefenceReport(DefenceFindings):
    """The outcome of an audit of a defence.

    Attributes:
        attack: by which gradients were followed.
        eps: its strength.
    """

    attack: str = ""
    eps: float = 0.0


def audit_defence(
    views: DefenceViews,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    settings: DefenceSettings | None = None,
    forms: tuple[Tensor, Tensor] | None = None,
) -> DefenceReport:
    """Attack a defended model through everything that can be known of it, and say what is left of its gain.

    Args:
        views: the model, its expectation, its draws, its undefended twin, and other models.
        images: shape (N, C, H, W) in [0, 1].
        labels: shape (N,).
        attack: in l∞, reads gradients, with eps above 0; Square takes its eps.
        settings: how.
        forms: for :func:`.rescaling`.

    Raises:
        ConfigurationError: another attack.
        InputError: images or labels that do not fit.
    """
    settings = settings or DefenceSettings()
    check_defence_attack(attack)
    images = attackable(images)
    check_not_empty(images, "audit")
    labels = label_batch(labels, images)
    everybody = [NOBODY, *attackers_of(views, settings.draws)]
    encounters = {each: meet(views, each, images, labels, attack, settings) for each in everybody}
    same, zero = compare_twins(views, images, labels, float(attack.budget or 0), settings, forms)
    constant = float(labels.bincount().max()) / len(labels)
    eps = float(attack.budget or 0)
    return DefenceReport(encounters, views.is_random, same, zero, constant, settings.relevant, attack.name, eps)


def check_defence_attack(attack: Attack) -> None:
    """Raise ConfigurationError unless an audit of a defence takes this attack."""
    if not attack.can_be_audited:
        raise ConfigurationError(
            "no defence can be audited by this attack",
            got=f"{attack.name} with eps {attack.budget}",
            expected="an attack in l∞ that reads gradients, such as pgd, bim or apgd, with eps above 0",
            remedy="choose another attack or eps",
        )


def meet(
    views: DefenceViews,
    attacker: Attacker,
    images: Tensor,
    labels: Tensor,
    attack: Attack,
    settings: DefenceSettings,
) -> Encounter:
    """Let one attacker make images, and say who is right about them.

    Args:
        views: of the defence.
        attacker: one of :func:`~.views.attackers_of`, or :data:`~.views.NOBODY`.
        images: shape (N, C, H, W), in [0, 1].
        labels: shape (N,).
        attack: see :func:`audit_defence`.
        settings: how.
    """
    if attacker != NOBODY:
        images = _attacked(views, attacker, images, labels, attack, settings)
    seed, count = settings.seed, settings.judged if views.is_random else 1
    size = settings.batch_size
    # One run of draws, so that both halves are independent.
    both = drawn_accuracy(views.defended, images, labels, 2 * count, seed=seed, batch_size=size).correct.cpu()
    twin = None
    if views.twin is not None:
        of_twin = settings.judged if isinstance(views.twin, RandomModule) else 1
        twin = DrawnAccuracy(
            drawn_accuracy(views.twin, images, labels, of_twin, seed=seed, batch_size=size).correct.cpu()
        )
    return Encounter(DrawnAccuracy(both[count:]), DrawnAccuracy(both[:count]), twin)


def compare_twins(
    views: DefenceViews,
    images: Tensor,
    labels: Tensor,
    eps: float,
    settings: DefenceSettings,
    forms: tuple[Tensor, Tensor] | None = None,
) -> tuple[Rescaling | None, float | None]:
    """Whether the defence is a mere rescaling of its twin, and the share of the images without a gradient.

    Args:
        views: of the defence.
        images: shape (N, C, H, W), in [0, 1].
        labels: shape (N,).
        eps: how far around the images logits are compared.
        settings: how.
        forms: for :func:`.rescaling`.
    """
    known = views.expectation
    if known is None:
        return None, None
    zero = zero_gradients(known, images, label_batch(labels, images), settings.batch_size)
    same = None
    if views.twin is not None:
        points = comparison_points(images, eps, settings.seed)
        same = rescaling(known, views.twin, points, forms, settings.batch_size)
    return same, float(zero.double().mean())


def _attacked(
    views: DefenceViews, attacker: Attacker, images: Tensor, labels: Tensor, attack: Attack, settings: DefenceSettings
) -> Tensor:
    """What an attacker makes of the images."""
    # Other draws than those by which the model is judged.
    known = views.best_known(max(settings.judged, *settings.draws), (settings.seed + 1) % SEEDS)
    model, judge = _followed(views, attacker, known)
    # Whoever was attacked before: modules with random numbers of their own begin anew.
    for each in (views.one_draw, views.defended, views.twin, *views.sources.values()):
        if isinstance(each, RandomModule):
            each.reseed(attack.seed)
    if attacker.knows == "queries":
        attack = SquareConfig(eps=float(attack.budget or 0), queries=settings.queries, seed=settings.seed)
    return run_attack(
        model, images, labels, attack, judge=judge, batch_size=settings.batch_size, spare_wrong=False
    ).images


def _followed(views: DefenceViews, attacker: Attacker, known: nn.Module) -> tuple[nn.Module, nn.Module]:
    """The module that an attacker asks, and the one by which it sees what it has achieved."""
    drawn, twin = views.one_draw, views.twin
    match attacker.knows:
        case "draws" if drawn is not None:
            return ExpectedLogits(drawn, attacker.draws or 1), known
        case "scale-free":
            return ScaleFree(known), known
        case "twin" if twin is not None:
            return twin, twin
        case "source":
            source = views.sources[attacker.name]
            return source, source
    return known, known
