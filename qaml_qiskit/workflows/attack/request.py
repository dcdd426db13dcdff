"""What ``qaml attack`` is asked for."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from qaml_qiskit.attacks import Attack, AttackName
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import AnyNumber, ClassifierName, Otherwise, Several
from qaml_qiskit.workflows.mixins import AttackOptions, OnModel, Seeded, UnderNoise, WithImages


class AttackRequest(Seeded, UnderNoise, ForNetworks, AttackOptions, WithImages, OnModel):
    """Attacks on one model."""

    command: ClassVar[str] = "attack"

    model: ClassifierName
    """Run folder, model file or the name of a reference; one of these as MODEL@NOISE:STRENGTH; or a network of your
    own, a .pt2 or package.module:factory, whose code is run."""
    attack: Several[AttackName] = ("pgd",)
    """What is done to the images."""
    eps: Annotated[Several[float] | None, Otherwise("0.1; no bound for cw and deepfool")] = None
    """Strengths, from 0 to 1 in l∞; 0 stands for the clean images."""
    part: Annotated[Literal["test", "train"], Field(exclude_if=lambda part: part == "test")] = "test"
    """Of the model's own data, which images: the first N of its test set, or of its training set."""
    targets: Annotated[
        Literal["random", "next"] | None,
        Field(exclude_if=lambda rule: rule is None),
        Otherwise("none: the model is led away from the right label, wherever to"),
    ] = None
    """Lead the model to labels: random draws any by the seed, next takes the one behind the right one. With --part
    train the run also has files in training/, which `qaml train --dataset` reads: these images with their targets as
    labels, and the clean test images."""
    sources: AnyNumber[ClassifierName] = ()
    """Models whose adversarial images must not beat the attack, for the audit."""

    @model_validator(mode="after")
    def _fits_together(self) -> "AttackRequest":
        if self.sources and not self.audit:
            raise ConfigurationError(
                "--sources does not fit",
                got="--sources without --audit",
                expected="models whose adversarial images the audit compares with",
                remedy="add --audit, or use `qaml transfer`",
            )
        if self.targets is not None and self.audit:
            raise ConfigurationError(
                "--targets does not fit",
                got=f"--targets {self.targets} with --audit",
                expected="an audit of attacks that lead away from the right label",
                remedy="leave out one of them",
            )
        self.check_networks([self.model, *self.sources])
        for each in self.attacks() if self.targets is not None else ():
            each.check_targeted()
        self.attacks()
        return self

    def attacks(self) -> list[Attack]:
        """Every attack at every strength above 0; see :meth:`AttackOptions.grid`."""
        return self.grid(self.attack, self.eps, self.seed)
