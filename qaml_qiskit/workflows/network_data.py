"""The images that networks of the user's are for: for every command that takes such networks."""

from pathlib import Path

from qaml_qiskit.datasets import Split, load_dataset
from qaml_qiskit.workflows.network_options import ForNetworks


def network_data(request: ForNetworks, data_dir: Path | None) -> Split | None:
    """What a request's networks are for; None where the models beside them say it.

    Raises:
        QamlError: data that cannot be found or read.
    """
    return None if request.dataset is None else load_dataset(request.dataset, **request.loading(data_dir))
