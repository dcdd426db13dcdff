"""The grid of a noise sweep, and everything about it that can be wrong before a model is read."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from qaml_qiskit.attacks import ATTACKS, Attack, AttackName, attack_grid
from qaml_qiskit.compute import SweepEngine
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.noise import NOISES, Placement
from qaml_qiskit.registry import Named
from qaml_qiskit.workflows.fields import AnyNumber, Count, CountsMitigationName, Images, ModelName, Otherwise, Several
from qaml_qiskit.workflows.mixins import OnTarget, Seeded, WithRecipe

SweptNoise = Annotated[str, Named(NOISES, {"device": "the own noise of a target"})]
SweptEncoding = Annotated[str, Named(ENCODINGS, {"own": "the encoding that the model was trained with"})]


def _alone(value: Any) -> Any:
    """A list of one model is that model."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


class SweepRequest(Seeded, WithRecipe, OnTarget):
    """The grid: every combination of its lists is scored."""

    command: ClassVar[str] = "sweep"

    model: Annotated[ModelName | Several[ModelName], BeforeValidator(_alone)]
    """Run folders, model files or names of references."""
    noise: Several[SweptNoise] = ("depolarizing",)
    """What disturbs the circuit."""
    strengths: Several[Annotated[float, Field(gt=0)]] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
    """Of every named noise; each noise has its own range."""
    placement: Several[Placement] = ("gate",)
    """Of every named noise: after each gate, or after each layer."""
    encoding: Several[SweptEncoding] = ("own",)
    """What prepares the images."""
    encoding_layers: Several[Count] = (2,)
    """Of encodings with layers, as approximate."""
    encoding_noise: bool = False
    """The gates that prepare the images are noisy, too."""
    attack: Annotated[AnyNumber[AttackName], Otherwise("no attack")] = ()
    """What is done to the images under each noise; images without attack are always scored."""
    eps: Several[Annotated[float, Field(gt=0)]] = (0.1,)
    """Strengths of every attack: the largest change of a pixel, or the length of the change for attacks in l2."""
    attack_steps: Annotated[Count | None, Otherwise("each attack's own")] = None
    """Steps of the attacks that have them."""
    images: Annotated[Images, Otherwise("1000, or all where there are fewer")] = "1000"
    """A number N for the first N of the model's own test set; or a file of images, as for the other commands."""
    engine: SweepEngine = "exact"
    """How ⟨Z⟩ is computed."""
    shots: Several[Count] = (1000,)
    """Of sampled accuracy; aer-sampler draws them."""
    mitigation: Several[CountsMitigationName] = ("none",)
    """Whether and how readout errors are inverted; m3 needs bitstrings, which aer-sampler draws."""
    trajectories: Annotated[int, Field(ge=2)] = 200
    """Of aer-trajectories, an image."""

    @field_validator("strengths")
    @classmethod
    def _in_range(cls, strengths: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        for name in info.data.get("noise", ()):
            if name != "device" and max(strengths) > (known := NOISES[name]).high:
                raise ValueError(f"for {name} at most {known.high:.4g} ({known.strength})")
        return strengths

    @field_validator("mitigation")
    @classmethod
    def _can_be_inverted(cls, mitigation: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "m3" in mitigation and info.data.get("engine") not in ("aer-sampler", None):
            raise ValueError("m3 with --engine aer-sampler only, which draws the bitstrings that it needs; or readout")
        inverted = set(mitigation) - {"none"}
        if inverted and "readout" in info.data.get("noise", ()) and max(info.data.get("strengths", (0,))) >= 0.5:
            raise ValueError("none for readout errors of 0.5 or more, after which nothing is left to be inverted")
        return mitigation

    @field_validator("encoding_noise")
    @classmethod
    def _has_no_layers(cls, encoding_noise: bool, info: ValidationInfo) -> bool:
        if encoding_noise and "layer" in info.data.get("placement", ()):
            raise ValueError("no noisy encoding with noise by layer, because an encoding has no layers")
        return encoding_noise

    @model_validator(mode="after")
    def _attacks_exist(self) -> "SweepRequest":
        self.attacks()
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """The models, one or several."""
        return (self.model,) if isinstance(self.model, str) else self.model

    @property
    def drawn(self) -> bool:
        """Whether the engine draws shots."""
        return self.engine == "aer-sampler"

    def attacks(self) -> list[Attack]:
        """Every attack at every strength.

        Raises:
            ConfigurationError: an attack that does not exist, or that cannot have these parameters.
        """
        steps = self.attack_steps if any("steps" in ATTACKS[name].model_fields for name in self.attack) else None
        return attack_grid(self.attack, self.eps, seed=self.seed, steps=steps)
