"""Conformal predictors of deployments: sets of labels with a promised coverage, also for images that were attacked."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.certificates import (
    DecisionForms,
    LabelDistances,
    label_distances,
    signed_distances,
    widest_margins,
)
from qaml_qiskit.confidence import Temperature, adaptive_scores, check_set_images, fit_temperature, thresholds_for
from qaml_qiskit.deployments import Batch, Deployment, halved
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.studies.conformity import ROBUST_SCORES, ConformityScore

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class ConformityScorer:
    """Scores of how well labels fit an image, by what a deployment says of it.

    Args:
        deployment: whose labels are sorted into sets.
        scores: that will be asked for.

    Raises:
        ConfigurationError: a score of quadratic forms, and the logits are none.
    """

    def __init__(self, deployment: Deployment, scores: Collection[ConformityScore]) -> None:
        if set(scores) & set(ROBUST_SCORES):
            deployment.check_forms()
        if set(scores) - set(ROBUST_SCORES):
            deployment.check_scorable()
        self.deployment = deployment

    @property
    def forms(self) -> DecisionForms:
        """The quadratic forms of the logits, decomposed."""
        return self.deployment.decisions()

    @property
    def spans(self) -> Floats:
        """The largest less the least margin of every two classes, shape (m, m)."""
        highest = widest_margins(self.forms)
        return highest + highest.T

    def logits(self, images: Tensor) -> Floats:
        """Under the deployment's condition, with endless shots, shape (N, m)."""
        return self.deployment.logits(images).double().numpy()

    def of_labels(self, scores: Collection[ConformityScore], batch: Batch) -> dict[str, Floats]:
        """What thresholds are made of: scores of the images' own labels, shape (n,), and logits, shape (n, m)."""
        pixels, labels = pixels_of(batch.images), batch.labels
        found: dict[str, Floats] = {}
        if set(scores) - set(ROBUST_SCORES):
            found["logits"] = self.logits(batch.images)
        if {"margin", "lipschitz"} & set(scores):
            found["margin"] = self.margins(pixels)[np.arange(len(labels)), labels].min(1)
        if "radius" in scores:
            found["radius"] = label_distances(self.forms, pixels, labels).distance
        return found

    def margins(self, pixels: Floats) -> Floats:
        """xᵀ(M_y − M_k)x/xᵀx, shape (N, m, m) with y before k; infinite for y = k."""
        values = self.forms.values(pixels) / np.maximum((pixels**2).sum(1, keepdims=True), np.finfo(float).tiny)
        margins = values[:, :, None] - values[:, None, :]
        own = np.arange(values.shape[1])
        margins[:, own, own] = np.inf
        return margins


