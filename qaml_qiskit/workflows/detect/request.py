"""What ``qaml detect`` is asked for."""

from typing import Annotated, ClassVar

from pydantic import model_validator

from qaml_qiskit.attacks import Attack, AttackName, JointVariant
from qaml_qiskit.detection.names import DetectorName, is_for_detectors
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.anomalies import AnomalyName
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import AnyNumber, ClassifierName, Count, Otherwise, Several, Share
from qaml_qiskit.workflows.mixins import (
    AttackParameters,
    MitigatedOnTarget,
    Seeded,
    WithImages,
    WithRecipe,
    WithValidation,
)


class DetectRequest(Seeded, MitigatedOnTarget, WithRecipe, ForNetworks, AttackParameters, WithValidation, WithImages):
    """Detectors, and images that they should raise an alarm about."""

    command: ClassVar[str] = "detect"

    models: AnyNumber[ClassifierName] = ()
    """The classifier that is watched, and others that the detectors may ask: MODEL, MODEL@NOISE:STRENGTH or
    MODEL@TARGET; or a network of your own, a .pt2 or package.module:factory, whose code is run."""
    detector: Several[DetectorName] = ("disagreement",)
    """What gives an image a score, the higher the more suspicious."""
    sources: Annotated[AnyNumber[ClassifierName], Otherwise("the watched model")] = ()
    """Whose adversarial images are shown; their attackers do not know of the detector."""
    attacks: AnyNumber[AttackName] = ("fgsm", "pgd")
    """What is done to the images."""
    eps: Several[float] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
    """Strengths, from 0 to 1 in l∞; clean images are always shown, so 0 adds nothing."""
    mix: bool = False
    """Attack every image once, by an attack and at a strength drawn at random from these: one set of images in place of
    a set each."""
    adaptive: AnyNumber[JointVariant] = ()
    """Beside every attack in l∞, attackers of the same strength who know the detector and its threshold, by how they
    make a step of the gradients of both; --steps and --restarts are theirs, too."""
    anomalies: AnyNumber[AnomalyName] = ()
    """What else should raise an alarm: noise (random pixels), blank (all but black), other:DATASET or other:FILE
    (images of something else), drift:NOISE:STRENGTH or drift:TARGET (clean images, the watched model disturbed so)."""
    false_alarms: Share = 0.05
    """The share of clean images that may raise an alarm."""
    shots: Count = 1000
    """On a target: shots an image, and of each calibration circuit."""

    @model_validator(mode="after")
    def _fits_together(self) -> "DetectRequest":
        if not self.models:
            raise ConfigurationError(
                "there is no model to watch",
                got="no --models",
                expected="the classifier that is watched, and others that the detectors ask",
                remedy="add --models",
            )
        if not self.every_attack() and not self.anomalies:
            raise ConfigurationError(
                "there is nothing to detect",
                got="no attack at a strength above 0, and no --anomalies",
                expected="images that should raise an alarm",
                remedy="add --attacks or --anomalies",
            )
        if self.adaptive and not any(each.traits.norm == "linf" and each.budget for each in self.every_attack()):
            raise ConfigurationError(
                "there is no strength for attackers who know the detector",
                got=f"--adaptive {' '.join(self.adaptive)}, and no attack that is bounded in l∞",
                expected="attacks in l∞ at strengths above 0, whose strengths are theirs",
                remedy="add such an attack to --attacks, or leave out --adaptive",
            )
        self.check_networks([*self.models, *self.sources])
        return self

    @property
    def attack_param(self) -> tuple[str, ...]:
        """Of ``param``, what is for attacks."""
        return tuple(word for word in self.param if not is_for_detectors(word))

    @property
    def detector_param(self) -> tuple[str, ...]:
        """Of ``param``, what is for detectors."""
        return tuple(word for word in self.param if is_for_detectors(word))

    def every_attack(self) -> list[Attack]:
        """Every attack at every strength above 0; see :meth:`AttackParameters.grid`."""
        strengths = [each for each in self.eps if each]
        return self.grid(self.attacks, self.eps, self.seed) if self.attacks and strengths else []
