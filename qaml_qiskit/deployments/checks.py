"""What a deployment can be asked for, and what is refused of it before anything is computed."""

from collections.abc import Iterable

from qaml_qiskit.attacks import Attack
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.forms import check_forms
from qaml_qiskit.deployments.placing import PlaceableModel
from qaml_qiskit.deployments.rules import LayersRule
from qaml_qiskit.models import QVC


class CheckedModel(PlaceableModel):
    """A model under a condition that says what cannot be done with it."""

    def check_exact(self) -> None:
        """Raise ConfigurationError where answers are drawn."""
        if self.drawing_rule is not None:
            raise refusals.needs_exact_rule(self.name, str(self.drawing_rule), self.expected.name)

    def check_scorable(self) -> None:
        """Raise ConfigurationError where :meth:`logits` would draw through whole circuits, encoding included."""
        if self._is_whole:
            self.check_exact()

    def check_attackable(self, attacks: Iterable[Attack]) -> None:
        """Raise ConfigurationError unless these attacks can be made on :attr:`module`.

        It leaves out the noise of an encoding, and a network may have no gradients for attacks that read them.
        """
        if self._is_whole:
            got = "a classifier on a device" if self.kind == "device" else "a classifier with noise on its encoding"
            raise refusals.needs_gradients(self.name, got)
        reading = [attack.name for attack in attacks if attack.traits.white_box]
        if self.stored.no_gradients and reading:
            raise refusals.network_without_gradients(self.name, self.stored.no_gradients, reading[0])

    def check_smoothable(self) -> None:
        """Raise ConfigurationError where a thousand noisy copies of an image cost a propagation each.

        And where the model that is smoothed draws itself, as where it is smoothed already.
        """
        self.check_exact()
        if self._is_whole:
            raise refusals.needs_draws(self.name)

    def check_forms(self) -> None:
        """Raise ConfigurationError unless the logits are quadratic forms of the image, by a rule that draws nothing."""
        self.check_exact()
        if self.filter is not None:
            raise refusals.needs_quadratic_logits(self.name, f"the filter {self.filter} in front of it")
        check_forms(self.stored.model, self.name, self.condition)

    def check_measurable(self) -> None:
        """Raise ConfigurationError unless the logits are averages over shots of a circuit."""
        if not isinstance(self.stored.model, QVC):
            raise refusals.needs_shots(self.name, self.card.model.kind)

    def check_runnable(self) -> None:
        """Raise ConfigurationError for a rule that no circuit follows."""
        if self.has_noise_layers and isinstance(self.condition.rule, LayersRule) and self.drawing_rule is None:
            raise refusals.cannot_average(self.name)
