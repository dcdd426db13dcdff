"""Several classifiers as one: the mean of their probabilities (Lakshminarayanan et al. 2017, 1612.01474)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.models.store import StoredModel


class Ensemble(nn.Module):
    """Logits log(1/K Σ_k softmax(z_k/T_k)): at temperature 1 they are the mean of the members' probabilities.

    A module as any other: ``deploy(Ensemble(models), data=…)`` is attacked, calibrated and watched. Gradients flow into
    images and members.

    Args:
        models: at least one; of stored ones with their temperatures.
        temperatures: T_k, instead of those that the trainings fitted.

    Raises:
        ConfigurationError: no model, models of different shapes or data, or a model without a temperature.
    """

    def __init__(self, models: Sequence[StoredModel | nn.Module], temperatures: Sequence[float] | None = None) -> None:
        super().__init__()
        _check_alike(models)
        if temperatures is None:
            temperatures = [_temperature(number, each) for number, each in enumerate(models)]
        if len(temperatures) != len(models) or not all(0 < each < float("inf") for each in temperatures):
            raise ConfigurationError(
                "these temperatures fit no ensemble",
                got=f"{', '.join(f'{each:g}' for each in temperatures) or 'none'} for {len(models)} models",
                expected="a temperature above 0 for each",
                remedy="fit one for every model with fit_temperature",
            )
        self.members = nn.ModuleList(each.model if isinstance(each, StoredModel) else each for each in models)
        self.temperatures = tuple(temperatures)

    def forward(self, images: Tensor) -> Tensor:
        """Shape (N, m), in the precision of the members."""
        pairs = zip(self.members, self.temperatures, strict=True)
        logs = torch.stack([(member(images) / temperature).log_softmax(dim=1) for member, temperature in pairs])
        return logs.logsumexp(dim=0) - torch.log(logs.new_tensor(len(logs)))


def _temperature(number: int, model: StoredModel | nn.Module) -> float:
    found = model.card.temperature if isinstance(model, StoredModel) else None
    if found is None:
        raise ConfigurationError(
            f"there are no probabilities of model {number} of the ensemble",
            got="a model without a temperature",
            expected="models that `qaml train` made, or a temperature for each",
            remedy="give temperatures=[…], fitted with fit_temperature to images that the models did not learn from",
        )
    return found.value


def _check_alike(models: Sequence[StoredModel | nn.Module]) -> None:
    cards = [each.card for each in models if isinstance(each, StoredModel)]
    different = {(each.model.image_shape, each.data.model_dump_json()) for each in cards}
    if not models or len(different) > 1:
        raise ConfigurationError(
            "these models are no ensemble",
            got="models of different data" if models else "no model",
            expected="at least one model, all for the same classes of the same data",
            remedy="leave out the others, or train them for the same data" if models else "give some models",
        )
