"""What ``qaml resources`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import Field

from qaml_qiskit.circuits import AnsatzName
from qaml_qiskit.datasets.names import DatasetName
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.registry import Named
from qaml_qiskit.workflows.data_options import DataOptions
from qaml_qiskit.workflows.fields import Count, RecipeName, Several, TargetName
from qaml_qiskit.workflows.request import Seeded

CountedEncoding = Annotated[
    str, Named(ENCODINGS, {"exact": "Qiskit's state preparation of one image", "none": "the layers alone"})
]


def _ladder_alone(names: tuple[str, ...]) -> bool:
    """What goes without saying in a run's configuration, as in versions before."""
    return names == ("ladder",)


class ResourcesRequest(Seeded, DataOptions):
    """The grid of circuits to count."""

    command: ClassVar[str] = "resources"

    qubits: Several[Annotated[int, Field(ge=2, le=14)]] = (6,)
    """Numbers of qubits, 2 to 14."""
    layers: Several[Count] = (12,)
    """Of the QVC."""
    ansatz: Annotated[Several[AnsatzName], Field(exclude_if=_ladder_alone)] = ("ladder",)
    """Of the QVC."""
    encoding: Several[CountedEncoding] = ("multiplexed",)
    """What prepares the images."""
    encoding_layers: Several[Count] = (2,)
    """Of encodings with layers, as approximate."""
    target: Several[TargetName] = ("fake-torino",)
    """Entries of backends.yaml."""
    recipe: Several[RecipeName] = ("level3",)
    """Recipes of transpile/, or YAML files."""
    dataset: DatasetName = "digits"
    """Whose test images the fidelity is a mean over. The digits are resized to the qubits' frame; the images of the
    others are taken as they are, or as --resize says, and must fit. Or a path to data of your own."""
    images: Count = 20
    """How many of them, the first of the test set."""
