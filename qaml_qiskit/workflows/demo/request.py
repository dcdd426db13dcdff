"""What the demo can be asked for."""

from typing import Annotated, ClassVar

from pydantic import Field

from qaml_qiskit.circuits import ReadoutName
from qaml_qiskit.workflows.fields import Count, Otherwise
from qaml_qiskit.workflows.mixins import OnTarget, Seeded, WithEngine, WithRecipe
from qaml_qiskit.workflows.training_options import TrainingOptions


class DemoRequest(Seeded, WithEngine, WithRecipe, OnTarget):
    """Everything that decides the demo's numbers. The data are the embedded digits, all ten, on six qubits."""

    command: ClassVar[str] = "demo"

    classes: Annotated[
        tuple[int, ...] | None,
        Field(exclude_if=lambda classes: classes is None),
        Otherwise("all ten; 0 to 5 where the readout is not trained and each needs a qubit"),
    ] = None
    """Digits to keep; the k-th becomes label k."""
    # Runs before there was a choice have none, and read a qubit a class.
    readout: Annotated[ReadoutName, Field(exclude_if=lambda name: name == "qubits")] = "linear-zz"
    """How classes are read from the QVC's qubits."""
    layers: Count = 12
    """Layers of the QVC."""
    epochs: Count = 60
    """Epochs of the QVC."""
    convnet_epochs: Count = 12
    """Epochs of the ConvNet."""
    eps: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Attack strength, the largest change of a pixel."""
    steps: Count = 20
    """Steps of PGD."""
    images: Count = 200
    """Number of test images."""
    shots: Count = 1000
    """Shots an image."""

    def training(self, model: str) -> TrainingOptions:
        """How one of the two models is trained."""
        values: dict[str, object] = {"model": model, "seed": self.seed, "epochs": self.convnet_epochs}
        values["classes"] = self.classes
        if model == "qvc":
            values |= {"epochs": self.epochs, "layers": self.layers, "logit_scale": 10.0, "readout": self.readout}
        return TrainingOptions.model_validate(values).resolved()
