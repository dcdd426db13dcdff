"""What ``qaml certify`` is asked for."""

from typing import ClassVar

from qaml_qiskit.workflows.request import Compiled, OnModel, Seeded, UnderNoise, WithImages


class CertifyRequest(Seeded, UnderNoise, Compiled, WithImages, OnModel):
    """What to certify."""

    command: ClassVar[str] = "certify"
