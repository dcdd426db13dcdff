"""What ``qaml resources`` is asked for."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from qaml_qiskit.circuits import is_own
from qaml_qiskit.datasets.references import DatasetName
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.registry import Named
from qaml_qiskit.workflows.data_options import DataOptions
from qaml_qiskit.workflows.fields import AnsatzOrFile, AnyNumber, Count, RecipeName, Several, TargetName
from qaml_qiskit.workflows.mixins import Seeded

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
    layers: AnyNumber[Count] = (12,)
    """Of the QVC; a circuit of your own has its own."""
    ansatz: Annotated[Several[AnsatzOrFile], Field(exclude_if=_ladder_alone)] = ("ladder",)
    """Of the QVC: names, or circuits of your own."""
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

    @model_validator(mode="after")
    def _layers_are_of_an_ansatz(self) -> Self:
        """Refuse layers that no ansatz would have, and an ansatz without any."""
        only_files = all(map(is_own, self.ansatz))
        if only_files and self.layers and "layers" in self.model_fields_set:
            raise ConfigurationError(
                "a circuit of your own has its own layers",
                got=f"--layers {', '.join(map(str, self.layers))} and --ansatz {', '.join(self.ansatz)}",
                expected="numbers of layers for a registered ansatz alone",
                remedy="leave out --layers",
            )
        if not only_files and not self.layers:
            raise ConfigurationError(
                "an ansatz has layers", got="no --layers", expected="at least one number", remedy="give --layers"
            )
        return self

    def resolved(self) -> Self:
        """The same request without the layers that no ansatz has."""
        return self.model_copy(update={"layers": ()}) if all(map(is_own, self.ansatz)) else self
