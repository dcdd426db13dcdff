"""What ``qaml uncertainty`` is asked for."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from qaml_qiskit.errors import ConfigurationError, ignored_options
from qaml_qiskit.studies.family_names import FamilyName
from qaml_qiskit.workflows.anomalies import OddImages
from qaml_qiskit.workflows.data_options import ForNetworks
from qaml_qiskit.workflows.fields import AnyNumber, ClassifierName, Count, Otherwise, Several
from qaml_qiskit.workflows.mixins import Seeded, WithImages, WithRecipe, WithValidation


class UncertaintyRequest(Seeded, WithRecipe, ForNetworks, WithValidation, WithImages):
    """What to be unsure about, and in which ways."""

    command: ClassVar[str] = "uncertainty"

    models: Several[ClassifierName]
    """Run folders, model files or names of references, each alone or as MODEL@NOISE:STRENGTH, MODEL@TARGET or
    MODEL@layers:mean:10; or networks of your own. Several are an ensemble; the first is the model that it is compared
    with."""
    members: Annotated[AnyNumber[FamilyName], Otherwise("ensemble of several models, laplace of one")] = ()
    """Where doubt about the model comes from: ensemble (the models), laplace (a Gaussian over the angles, the model
    linearised in them), laplace-samples (the same, angles drawn), draws (fresh draws of the noise layers, or of what
    MODEL@smoothing:SIGMA:COPIES draws) or noise (sampled errors of the gates). All but ensemble are about one model."""
    draws: Annotated[int, Field(ge=2, le=10_000)] = 30
    """Members of every family but an ensemble, K."""
    shots: Count | None = None
    """Of every image: how much doubt they leave; a device's own are not used for it."""
    strength: Annotated[float, Field(gt=0, le=1)] = 0.001
    """Of noise: probability of a depolarising error behind every SX and CZ."""
    curvature_images: Count = 500
    """Of laplace: training images by which the curvature of the training's loss is computed."""
    anomalies: AnyNumber[OddImages] = ()
    """Images that are none of the data, and how well doubt tells them: noise (random pixels), blank (all but black),
    other:DATASET or other:FILE."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.check_networks(self.models)
        families = self.families
        if "ensemble" in families and len(self.models) < 2:
            raise ConfigurationError(
                "one model is no ensemble",
                got=f"--members ensemble of {self.models[0]}",
                expected="several trainings for the same data, with different seeds",
                remedy="name further models, or choose --members laplace",
            )
        if "ensemble" not in families and len(self.models) > 1:
            raise ConfigurationError(
                f"{', '.join(self.models[1:])} would be ignored",
                got=f"--members {', '.join(families)}, which {'is' if len(families) == 1 else 'are'} about one model",
                expected="one model, or an ensemble of several",
                remedy="add --members ensemble, or leave out the other models",
            )
        self._check_used("strength", "noise" in families, "--members noise")
        self._check_used("curvature_images", self.has_laplace, "--members laplace")
        self._check_used("draws", families != ("ensemble",), "members that are drawn, such as --members laplace")
        return self

    def _check_used(self, name: str, acts: bool, expected: str) -> None:
        if not acts and not self.is_default(name):
            raise ignored_options(f"--members {', '.join(self.families)}", {name: getattr(self, name)}, expected)

    @property
    def families(self) -> tuple[FamilyName, ...]:
        """The members, or those that the number of models makes likely."""
        return self.members or (("ensemble",) if len(self.models) > 1 else ("laplace",))

    @property
    def has_laplace(self) -> bool:
        """Whether a Laplace approximation is asked for."""
        return bool({"laplace", "laplace-samples"} & {*self.families})