@dataclass(frozen=True, eq=False)
class ConformalPredictor:
    """Sets of labels that hold the right one with a probability of at least 1 − α; made by :func:`fit_conformal`.

    Attributes:
        scorer: of the deployment.
        score: by which.
        alpha: α.
        thresholds: q of every class, shape (m,), the same for all unless by class.
        validation: how many images set them.
        temperature: of the scores of probabilities; None for the others.
        drawn: seed of the random part of adaptive sets; None for none.
    """

    scorer: ConformityScorer
    score: ConformityScore
    alpha: float
    thresholds: Floats
    validation: int
    temperature: Temperature | None = None
    drawn: int | None = None

    @property
    def is_robust(self) -> bool:
        """Whether sets are promised to hold under attack."""
        return self.score in ROBUST_SCORES

    def sets(self, images: Tensor, radius: float = 0.0) -> Bools:
        """Whether a class is in the set of an image, shape (N, m).

        Args:
            images: shape (N, C, H, W), as they arrive: clean, or moved by an attacker.
            radius: in l2, how far that may be. For clean images that are exchangeable with the validation images, and
                whatever an attacker who knows everything does to them within this radius, the label is in the set with
                a probability of at least 1 − α.

        Raises:
            ConfigurationError: a radius above 0, and a score of which nothing is known under attack.
        """
        if radius > 0 and not self.is_robust:
            raise ConfigurationError(
                f"there are no sets by {self.score} that hold under attack",
                got=f"a radius of {radius:g}",
                expected=f"a score whose change is bounded: {', '.join(ROBUST_SCORES)}",
                remedy="choose radius, or a radius of 0",
            )
        return self.needed(images) <= radius

    def needed(self, images: Tensor) -> Floats:
        """The radius from which on each class is in the set, shape (N, m); infinite where none is enough.

        With q for the threshold, that is

        - ``radius``: q − d_y(x), because :func:`~qaml_qiskit.certificates.signed_distances` are 1-Lipschitz: if the
          clean image has a score of at least q, one at a distance r from it has at least q − r.
        - ``margin``: the distance to the images on which y has a margin of at least q over each other class; the
          greatest over these, all of them exact: no image at less than this has the score q. So the score itself need
          not be a distance, and at radius 0 the sets are those of the margin.
        - ``lipschitz``: (q − margin)·‖x‖/(a_max − a_min), from how much the margin of any state can change.

        Sets by probabilities are the same at any radius.
        """
        pixels, q = pixels_of(images), self.thresholds
        match self.score:
            case "radius":
                return q - signed_distances(self.scorer.forms, pixels)
            case "margin":
                return -signed_distances(self.scorer.forms, pixels, q[:, None])
            case "lipschitz":
                return self._by_bound(self.scorer.margins(pixels), pixels)
        return np.where(self._probable(images) >= q, -np.inf, np.inf)

    def needed_by(self, images: Tensor, labels: NDArray[np.int64]) -> Floats:
        """:meth:`needed` of one class an image, shape (N,): a fraction of the work."""
        if self.score in ("radius", "margin"):
            found = self.label_distances(images, labels).distance
            return -found if self.score == "margin" else self.thresholds[labels] - found
        return self.needed(images)[np.arange(len(labels)), labels]

    @property
    def boundary(self) -> tuple[float, ...]:
        """The margins at the boundaries that decide about a class, for every class: what an attacker aims at."""
        return (0.0,) * len(self.thresholds) if self.score == "radius" else tuple(self.thresholds.tolist())

    def label_distances(self, images: Tensor, labels: NDArray[np.int64]) -> LabelDistances:
        """Where images lie with respect to the boundaries of these classes."""
        shift = np.array(self.boundary)[:, None]
        return label_distances(self.scorer.forms, pixels_of(images), labels, shift)

    def _by_bound(self, margins: Floats, pixels: Floats) -> Floats:
        spans = np.where(self.scorer.spans > 0, self.scorer.spans, np.finfo(float).tiny)
        share = (self.thresholds[:, None] - margins) / spans
        needed: Floats = np.linalg.norm(pixels, axis=1)[:, None] * share.max(2)
        return np.where(share.max(2) > 1, np.inf, needed)

    def _probable(self, images: Tensor) -> Floats:
        assert self.temperature is not None, "as predictors makes it for scores of probabilities"
        return scores_of(self.score, self.scorer.logits(images), self.temperature, self.drawn)


def fit_conformal(
    deployment: Deployment,
    validation: Batch,
    alpha: float,
    score: ConformityScore = "radius",
    *,
    by_class: bool = False,
    randomised: bool = False,
    seed: int = 0,
) -> ConformalPredictor:
    """A predictor of sets for one deployment.

    Args:
        deployment: under whose condition.
        validation: images that it did not learn from, exchangeable with those that sets are wanted for.
        alpha: α, the share of images whose label may be missing.
        score: see :data:`~qaml_qiskit.studies.conformity.ConformityScore`.
        by_class: a threshold for every class, and so the promise for each.
        randomised: of adaptive sets: as large as they must be, with drawn numbers.
        seed: of these, and of the half of the images that a temperature is fitted to.

    Raises:
        ConfigurationError: a score that needs quadratic forms, of a model without; an α that is not between 0 and 1.
        InputError: too few validation images.
    """
    scorer, drawn = ConformityScorer(deployment, [score]), seed if randomised else None
    check_promise(score, validation.labels, alpha, deployment.num_classes, by_class=by_class, seed=seed)
    said = scorer.of_labels([score], validation)
    (found,) = predictors(scorer, said, validation.labels, [alpha], [score], by_class=by_class, drawn=drawn, seed=seed)
    return found


