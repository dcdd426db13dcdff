"""A trained model, from the name that a user gives."""

from qaml_qiskit.deployments.references import model_path
from qaml_qiskit.models import StoredModel, load_model


def find_model(name: str) -> StoredModel:
    """A trained model from a run folder, a model file, or the name of a reference.

    Raises:
        InputError: as :func:`~qaml_qiskit.deployments.references.model_path`, or its files cannot be read.
    """
    return load_model(model_path(name))
