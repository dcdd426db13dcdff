"""What ``qaml states`` is asked for."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit.attacks import Attack, AttackName
from qaml_qiskit.errors import ConfigurationError, ignored_options
from qaml_qiskit.workflows.fields import AnyNumber, ModelName, Otherwise, Several
from qaml_qiskit.workflows.mixins import AttackParameters, Seeded, WithImages

#: What means nothing without an attack.
_OF_ATTACKS = ("eps", "steps", "restarts", "param", "sources")


class StatesRequest(Seeded, AttackParameters, WithImages):
    """Whose states, of which images, and where in the circuit."""

    command: ClassVar[str] = "states"

    models: Several[ModelName]
    """Whose states: MODEL or MODEL@layers:majority:100. Where noise layers act, every image has a draw of its own."""
    behind: Literal["encoding", "circuit"] = "circuit"
    """Where states are looked at: behind the encoding, as amplitudes, or behind the whole circuit, as the Bloch vectors
    of all qubits."""
    attack: Annotated[AttackName | None, Otherwise("none: the images as they are")] = None
    """What is done to the images, beside which they are shown as they are."""
    eps: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Of the attack."""
    sources: Annotated[AnyNumber[ModelName], Otherwise("the models themselves")] = ()
    """Where images are attacked, one for each of the models, such as MODEL@layers:mean:1."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = {name: getattr(self, name) for name in _OF_ATTACKS if not self.is_default(name)}
        if self.attack is None and given:
            raise ignored_options("images that nobody attacks", given, "--attack")
        if self.sources and len(self.sources) != len(self.models):
            raise ConfigurationError(
                "the sources do not fit the models",
                got=f"{len(self.sources)} sources for {len(self.models)} models",
                expected="one source for each model, in the same order",
                remedy="leave out --sources, or name one for each model",
            )
        self.chosen_attack()
        return self

    def chosen_attack(self) -> Attack | None:
        """The attack; None where there is none."""
        return None if self.attack is None else self.grid((self.attack,), (self.eps,), self.seed)[0]
