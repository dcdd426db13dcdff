"""What an inference rule means for a model: which noise layers act, what is refused, and what results must say."""

from collections.abc import Iterator

from torch import nn

from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.rules import Filtered, InferenceRule, LayersRule, Smoothing
from qaml_qiskit.models import QVC, ModelCard, NetworkCard


def layers_of(model: nn.Module) -> NoiseLayers | None:
    """The noise layers that a model was trained with; None for none, and for a model that is no QVC."""
    return model.config.noise_layers if isinstance(model, QVC) else None


def acting_layers(model: nn.Module, rule: InferenceRule | None) -> NoiseLayers | None:
    """The noise layers that act under a rule; None for none.

    Where nothing is said of them, it is what the model was trained for.
    """
    layers = layers_of(model)
    if layers is None or (isinstance(rule, LayersRule) and rule.how == "off"):
        return None
    return layers if isinstance(rule, LayersRule) or layers.in_inference else None


def with_acting_layers(model: QVC, rule: InferenceRule | None) -> QVC:
    """The model as a rule has it: with its filter, and the noise layers that act.

    These are in its circuits and, on average, its logits; the filter is in front of its encoding.
    """
    if isinstance(rule, Filtered):
        return with_acting_layers(model, None).with_filter(str(rule.filter)).eval()
    layers = layers_of(model)
    acting = acting_layers(model, rule)
    if acting is None:
        return model if layers is None else model.without_noise_layers().eval()
    if acting.in_inference:
        return model
    # As the rule wants it, whatever the model was trained for.
    return model.with_noise_layers(acting.model_copy(update={"phases": "both"})).eval()


def check_rule(name: str, model: nn.Module, kind: str, rule: InferenceRule | None) -> None:
    """Refuse a rule for noise layers that there are not.

    Args:
        name: the model's.
        model: that answers by the rule.
        kind: of the model.
        rule: None for the model's own.

    Raises:
        ConfigurationError: the model has no noise layers.
    """
    if isinstance(rule, LayersRule) and layers_of(model) is None:
        raise refusals.needs_noise_layers(name, kind, str(rule))


def rule_notes(
    name: str, model: nn.Module, card: ModelCard | NetworkCard, rule: InferenceRule | None, seed: int
) -> Iterator[str]:
    """What a reader of results should know of how a model answered, in sentences; none where there is nothing to know.

    Args:
        name: the deployment's.
        model: that answered.
        card: of the model.
        rule: None for the model's own.
        seed: of the draws.
    """
    if isinstance(rule, Filtered):
        yield f"{name} sees every image through the filter {rule.filter}, through which it was not trained."
    layers = layers_of(model)
    trained = None if layers is None else layers.in_inference
    match rule:
        case Smoothing(sigma=sigma, draws=draws):
            yield (
                f"{name} is random: the majority vote over {draws} copies of an image with Gaussian noise of standard "
                f"deviation {sigma:g}, drawn with seed {seed}. Logits are shares of votes."
            )
            if not _augmented(card):
                yield f"{name} was not trained with Gaussian noise on its images: the vote is a rule of its user's."
        case LayersRule(how=how, draws=int(draws)):
            said = "majority vote" if how == "majority" else "mean of the logits"
            shares = " Logits are shares of votes." if how == "majority" else ""
            drawn = f"{draws} fresh draw{'s' * (draws != 1)}"
            yield f"{name} is random: the {said} of {drawn} of its noise layers, with seed {seed}.{shares}"
        case _ if layers is not None and acting_layers(model, rule) is not None:
            yield f"The noise layers of {name} act by their exact average, a channel on each qubit; nothing is drawn."
        case _ if layers is not None:
            yield f"{name} answers without its noise layers."
    if isinstance(rule, LayersRule) and trained is not None:
        if rule.how == "off" and trained:
            yield f"{name} was trained to have its noise layers in inference, and is asked without them."
        if rule.how != "off" and not trained:
            yield f"{name} was trained to have its noise layers in training alone, and is asked with them."


def _augmented(card: ModelCard | NetworkCard) -> bool:
    return isinstance(card, ModelCard) and card.objective is not None and card.objective.name == "augmented"
