"""What a defended deployment can be known through: its expectation, its draws, and itself without the defence."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from qaml_qiskit.attacks import DefenceViews
from qaml_qiskit.deployments.conditions import Ideal, UnderNoise
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.rules import Filtered, Smoothing
from qaml_qiskit.errors import ConfigurationError


def twin_of(defended: Deployment) -> Deployment | None:
    """The same model without what defends it; None where there is nothing that could be taken off.

    Smoothing or a filter is taken off first, then noise layers, then a named noise. Weights are no such thing: for a
    model that was trained adversarially, name a plain one.
    """
    if isinstance(defended.condition.rule, Smoothing | Filtered):
        return defended.by(None)
    if defended.has_noise_layers:
        return defended.without_layers
    return defended.at(Ideal(rule=defended.condition.rule)) if isinstance(defended.condition, UnderNoise) else None


def defence_views(defended: Deployment, twin: Deployment | None, sources: Sequence[Deployment]) -> DefenceViews:
    """The modules of deployments, placed where each is computed.

    Args:
        defended: what is judged.
        twin: the same without the defence, or a plain model.
        sources: other models.
    """
    exact = expectation_of(defended)
    return DefenceViews(
        defended.module,
        exact=None if exact is None else exact.module,
        drawn=_one_draw(defended),
        twin=None if twin is None else twin.module,
        sources={source.name: source.module for source in sources},
    )


def expectation_of(deployment: Deployment) -> Deployment | None:
    """What a deployment's logits are on average: itself, or with its noise layers on average where it draws them.

    None where nobody knows it: of a vote over noisy images.
    """
    if isinstance(deployment.condition.rule, Smoothing):
        return None
    return deployment.expected


def _one_draw(defended: Deployment) -> nn.Module | None:
    """What draws once; None where nothing does. Noise layers can be drawn where the model answers by their average."""
    if defended.drawing_rule is None and defended.has_noise_layers:
        return defended.drawing("mean", 1).module
    return defended.one_draw


def paired_forms(defended: Deployment, twin: Deployment | None) -> tuple[Tensor, Tensor] | None:
    """The quadratic forms behind the logits of both, on the pixels; None where the logits of one are something else."""
    exact, undefended = expectation_of(defended), None if twin is None else expectation_of(twin)
    if exact is None or undefended is None:
        return None
    try:
        for each in (exact, undefended):
            each.check_forms()
    except ConfigurationError:
        return None
    return torch.from_numpy(exact.forms().matrices), torch.from_numpy(undefended.forms().matrices)
