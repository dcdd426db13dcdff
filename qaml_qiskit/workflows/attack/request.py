"""What ``qaml attack`` is asked for."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from qaml_qiskit.attacks import Attack, AttackName, attack_grid
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request

Count = Annotated[int, Field(ge=1)]
Names = tuple[str, ...]
AttackNames = Annotated[tuple[AttackName, ...], Field(min_length=1)]


def each_once(values: Any) -> Any:
    """Refuse a list with a value twice."""
    if isinstance(values, tuple) and len(set(values)) < len(values):
        raise ValueError("each value once")
    return values


class AttackRequest(Request):
    """Attacks on one model.

    Attributes:
        model: a run folder, a model file or the name of a reference.
        attack: names of registered attacks.
        eps: strengths; 0 stands for the clean images. None for 0.1, and for no bound with C&W and DeepFool.
        steps: of the attacks that have steps; None for each one's default.
        restarts: of the attacks that have restarts.
        param: further parameters as ``key=value``, for the attacks that have them.
        images: a number of test images, or an .npz.
        noise: a name of :data:`qaml_qiskit.noise.NOISES` under which the model is attacked; None for none.
        strength: of the noise.
        audit: whether to audit the attacks.
        audit_images: how many images at most the audit uses.
        sources: models whose adversarial images must not beat the attack, for the audit.
        seed: of everything random.
    """

    model: str
    attack: AttackNames = ("pgd",)
    eps: Annotated[tuple[float, ...], Field(min_length=1)] | None = None
    steps: Count | None = None
    restarts: Count | None = None
    param: Names = ()
    images: Annotated[str, BeforeValidator(str)] = "100"
    noise: str | None = None
    strength: float | None = None
    audit: bool = False
    audit_images: Count = 100
    sources: Names = ()
    seed: Seed = 0

    _once = field_validator("attack", "eps", "sources")(each_once)

    @model_validator(mode="after")
    def _fits_together(self) -> "AttackRequest":
        if (self.noise is None) != (self.strength is None):
            raise ConfigurationError(
                "the noise is not complete",
                got=f"--noise {self.noise}" if self.noise else f"--strength {self.strength:g}",
                expected="--noise and --strength together, or neither",
                remedy="add the other one",
            )
        attacks = self.attacks()
        if self.sources and not self.audit:
            raise ConfigurationError(
                "--sources does not fit",
                got="--sources without --audit",
                expected="models whose adversarial images the audit compares with",
                remedy="add --audit, or use `qaml transfer`",
            )
        if self.audit and not any(each.can_be_audited for each in attacks):
            raise ConfigurationError(
                "there is nothing to audit",
                got=f"--audit with {', '.join(self.attack)}",
                expected="an attack in l∞ that reads gradients, such as pgd or apgd, with eps above 0",
                remedy="leave out --audit, or choose another attack",
            )
        return self

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return (self.model, *self.sources)

    def attacks(self) -> list[Attack]:
        """Every attack at every strength above 0.

        Raises:
            ConfigurationError: an attack that does not exist, or that cannot have these parameters.
        """
        return attack_grid(
            self.attack, self.eps, seed=self.seed, steps=self.steps, restarts=self.restarts, param=self.param
        )
