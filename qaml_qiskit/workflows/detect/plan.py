"""From the names of a detection to models, images and detectors, with everything checked before anything runs."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import digest
from qaml_qiskit.attacks import PGDConfig
from qaml_qiskit.compute import Compute
from qaml_qiskit.deployments import (
    Batch,
    Deployment,
    halves,
    load_batch,
    load_validation,
    parse_deployment,
    read_deployments,
    written,
)
from qaml_qiskit.deployments.conditions import OnTarget, parse_condition
from qaml_qiskit.deployments.images import check_readable
from qaml_qiskit.deployments.networks import code_of, network_data
from qaml_qiskit.detection import GIVEN_DETECTORS, Adaptive, Detector, make_detectors
from qaml_qiskit.evaluation import check_enough
from qaml_qiskit.execution.catalogue import load_catalogue
from qaml_qiskit.execution.targets import real_hardware
from qaml_qiskit.models import check_batch
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies import (
    AttackedSet,
    Cell,
    Sampling,
    anomalous_images,
    attacked_sets,
    check_askable,
    mixed_set,
    without_target,
)
from qaml_qiskit.text import slug
from qaml_qiskit.workflows.detect.request import DetectRequest


@dataclass(frozen=True)
class Anomaly:
    """Images, or a disturbance of the watched model, that should raise an alarm.

    Attributes:
        told: as it was asked for.
        images: shape (M, C, H, W).
        labels: shape (M,), where there are right answers.
        watched: the watched model as it is disturbed; None for itself.
    """

    told: str
    images: Tensor
    labels: NDArray[np.int64] | None = None
    watched: Deployment | None = None


class DetectPlan:
    """All that a detection needs.

    Attributes:
        models: that the detectors ask; the first is watched.
        sources: what is attacked.
        detectors: by name, with what their views need of clean images.
        batch: the clean images.
        teaching: validation images that temperatures and detectors are fitted to.
        judging: validation images that set thresholds.
        attacked: sets of attacked images, by keys that are names of files.
        anomalies: by such keys.
        how: models on targets are asked.

    Args:
        request: what was asked for.
        data_dir: where the data sets are.
        backends: the backends.yaml of targets.
        compute: what everything is computed with.
        progress: told of networks whose code is run.

    Raises:
        QamlError: something that the request names does not exist or does not fit the rest.
    """

    def __init__(
        self,
        request: DetectRequest,
        data_dir: Path | None,
        backends: Path | None,
        compute: Compute,
        progress: Progress,
    ) -> None:
        self.request, self._data_dir = request, data_dir
        self.how = Sampling(request.shots, request.mitigation, request.seed)
        sources = request.sources or request.models[:1]
        drifts = _drifted(request)
        names = [*request.models, *sources, *drifts.values()]
        _check_no_hardware(names, backends)
        everyone = read_deployments(
            names,
            recipe=request.recipe,
            backends=backends,
            compute=compute,
            data=network_data(request.dataset, request.loading(data_dir)),
            progress=progress,
            seed=request.seed,
        )
        count = len(request.models)
        self.models, rest = everyone[:count], everyone[count:]
        self.sources, self._drifted = rest[: len(sources)], dict(zip(drifts, rest[len(sources) :], strict=True))
        attacks = request.every_attack()
        for source in self.sources if attacks else ():
            source.check_attackable(attacks)
        for model in (*self.models, *self._drifted.values()):
            check_askable(model, self.how)
        for model in self.models if request.adaptive else ():
            without_target(model).check_attackable([PGDConfig()])
        self._asked = _detectors(request)
        for detector in self._asked.values():
            detector.check(self.models)
        self.batch = load_batch(request.images, everyone, data_dir, or_all=request.is_default("images"))
        self.teaching, self.judging = self._halves()
        self.detectors = {name: each.prepared(self.teaching.images) for name, each in self._asked.items()}
        self.attacked = self._attacked()
        self.anomalies = {
            f"anomaly{number}-{slug(word)}": self._anomaly(word) for number, word in enumerate(request.anomalies)
        }

    @property
    def watched(self) -> Deployment:
        """The classifier that may be wrong."""
        return self.models[0]

    @property
    def cells(self) -> dict[str, Cell]:
        """What makes the attacked images."""
        return {key: cell for each in self.attacked.values() for key, cell in each.cells.items()}

    def attackers(self, eps: float) -> list[Adaptive]:
        """Those of this strength who know the detectors."""
        wanted = {"steps": self.request.steps, "restarts": self.request.restarts}
        given = {name: value for name, value in wanted.items() if value is not None}
        return [Adaptive(eps=eps, variant=variant, **given) for variant in self.request.adaptive]

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What the request's names stood for, so that a folder is not continued after one has changed."""
        everyone = [*self.models, *self.sources, *self._drifted.values()]
        images = {"images": self.batch, "teaching": self.teaching, "judging": self.judging}
        return {
            "weights": {each.name: each.weights for each in everyone},
            **{name: digest(batch.images) for name, batch in images.items()},
            "anomalies": {each.told: digest(each.images) for each in self.anomalies.values()},
            "detectors": {name: each.model_dump(mode="json") for name, each in self._asked.items()},
            **code_of(everyone),
            "devices": {each.name: each.resolved() for each in everyone if each.kind == "device"},
        }

    def _halves(self) -> tuple[Batch, Batch]:
        """The validation images that teach, and those that set thresholds."""
        request, models = self.request, [*self.models, *self._drifted.values()]
        found = load_validation(request.validation, models, self._data_dir, seed=request.seed, test=self.batch)
        teaching, judging = halves(found, request.seed)
        promise = f"a promise of {request.false_alarms:.4g} false alarms"
        check_enough(len(judging), request.false_alarms, promise, "allow more false alarms", whole=len(found))
        return teaching, judging

    def _attacked(self) -> dict[str, AttackedSet]:
        found: dict[str, AttackedSet] = {}
        attacks, seed = self.request.every_attack(), self.request.seed
        for number, source in enumerate(self.sources if attacks else ()):
            key = f"{number}-{slug(Path(source.name).name)}"
            if self.request.mix:
                found |= mixed_set(key, source.name, attacks, len(self.batch), seed)
            else:
                found |= attacked_sets(key, source.name, attacks)
        return found

    def _anomaly(self, word: str) -> Anomaly:
        if word in self._drifted:
            return Anomaly(word, self.batch.images, self.batch.labels, self._drifted[word])
        images = anomalous_images(word, self.batch, self.watched, self._data_dir, self.request.seed)
        check_batch(images, self.watched.card.model.image_shape)
        check_readable(self.models, images)
        return Anomaly(word, images)