def predictors(
    scorer: ConformityScorer,
    said: dict[str, Floats],
    labels: NDArray[np.int64],
    alphas: Sequence[float],
    scores: Sequence[ConformityScore],
    *,
    by_class: bool = False,
    drawn: int | None = None,
    seed: int = 0,
) -> Iterator[ConformalPredictor]:
    """The predictors of every score and α, from what is known of the validation images.

    Scores of probabilities have a temperature, which is fitted to one half of the images; the other half sets the
    thresholds.

    Args:
        scorer: of the deployment.
        said: from :meth:`ConformityScorer.of_labels`.
        labels: of the validation images, shape (n,).
        alphas: at least one.
        scores: those of ``said``.
        by_class: see :func:`fit_conformal`.
        drawn: seed of randomised adaptive sets; None for sets that are not.
        seed: of the halves.
    """
    classes = scorer.deployment.num_classes
    for score in scores:
        temperature, (learned, rows) = None, shared_out(score, len(labels), seed)
        random = drawn if score == "adaptive" else None
        if score in ROBUST_SCORES:
            own = said["margin" if score == "lipschitz" else score]
        else:
            temperature = fit_temperature(said["logits"][learned], labels[learned])
            all_scores = scores_of(score, said["logits"], temperature, random)
            own = all_scores[np.arange(len(labels)), labels]
        for alpha in alphas:
            q = thresholds_for(own[rows], labels[rows], alpha, classes, by_class=by_class)
            yield ConformalPredictor(scorer, score, alpha, q, len(rows), temperature, random)


def check_promise(
    score: ConformityScore,
    labels: NDArray[np.int64],
    alpha: float,
    num_classes: int,
    *,
    by_class: bool = False,
    seed: int = 0,
) -> None:
    """Refuse validation images that are too few for a promise, before there are scores.

    Raises:
        ConfigurationError, InputError: see :func:`~qaml_qiskit.confidence.check_set_images`.
    """
    learned, rows = shared_out(score, len(labels), seed)
    whole = len(labels) if len(learned) else None
    check_set_images(labels[rows], alpha, num_classes, by_class=by_class, whole=whole)


def shared_out(score: ConformityScore, images: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which validation images a score learns from, and which set its thresholds: no image does both.

    Args:
        score: probabilities learn a temperature from one half of the images, the others learn nothing.
        images: how many there are.
        seed: of the halves.
    """
    if score in ROBUST_SCORES:
        return np.arange(0), np.arange(images)
    return halved(images, seed)


def scores_of(score: ConformityScore, logits: Floats, temperature: Temperature, drawn: int | None = None) -> Floats:
    """Scores of probabilities, shape (N, m), the higher the better a class fits."""
    probabilities = temperature.probabilities(logits)
    if score == "probability":
        return probabilities
    # Of the image alone, so that it does not matter which others are asked about with it.
    uniforms = None if drawn is None else np.array([_uniform(row, drawn) for row in logits])
    return adaptive_scores(probabilities, uniforms)


def pixels_of(images: Tensor) -> Floats:
    """Flattened, in double precision, shape (N, d)."""
    return images.flatten(1).to(torch.float64).numpy()


def _uniform(logits: Floats, seed: int) -> float:
    """A number in [0, 1) that is drawn anew for other logits, and for another seed."""
    words = np.frombuffer(np.ascontiguousarray(logits).tobytes(), dtype=np.uint32)
    return float(np.random.default_rng([seed, *words.tolist()]).random())
