"""Layers of random rotations in front of the layers of an ansatz, as a value that configurations hold."""

import math
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from qaml_qiskit.errors import ConfigurationError, InputError

#: What stands for a noise layer in a circuit: its rotations with free angles, or a labelled barrier.
NoiseLayerForm = Literal["angles", "markers"]

#: The free angles: element ℓ·n + q of this vector is that of qubit q in front of layer ℓ.
NOISE_ANGLES = "ν"

#: Angles of many turns mean nothing that smaller ones do not, and lose their digits.
FirstBeta = Annotated[float, Field(ge=-1000, le=1000)]
Variance = Annotated[float, Field(ge=0, le=1e6)]


def noise_layer_label(layer: int) -> str:
    """The label of what marks the noise layer in front of a layer, 0 … L−1."""
    return f"noise-layer-{layer}"


class NoiseLayers(BaseModel):
    """RY(η·β_ℓ) on every qubit in front of layer ℓ, with random η (Huang & Zhang 2023, equations 6 and 7).

    η is drawn anew for every qubit, layer and pass of the model, from N(0, σ²), or from a Gaussian–Bernoulli
    distribution: from N(0, σ²) with a probability, otherwise 0. β_ℓ is trained, one number a layer. On average over η,
    a noise layer is exactly a channel on each qubit: a Y with probability p_ℓ, see :meth:`flips`.

    Attributes:
        beta: where every β_ℓ starts.
        variance: σ², in radians²; by default the paper's 2π/2⁵.
        distribution: of η.
        probability: of the Gaussian–Bernoulli distribution: the share of draws that is not zero.
        phases: where the layers are: in ``training``, in ``inference``, or in ``both``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    beta: FirstBeta = 0.25
    variance: Variance = 2 * math.pi / 2**5
    distribution: Literal["gaussian", "gaussian-bernoulli"] = "gaussian"
    probability: Annotated[float, Field(gt=0, le=1)] = 0.5
    phases: Literal["training", "inference", "both"] = "both"

    @model_validator(mode="after")
    def _has_a_use_for_the_probability(self) -> Self:
        if self.distribution == "gaussian" and self.probability != type(self).model_fields["probability"].default:
            raise ConfigurationError(
                "Gaussian noise layers have no probability",
                got=f"the probability {self.probability:g}",
                expected="a probability for the distribution gaussian-bernoulli alone",
                remedy="leave it out, or choose --noise-distribution gaussian-bernoulli",
            )
        return self

    @property
    def in_training(self) -> bool:
        """Whether a model in training draws them."""
        return self.phases != "inference"

    @property
    def in_inference(self) -> bool:
        """Whether they act on a model in use."""
        return self.phases != "training"

    def flips(self, betas: Iterable[float]) -> dict[str, float]:
        """What the layers do on average: the probability p_ℓ of a Y on each qubit, by the label of the layer's marker.

        RY(φ) with a random φ of a symmetric distribution multiplies ⟨X⟩ and ⟨Z⟩ by E[cos φ] and leaves ⟨Y⟩, as a Y
        with the probability (1 − E[cos φ])/2 does; with φ ~ N(0, σ²β²) this is (1 − e^{−σ²β²/2})/2.

        Args:
            betas: β_ℓ in order.

        Raises:
            InputError: a β that is NaN or infinite.
        """
        betas = list(betas)
        if not all(map(math.isfinite, betas)):
            raise InputError(
                "cannot tell what the noise layers do",
                got="a β that is NaN or infinite",
                expected="finite numbers",
                remedy="check where they come from; if training made them so, lower the learning rate",
            )
        share = self.probability if self.distribution == "gaussian-bernoulli" else 1.0
        # expm1 keeps the digits of the smallest.
        found = (-share * math.expm1(-self.variance * beta**2 / 2) / 2 for beta in betas)
        return {noise_layer_label(layer): flip for layer, flip in enumerate(found)}
