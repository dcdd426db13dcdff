"""What ``qaml certify`` is asked for."""

from typing import ClassVar

from qaml_qiskit.workflows.fields import DeploymentName
from qaml_qiskit.workflows.request import OnModel, Seeded, UnderNoise, WithImages, WithRecipe


class CertifyRequest(Seeded, UnderNoise, WithRecipe, WithImages, OnModel):
    """What to certify."""

    command: ClassVar[str] = "certify"

    model: DeploymentName
    """Run folder, model file or the name of a reference; or one of these as MODEL@NOISE:STRENGTH or MODEL@TARGET."""
