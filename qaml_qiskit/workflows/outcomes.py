"""What some commands hand back beside rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from qaml_qiskit.artifacts import AdversarialImages, read_adversarial
from qaml_qiskit.confidence import Recalibration
from qaml_qiskit.confidence.kept import RECALIBRATIONS_FILE, read_recalibrations
from qaml_qiskit.models import StoredModel, load_model
from qaml_qiskit.reports import Outcome


@dataclass(frozen=True, repr=False)
class TrainOutcome(Outcome):
    """A training. It stands wherever a model does."""

    @cached_property
    def model(self) -> StoredModel:
        """The trained model with its card."""
        return load_model(Path(self))


#: Where a run keeps training sets of attacked images.
TRAINING = "training"


@dataclass(frozen=True, repr=False)
class AttackOutcome(Outcome):
    """Attacks on models."""

    @cached_property
    def adversarial(self) -> Mapping[str, AdversarialImages]:
        """The adversarial images by the names of their files, such as ``pgd-eps0.1``."""
        files = sorted((Path(self) / "adversarial").glob("*.npz"))
        return {file.stem: read_adversarial(file) for file in files}

    @cached_property
    def training(self) -> Mapping[str, str]:
        """Paths of data sets of training images that were led to targets, by the same names; see ``qaml attack``."""
        return {file.stem: str(file) for file in sorted((Path(self) / TRAINING).glob("*.npz"))}


@dataclass(frozen=True, repr=False)
class CalibrationOutcome(Outcome):
    """Recalibrations, and what they are worth."""

    @cached_property
    def recalibrations(self) -> Mapping[str, Recalibration]:
        """What was fitted, by the names of the methods.

        Each makes probabilities of logits; the temperature is also taken by :meth:`.Deployment.calibrated`.
        """
        return read_recalibrations(Path(self) / RECALIBRATIONS_FILE)
