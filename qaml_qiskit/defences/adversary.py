"""The attacker that a training defends against, and the trainings that know it by its images."""

from abc import ABC
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from qaml_qiskit.attacks import ATTACKS, Attack, AttackName, BoundedAttack, make_attack, run_attack
from qaml_qiskit.attacks.image.base import Pixels, Positive
from qaml_qiskit.attacks.measure import attackable
from qaml_qiskit.attacks.model_adapter import ModelAdapter, is_black
from qaml_qiskit.defences.constant import constant_weights
from qaml_qiskit.errors import ConfigurationError, ignored_options
from qaml_qiskit.models import Objective
from qaml_qiskit.seeds import SEEDS

#: The statistics that batch normalisation uses while adversarial images are made.
BatchNorm = Literal["running", "batch"]

#: What of an attack's parameters a training sets, by the setting of the objective.
_PARAMETERS = {"adversary_eps": "eps", "adversary_steps": "steps", "adversary_step_size": "step_size"}


class AgainstAdversary(Objective, ABC):
    """A training that sees adversarial images, made in every step on the model as it is then.

    They are made with whatever is random in the model left on, such as noise layers and dropout, and with the labels of
    the data. APGD and AutoAttack change only the images that they fool the model with; all others change every image.
    An image that would become black, which an amplitude encoding has no state for, stays as it is.

    Attributes:
        adversary: an attack of :data:`qaml_qiskit.attacks.ATTACKS`, in l∞ and with a bound.
        adversary_eps: the bound, in pixel units.
        adversary_steps: of an attack that has steps; a training cannot afford those of an attack.
        adversary_step_size: in pixel units; 2.5·eps/steps if None.
        batch_norm: the statistics that batch normalisation uses while adversarial images are made: the ``running`` ones
            of the model in use, or those of the ``batch``, where it has more than one image. The running statistics
            never learn from an attack's steps.
        select_epoch: the best epoch is the one with the lowest loss of the validation images ``robust``, attacked by
            the same adversary, or ``clean``.
    """

    changes_images: ClassVar[bool] = True

    adversary: AttackName = "pgd"
    adversary_eps: Pixels = 0.1
    adversary_steps: Annotated[int, Field(ge=1)] = 3
    adversary_step_size: Positive | None = None
    batch_norm: BatchNorm = "running"
    select_epoch: Literal["robust", "clean"] = "robust"

    @model_validator(mode="after")
    def _has_a_bound(self) -> "AgainstAdversary":
        kind = ATTACKS[self.adversary]
        if not issubclass(kind, BoundedAttack) or kind.traits.norm != "linf":
            fitting = [name for name, part in ATTACKS.parts().items() if issubclass(part, BoundedAttack)]
            raise ConfigurationError(
                "this attack cannot be trained against",
                got=f"the adversary {self.adversary}",
                expected=f"one bounded in l∞: {', '.join(fitting)}",
                remedy="choose another adversary",
            )
        unknown = [setting for setting, name in _PARAMETERS.items() if name not in kind.model_fields]
        defaults = type(self).model_fields
        given = {name: value for name in unknown if (value := getattr(self, name)) != defaults[name].default}
        if given:
            who = f"the adversary {self.adversary}"
            raise ignored_options(who, given, "an attack of several steps, such as pgd or bim")
        return self

    def attack(self, seed: int = 0) -> Attack:
        """The adversary, ready to be built on a model."""
        given = {name: getattr(self, setting) for setting, name in _PARAMETERS.items()}
        known = ATTACKS[self.adversary].model_fields
        given = {name: value for name, value in given.items() if name in known}
        return make_attack(self.adversary, seed=seed, **given)

    def adversarial(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        """Adversarial images on a model in training, constants, shape (N, C, H, W).

        Raises:
            InputError: a pixel outside [0, 1].
        """
        if not len(images):
            return images
        # Of a single image a batch has no statistics.
        with self._attackable(model, batch_norm=self.batch_norm if len(images) > 1 else "running"):
            adapter = ModelAdapter(model, attackable(images))
            attacked = self._proposed(adapter, images.float(), labels).detach().to(images)
        if adapter.refuses_black:
            attacked = torch.where(is_black(attacked)[:, None, None, None], images, attacked)
        return attacked

    def _proposed(self, adapter: ModelAdapter, images: Tensor, labels: Tensor) -> Tensor:
        """What the attack makes of images."""
        num_classes = getattr(getattr(adapter.model, "config", None), "num_classes", None)
        if not isinstance(num_classes, int):
            with torch.no_grad():
                num_classes = adapter(images[:2]).shape[1]
        # Some attacks seed torch's global numbers themselves; with one seed they would draw the same in every step.
        seed = int(torch.randint(SEEDS, ()))
        return self.attack(seed).build(adapter, num_classes)(images, labels)

    @property
    def validated_images(self) -> str:
        """By which attack."""
        return f"attacked by {self.adversary} with ε = {self.adversary_eps:g}"

    def validated(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor | None:
        """The validation images, attacked, where they choose the epoch."""
        if self.select_epoch == "clean":
            return None
        return run_attack(model, images, labels, self.attack(), spare_wrong=False).images

    @contextmanager
    def _attackable(self, model: nn.Module, batch_norm: BatchNorm) -> Iterator[None]:
        """The model in training as an attack may use it; afterwards no gradient and no statistic has changed."""
        norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
        modes = [module.training for module in norms]
        buffers = [(buffer, buffer.clone()) for module in norms for buffer in module.buffers()]
        for module in norms:
            module.train(module.training and batch_norm == "batch")
        try:
            with constant_weights(model):
                yield
        finally:
            for module, mode in zip(norms, modes, strict=True):
                module.train(mode)
            for buffer, kept in buffers:
                buffer.copy_(kept)
