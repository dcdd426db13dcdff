"""What ``qaml train`` is asked for."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from qaml_qiskit.circuits import AnsatzName
from qaml_qiskit.datasets.names import DatasetName
from qaml_qiskit.encodings import EncodingName, PixelOrder, encoding_defaults
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models.scale import LogitScale
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request

#: Classes kept when none are asked for: the digits have 64 pixels, hence six qubits, hence six classes at most.
DEFAULT_CLASSES = {"digits": (0, 1, 2, 3, 4, 5)}

#: The kinds of model that an option means something to; all others mean something to every kind.
_ONLY_OF = {
    **dict.fromkeys(("layers", "ansatz", "encoding", "encoding_layers", "pixel_order"), ("qvc",)),
    **dict.fromkeys(("train_noise", "train_shots", "train_draws"), ("qvc",)),
    **dict.fromkeys(("logit_scale", "init_std"), ("qvc", "quadratic")),
}


class TrainRequest(Request):
    """Everything that decides what is trained, and how."""

    dataset: DatasetName = "digits"
    classes: tuple[int, ...] | None = None
    model: Literal["qvc", "convnet", "resnet18", "quadratic"] = "qvc"
    layers: Annotated[int, Field(ge=1)] = 12
    ansatz: AnsatzName = "ladder"
    encoding: EncodingName = "multiplexed"
    encoding_layers: Annotated[int, Field(ge=1)] | None = None
    pixel_order: PixelOrder | None = None
    logit_scale: LogitScale = 20.0
    init_std: Annotated[float, Field(ge=0)] | None = None
    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 64
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    patience: Annotated[int, Field(ge=1)] | None = None
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.1
    train_images: Annotated[int, Field(ge=1)] | None = None
    train_noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    train_shots: Annotated[int, Field(ge=1)] | None = None
    train_draws: Annotated[int, Field(ge=1, le=256)] = 16
    seed: Seed = 0

    @model_validator(mode="after")
    def _all_options_act(self) -> "TrainRequest":
        """Refuse what this kind of model would ignore, where it is not left at its default."""
        fields = type(self).model_fields
        ignored = [
            name
            for name, kinds in _ONLY_OF.items()
            if self.model not in kinds and getattr(self, name) != fields[name].default
        ]
        if ignored:
            options = ", ".join("--" + name.replace("_", "-") for name in ignored)
            raise ConfigurationError(
                f"a {self.model} has no use for {options}",
                got=", ".join(f"{name} {getattr(self, name)}" for name in ignored),
                expected=f"--model {' or '.join(_ONLY_OF[ignored[0]])}",
                remedy="leave it out" if len(ignored) == 1 else "leave them out",
            )
        return self

    def resolved(self) -> "TrainRequest":
        """The same request with defaults that depend on other choices filled in."""
        rate = self.learning_rate or default_rate(self.model, self.layers)
        classes = self.classes if self.classes is not None else DEFAULT_CLASSES.get(self.dataset)
        update: dict[str, Any] = {"learning_rate": rate, "classes": classes}
        if self.model == "qvc":
            layers, order = encoding_defaults(self.encoding, self.encoding_layers, self.pixel_order)
            update.update(encoding_layers=layers, pixel_order=order)
        return self.model_copy(update=update)


def default_rate(model: str, layers: int) -> float:
    """The highest learning rate of the schedule when none is given.

    Adam moves every angle by about the rate, so a step turns a QVC's unitary by an amount that grows with its layers;
    1/L keeps that amount the same, and is near the best rate that was found for 12, 200 and 500 layers.
    """
    return min(0.1, 1 / layers) if model == "qvc" else 0.001
