"""The grid of a noise sweep, and everything about it that can be wrong before a model is read."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from qaml_qiskit.attacks import ATTACKS, Attack, AttackName, attack_grid
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.noise import NOISES, Placement
from qaml_qiskit.registry import Named
from qaml_qiskit.seeds import Seed
from qaml_qiskit.workflows.request import Request

SweptNoise = Annotated[str, Named(NOISES, {"device": "the own noise of a target"})]
SweptEncoding = Annotated[str, Named(ENCODINGS, {"own": "the encoding that the model was trained with"})]
Engine = Literal["exact", "aer-density", "aer-trajectories", "aer-sampler"]
Strength = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def _listed(value: Any) -> Any:
    """A single value, as the files of early sweeps have it, as a list of one."""
    return value if isinstance(value, (list, tuple)) else (value,)


class SweepRequest(Request):
    """The grid: every combination of its lists is scored.

    Attributes:
        model: one model, or several.
        noise: names of :data:`qaml_qiskit.noise.NOISES`, or ``device``.
        strengths: of every named noise.
        placement: of every named noise.
        target: whose noise ``device`` is.
        recipe: compiles the circuit for that target.
        encoding: what prepares the images.
        encoding_layers: of encodings with layers, as ``approximate``.
        encoding_noise: whether the gates that prepare the images are noisy, too.
        attack: names of registered attacks; images without attack are always scored.
        eps: of every attack.
        attack_steps: of the attacks that have steps; None for each attack's own default.
        images: a number of test images, or an .npz.
        engine: how ⟨Z_k⟩ are computed.
        shots: of the sampled accuracy; with the engine ``aer-sampler``, shots that are drawn.
        mitigation: whether and how readout errors are inverted; ``m3`` needs bitstrings, which ``aer-sampler`` draws.
        trajectories: of the engine ``aer-trajectories``, an image.
        seed: of everything random.
    """

    model: str | Annotated[tuple[str, ...], Field(min_length=1)]
    noise: Annotated[tuple[SweptNoise, ...], Field(min_length=1)] = ("depolarizing",)
    strengths: Annotated[tuple[Strength, ...], Field(min_length=1)] = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)
    placement: Annotated[tuple[Placement, ...], Field(min_length=1)] = ("gate",)
    target: str = "fake-torino"
    recipe: str = "level3"
    encoding: Annotated[tuple[SweptEncoding, ...], Field(min_length=1)] = ("own",)
    encoding_layers: Annotated[tuple[Count, ...], Field(min_length=1)] = (2,)
    encoding_noise: bool = False
    attack: tuple[AttackName, ...] = ()
    eps: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (0.1,)
    attack_steps: Count | None = None
    images: Annotated[str, BeforeValidator(str)] = "1000"
    engine: Engine = "exact"
    shots: Annotated[tuple[Count, ...], Field(min_length=1), BeforeValidator(_listed)] = (1000,)
    mitigation: Annotated[tuple[CountsMitigation, ...], Field(min_length=1)] = ("none",)
    trajectories: Annotated[int, Field(ge=2)] = 200
    seed: Seed = 0

    @field_validator(
        "model", "noise", "strengths", "placement", "encoding", "encoding_layers", "attack", "eps", "shots"
    )
    @classmethod
    def _each_once(cls, values: Any) -> Any:
        if isinstance(values, tuple) and len(set(values)) < len(values):
            raise ValueError("each value once")
        return values

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
    def stored_models(self) -> tuple[str, ...]:
        """See :class:`~qaml_qiskit.workflows.request.Request`."""
        return self.models

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
