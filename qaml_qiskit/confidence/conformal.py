"""Conformal prediction: sets of labels that hold the right one as often as promised, whatever the classifier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom

from qaml_qiskit.confidence.probabilities import Floats
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import Proportion, allowed_above, check_enough, least_images, threshold_for
from qaml_qiskit.labels import check_labels

#: Two-sided probability of intervals.
_LEVEL = 0.95


def adaptive_scores(
    probabilities: NDArray[np.float64], uniforms: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """How early every class comes when classes are taken by falling probability, shape (N, m); higher fits better.

    Minus the probability of all classes before class y (adaptive prediction sets: Romano, Sesia & Candès, NeurIPS
    2020): sets grow where the classifier is unsure, and hold its own label always. Classes of equal probability come by
    their number.

    Args:
        probabilities: shape (N, m).
        uniforms: u in [0, 1) an image, shape (N,), drawn at random: the share of y's own probability that counts, too,
            so that coverage is not above what is promised because of the steps between classes; then a set may be
            empty. None for 0.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(probabilities, order, axis=1)
    own = 0.0 if uniforms is None else ranked * uniforms[:, None]
    found = np.empty_like(ranked)
    np.put_along_axis(found, order, -(np.cumsum(ranked, axis=1) - ranked + own), axis=1)
    return found


def thresholds_for(
    scores: Floats, labels: NDArray[np.integer], alpha: float, num_classes: int, *, by_class: bool = False
) -> NDArray[np.float64]:
    """The scores from which on a class is in the set, shape (m,): split conformal prediction.

    q is the ⌊(n + 1)α⌋-th lowest of the n scores s(x_i, y_i), so that 1 − s has the finite-sample quantile
    ⌈(n + 1)(1 − α)⌉/n. If the validation images and a further image with its label are exchangeable, as independent
    draws from one source are, then

        P(y in {k : s(x, k) ≥ q}) ≥ 1 − α,

    where the probability is over the validation images and the further image together (Vovk, Gammerman & Shafer,
    Algorithmic Learning in a Random World, 2005; Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018)). It is not one for
    each image, nor for each class, nor for images that someone chose. The score must not have learned from the
    validation images. By class, the promise is one for the images of each class: P(… | y = k) ≥ 1 − α (Mondrian
    conformal prediction).

    Args:
        scores: of every image for its own label, shape (n,), the higher the better it fits; may be infinite.
        labels: shape (n,).
        alpha: α, the share of images whose label may be missing.
        num_classes: m.
        by_class: a threshold for every class, from its images alone.

    Raises:
        ConfigurationError: an α that is not between 0 and 1.
        InputError: scores or labels that do not fit, or fewer images, of a class or of all, than ⌈1/α⌉ − 1.
    """
    check_set_images(labels, alpha, num_classes, by_class=by_class)
    values, classes = np.asarray(scores, dtype=np.float64), check_labels(labels, len(scores), num_classes)
    groups = [values[classes == k] for k in range(num_classes)] if by_class else [values]
    found = np.array([-threshold_for(-group, alpha) for group in groups])
    return found if by_class else np.repeat(found, num_classes)


def check_set_images(
    labels: NDArray[np.integer], alpha: float, num_classes: int, *, by_class: bool = False, whole: int | None = None
) -> None:
    """Refuse what :func:`thresholds_for` refuses, before there are scores.

    Args:
        labels: of the validation images that would set the thresholds, shape (n,).
        alpha: as there.
        num_classes: as there.
        by_class: as there.
        whole: validation images in all, where these are one half; see :func:`~qaml_qiskit.evaluation.check_enough`.

    Raises:
        ConfigurationError, InputError: as there.
    """
    classes, promise = check_labels(labels, len(labels), num_classes), f"sets that miss {alpha:.4g} of the labels"
    if not by_class:
        check_enough(len(classes), alpha, promise, "a larger --alpha", whole=whole)
        return
    counts = [int((classes == k).sum()) for k in range(num_classes)]
    check_enough(
        min(counts),
        alpha,
        f"{promise} of class {counts.index(min(counts))}",
        "a larger --alpha, or one threshold for all classes",
    )


def coverage_interval(images: int, tested: int, alpha: float) -> tuple[float, float]:
    """Where the coverage of ``tested`` images lies with a probability of at least 95 %.

    Given the validation images, coverage is a random number with the distribution Beta(n + 1 − k, k), k = ⌊(n + 1)α⌋,
    where no two scores are equal (Vovk, ACML 2012); how many of N further images are covered is beta-binomial. Exact,
    and both ends count. With equal scores coverage may be above it.

    Args:
        images: n, validation images that set the threshold.
        tested: N.
        alpha: α.

    Raises:
        ConfigurationError: an α that is not between 0 and 1.
        InputError: fewer validation images than the promise needs, or no image to test.
    """
    if images < (least := least_images(alpha)) or tested < 1:
        raise InputError(
            "there is no interval of this coverage",
            got=f"{images} validation images and {tested} others",
            expected=f"at least {least} and 1",
            remedy="give more images",
        )
    missed = allowed_above(images, alpha)
    covered = betabinom(tested, images + 1 - missed, missed)
    low, high = (float(covered.ppf(tail)) / tested for tail in ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return low, high


@dataclass(frozen=True)
class SetFigures:
    """What prediction sets of N images come to.

    Attributes:
        coverage: how often the label is in its set.
        mean_size: classes in a set.
        singletons: share of the sets with one class.
        empty: share of those without any.
        least_of_a_class: the lowest coverage of the images of one class.
    """

    coverage: Proportion
    mean_size: float
    singletons: float
    empty: float
    least_of_a_class: float


def set_figures(sets: NDArray[np.bool_], labels: NDArray[np.integer]) -> SetFigures:
    """Figures of sets of labels.

    Args:
        sets: whether a class is in the set, shape (N, m), N ≥ 1.
        labels: shape (N,).

    Raises:
        InputError: labels that do not fit.
    """
    classes = check_labels(labels, *sets.shape)
    covered, sizes = sets[np.arange(len(sets)), classes], sets.sum(1)
    return SetFigures(
        Proportion(int(covered.sum()), len(covered)),
        float(sizes.mean()),
        float((sizes == 1).mean()),
        float((sizes == 0).mean()),
        min(float(covered[classes == k].mean()) for k in np.unique(classes)),
    )
