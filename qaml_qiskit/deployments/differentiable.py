"""A model under a condition as a torch module, with slopes, and as quadratic forms of the image."""

from functools import cached_property
from typing import cast

from torch import nn

from qaml_qiskit.certificates import DecisionForms, decompose
from qaml_qiskit.deployments.checks import CheckedModel
from qaml_qiskit.deployments.drawing import Drawing, DrawnLayers, DrawnUnderNoise, Smoothed
from qaml_qiskit.deployments.forms import QuadraticForms, forms_of_circuit, forms_of_layers, forms_of_matrices
from qaml_qiskit.deployments.modules import BehindFilter, frozen_copy, noisy_module, without_readout_errors
from qaml_qiskit.deployments.rules import DrawingRule, Smoothing
from qaml_qiskit.models import QVC, QuadraticClassifier
from qaml_qiskit.progress import Advance, ignore
from qaml_qiskit.simulation import computing
from qaml_qiskit.simulation.heisenberg import NoisyObservables


class DifferentiableModel(CheckedModel):
    """A model under a condition that can be differentiated and certified, its encoding taken as noiseless."""

    @cached_property
    def _observables(self) -> NoisyObservables:
        with computing(self.compute):
            return self.layers.observables(self.compute.dtype, self.compute.device)

    @property
    def module(self) -> nn.Module:
        """Images (N, C, H, W) to logits (N, m), exact and differentiable, the encoding taken as noiseless.

        It lies where :attr:`compute` says, and takes images that do, too. A frozen copy of an ideal model, so that a
        deep QVC is collapsed once. Readout errors are in the others.

        Where the rule draws, it is a :class:`~qaml_qiskit.attacks.RandomModule`, a new one every time, which draws from
        torch's global numbers, as attacks and evaluations seed them, until it is seeded itself.
        """
        rule = self.drawing_rule
        return self._exact_module if rule is None else self._drawing(rule, cast(int, rule.draws), rule.votes)

    @property
    def one_draw(self) -> nn.Module | None:
        """The logits of a single draw, differentiable, a new random module every time; None where nothing is drawn."""
        rule = self.drawing_rule
        return None if rule is None else self._drawing(rule, 1, votes=False)

    def _drawing(self, rule: DrawingRule, draws: int, votes: bool) -> Drawing:
        """A module that draws, in evaluation mode."""
        if isinstance(rule, Smoothing):
            return Smoothed(self._exact_module, rule.sigma, draws, votes).eval()
        if self.kind == "exact":
            return DrawnLayers(self._drawn_model, draws, votes).eval()
        return DrawnUnderNoise(self._drawn_model, self.undrawn_layers, draws, votes).eval()

    @cached_property
    def _exact_module(self) -> nn.Module:
        """:attr:`module` where nothing is drawn."""
        if self.kind == "exact":
            return frozen_copy(self._ideal_model, self.compute)
        return noisy_module(self.qvc, self._observables, self.compute)

    @property
    def _ideal_model(self) -> nn.Module:
        """The model with the noise layers that act, and its filter."""
        if isinstance(self.stored.model, QVC):
            return self.qvc
        return self.stored.model if self.filter is None else BehindFilter(self.filter, self.stored.model)

    @cached_property
    def _drawn_model(self) -> QVC:
        """What draws its noise layers: kept, as its circuit is compiled once."""
        return cast(QVC, frozen_copy(self.qvc, self.compute))

    @cached_property
    def mitigated_module(self) -> nn.Module:
        """:attr:`module` with the readout errors inverted, for a rule that draws nothing."""
        self.check_exact()
        if self.kind == "exact" or self.layers.readout.is_perfect:
            return self.module
        with computing(self.compute):
            observables = without_readout_errors(self._observables, self.layers)
        return noisy_module(self.qvc, observables, self.compute)

    def forms(self) -> QuadraticForms:
        """The logits as quadratic forms of the image; kept, as they take seconds for ten qubits and 200 layers.

        On a device: those of the layers and the readout under its noise, the encoding taken as noiseless. They are on
        the processor, in both precisions, whatever :attr:`compute` says.

        Raises:
            ConfigurationError: see :meth:`check_forms`.
        """
        self.check_forms()
        return self._forms

    @cached_property
    def _forms(self) -> QuadraticForms:
        if isinstance(self.stored.model, QuadraticClassifier):
            return forms_of_matrices(self.stored.model)
        with computing(self.compute):
            if self.kind == "exact" and not self.has_noise_layers:
                return forms_of_circuit(self.qvc)
            return forms_of_layers(self.qvc, self.layers, self.compute.device)

    def decisions(self, advance: Advance = ignore) -> DecisionForms:
        """:meth:`forms` with the decisions between two classes, diagonalised when they are asked for.

        They are kept, 221 MB for ten classes and 784 pixels if all are.

        Args:
            advance: told about the forms, and every pair of classes that is decomposed by what is returned.

        Raises:
            ConfigurationError: see :meth:`check_forms`.
        """
        self.check_forms()
        if "_decisions" not in self.__dict__:
            advance(0, "computing the quadratic forms")
        kept = self._decisions
        pairs = kept.num_classes * (kept.num_classes - 1) // 2
        return kept.telling(lambda _: advance(0, f"{kept.num_decomposed} of {pairs} pairs of classes decomposed"))

    @cached_property
    def _decisions(self) -> DecisionForms:
        return decompose(self.forms().matrices)
