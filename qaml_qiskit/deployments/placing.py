"""The same model elsewhere: under another noise, on another target, behind another encoding, by another rule."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, Self, cast

from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.answering import check_rule
from qaml_qiskit.deployments.conditioned import ConditionedModel
from qaml_qiskit.deployments.conditions import DEFAULT_RECIPE, Condition, Ideal, OnTarget, UnderNoise
from qaml_qiskit.deployments.recoding import behind_encoding
from qaml_qiskit.deployments.rules import Filtered, InferenceRule, LayersRule, Smoothing
from qaml_qiskit.execution import Engine, Target, load_catalogue, load_recipe, open_target, with_engine
from qaml_qiskit.filters import parse_filter
from qaml_qiskit.models import QVC, StoredModel
from qaml_qiskit.noise import Placement, named_noise


class PlaceableModel(ConditionedModel):
    """A model under a condition that can be put under others; what it holds is that of :class:`.ConditionedModel`."""

    def fresh(self) -> Self:
        """The same, without what was computed but the circuits: matrices of ten qubits take some 40 MB a noise."""
        return replace(self)

    def calibrated(self, temperature: Temperature) -> Self:
        """The same with a temperature of its own, such as one that was fitted to its condition."""
        return replace(self, own_temperature=temperature)

    def behind(self, encoding: str, encoding_layers: int | None = None) -> Self:
        """The same layers and condition behind another encoding.

        Raises:
            ConfigurationError: no QVC, or an encoding that these layers cannot have.
        """
        # A network has no QVC.
        _ = self.qvc
        model, stored = cast(QVC, self.stored.model), cast(StoredModel, self.stored)
        stored = behind_encoding(model, stored, self.name, encoding, encoding_layers)
        return self if stored is self.stored else replace(self, stored=stored, _circuits={}, _weights={})

    def under(self, noise: str, strength: float, placement: Placement = "gate", *, on_encoding: bool = False) -> Self:
        """The model under a named noise; all noises and strengths share the compiled circuit.

        Raises:
            ConfigurationError: no QVC, an unknown noise, or a strength out of its range.
        """
        return self.at(UnderNoise(noise, strength, placement, on_encoding, rule=self.condition.rule))

    def on(self, target: str, recipe: str = DEFAULT_RECIPE, backends: Path | None = None) -> Self:
        """The model on a target of backends.yaml.

        Raises:
            QamlError: no QVC, or a target or recipe that does not exist or fit.
        """
        return self.at(OnTarget(target, recipe, rule=self.condition.rule), backends=backends)

    def simulated_by(self, engine: Engine | None) -> Self:
        """On its target, simulated by another engine; None leaves what its entry in backends.yaml says.

        Raises:
            ConfigurationError: it is on no target, or on real hardware.
        """
        if engine is None:
            return self
        if self.target is None:
            raise refusals.needs_target(self.name)
        return replace(self, target=with_engine(self.target, engine))

    def recalibrated(self, target: Target) -> Self:
        """The same compiled circuit under another calibration of its device.

        Args:
            target: the device at another time; the circuit runs there as it is.
        """
        made = replace(self, target=target, _circuits={})
        made.__dict__["compiled"] = replace(self.compiled, target=target)
        return made

    def by(self, rule: InferenceRule | None) -> Self:
        """The model where it is, answering by another rule; None for the one that it has by itself.

        Raises:
            ConfigurationError: a rule for noise layers that there are not.
        """
        check_rule(self.model_name, self.stored.model, self.card.model.kind, rule)
        return replace(self, condition=self.condition.by(rule))

    def drawing(self, how: Literal["mean", "majority"], draws: int) -> Self:
        """By the mean of fresh draws of the noise layers, or by their majority vote.

        Raises:
            ConfigurationError: no noise layers, or fewer than one draw.
        """
        return self.by(LayersRule(how, draws))

    def smoothed(self, sigma: float, draws: int) -> Self:
        """By the majority vote over copies of the image with Gaussian noise.

        Raises:
            ConfigurationError: a standard deviation that is not above 0, or fewer than one draw.
        """
        return self.by(Smoothing(sigma, draws))

    def filtered(self, words: str) -> Self:
        """Of every image as a filter such as ``median:3`` leaves it.

        Raises:
            ConfigurationError: no such filter.
        """
        return self.by(Filtered(parse_filter(words)))

    @property
    def expected(self) -> Self:
        """What it says on average over what is drawn: by the exact rule, or of the image without noise.

        Itself where nothing is drawn.
        """
        if self.drawing_rule is None:
            return self
        return self.by(LayersRule("exact") if isinstance(self.drawing_rule, LayersRule) else None)

    @property
    def without_layers(self) -> Self:
        """The undefended twin: the same weights and place, without the noise layers.

        Raises:
            ConfigurationError: there are none.
        """
        return self.by(LayersRule("off"))

    def at(self, condition: Condition, backends: Path | None = None) -> Self:
        """The model under any condition; see :meth:`under` and :meth:`on`."""
        check_rule(self.model_name, self.stored.model, self.card.model.kind, condition.rule)
        if not isinstance(condition, Ideal):
            _ = self.qvc
        target = None
        if isinstance(condition, UnderNoise):
            self._check_noise(condition)
        if isinstance(condition, OnTarget):
            load_recipe(condition.recipe)
            entry = load_catalogue(backends).entry(condition.target)
            target = open_target(condition.target, entry, self.qvc.config.num_qubits)
        shared = self._circuits if target is None and self.target is None else {}
        return replace(self, condition=condition, target=target, _circuits=shared)

    def _check_noise(self, condition: UnderNoise) -> None:
        """Refuse a noise on the whole register, of which the circuits hold what it does to single qubits."""
        readout = self.qvc.readout
        spec = named_noise(condition.noise, condition.strength, condition.placement) if condition.strength else None
        if spec is not None and spec.global_depolarizing and any(len(string) > 1 for string in readout.strings):
            raise refusals.needs_single_z(self.name, condition.noise, readout.name)
