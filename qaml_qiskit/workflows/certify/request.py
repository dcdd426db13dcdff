"""What ``qaml certify`` is asked for."""

from collections.abc import Collection
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit.errors import ignored_options
from qaml_qiskit.workflows.fields import Count, DeploymentName, Share
from qaml_qiskit.workflows.mixins import OnModel, Seeded, UnderNoise, WithImages, WithRecipe

#: The options of randomised smoothing alone.
_SMOOTHING = ("smoothing_sigma", "samples", "selection_samples", "failure")


class CertifyRequest(Seeded, UnderNoise, WithRecipe, WithImages, OnModel):
    """What to certify, and how."""

    command: ClassVar[str] = "certify"

    model: DeploymentName
    """Run folder, model file or the name of a reference; or one of these as MODEL@NOISE:STRENGTH or MODEL@TARGET."""
    method: Literal["exact", "smoothing"] = "exact"
    """The exact radius of the model, or randomised smoothing, which certifies the vote of noisy copies of an image."""
    smoothing_sigma: Annotated[float, Field(gt=0)] = 0.25
    """Of smoothing: standard deviation of the noise on the pixels."""
    shots: Count | None = None
    """Of the exact method: also the radius within which so many shots give the right label."""
    confidence: Share = 0.99
    """Of shots: the probability with which they do."""
    samples: Count = 1000
    """Of smoothing: noisy copies that bound the share of the label."""
    selection_samples: Count = 100
    """Of smoothing: further copies that choose the label."""
    failure: Share = 0.001
    """Of smoothing: the probability with which the statement about an image may be wrong."""

    @model_validator(mode="after")
    def _all_options_act(self) -> Self:
        given = {name: getattr(self, name) for name in _SMOOTHING if not self.is_default(name)}
        if self.method == "exact" and given:
            raise ignored_options("an exact certificate", given, "--method smoothing")
        if self.method == "smoothing" and self.shots is not None:
            raise ignored_options("a certificate by smoothing", {"shots": self.shots}, "--method exact")
        if self.shots is None and not self.is_default("confidence"):
            raise ignored_options("a certificate without shots", {"confidence": self.confidence}, "--shots")
        return self

    @property
    def unwritten(self) -> Collection[str]:
        """Of an exact certificate, that there is another method; without shots, what could be said of them."""
        shots = () if self.shots is not None else ("shots", "confidence")
        return (*shots, *(("method", *_SMOOTHING) if self.method == "exact" else ()))
