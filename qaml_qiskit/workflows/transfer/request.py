"""What ``qaml transfer`` is asked for."""

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from qaml_qiskit.attacks import Attack, attack_grid
from qaml_qiskit.deployments.references import model_part
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.attack.request import AttackNames, Count, Names, each_once
from qaml_qiskit.workflows.request import Request


class TransferRequest(Request):
    """Attacks made on sources and scored on victims.

    Attributes:
        sources: ``MODEL`` or ``MODEL@NOISE:STRENGTH``.
        victims: ``MODEL``, ``MODEL@NOISE:STRENGTH`` or ``MODEL@TARGET``.
        attacks: names of registered attacks.
        eps: strengths; clean images are always scored, so 0 adds nothing.
        steps: of the attacks that have steps; None for each one's default.
        restarts: of the attacks that have restarts.
        param: further parameters as ``key=value``, for the attacks that have them.
        images: a number of test images, or an .npz; None for 100, or for what the ``adversarial`` files were made from.
        adversarial: files of adversarial images, scored beside those that are made.
        recipe: compiles for devices.
        shots: of ``sampled_accuracy`` on devices.
        audit: whether to audit each source's attacks at the middle strength.
        audit_images: how many images at most the audit uses.
        seed: of everything random.
    """

    sources: Names = ()
    victims: Names = ()
    attacks: AttackNames = ("pgd",)
    eps: Annotated[tuple[float, ...], Field(min_length=1)] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
    steps: Count | None = None
    restarts: Count | None = None
    param: Names = ()
    images: Annotated[str, BeforeValidator(str)] | None = None
    adversarial: Names = ()
    recipe: str = "level3"
    shots: Count = 1000
    audit: bool = False
    audit_images: Count = 100
    seed: Seed = 0

    _once = field_validator("sources", "victims", "attacks", "eps", "adversarial")(each_once)

    @model_validator(mode="after")
    def _fits_together(self) -> "TransferRequest":
        attacks = self.grid()
        if not self.sources and not self.adversarial:
            raise ConfigurationError(
                "there is nothing to transfer",
                got="neither --sources nor --adversarial",
                expected="models to attack, or files of adversarial images",
                remedy="add --sources",
            )
        if not self.victims:
            raise ConfigurationError(
                "there is nothing to transfer to",
                got="no --victims",
                expected="models that the adversarial images are scored on",
                remedy="add --victims; a source may be one of them",
            )
        if self.audit and not (self.sources and any(each.can_be_audited for each in attacks)):
            raise ConfigurationError(
                "there is nothing to audit",
                got=f"--audit with the attacks {', '.join(self.attacks)} on {len(self.sources)} sources",
                expected="a source, and an attack in l∞ that reads gradients, with eps above 0",
                remedy="leave out --audit, or choose another attack",
            )
        return self

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return tuple(model_part(name) for name in (*self.sources, *self.victims))

    def grid(self) -> list[Attack]:
        """Every attack at every strength above 0.

        Raises:
            ConfigurationError: an attack that does not exist, or that cannot have these parameters.
        """
        return attack_grid(
            self.attacks, self.eps, seed=self.seed, steps=self.steps, restarts=self.restarts, param=self.param
        )
