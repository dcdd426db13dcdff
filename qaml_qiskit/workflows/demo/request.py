"""What the demo can be asked for."""

from typing import Annotated

from pydantic import Field

from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request
from qaml_qiskit.workflows.train.request import TrainRequest


class DemoRequest(Request):
    """Everything that decides the demo's numbers. The data are the digits 0 to 5: six qubits can name six classes."""

    target: str = "fake-torino"
    recipe: str = "level3"
    layers: Annotated[int, Field(ge=1)] = 12
    epochs: Annotated[int, Field(ge=1)] = 60
    convnet_epochs: Annotated[int, Field(ge=1)] = 12
    eps: Annotated[float, Field(ge=0, le=1)] = 0.1
    steps: Annotated[int, Field(ge=1)] = 20
    images: Annotated[int, Field(ge=1)] = 200
    shots: Annotated[int, Field(ge=1)] = 1000
    seed: Seed = 0

    def training(self, model: str) -> TrainRequest:
        """How one of the two models is trained."""
        values: dict[str, object] = {"model": model, "seed": self.seed, "epochs": self.convnet_epochs}
        if model == "qvc":
            values |= {"epochs": self.epochs, "layers": self.layers, "logit_scale": 10.0}
        return TrainRequest.model_validate(values).resolved()