def _drifted(request: DetectRequest) -> dict[str, str]:
    """The names of the watched model under other conditions, by the anomalies that ask for them."""
    model, condition = parse_deployment(request.models[0], recipe=request.recipe)
    words = [word for word in request.anomalies if word.startswith("drift:")]
    others = {word: parse_condition(word.removeprefix("drift:"), recipe=request.recipe) for word in words}
    return {word: written(model, other.by(other.rule or condition.rule)) for word, other in others.items()}


def _detectors(request: DetectRequest) -> dict[str, Detector]:
    """By name, with their settings; those that were given have them already."""
    made = make_detectors([name for name in request.detector if name not in GIVEN_DETECTORS], request.detector_param)
    return {name: made[name] if name in made else GIVEN_DETECTORS[name] for name in request.detector}


def _check_no_hardware(names: list[str], backends: Path | None) -> None:
    """Refuse real devices before anybody connects to one."""
    for name in names:
        condition = parse_deployment(name)[1]
        if not isinstance(condition, OnTarget):
            continue
        if load_catalogue(backends).entry(condition.target).is_hardware:
            raise real_hardware(
                condition.target,
                got=f"{name} to be asked about images that are attacked as this goes on",
                expected="a simulated target: what a real one costs is known, and agreed to, before jobs are sent",
                remedy="name a fake device or a snapshot; `qaml run` scores a file of images on a real one",
            )
