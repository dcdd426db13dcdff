"""What ``qaml transfer`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import model_validator

from qaml_qiskit.attacks import Attack, AttackName, attack_grid
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.fields import AnyNumber, Count, DeploymentName, Images, Otherwise, Several
from qaml_qiskit.workflows.request import AttackOptions, Compiled, Seeded


class TransferRequest(Seeded, Compiled, AttackOptions):
    """Attacks made on sources and scored on victims."""

    command: ClassVar[str] = "transfer"

    sources: AnyNumber[DeploymentName] = ()
    """Where images are made: MODEL or MODEL@NOISE:STRENGTH."""
    victims: AnyNumber[DeploymentName] = ()
    """Where they are scored: MODEL, MODEL@NOISE:STRENGTH or MODEL@TARGET."""
    attacks: Several[AttackName] = ("pgd",)
    """What is done to the images."""
    eps: Several[float] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
    """Strengths, from 0 to 1 in l∞; clean images are always scored, so 0 adds nothing."""
    images: Annotated[Images | None, Otherwise("100, or what the adversarial files were made from")] = None
    """A number N for the first N of the models' own test set; or an .npz."""
    adversarial: AnyNumber[str] = ()
    """Files of adversarial images from `qaml attack`, scored beside those that are made."""
    shots: Count = 1000
    """Of sampled accuracy on devices."""

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

    def grid(self) -> list[Attack]:
        """Every attack at every strength above 0.

        Raises:
            ConfigurationError: an attack that does not exist, or that cannot have these parameters.
        """
        return attack_grid(
            self.attacks, self.eps, seed=self.seed, steps=self.steps, restarts=self.restarts, param=self.param
        )
