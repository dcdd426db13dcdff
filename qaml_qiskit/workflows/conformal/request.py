"""What ``qaml conformal`` is asked for."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from qaml_qiskit.errors import ConfigurationError, ignored_options
from qaml_qiskit.studies.conformity import ROBUST_SCORES, ConformityScore
from qaml_qiskit.workflows.fields import AnyNumber, DeploymentName, Otherwise, Several, Share
from qaml_qiskit.workflows.mixins import OnModel, Seeded, UnderNoise, WithManyImages, WithRecipe, WithValidation


class ConformalRequest(Seeded, UnderNoise, WithRecipe, WithValidation, WithManyImages, OnModel):
    """Whose labels are put into sets, and what is promised of these."""

    command: ClassVar[str] = "conformal"

    model: DeploymentName
    """Run folder, model file or the name of a reference; or one of these as MODEL@NOISE:STRENGTH or MODEL@TARGET."""
    alpha: Several[Share] = (0.1,)
    """Share of images whose label may be missing from its set."""
    score: Annotated[
        AnyNumber[ConformityScore], Otherwise("probability, and radius where a radius above 0 is asked for")
    ] = ()
    """By which labels enter a set; margin, lipschitz and radius are promised to hold under attack, too."""
    radius: Several[Annotated[float, Field(ge=0)]] = (0.0,)
    """Length in l2, in pixel units, of attacks under which the promise holds."""
    by_class: bool = False
    """A threshold for every class, so that the promise holds for the images of each."""
    randomised: bool = False
    """Of adaptive sets: drawn numbers make them no larger than the promise needs."""

    @model_validator(mode="after")
    def _all_options_act(self) -> Self:
        if self.randomised and "adaptive" not in self.scores:
            raise ignored_options(f"a set by {', '.join(self.scores)}", {"randomised": True}, "--score adaptive")
        if max(self.radius) > 0 and not set(self.scores) & set(ROBUST_SCORES):
            raise ConfigurationError(
                f"nothing is promised under attack of sets by {', '.join(self.scores)}",
                got=f"--radius {max(self.radius):g}",
                expected=f"one of the scores {', '.join(ROBUST_SCORES)}",
                remedy="add --score radius; the other sets are then attacked beside it",
            )
        return self

    @property
    def scores(self) -> tuple[ConformityScore, ...]:
        """The scores, given or not."""
        return self.score or (("probability", "radius") if max(self.radius) > 0 else ("probability",))
