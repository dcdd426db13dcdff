"""What several requests ask for: fields with one name, one default and one text each."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from qaml_qiskit.attacks import Attack, attack_grid
from qaml_qiskit.deployments import conditions, refusals
from qaml_qiskit.deployments.conditions import VALIDATION_ON_TARGET
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import Engine
from qaml_qiskit.noise import NoiseName
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.fields import (
    Count,
    CountsMitigationName,
    DeploymentName,
    Images,
    ModelName,
    Otherwise,
    RecipeName,
    Several,
    TargetName,
)
from qaml_qiskit.workflows.request import Request


class OnModel(Request):
    """Asks for one stored model."""

    model: DeploymentName
    """Run folder, model file or the name of a reference."""


class OnModels(Request):
    """Asks for stored models."""

    models: Several[ModelName]
    """Run folders, model files or names of references."""


class WithImages(Request):
    """Asks for images to work on."""

    images: Annotated[Images, Otherwise("100, or all where there are fewer")] = "100"
    """A number N for the first N of the model's own test set; or a file of images: an .npz as the model takes them, or
    any that could be a data set, which is prepared as the model's was."""


class WithManyImages(WithImages):
    """Asks for images to work on, where a hundred are too few."""

    images: Annotated[Images, Otherwise("1000, or all where there are fewer")] = "1000"
    """A number N for the first N of the model's own test set; or a file of images: an .npz as the model takes them, or
    any that could be a data set, which is prepared as the model's was."""


class WithValidation(Request):
    """Asks for images that no model learned from, by which something is fitted or promised."""

    validation: Annotated[
        Images | None,
        Otherwise(f"all that the trainings set aside, or {VALIDATION_ON_TARGET} where a model is on a target"),
    ] = None
    """A number N of images that no model learned from, of those that the trainings set aside; or a file of such images.
    What is fitted, and every threshold, comes from these alone; where something is learned, from one half of them."""


class MitigatedOnTarget(Request):
    """Asks for a way to correct what targets read."""

    mitigation: CountsMitigationName = "readout"
    """On a target: the readout errors stay, are inverted qubit by qubit, or are corrected together."""


class UnderNoise(Request):
    """Asks for a named noise, or for none."""

    noise: NoiseName | None = None
    """An exact noise on the native gates of the layers and the readout."""
    strength: float | None = None
    """Of the noise."""

    @model_validator(mode="after")
    def _noise_is_complete(self) -> Self:
        if (self.noise is None) != (self.strength is None):
            raise ConfigurationError(
                "the noise is not complete",
                got=f"--noise {self.noise}" if self.noise else f"--strength {self.strength:g}",
                expected="--noise and --strength together, or neither",
                remedy="add the other one",
            )
        if self.noise is not None and self.strength is not None:
            conditions.UnderNoise(self.noise, self.strength)
        return self


class OnTarget(Request):
    """Asks for one target."""

    target: TargetName = "fake-torino"
    """Entry of backends.yaml."""


class WithEngine(Request):
    """Asks for the engine that simulates a target."""

    engine: Annotated[
        Engine | None,
        Field(exclude_if=lambda engine: engine is None),
        Otherwise("what backends.yaml says of the target, or exact where that applies, and otherwise aer"),
    ] = None
    """What simulates the target: exact draws shots from the exact distribution of bitstrings, for up to twelve qubits
    that gates connect; aer is Qiskit's simulator."""


class ModelOnTarget(OnTarget, OnModel):
    """Asks for one stored model on one target, which may be written as ``MODEL@TARGET``."""

    @model_validator(mode="before")
    @classmethod
    def _written_short(cls, values: Any) -> Any:
        """How the model answers stays with its name."""
        if not isinstance(values, dict) or not isinstance(values.get("model"), str):
            return values
        model, condition = conditions.parse_deployment(values["model"], target=values.get("target"))
        if isinstance(condition, conditions.UnderNoise):
            raise refusals.needs_no_noise(values["model"])
        if not isinstance(condition, conditions.OnTarget):
            return values
        named = conditions.written(model, conditions.Ideal(rule=condition.rule))
        return {**values, "model": named, "target": condition.target}


class WithRecipe(Request):
    """Asks for a way to compile."""

    recipe: RecipeName = "level3"
    """Compiles for the target: a recipe of transpile/, or a YAML file."""


class AttackParameters(Request):
    """Asks for parameters of attacks that not every attack has."""

    steps: Annotated[Count | None, Otherwise("each attack's own")] = None
    """Of the attacks that have steps."""
    restarts: Annotated[Count | None, Otherwise("each attack's own")] = None
    """Of the attacks that have restarts."""
    param: tuple[str, ...] = ()
    """Further key=value, such as step_size=0.01 or constants=[1,10], for the attacks that have this parameter;
    pgd.steps=40 is for that attack alone."""

    @property
    def attack_param(self) -> tuple[str, ...]:
        """Of ``param``, what is for attacks."""
        return self.param

    def grid(self, names: Sequence[str], eps: Sequence[float] | None, seed: int) -> list[Attack]:
        """Every attack at every strength above 0; see :func:`~qaml_qiskit.attacks.attack_grid`.

        Raises:
            ConfigurationError: an attack that does not exist, or that cannot have these parameters.
        """
        how = {"steps": self.steps, "restarts": self.restarts}
        return attack_grid(names, eps, seed=seed, param=self.attack_param, **how)


class AttackOptions(AttackParameters):
    """Asks for parameters of attacks that not every attack has, and for an audit."""

    audit: bool = False
    """Check whether the attacks' failures mean anything."""
    audit_images: Count = 100
    """Images at most that the audit uses, the first ones."""

    def grid(self, names: Sequence[str], eps: Sequence[float] | None, seed: int) -> list[Attack]:
        """See :meth:`AttackParameters.grid`.

        Raises:
            ConfigurationError: as there; or none of the attacks can be audited, where that is asked for.
        """
        attacks = super().grid(names, eps, seed)
        if self.audit and not any(each.can_be_audited for each in attacks):
            raise ConfigurationError(
                "there is nothing to audit",
                got=f"--audit with {', '.join(names)}",
                expected="an attack in l∞ that reads gradients, such as pgd or apgd, with eps above 0",
                remedy="leave out --audit, or choose another attack",
            )
        return attacks


class Seeded(Request):
    """Asks for a seed."""

    seed: Seed = 0
    """Of everything random: the same seed gives the same run."""
