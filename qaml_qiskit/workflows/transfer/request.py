"""What ``qaml transfer`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from qaml_qiskit.attacks import Attack, AttackName
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import AnyNumber, ClassifierName, Count, Images, Otherwise, Several
from qaml_qiskit.workflows.mixins import AttackOptions, Seeded, WithRecipe


class TransferRequest(Seeded, WithRecipe, ForNetworks, AttackOptions):
    """Attacks made on sources and scored on victims."""

    command: ClassVar[str] = "transfer"

    sources: AnyNumber[ClassifierName] = ()
    """Where images are made: MODEL or MODEL@NOISE:STRENGTH; or a network of your own, a .pt2 or package.module:factory,
    whose code is run."""
    victims: AnyNumber[ClassifierName] = ()
    """Where they are scored: MODEL, MODEL@NOISE:STRENGTH or MODEL@TARGET; or a network of your own."""
    attacks: Several[AttackName] = ("pgd",)
    """What is done to the images."""
    eps: Several[float] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
    """Strengths, from 0 to 1 in l∞; clean images are always scored, so 0 adds nothing."""
    images: Annotated[Images | None, Otherwise("100, or what the adversarial files were made from")] = None
    """A number N for the first N of the models' own test set; or an .npz."""
    trace: Annotated[AnyNumber[Annotated[int, Field(ge=0)]], Field(exclude_if=lambda places: not places)] = ()
    """Images, by their places among those that are scored, from 0, of which the probabilities of all labels are kept at
    every strength."""
    adversarial: AnyNumber[str] = ()
    """Files of adversarial images from `qaml attack`, scored beside those that are made."""
    shots: Count = 1000
    """Of sampled accuracy on devices."""

    @model_validator(mode="after")
    def _fits_together(self) -> "TransferRequest":
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
        if self.audit and not self.sources:
            raise ConfigurationError(
                "there is nothing to audit",
                got="--audit without --sources",
                expected="a model that is attacked here",
                remedy="leave out --audit, or add --sources",
            )
        self.check_networks([*self.sources, *self.victims])
        self.every_attack()
        return self

    def every_attack(self) -> list[Attack]:
        """Every attack at every strength above 0; see :meth:`AttackOptions.grid`."""
        return self.grid(self.attacks, self.eps, self.seed)
