"""What ``qaml decide`` is asked for, and everything about it that can be wrong before a model is read."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit.confidence import Policy, round_ends
from qaml_qiskit.errors import ConfigurationError, InputError, ignored_options
from qaml_qiskit.workflows.fields import ClassifierName, Count, Otherwise, Several, Share
from qaml_qiskit.workflows.mixins import ModelOnTarget, Seeded, WithImages, WithRecipe, WithValidation

#: Draws of the shots where they cost nothing and nobody says how many.
REPETITIONS = 20


class DecideRequest(Seeded, WithRecipe, WithValidation, WithImages, ModelOnTarget):
    """Which policies, at what confidence, with how many shots."""

    command: ClassVar[str] = "decide"

    policy: Several[Policy] = ("fixed", "abstain", "more-shots", "sequential")
    """What is done: fixed, the budget for every image; abstain, no answer about doubtful images; fall-back, those are
    answered by --fallback; more-shots, rounds until the lead is large enough for validation images; sequential, rounds
    until the label is certain by itself."""
    confidence: Share = 0.99
    """Of labels that are given early: sequential promises the label of endless shots for every image, more-shots that
    of the whole budget on average over images."""
    round: Count = 50
    """Shots an image of the first round."""
    growth: Annotated[float, Field(ge=1, le=100)] = 1.5
    """Factor by which the shots of an image grow from round to round; 1 for equal rounds. Each round is a job."""
    shots: Count = 1000
    """Budget: shots of an image at most."""
    doubtful: Share = 0.1
    """Share of clean images, at most, whose highest probability is called too low."""
    fallback: ClassifierName | None = None
    """A model that answers where this one is in doubt, such as a classical one; MODEL, or MODEL@CONDITION."""
    engine: Literal["forecast", "sampler"] = "forecast"
    """forecast: shots drawn from the exact distribution of what the target would read. sampler: every round is run."""
    mitigation: Literal["none", "readout"] = "none"
    """What is done about readout errors: nothing, or those that the target states are inverted in every shot."""
    repetitions: Annotated[Count | None, Otherwise(f"{REPETITIONS} by forecast, 1 with the sampler")] = None
    """Times that the shots of all images are drawn."""

    @property
    def drawn(self) -> int:
        """How often the shots of all images are drawn."""
        return self.repetitions or (REPETITIONS if self.engine == "forecast" else 1)

    @property
    def rounds(self) -> tuple[int, ...]:
        """Shots of an image after each round."""
        return round_ends(self.round, self.shots, self.growth)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            _ = self.rounds
        except InputError as error:
            raise ConfigurationError(
                "the budget is smaller than a round",
                got=f"--shots {self.shots} and --round {self.round}",
                expected="at least one round of shots",
                remedy="give a smaller --round, or more --shots",
            ) from error
        if "fall-back" in self.policy and self.fallback is None:
            raise ConfigurationError(
                "nobody says which model to fall back to",
                got="--policy fall-back without --fallback",
                expected="a model that answers where this one is in doubt",
                remedy="add --fallback MODEL, or leave out fall-back",
            )
        if self.fallback is not None and not {"fall-back", "sequential"} & {*self.policy}:
            raise ignored_options("--policy without fall-back", {"fallback": self.fallback}, "--policy fall-back")
        if self.engine == "sampler" and self.repetitions is not None:
            raise ignored_options("the sampler", {"repetitions": self.repetitions}, "--engine forecast")
        return self
