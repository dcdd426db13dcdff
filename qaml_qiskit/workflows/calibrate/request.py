"""What ``qaml calibrate`` is asked for."""

from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from qaml_qiskit.attacks import Attack, AttackName
from qaml_qiskit.confidence.names import RecalibrationName
from qaml_qiskit.deployments import Ideal, parse_deployment
from qaml_qiskit.deployments import OnTarget as PutOnTarget
from qaml_qiskit.deployments.conditions import Condition
from qaml_qiskit.errors import ignored_options
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import AnyNumber, ClassifierName, Count, Images, Otherwise, Several, TargetName
from qaml_qiskit.workflows.mixins import (
    AttackParameters,
    MitigatedOnTarget,
    OnModel,
    Seeded,
    UnderNoise,
    WithManyImages,
    WithRecipe,
    WithValidation,
)

#: Validation images on a target, where each costs a propagation through the whole circuit: enough for staircases.
VALIDATION_ON_TARGET = 1000
#: What acts on a target alone, and on attacks alone.
_ON_TARGET = ("recipe", "shots", "mitigation")
_OF_ATTACKS = ("eps", "steps", "restarts", "param")


class CalibrateRequest(
    Seeded,
    UnderNoise,
    MitigatedOnTarget,
    WithRecipe,
    ForNetworks,
    AttackParameters,
    WithValidation,
    WithManyImages,
    OnModel,
):
    """Whose probabilities, under which condition, and what is tried to make them honest."""

    command: ClassVar[str] = "calibrate"

    model: ClassifierName
    """Run folder, model file or the name of a reference; one of these as MODEL@NOISE:STRENGTH or MODEL@TARGET; or a
    network of your own, a .pt2 or package.module:factory, whose code is run."""
    validation: Annotated[
        Images | None, Otherwise(f"all that the training set aside, or {VALIDATION_ON_TARGET} on a target")
    ] = None
    """A number N of images that the model did not learn from, of those that its training set aside; or a file of such
    images. Recalibrations are fitted to these, under the same condition and never attacked."""
    method: AnyNumber[RecalibrationName] = ("temperature", "platt", "isotonic")
    """What is fitted to them; with an empty one nothing is, and no such images are needed."""
    bins: Count = 15
    """Of the calibration errors and the reliability diagram."""
    target: TargetName | None = None
    """Entry of backends.yaml: the whole circuit there, with the device's own noise."""
    shots: Annotated[Count | None, Otherwise("endless, computed exactly")] = None
    """On a target: shots an image, and of each calibration circuit; with endless ones both mitigations are the same."""
    attack: AnyNumber[AttackName] = ()
    """Judge images attacked so, too, beside the clean ones."""
    eps: Annotated[Several[float] | None, Otherwise("0.1; no bound for cw and deepfool")] = None
    """Strengths of the attacks, from 0 to 1 in l∞."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.check_networks([self.model])
        on_target = isinstance(self.condition, PutOnTarget)
        for names, acts, who, what in (
            (_ON_TARGET, on_target, "a model that is on no target", "--target, or MODEL@TARGET"),
            (_OF_ATTACKS, bool(self.attack), "a calibration without an attack", "--attack"),
        ):
            given = {name: getattr(self, name) for name in names if not self.is_default(name)}
            if given and not acts:
                raise ignored_options(who, given, what)
        self.attacks()
        return self

    @property
    def condition(self) -> Condition:
        """What the model is put under.

        Raises:
            ConfigurationError: two conditions at once.
        """
        return parse_deployment(
            self.model, noise=self.noise, strength=self.strength, target=self.target, recipe=self.recipe
        )[1]

    @property
    def is_ideal(self) -> bool:
        """Whether nothing disturbs the model."""
        return isinstance(self.condition, Ideal)

    def attacks(self) -> list[Attack]:
        """Every attack at every strength above 0; see :meth:`AttackParameters.grid`."""
        return self.grid(self.attack, self.eps, self.seed) if self.attack else []
