"""What a defended deployment can be known through: its expectation, its draws, and itself without the defence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from qaml_qiskit.attacks import DefenceViews
from qaml_qiskit.deployments.conditions import Ideal
from qaml_qiskit.deployments.deployment import Deployment
from qaml_qiskit.deployments.rules import LayersRule, Smoothing
from qaml_qiskit.errors import ConfigurationError


def twin_of(defended: Deployment) -> Deployment | None:
    """The same model without what defends it: noise layers, smoothing, a noise; None where there is nothing of that.

    Weights are no defence that could be taken off: for a model that was trained adversarially, name a plain one.
    """
    condition = defended.condition
    if defended.has_noise_layers and not isinstance(condition.rule, Smoothing):
        return defended.at(Ideal(rule=LayersRule("off")))
    if isinstance(condition, Ideal) and not isinstance(condition.rule, Smoothing):
        return None
    return defended.at(Ideal(rule=None if isinstance(condition.rule, Smoothing) else condition.rule))


def defence_views(defended: Deployment, twin: Deployment | None, sources: Sequence[Deployment]) -> DefenceViews:
    """The modules of deployments, placed where each is computed.

    Args:
        defended: what is judged.
        twin: the same without the defence, or a plain model.
        sources: other models.
    """
    # What noise layers are on average is known exactly; a vote over noisy images is known by its draws alone.
    exact = defended.expected.module if isinstance(defended.drawing_rule, LayersRule) else None
    return DefenceViews(
        defended.module,
        exact=exact,
        drawn=defended.one_draw,
        twin=None if twin is None else twin.module,
        sources={source.name: source.module for source in sources},
    )


def paired_forms(defended: Deployment, twin: Deployment | None) -> tuple[Tensor, Tensor] | None:
    """The quadratic forms behind the logits of both, on the pixels; None where the logits of one are something else."""
    if twin is None:
        return None
    try:
        for each in (defended, twin):
            each.check_forms()
    except ConfigurationError:
        return None
    with_it, without = (torch.from_numpy(each.forms().matrices) for each in (defended, twin))
    return with_it, without
