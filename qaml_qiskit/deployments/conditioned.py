"""What a deployment is: a model under a condition, with what both are called and the circuits that come of them."""

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, cast

import torch
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.answering import acting_layers, rule_notes, with_acting_layers
from qaml_qiskit.deployments.circuits import CircuitWithNoise, device_circuit, native_circuit, on_active_qubits
from qaml_qiskit.deployments.compiled import Compiled, circuit_to_run, compiled_for
from qaml_qiskit.deployments.conditions import (
    Condition,
    Ideal,
    OnTarget,
    UnderNoise,
    words_of,
    written,
)
from qaml_qiskit.deployments.line_weights import line_weights, set_aside
from qaml_qiskit.deployments.pieces import encodes_slowly
from qaml_qiskit.deployments.rules import DEFAULT_DRAWS, DrawingRule, Filtered, InferenceRule, LayersRule
from qaml_qiskit.evaluation import LinearHead
from qaml_qiskit.execution import Target, load_recipe
from qaml_qiskit.execution.compilation.layout import LineUsage
from qaml_qiskit.filters import Filter
from qaml_qiskit.models import QVC, ModelCard, Network, NetworkCard, QuadraticClassifier, StoredModel, unit_head
from qaml_qiskit.noise import NoiseSpec, named_noise

Kind = Literal["exact", "noisy", "device"]


