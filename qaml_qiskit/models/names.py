"""The registered objectives of a training, and networks by name; for requests, which do not wait for torch."""

from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.models.networks import Network
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

#: Networks of the user's that are known by a name, with what they are for: those that were given to this process.
NETWORKS: Registry["Network"] = Registry("network", {}, base="qaml_qiskit.models.networks:Network")

ObjectiveName = Annotated[str, Named(OBJECTIVES)]
