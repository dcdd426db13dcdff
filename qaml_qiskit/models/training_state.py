"""What a training is asked for, and how far it is."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from qaml_qiskit.seeds import Seed


class TrainingConfig(BaseModel):
    """How a model is trained: the steps of Adam. What they make small is an :class:`Objective`.

    Attributes:
        epochs: passes over the training set.
        batch_size: images a step.
        learning_rate: the highest rate of the schedule.
        schedule: ``one-cycle`` warms up linearly over the first 30 % of the steps and falls to zero as a cosine;
            ``constant`` stays.
        weight_decay: Adam's l2 penalty.
        seed: of the order of the images and of the initial weights.
        patience: stop after this many epochs without a better validation loss; None never stops early.
        keep_epoch: whose weights the model gets: those of the ``best`` epoch by validation loss, or of the ``last``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 0.02
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    seed: Seed = 0
    patience: Annotated[int, Field(ge=1)] | None = None
    keep_epoch: Literal["best", "last"] = "best"


@dataclass(frozen=True)
class EpochRecord:
    """One row of the learning curve. Losses are means over the images.

    The robust ones are of the validation images that the objective changed, where it chooses the epoch by them.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    robust_loss: float | None = None
    robust_accuracy: float | None = None

    @property
    def deciding_loss(self) -> float:
        """The loss by which the best epoch is chosen."""
        return self.validation_loss if self.robust_loss is None else self.robust_loss


@dataclass
class TrainingState:
    """Everything that is needed to go on as if nothing had happened.

    Attributes:
        epoch: finished epochs.
        step: finished steps of the current epoch.
        seen: images of the current epoch so far.
        loss_sum: sum of their losses.
        correct: how many of them were classified correctly.
        history: a record for every finished epoch.
        model: the weights by name.
        optimizer: for each parameter, in order, Adam's step count and moments by name.
        best: the weights to keep: those after the epoch with the lowest validation loss, robust where there is one, or
            after the last.
    """

    epoch: int = 0
    step: int = 0
    seen: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    history: list[EpochRecord] = field(default_factory=list)
    model: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    best: dict[str, Tensor] = field(default_factory=dict)
