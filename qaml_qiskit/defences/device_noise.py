"""What a training under a device's noise asks of a model."""

from torch import nn

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models import QVC


def check_without_layers(model: nn.Module, defence: str) -> None:
    """Raise ConfigurationError for another model than a QVC without noise layers."""
    if not isinstance(model, QVC):
        raise ConfigurationError(
            "cannot train this model under device noise",
            got=f"a {type(model).__name__}",
            expected="a QVC",
            remedy="train it without noise",
        )
    if model.config.noise_layers is not None:
        raise ConfigurationError(
            "cannot train noise layers under device noise",
            got=f"the defence {defence} for a model with noise layers",
            expected="one kind of randomness in the circuit",
            remedy="leave out --noise-layers, or take another defence, such as combined",
        )
