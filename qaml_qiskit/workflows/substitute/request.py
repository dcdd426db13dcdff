"""What ``qaml substitute`` is asked for."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import ClassifierName, Count, Images, Otherwise
from qaml_qiskit.workflows.mixins import Seeded, WithRecipe


class SubstituteRequest(Seeded, WithRecipe, ForNetworks):
    """A substitute for a victim that answers with labels alone."""

    command: ClassVar[str] = "substitute"

    victim: ClassifierName
    """Who is asked: MODEL, MODEL@NOISE:STRENGTH or MODEL@TARGET; or a network of your own, a .pt2 or
    package.module:factory, whose code is run."""
    model: Literal["cnn", "fnn", "convnet", "resnet18", "quadratic"] = "cnn"
    """What is trained on the answers."""
    queries: Count = 1000
    """How many images the victim is asked about, all rounds together."""
    first: Count = 100
    """How many of these are images that the attacker has; all others are made from them."""
    step_size: Annotated[float, Field(gt=0, le=1)] = 0.1
    """How far an image is moved to make another, in pixel units."""
    epochs: Count = 20
    """Of the training in every round."""
    batch_size: Count = 64
    """Images a step, at most."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """The highest rate of the schedule."""
    images: Annotated[Images | None, Otherwise("the whole test set")] = None
    """A number N for the first N of the victim's own test set; or a file. Substitute and victim are compared on the
    first half of them; the attacker's images are drawn from the second half."""

    @model_validator(mode="after")
    def _fits_together(self) -> "SubstituteRequest":
        if self.first > self.queries:
            raise ConfigurationError(
                "there are not enough queries",
                got=f"--queries {self.queries} for --first {self.first}",
                expected="at least a query for each of the attacker's own images",
                remedy="ask for more queries, or begin with fewer images",
            )
        self.check_networks([self.victim])
        return self
