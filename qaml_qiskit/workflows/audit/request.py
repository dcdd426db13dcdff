"""What ``qaml audit`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import model_validator

from qaml_qiskit.attacks import Attack, AttackName, attack_grid
from qaml_qiskit.deployments import conditions
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import AnyNumber, ClassifierName, Count, Otherwise, Several
from qaml_qiskit.workflows.mixins import OnModel, Seeded, WithImages


class AuditRequest(Seeded, ForNetworks, WithImages, OnModel):
    """An audit of a defence."""

    command: ClassVar[str] = "audit"

    model: ClassifierName
    """The defended model, as it answers: run folder, model file or the name of a reference; one of these under a
    condition, as MODEL@NOISE:STRENGTH or MODEL@layers:majority:100; or a network of your own, a .pt2 or
    package.module:factory, whose code is run."""
    defence: str | None = None
    """The condition that defends the model, such as depolarizing:0.01 or smoothing:0.25:100: the same as behind an @ of
    its name."""
    twin: Annotated[ClassifierName | None, Otherwise("the model without what its condition adds")] = None
    """The undefended model to compare with; for a model that was trained adversarially, one that was trained
    plainly."""
    sources: AnyNumber[ClassifierName] = ()
    """Further models whose adversarial images are tried."""
    attack: AttackName = "pgd"
    """By which gradients are followed: one in l∞."""
    eps: Several[float] = (0.1,)
    """Strengths, above 0 and to 1 in l∞."""
    steps: Annotated[Count | None, Otherwise("the attack's own")] = None
    """Of the attack, if it has steps."""
    draws: Several[Count] = (1, 10, 100)
    """Noisy gradients that attackers of a random model average in every step; 1 is always among them."""
    judged: Count = 20
    """Draws by which a random model is judged on every set of images."""
    queries: Count = 500
    """Of the attack without gradients, an image."""

    @model_validator(mode="after")
    def _fits_together(self) -> "AuditRequest":
        conditions.parse_deployment(self.defended)
        self.check_networks([self.model, *([] if self.twin is None else [self.twin]), *self.sources])
        if not all(each.can_be_audited for each in self.attacks()) or 0 in self.eps:
            raise ConfigurationError(
                "no defence can be audited by this attack",
                got=f"{self.attack} with eps {', '.join(f'{each:g}' for each in self.eps)}",
                expected="an attack in l∞ that reads gradients, such as pgd, bim or apgd, with eps above 0",
                remedy="choose another attack or eps",
            )
        return self

    @property
    def defended(self) -> str:
        """The name of the deployment that is audited."""
        return self.model if self.defence is None else f"{self.model}@{self.defence}"

    def attacks(self) -> list[Attack]:
        """The attack at every strength."""
        return attack_grid((self.attack,), self.eps, seed=self.seed, steps=self.steps)
