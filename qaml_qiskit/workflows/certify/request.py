"""What ``qaml certify`` is asked for."""

from typing import Annotated

from pydantic import BeforeValidator, model_validator

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request


class CertifyRequest(Request):
    """What to certify.

    Attributes:
        model: a run folder, a model file or the name of a reference.
        images: a number of test images, or an .npz.
        noise: a name of :data:`qaml_qiskit.noise.NOISES`, on the native gates of the layers and the readout; None for
            the ideal classifier.
        strength: of the noise.
        seed: of the attack's random starts.
    """

    model: str
    images: Annotated[str, BeforeValidator(str)] = "100"
    noise: str | None = None
    strength: float | None = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _belong_together(self) -> "CertifyRequest":
        if (self.noise is None) != (self.strength is None):
            raise ConfigurationError(
                "the noise is not complete",
                got=f"--noise {self.noise}" if self.noise else f"--strength {self.strength:g}",
                expected="--noise and --strength together, or neither",
                remedy="add the other one",
            )
        return self

    @property
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return (self.model,)
