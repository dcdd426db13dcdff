"""What the members of a family of models say of images: trainings, draws from a posterior, or stochastic passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from qaml_qiskit.attacks import RandomModule
from qaml_qiskit.defences.pauli_errors import PauliErrors
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.deployments.drawing import DrawnLayers
from qaml_qiskit.deployments.pieces import readable
from qaml_qiskit.formats import Arrays
from qaml_qiskit.models import QVC, Laplace, predict, with_angles
from qaml_qiskit.progress import Advance, Silent
from qaml_qiskit.seeds import derived_seed
from qaml_qiskit.studies.devices.predicting import deployment_averages

#: Images whose bitstrings are looked at together.
_BATCH = 100
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Member:
    """A task: what one member says of one set of images.

    Attributes:
        source: of the family: ``ensemble``, ``laplace``, ``laplace-samples``, ``draws`` or ``noise``.
        number: of the member; of ``laplace``, which has all of its members at once, always 0.
        images: the name of the set.
        priors: of the Laplace approximations: λ; ``laplace`` takes several at once.
    """

    source: str
    number: int
    images: str
    priors: tuple[float, ...] = ()

    @property
    def key(self) -> str:
        """The name of its file."""
        prior = f"-prior{self.priors[0]:g}" if len(self.priors) == 1 else "-priors" if self.priors else ""
        return f"members/{self.source}{prior}-{self.number:04d}-{self.images}"


@dataclass(frozen=True)
class TrainingSample:
    """What the Laplace approximation looks at.

    Attributes:
        images: of the training, shape (N, C, H, W).
        trained_on: how many the training had in all.
    """

    images: Tensor
    trained_on: int


class AskingMembers:
    """What members say: a work for :meth:`~qaml_qiskit.artifacts.Run.map`.

    The states of images that are encoded slowly and the Laplace approximation are computed once a process; they are not
    pickled.

    Args:
        models: of an ensemble; all other families are about the first one.
        sets: images by name, each of shape (N, C, H, W).
        seed: of the draws.
        strength: of the noise of gates.
        learned: for the Laplace approximations.
        with_shots: whether what a shot scatters is wanted, too.
    """

    def __init__(
        self,
        models: Sequence[Deployment],
        sets: Mapping[str, Tensor],
        *,
        seed: int = 0,
        strength: float = 0.0,
        learned: TrainingSample | None = None,
        with_shots: bool = False,
    ) -> None:
        self._models, self._sets, self._seed = tuple(models), dict(sets), seed
        self._strength, self._learned, self._with_shots = strength, learned, with_shots
        self._states: dict[str, Tensor] = {}
        self._laplace: Laplace | None = None
        self._errors: PauliErrors | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_states": {}, "_laplace": None, "_errors": None}

    def __call__(self, member: Member, advance: Advance) -> Arrays:
        """What a member says of its images.

        Returns:
            ``logits`` (N, m); ``covariances`` (L, N, m, m) of the linearised Laplace approximation, for each prior; and
            with shots ``one_shot`` (N, m, m), what one shot scatters of the logits.
        """
        match member.source:
            case "ensemble":
                return self._of_deployment(self._models[member.number], member.images)
            case "draws":
                return self._of_draw(member)
            case "noise":
                return self._of_model(self._noisy(member.number), member.images)
            case "laplace-samples":
                return self._of_model(self._sampled(member, advance), member.images)
        fitted = self._fitted(advance)
        read = self._read(fitted.model, member.images)
        covariances = fitted.covariances(read, member.priors, advance)
        return {**self._of_model(fitted.model, member.images), "covariances": covariances.numpy()}

    @property
    def _first(self) -> QVC:
        """The first model, frozen."""
        return cast(QVC, self._models[0].module)

    def _of_deployment(self, deployment: Deployment, name: str) -> Arrays:
        images, is_qvc = self._sets[name], isinstance(deployment.stored.model, QVC)
        if is_qvc and deployment.kind == "exact" and not deployment.has_noise_layers and not deployment.drawing_rule:
            return self._of_model(cast(QVC, deployment.module), name, deployment)
        said = {"logits": deployment.logits(images).double().numpy()}
        if self._with_shots and is_qvc:
            said["one_shot"] = one_shot_covariances(deployment, images)
        return said

    def _of_model(self, model: QVC, name: str, deployment: Deployment | None = None) -> Arrays:
        read = self._read(model, name, deployment)
        said = {"logits": predict(model, read).double().numpy()}
        return {**said, "one_shot": exact_one_shot(model, read)} if self._with_shots else said

    def _of_draw(self, member: Member) -> Arrays:
        deployment = self._models[0]
        drawn = cast(nn.Module, deployment.one_draw)
        cast(RandomModule, drawn).reseed(derived_seed(self._seed, member.number))
        # Layers are drawn behind what is encoded once; each copy of an image is encoded by itself.
        behind = isinstance(drawn, DrawnLayers)
        read = self._read(deployment.qvc, member.images) if behind else self._sets[member.images]
        said = {"logits": predict(drawn, read).double().numpy()}
        if self._with_shots and isinstance(deployment.stored.model, QVC):
            # Of the circuit on average: what a shot scatters hardly depends on the draw.
            said["one_shot"] = one_shot_covariances(deployment.expected, self._sets[member.images])
        return said

    def _noisy(self, number: int) -> QVC:
        model = self._first
        if self._errors is None:
            self._errors = PauliErrors.of(model.config.build_ansatz())
        generator = torch.Generator().manual_seed(derived_seed(self._seed, number))
        signs, shifts = self._errors.sample(self._strength, generator)
        return with_angles(model, signs.to(model.weight) * model.weight.detach() + shifts.to(model.weight))

    def _sampled(self, member: Member, advance: Advance) -> QVC:
        fitted = self._fitted(advance).with_prior(*member.priors)
        # The same draw at every prior.
        generator = torch.Generator().manual_seed(derived_seed(self._seed, member.number))
        return fitted.at(fitted.sample(generator))

    def _fitted(self, advance: Advance) -> Laplace:
        if self._laplace is None:
            advance(0, "looking at the curvature of the training's loss")
            learned, model = cast(TrainingSample, self._learned), self._first
            read = readable(model, learned.images, "encoding images", Silent())
            self._laplace = Laplace.fit(model, read, trained_on=learned.trained_on)
        return self._laplace

    def _read(self, model: QVC, name: str, deployment: Deployment | None = None) -> Tensor:
        """A set of images as a model of a deployment reads them: models that encode alike share their states."""
        config, seen_through = model.config, (deployment or self._models[0]).filter
        key = f"{name} {config.encoding} {config.encoding_layers} {config.pixel_order} {seen_through}"
        if type(model) is not QVC:
            # What stands in front of its encoding is its own.
            return readable(model, self._sets[name], "encoding images", Silent())
        if key not in self._states:
            self._states[key] = readable(model, self._sets[name], "encoding images", Silent())
        return self._states[key]


def one_shot_covariances(deployment: Deployment, images: Tensor) -> NDArray[np.float64]:
    """What one shot scatters of the logits, shape (N, m, m).

    Of an ideal circuit exactly. Under noise, on a target and with noise layers, products of Z that share no qubit are
    taken as independent.

    Args:
        deployment: a QVC whose rule draws nothing.
        images: shape (N, C, H, W).
    """
    if deployment.kind == "exact" and not deployment.has_noise_layers:
        return exact_one_shot(deployment.qvc, readable(deployment.qvc, images, "encoding images", Silent()))
    averages = deployment_averages(deployment, images)
    return np.asarray(deployment.head.covariance(averages.spread(deployment.circuit.products)), dtype=np.float64)


@torch.no_grad()
def exact_one_shot(model: QVC, read: Tensor) -> NDArray[np.float64]:
    """As :func:`one_shot_covariances`, from the distribution of the bitstrings.

    Args:
        model: whose circuit has no noise layers.
        read: images, or their states.
    """
    network, found = model.network, []
    head = model.unit_head.converted(lambda part: part.detach().double().numpy()).times(model.config.logit_scale)
    for batch in read.split(_BATCH):
        frequencies = network.probabilities(model.features(batch), model.weight).double()
        signs = network.signs(frequencies)
        values = frequencies @ signs
        both = (signs[:, :, None] * signs[:, None, :]).flatten(1)
        second = (frequencies @ both).unflatten(1, (signs.shape[1], signs.shape[1]))
        found.append(head.covariance((second - values[:, :, None] * values[:, None, :]).numpy()))
    return np.concatenate(found)
