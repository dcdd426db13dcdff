"""Models that were given to this process, by names that say what is in them."""

from qaml_qiskit.artifacts.session import content_name, keep_in_session, session_folder
from qaml_qiskit.models import StoredModel, model_files


def keep_model(stored: StoredModel) -> str:
    """Keep a model for as long as this process lives; the name by which it is found, such as ``qvc-1a2b3c4d5e6f``."""
    files = model_files(stored.model, stored.card)
    name = f"{stored.card.model.kind}-{content_name(*files.values())}"
    keep_in_session(session_folder("models") / name, files)
    return name
