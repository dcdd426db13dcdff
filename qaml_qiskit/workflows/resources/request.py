"""What ``qaml resources`` is asked for."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from qaml_qiskit.circuits import AnsatzName
from qaml_qiskit.datasets.names import DatasetName
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.registry import Named
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request

CountedEncoding = Annotated[
    str, Named(ENCODINGS, {"exact": "Qiskit's state preparation of one image", "none": "the layers alone"})
]


def _several(value: Any) -> Any:
    """One number of a YAML file stands for a list of one."""
    return (value,) if isinstance(value, int) else value


class ResourcesRequest(Request):
    """The grid of circuits to count. ``none`` counts the ansatz alone.

    Attributes:
        qubits: widths.
        layers: of the QVC.
        ansatz: of the QVC; the ladder alone goes without saying in a run's configuration, as in versions before.
        encoding: names.
        encoding_layers: of encodings with layers, as ``approximate``.
        target: entries of backends.yaml.
        recipe: of transpile/.
        dataset: whose test images the fidelity is a mean over. ``digits`` are resized to the qubits' frame; the images
            of the others are taken as they are, and must fit.
        images: how many, the first of the test set.
        seed: of the ansatz's random angles.
    """

    qubits: Annotated[
        tuple[Annotated[int, Field(ge=2, le=14)], ...], Field(min_length=1), BeforeValidator(_several)
    ] = (6,)
    layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (12,)
    ansatz: Annotated[tuple[AnsatzName, ...], Field(min_length=1, exclude_if=lambda names: names == ("ladder",))] = (
        "ladder",
    )
    encoding: Annotated[tuple[CountedEncoding, ...], Field(min_length=1)] = ("multiplexed",)
    encoding_layers: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (2,)
    target: Annotated[tuple[str, ...], Field(min_length=1)] = ("fake-torino",)
    recipe: Annotated[tuple[str, ...], Field(min_length=1)] = ("level3",)
    dataset: DatasetName = "digits"
    images: Annotated[int, Field(ge=1)] = 20
    seed: Seed = 0