@dataclass(frozen=True, eq=False)
class ConditionedModel:
    """A model and its condition.

    What is derived is computed when it is first asked for, and kept; :meth:`fresh` is a copy that has forgotten. A
    deployment can be pickled: it takes the weights and the circuits that were made along, and nothing else that was
    derived, nor the handle of a device.

    Attributes:
        model_name: as it was given.
        stored: the model and its card, or a network of the user's and what it is for.
        condition: what it is put under.
        target: where it was compiled for; None elsewhere.
        compute: what it is computed with, here and on workers; what comes out is on the processor, in single precision.
        seed: of what is drawn where its rule draws.
        own_temperature: what makes probabilities of its logits, where it was fitted to this condition.
    """

    model_name: str
    stored: StoredModel | Network
    condition: Condition = field(default_factory=Ideal)
    target: Target | None = None
    compute: Compute = DEFAULT_COMPUTE
    seed: int = 0
    own_temperature: Temperature | None = None
    # Native circuits by placement, without noise, or a device's; and whether they prepare the image. Shared by `under`.
    _circuits: dict[tuple[str, bool], CircuitWithNoise] = field(default_factory=dict, repr=False)
    # Weights of the parts of a line, which are the same for all targets, by the rule.
    _weights: dict[str, LineUsage] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.target is not None:
            state["target"] = replace(self.target, backend=None)
        return state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {self.kind}>"

    # What it is

    @property
    def name(self) -> str:
        """``MODEL``, ``MODEL@NOISE:STRENGTH`` or ``MODEL@TARGET``, and how it answers where that is said."""
        return written(self.model_name, self.condition)

    @property
    def ruled_name(self) -> str:
        """``MODEL`` or ``MODEL@RULE``: without the noise or the target."""
        return written(self.model_name, Ideal(rule=self.condition.rule))

    @property
    def short_name(self) -> str:
        """The model's name without its folder, for a bar."""
        return Path(self.model_name).name

    @property
    def noise_name(self) -> str | None:
        """What is written behind the model: ``NOISE:STRENGTH``, an inference rule, or both; None for nothing."""
        return None if isinstance(self.condition, OnTarget) else words_of(self.condition) or None

    @property
    def kind(self) -> Kind:
        """How it is scored; a noise of strength 0 is none."""
        if isinstance(self.condition, OnTarget):
            return "device"
        return "exact" if self.noise is None else "noisy"

    @property
    def card(self) -> ModelCard | NetworkCard:
        """What lies beside the weights, or what is known of a network."""
        return self.stored.card

    @property
    def num_classes(self) -> int:
        """How many labels there are."""
        return int(self.card.model.num_classes)

    @cached_property
    def qvc(self) -> QVC:
        """The model, with the noise layers that act under its rule.

        Raises:
            ConfigurationError: it is no QVC.
        """
        if isinstance(self.stored.model, QVC):
            return with_acting_layers(self.stored.model, self.condition.rule)
        raise refusals.needs_circuit(self.model_name, self.card.model.kind)

    @property
    def filter(self) -> Filter | None:
        """What every image passes before it is read; None for nothing. :attr:`qvc` has it in front of its encoding."""
        rule = self.condition.rule
        return rule.filter if isinstance(rule, Filtered) else None

    @property
    def has_noise_layers(self) -> bool:
        """Whether noise layers act."""
        return acting_layers(self.stored.model, self.condition.rule) is not None

    @property
    def drawing_rule(self) -> DrawingRule | None:
        """The rule by which its answers are drawn; None where nothing is drawn."""
        rule = self.condition.rule
        return rule if isinstance(rule, DrawingRule) and rule.is_drawing else None

    @property
    def sampling_rule(self) -> DrawingRule | None:
        """The rule by which a target draws, which cannot average: :attr:`drawing_rule`, or the mean of some draws."""
        if self.drawing_rule is None and self.has_noise_layers:
            return LayersRule("mean", DEFAULT_DRAWS)
        return self.drawing_rule

    @property
    def head(self) -> LinearHead:
        """From the averages of the readout's strings to logits, in double precision, the scale included.

        Raises:
            ConfigurationError: it is no QVC.
        """
        return unit_head(self.qvc).times(self.qvc.config.logit_scale)

    @property
    def encodes_slowly(self) -> bool:
        """Whether a circuit is fitted to every image before anything can be said about it."""
        return encodes_slowly(self.stored.model)

    @cached_property
    def noise(self) -> NoiseSpec | None:
        """The named noise; None for none."""
        if not isinstance(self.condition, UnderNoise) or not self.condition.strength:
            return None
        return named_noise(self.condition.noise, self.condition.strength, self.condition.placement)

    @property
    def weights(self) -> str:
        """Fingerprint of the weights, 16 hexadecimal digits; of a network, of its code, too."""
        return self.stored.weights

    @property
    def code(self) -> dict[str, str]:
        """Fingerprints of the files of the user's that ran to make the model; empty for a stored model."""
        return dict(self.stored.code)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of results should know of the model, in sentences."""
        return (*self.stored.notes, *self._rule_notes(self.condition.rule))

    @property
    def sampling_notes(self) -> tuple[str, ...]:
        """What a reader of samples should know of how a target answered, in sentences."""
        return self._rule_notes(self.sampling_rule or self.condition.rule)

    def _rule_notes(self, rule: InferenceRule | None) -> tuple[str, ...]:
        return tuple(rule_notes(self.name, self.stored.model, self.card, rule, self.seed))

    @property
    def weights_digest(self) -> str:
        """Fingerprint of the weights of a QVC, its trained head included, or of a quadratic classifier."""
        if isinstance(self.stored.model, QuadraticClassifier):
            return digest(self.stored.model.matrices)
        _ = self.qvc
        return digest(torch.cat([each.flatten() for each in self.stored.model.parameters()]))

    def resolved(self) -> dict[str, Any]:
        """What the names of target and recipe stood for, for a run's configuration; empty elsewhere. Compiles."""
        return self.compiled.resolved() if self.kind == "device" else {}

    @property
    def fingerprint(self) -> str:
        """Of the weights and all that the condition stands for, 16 hexadecimal digits."""
        words = [self.weights, words_of(self.condition), self.resolved()]
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def temperature(self) -> Temperature:
        """What makes probabilities of its logits: its own, or else what the model's training fitted to ideal logits.

        Raises:
            ConfigurationError: nobody fitted one.
        """
        if self._temperature is None:
            raise refusals.needs_temperature(self.name)
        return self._temperature

    @property
    def has_temperature(self) -> bool:
        """Whether there is a :attr:`temperature`."""
        return self._temperature is not None

    @property
    def _temperature(self) -> Temperature | None:
        return self.own_temperature or (self.card.temperature if isinstance(self.card, ModelCard) else None)

    # Its circuits

    @cached_property
    def compiled(self) -> Compiled:
        """The whole circuit, compiled for the target.

        Raises:
            ConfigurationError: it is on no target, or cannot be compiled for it.
        """
        if self.target is None or not isinstance(self.condition, OnTarget):
            raise refusals.needs_target(self.name)
        return compiled_for(circuit_to_run(self.qvc), self.target, self.condition.recipe, self._line_weights)

    @property
    def _line_weights(self) -> LineUsage | None:
        """By which the recipe weighs the parts of a line; None where it does not ask for them, or all are alike."""
        if not isinstance(self.condition, OnTarget) or load_recipe(self.condition.recipe).layout != "margin":
            return None
        if self.target is None or self.target.isa.build_coupling_map() is None:
            return None
        rule = str(self.condition.rule)
        if rule not in self._weights:
            images, labels = set_aside(self.card, self.name)
            self._weights[rule] = line_weights(self.qvc, self.head, circuit_to_run(self.qvc), images, labels)
        return self._weights[rule]

    def through(self, isa: QuantumCircuit) -> Self:
        """The same, computed through another circuit that the whole circuit was compiled into for the target.

        Args:
            isa: such as a tile's; its parameters are those that :func:`~.compiled.circuit_to_run` has.

        Raises:
            ConfigurationError: it is on no target.
        """
        circuit = on_active_qubits(isa, self.compiled.target, self.qvc.readout.bits)
        return replace(self, _circuits={self._circuit_key("device", with_encoding=True): circuit})

    @cached_property
    def layers(self) -> CircuitWithNoise:
        """The layers alone, which an image's state enters, under the noise, their noise layers on average.

        On a device they are compiled by themselves, so they may lie on other qubits than in the whole circuit.
        """
        return self._averaged_circuit(with_encoding=False)

    @cached_property
    def undrawn_layers(self) -> CircuitWithNoise:
        """:attr:`layers` with the noise layers yet to be drawn."""
        return self._circuit(with_encoding=False)

    @cached_property
    def undrawn_circuit(self) -> CircuitWithNoise:
        """:attr:`circuit` with the noise layers yet to be drawn."""
        return self._circuit(with_encoding=self._is_whole)

    @cached_property
    def circuit(self) -> CircuitWithNoise:
        """What is computed: the whole circuit where the encoding is noisy, too, and otherwise :attr:`layers`."""
        return self._averaged_circuit(with_encoding=True) if self._is_whole else self.layers

    @property
    def _is_whole(self) -> bool:
        """Whether the encoding is noisy, too."""
        return self.kind == "device" or (isinstance(self.condition, UnderNoise) and self.condition.on_encoding)

    def _averaged_circuit(self, *, with_encoding: bool) -> CircuitWithNoise:
        circuit = self._circuit(with_encoding=with_encoding)
        if not self.has_noise_layers:
            return circuit
        return circuit.averaged(self.qvc.flips(), self.qvc.config.num_qubits)

    def _circuit_key(self, where: str, *, with_encoding: bool) -> tuple[str, bool]:
        # With noise layers it is another circuit.
        return f"{where}-drawn" if self.has_noise_layers else where, with_encoding

    def _circuit(self, *, with_encoding: bool) -> CircuitWithNoise:
        placement = self.condition.placement if isinstance(self.condition, UnderNoise) else "gate"
        where = "device" if self.kind == "device" else placement
        key = self._circuit_key(where, with_encoding=with_encoding)
        if key not in self._circuits:
            if self.kind != "device":
                made = native_circuit(self.qvc, placement, with_encoding=with_encoding)
            elif with_encoding:
                made = on_active_qubits(self.compiled.isa, self.compiled.target, self.qvc.readout.bits)
            else:
                condition = cast(OnTarget, self.condition)
                place, weights = cast(Target, self.target), self._line_weights
                made = device_circuit(self.qvc, place, condition.recipe, with_encoding=False, weights=weights)
            self._circuits[key] = made
        circuit = self._circuits[key]
        return circuit if self.noise is None else circuit.under(self.noise)
