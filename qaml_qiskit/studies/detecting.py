"""Detectors at work: what they see of sets of images, what they learn, their scores, and how well these tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Row, Run
from qaml_qiskit.confidence import fit_temperature
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.detection import Detector, Evidence, FittedDetector
from qaml_qiskit.evaluation import Proportion, auroc, least_images, rate_at, threshold_for, true_positives_at
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.studies.asking import Inquiry, Sampling, ask_models

#: Shares of false alarms at which every detector is compared, by the names of their columns.
_COMPARED = {"tpr_at_1fpr": 0.01, "tpr_at_5fpr": 0.05}


@dataclass(frozen=True)
class ShownImages:
    """A set of images that is shown to the models.

    Attributes:
        images: shape (N, C, H, W).
        told: what they are to a reader.
        watched: stands in for the first model; None for that one itself.
    """

    images: Tensor
    told: str
    watched: Deployment | None = None


@dataclass(frozen=True)
class AlarmRule:
    """When a detector raises an alarm.

    Attributes:
        threshold: above it.
        false_alarms: what it promises; None for a threshold that means something by itself.
    """

    threshold: float
    false_alarms: float | None


@dataclass(frozen=True)
class Suspects:
    """Images that should raise an alarm, and how the rows name them.

    Attributes:
        attack: the attack, or what is odd about them.
        source: what they were made on; None for what is no attack.
        eps: strength of the attack.
        wrong: whether the watched model is wrong about each, shape (N,); None where there is no right answer.
        paired: whether they were made from the clean images, one by one.
    """

    attack: str
    source: str | None = None
    eps: float | None = None
    wrong: NDArray[np.bool_] | None = None
    paired: bool = True


def gather_evidence(
    run: Run,
    sets: Mapping[str, ShownImages],
    models: Sequence[Deployment],
    detectors: Mapping[str, Detector],
    how: Sampling,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[tuple[str, str], Evidence]:
    """Ask the models about sets of images, and about every detector's views of them.

    Args:
        run: keeps what they say.
        sets: by name.
        models: the first is watched.
        detectors: by name, prepared.
        how: models on targets are asked.
        progress: told about every block of images.
        pool: where it is done.

    Returns:
        By the name of the set and that of the detector.
    """
    questions: list[Inquiry] = []

    def asked(shown: ShownImages, images: Tensor, view: str = "") -> slice:
        start, told = len(questions), f"{shown.told}, {view}" if view else shown.told
        who = [shown.watched or models[0], *models[1:]]
        questions.extend(Inquiry(model, images, told) for model in who)
        return slice(start, len(questions))

    plain = {key: asked(shown, shown.images) for key, shown in sets.items()}
    viewed = {
        (key, name): {view: asked(shown, images, view) for view, images in detector.views(shown.images).items()}
        for key, shown in sets.items()
        for name, detector in detectors.items()
    }
    said = ask_models(run, questions, how, progress, pool)
    return {
        (key, name): Evidence(
            sets[key].images, tuple(said[plain[key]]), {view: tuple(said[part]) for view, part in parts.items()}
        )
        for (key, name), parts in viewed.items()
    }


def calibrated_models(models: Sequence[Deployment], evidence: Evidence, labels: NDArray[np.int64]) -> list[Deployment]:
    """The models with temperatures fitted to what they say of images that they did not learn from, as deployed."""
    return [
        model.calibrated(fit_temperature(logits.double().numpy(), labels))
        for model, logits in zip(models, evidence.logits, strict=True)
    ]


def score_sets(
    run: Run,
    fitted: Mapping[str, FittedDetector],
    evidence: Mapping[tuple[str, str], Evidence],
    progress: Progress,
    pool: Pool = HERE,
) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Every detector's score of every image of the sets that it saw.

    Args:
        run: keeps the scores, set by set.
        fitted: the detectors, by name.
        evidence: by the name of the set and that of the detector.
        progress: told about every set.
        pool: where it is done.
    """
    tasks = {f"scores/{name}-{key}": (name, what) for (key, name), what in evidence.items()}
    bar = Bar(progress, "scoring images", {f"scores/{name}-{key}": f"{key} by {name}" for key, name in evidence})
    found = run.map(tasks, _Scoring(fitted), ARRAYS, bar=bar, pool=pool)
    return {(key, name): found[f"scores/{name}-{key}"]["scores"] for key, name in evidence}


