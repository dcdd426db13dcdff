"""What a training defends against, and with which settings."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from qaml_qiskit.attacks import AttackName
from qaml_qiskit.circuits import NoiseLayers
from qaml_qiskit.circuits.noise_layers import FirstBeta, Variance
from qaml_qiskit.defences.names import DefenceName
from qaml_qiskit.errors import ConfigurationError, ignored_options
from qaml_qiskit.noise.names import NoiseName
from qaml_qiskit.workflows.fields import Count, Otherwise
from qaml_qiskit.workflows.request import Request

#: The defence that --train-noise and --train-shots ask for.
NOISE_AWARE = "noise-aware"

_ADVERSARY = (
    "adversary",
    "adversary_eps",
    "adversary_steps",
    "adversary_step_size",
    "batch_norm",
    "select_epoch",
)

#: The options of every defence: its settings, by what they are called there. What no defence here takes, a registered
#: one has by its own fields' names.
DEFENCE_OPTIONS: dict[str, dict[str, str]] = {
    NOISE_AWARE: {"train_noise": "depolarizing", "train_shots": "shots", "train_draws": "draws"},
    "adversarial": {name: name for name in (*_ADVERSARY, "adversarial_share")},
    "combined": {name: name for name in (*_ADVERSARY, "gamma")},
    "trades": {name: name for name in (*_ADVERSARY, "trades_weight")},
    "certified": {
        name: name for name in ("certified_radius", "certified_weight", "witness", "witness_steps", "select_epoch")
    },
    "augmented": {name: name for name in ("augment_sigma", "augment_share", "augment_unclipped")},
    "regularised": {name: name for name in ("penalty", "penalty_weight")},
    "exact-noise": {"exact_noise": "noise", "exact_strength": "strength"},
}

#: The options of noise layers, by their fields.
NOISE_LAYER_OPTIONS = {
    "noise_variance": "variance",
    "noise_distribution": "distribution",
    "noise_probability": "probability",
    "noise_phases": "phases",
}


def _rule(option: str) -> Any:
    """The default of an option of noise layers: that of the field."""
    return NoiseLayers.model_fields[NOISE_LAYER_OPTIONS[option]].default


class DefenceOptions(Request):
    """Asks for a defence in training, or for noise layers in the circuit."""

    defence: Annotated[
        DefenceName | None,
        Field(exclude_if=lambda name: name is None),
        Otherwise("noise-aware with --train-noise or --train-shots, else clean"),
    ] = None
    """What the training minimises, so that the model holds under noise and attack."""
    adversary: AttackName = "pgd"
    """The attack that an adversarial training learns from, on the model as it is in every step: one that is bounded in
    l∞, so neither cw nor deepfool."""
    adversary_eps: Annotated[float, Field(ge=0, le=1)] = 0.1
    """By how much the adversary of a training may change a pixel, in pixel units."""
    adversary_steps: Count = 3
    """Steps of the adversary."""
    adversary_step_size: Annotated[Annotated[float, Field(gt=0)] | None, Otherwise("2.5 times eps over steps")] = None
    """How far a step of the adversary goes, in pixel units."""
    adversarial_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of every batch that is attacked, in the defence adversarial."""
    gamma: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Weight γ of the attacked images in the defence combined; the clean ones have the rest."""
    trades_weight: Annotated[float, Field(ge=0)] = 6.0
    """Weight in the defence trades of the distance between attacked and clean predictions."""
    batch_norm: Literal["running", "batch"] = "running"
    """Statistics that batch normalisation uses while images are attacked in training: the running ones, or those of the
    batch."""
    select_epoch: Literal["robust", "clean"] = "robust"
    """Which loss of the validation images chooses the epoch of an adversarial or certified training: that of the
    images as attacked, or as they are."""
    noise_layers: Annotated[FirstBeta | None, Otherwise("no noise layers")] = None
    """Random rotations RY(η·β) of a QVC's qubits in front of every layer, η drawn anew in every step; this is where the
    β of every layer starts, which is trained."""
    noise_variance: Annotated[Variance, Otherwise("0.196, the paper's 2π/32")] = _rule("noise_variance")
    """Variance of the η of noise layers, in radians²."""
    noise_distribution: Literal["gaussian", "gaussian-bernoulli"] = _rule("noise_distribution")
    """Distribution of the η of noise layers; in gaussian-bernoulli some draws are zero."""
    noise_probability: Annotated[float, Field(gt=0, le=1)] = _rule("noise_probability")
    """Of gaussian-bernoulli: the share of draws of η that are not zero."""
    noise_phases: Literal["training", "inference", "both"] = _rule("noise_phases")
    """When the noise layers act: in training, in inference, or in both."""
    certified_radius: Annotated[float, Field(gt=0)] = 1.0
    """The l2 distance from another label that a certified training wants of every image, in pixel units."""
    certified_weight: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Weight in a certified training of what is missing of the radius; the cross-entropy has the rest."""
    witness: Annotated[Literal["exact", "steps"] | None, Otherwise("exact up to 256 pixels, steps beyond")] = None
    """How a certified training finds the nearest image of another label: exactly, or by steps along the gradient."""
    witness_steps: Count = 1
    """Gradients that a certified training takes to find such an image, with --witness steps."""
    augment_sigma: Annotated[float, Field(ge=0)] = 0.1
    """Standard deviation of the noise on pixels in the defence augmented, in pixel units."""
    augment_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of every batch that has noise in the defence augmented."""
    augment_unclipped: bool = False
    """Let noisy pixels leave [0, 1] in the defence augmented, as randomised smoothing does."""
    penalty: Literal["spectral", "gradient", "squares"] = "gradient"
    """What the defence regularised keeps small: spectral norms, the gradient by the pixels, or squared weights."""
    penalty_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the penalty in the loss of the defence regularised."""
    train_noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Depolarising noise of this strength after every SX and CZ of a QVC's layers, sampled anew in every step."""
    train_shots: Count | None = None
    """Every ⟨Z⟩ of a QVC in the loss has the noise of so many shots."""
    train_draws: Annotated[int, Field(ge=1, le=256)] = 16
    """Circuits with sampled errors that a step with noise averages; each costs as much as a step without."""

    exact_noise: NoiseName = "depolarizing"
    """The named noise that a QVC is trained under in the defence exact-noise, after every native gate of its layers."""
    exact_strength: Annotated[float, Field(ge=0)] = 0.001
    """Strength of the noise in the defence exact-noise."""

    @model_validator(mode="after")
    def _the_defence_takes_its_options(self) -> Self:
        """Refuse what the defence would ignore; of a registered one that is known where it is loaded."""
        if self.named_defence in (*DEFENCE_OPTIONS, "clean"):
            self.refuse_all_but(DEFENCE_OPTIONS.get(self.named_defence, ()))
        return self

    def refuse_all_but(self, taken: Collection[str]) -> None:
        """Refuse options of defences that are none of these and not left at their default.

        Raises:
            ConfigurationError: there is one that the defence would ignore.
        """
        every = dict.fromkeys(option for options in DEFENCE_OPTIONS.values() for option in options)
        given = {name: getattr(self, name) for name in every if name not in taken and not self.is_default(name)}
        if given:
            fitting = [name for name, known in DEFENCE_OPTIONS.items() if set(given) <= set(known)]
            expected = " or ".join(f"--defence {name}" for name in fitting) or "options of one defence"
            raise ignored_options(f"the defence {self.named_defence}", given, expected)

    @model_validator(mode="after")
    def _noise_layers_take_their_options(self) -> Self:
        """Refuse what says how noise is drawn where there are no noise layers, and a rule that contradicts itself."""
        changed = [name for name in NOISE_LAYER_OPTIONS if not self.is_default(name)]
        if changed and self.noise_layers is None:
            options = ", ".join("--" + name.replace("_", "-") for name in changed)
            raise ConfigurationError(
                f"there are no noise layers that {options} could be for",
                got=", ".join(f"{name} {getattr(self, name)}" for name in changed),
                expected="such options beside --noise-layers alone",
                remedy="give --noise-layers, the first β of every layer, for example 0.25",
            )
        _ = self.noise_rule
        return self

    @property
    def unwritten(self) -> Collection[str]:
        """Options of other defences, and of no noise layers; those of ``noise-aware`` have always been written."""
        taken = DEFENCE_OPTIONS.get(self.named_defence)
        others = {name for defence, options in DEFENCE_OPTIONS.items() if defence != NOISE_AWARE for name in options}
        ignored = set() if taken is None and self.named_defence != "clean" else others - set(taken or ())
        return ignored if self.noise_layers is not None else {*ignored, "noise_layers", *NOISE_LAYER_OPTIONS}

    @property
    def noise_rule(self) -> NoiseLayers | None:
        """The noise layers; None for none."""
        if self.noise_layers is None:
            return None
        rule = {field: getattr(self, option) for option, field in NOISE_LAYER_OPTIONS.items()}
        return NoiseLayers(beta=self.noise_layers, **rule)

    @property
    def named_defence(self) -> str:
        """The defence that is asked for, by its name or by --train-noise or --train-shots alone; else ``clean``."""
        noisy = bool(self.train_noise) or self.train_shots is not None
        return self.defence or (NOISE_AWARE if noisy else "clean")
