"""A trained QVC behind another encoding."""

from qaml_qiskit.deployments import refusals
from qaml_qiskit.models import QVC, StoredModel


def behind_encoding(model: QVC, stored: StoredModel, name: str, encoding: str, layers: int | None) -> StoredModel:
    """The same layers behind another encoding; the stored model itself if that is its own.

    Args:
        model: the QVC of ``stored``.
        stored: the model and its card.
        name: what it is called in an error.
        encoding: a name of :data:`qaml_qiskit.encodings.ENCODINGS`.
        layers: of the encoding; None for those that it has by itself.

    Raises:
        ConfigurationError: an encoding that these layers cannot have.
    """
    own = model.config
    needed = own.model_copy(update={"encoding": encoding, "encoding_layers": layers}).num_qubits
    if needed != own.num_qubits:
        raise refusals.needs_as_many_qubits(name, encoding, needed, own.num_qubits)
    config = type(own).model_validate({**dict(own), "encoding": encoding, "encoding_layers": layers})
    if config == own:
        return stored
    recoded = type(model)(config)
    recoded.load_state_dict(model.state_dict())
    return StoredModel(recoded.eval(), stored.card.model_copy(update={"model": config}))