@dataclass(frozen=True)
class _Scoring:
    """The work: what a detector sees to its scores."""

    fitted: Mapping[str, FittedDetector]

    def __call__(self, task: tuple[str, Evidence], advance: Advance) -> Arrays:
        name, evidence = task
        with torch.no_grad():
            return {"scores": self.fitted[name].scores(evidence).double().numpy()}


def rules_of(detector: Detector, validation: NDArray[np.float64], false_alarms: float) -> list[AlarmRule]:
    """At the threshold that promises so few false alarms, and where the detector has a rule of its own, by that.

    Args:
        detector: whose scores they are.
        validation: its scores of clean images that nothing was learned from.
        false_alarms: the promise.
    """
    own = [] if detector.own_threshold is None else [AlarmRule(detector.own_threshold, None)]
    return [*own, AlarmRule(threshold_for(validation, false_alarms), false_alarms)]


def detection_row(
    detector: str,
    models: Sequence[Deployment],
    suspects: Suspects,
    scores: NDArray[np.float64],
    clean: NDArray[np.float64],
    validation: NDArray[np.float64],
    rule: AlarmRule,
    adapted: NDArray[np.bool_] | None = None,
) -> Row:
    """How well a detector tells suspicious images from clean ones.

    Args:
        detector: its name.
        models: that it asks.
        suspects: what the images are.
        scores: of them, shape (M,).
        clean: of the clean test images, shape (N,).
        validation: of the images that set thresholds, shape (K,).
        rule: when it raises an alarm.
        adapted: the images by which an attacker of the same strength evades who knows the detector and the rule,
            shape (M,); None where none was sent.
    """
    area, around = auroc(clean, scores, paired=suspects.paired)
    false, true = rate_at(clean, scores, rule.threshold)
    fooled = None if suspects.wrong is None else int(suspects.wrong.sum())
    caught = scores[suspects.wrong] > rule.threshold if fooled else None
    return {
        "detector": detector,
        "models": ", ".join(model.name for model in models),
        "source": suspects.source,
        "attack": suspects.attack,
        "eps": suspects.eps,
        "images": true.trials,
        "auroc": area,
        "auroc_interval": list(around),
        **_compared(validation, scores),
        "false_alarms": rule.false_alarms,
        "threshold": rule.threshold,
        "clean_images": false.trials,
        "false_positives": false.successes,
        "false_positive_rate": false.value,
        "false_positive_interval": list(false.interval),
        "true_positives": true.successes,
        "true_positive_rate": true.value,
        "true_positive_interval": list(true.interval),
        "fooled": fooled,
        **_share("caught_of_fooled", "caught_of_fooled_interval", caught),
        **_share("evasion_rate", "evasion_interval", evading_images(suspects, scores, rule)),
        **_share("adaptive", "adaptive_interval", adapted),
    }


def evading_images(suspects: Suspects, scores: NDArray[np.float64], rule: AlarmRule) -> NDArray[np.bool_] | None:
    """Which images the watched model gets wrong without an alarm, shape (M,); None where there is no right answer."""
    return None if suspects.wrong is None else suspects.wrong & ~(scores > rule.threshold)


def _share(share: str, interval: str, which: NDArray[np.bool_] | None) -> Row:
    """How many of them are so, and the interval of that, in columns of these names."""
    if which is None:
        return {share: None, interval: None}
    found = Proportion(int(which.sum()), len(which))
    return {share: found.value, interval: list(found.interval)}


def _compared(validation: NDArray[np.float64], scores: NDArray[np.float64]) -> Row:
    """True positives at some rates of false alarms; None where there are too few validation images for one."""
    columns: Row = {}
    for name, rate in _COMPARED.items():
        enough = len(validation) >= least_images(rate)
        found = true_positives_at(validation, scores, rate) if enough else None
        columns[name] = None if found is None else found.value
        columns[f"{name}_interval"] = None if found is None else list(found.interval)
    return columns
