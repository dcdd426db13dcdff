"""The registered objectives of a training; for requests, which do not wait for torch."""

from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.models.objective import Objective

#: What a training makes small; the settings of each are its fields.
OBJECTIVES: Registry[type["Objective"]] = Registry(
    "objective",
    {
        "clean": ("qaml_qiskit.models.objective:Clean", "the cross-entropy of the images as they are"),
        "noise-aware": ("qaml_qiskit.models.noise_aware:NoiseAware", "the cross-entropy under sampled device noise"),
    },
    base="qaml_qiskit.models.objective:Objective",
)

ObjectiveName = Annotated[str, Named(OBJECTIVES)]
