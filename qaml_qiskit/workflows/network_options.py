"""What commands that take networks of the user's are asked for: which images these are for."""

from collections.abc import Sequence
from operator import not_
from typing import Annotated

from pydantic import Field

from qaml_qiskit.datasets.names import DatasetName
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.conditions import parse_deployment
from qaml_qiskit.deployments.references import names_network
from qaml_qiskit.workflows.data_options import DataOptions
from qaml_qiskit.workflows.fields import Otherwise


class ForNetworks(DataOptions):
    """Asks which images networks of the user's are for, which do not say it themselves."""

    # Models say what they are for, so that most requests name no data set.
    dataset: Annotated[DatasetName | None, Field(exclude_if=not_), Otherwise("that of the models beside them")] = None  # type: ignore[assignment]
    """Whose images networks of your own take. Or a path to data of your own: an .npz, a table, a folder of images, IDX
    files."""

    def check_networks(self, names: Sequence[str]) -> None:
        """Raise ConfigurationError for networks without data, and for data without networks.

        Args:
            names: of all deployments of the request.
        """
        models = [parse_deployment(name)[0] for name in names]
        networks = [name for name in models if names_network(name)]
        fields = DataOptions.model_fields
        given = [name for name in fields if getattr(self, name) not in (None, fields[name].default)]
        if self.dataset is not None and "dataset" not in given:
            given = ["dataset", *given]
        options = ", ".join("--" + name.replace("_", "-") for name in given)
        if given and not networks:
            raise refusals.needs_no_data(options)
        if given and self.dataset is None:
            raise refusals.needs_dataset(options)
        if self.dataset is None and networks and len(networks) == len(models):
            raise refusals.needs_data(networks[0])
