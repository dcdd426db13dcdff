"""Whether probabilities are what they say: NLL, Brier score and expected calibration error, with intervals."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation.proportions import Proportion, accuracy, mean_interval, wilson_interval
from qaml_qiskit.labels import check_labels

Floats = NDArray[np.floating]

BINS = 15
#: Columns of :meth:`CalibrationFigures.row`.
_FIGURES = ("nll", "brier", "ece", "ece_adaptive")
CALIBRATION_COLUMNS = tuple(f"{name}{end}" for name in _FIGURES for end in ("", "_interval"))
_REPLICATES = 1000
#: How far probabilities may be from adding up to one: single precision, over a thousand classes.
_SUM_TOLERANCE = 1e-4
#: What stands for a probability of zero in a logarithm, so that NLL stays finite: e^-708.
_LEAST = float(np.finfo(np.float64).tiny)
#: Agresti and Coull's successes and failures that nobody saw: an error that did not occur yet may.
_UNSEEN = 2


@dataclass(frozen=True)
class WithInterval:
    """A figure of some images, with its 95 % interval for other images of the kind.

    Attributes:
        value: of these images.
        interval: lower and upper end; None for a single image, which says nothing of others.
    """

    value: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class CalibrationFigures:
    """How good probabilities are.

    Attributes:
        accuracy: how often the most probable class is right; Wilson's interval.
        nll: mean of −ln p_y, in nats; its interval by the central limit theorem.
        brier: mean of Σ_k (p_k − [k = y])², the sum over all m classes, from 0 to 2: for two classes twice what is
            called so where one probability is given. Its interval by the central limit theorem.
        ece: expected calibration error of the most probable class in bins of equal width; see
            :func:`calibration_figures`.
        ece_adaptive: the same in bins of equal numbers of images.
        impossible: images whose own class has a probability of zero. NLL would be infinite; each counts as 708.
    """

    accuracy: Proportion
    nll: WithInterval
    brier: WithInterval
    ece: WithInterval
    ece_adaptive: WithInterval
    impossible: int

    def row(self) -> dict[str, Any]:
        """Columns of a table: every figure but the accuracy, and its interval."""
        columns: dict[str, Any] = {}
        for name in _FIGURES:
            figure: WithInterval = getattr(self, name)
            columns[name] = figure.value
            columns[f"{name}_interval"] = None if figure.interval is None else list(figure.interval)
        return columns


def calibration_figures(
    probabilities: Floats, labels: NDArray[np.integer], *, bins: int = BINS, seed: int = 0
) -> CalibrationFigures:
    """NLL, Brier score and both expected calibration errors, with 95 % intervals.

    ECE = Σ_b n_b/N · |confidence_b − accuracy_b| over bins of the highest probability (Naeini et al. 2015; Guo et al.
    2017). Two things about it are known. Miscalibrations of both signs within a bin cancel, so ECE is at most the
    calibration error without bins. And over a finite number of images it is biased upwards: chance moves each bin's
    accuracy, and the modulus counts that whichever way it goes, so that a perfect model has an ECE of about
    Σ_b √(2 n_b a_b(1 − a_b)/π)/N. A percentile bootstrap adds this noise a second time, and its interval lies above the
    truth.

    The interval here is of the ECE that endless images would have in these bins. The reliability table is drawn again
    1,000 times, images as they fell into the bins, right as often as in their bin with two more successes and two more
    failures, so that errors which did not occur count. Its upper end adds to ECE what chance may have taken off,
    whatever the truth is. Its lower end takes off what chance may have added: in a bin whose gap is clear of chance, by
    √(ln N) standard errors, no more than in the other direction; in every other bin as much as if its gap were none,
    where the bias is largest (moment selection: Andrews & Soares, Econometrica 78, 119, 2010). So it covers in at least
    95 % of cases, and more often where gaps are small but not zero. Of a calibrated model its lower end is 0, but for
    one case in 40.

    Args:
        probabilities: shape (N, m), rows that add up to one.
        labels: shape (N,), N ≥ 1.
        bins: B ≥ 1, of equal width from 0 to 1; or as many of equal numbers, where images with the same confidence stay
            together.
        seed: of the tables that are drawn again.

    Raises:
        InputError: no image, numbers that are no probabilities, labels that are no classes, or no bin.
    """
    p = _probabilities(probabilities)
    classes = check_labels(labels, *p.shape)
    check_bins(bins)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == classes
    of_label = p[np.arange(len(p)), classes]
    # Σ_k (p_k − [k = y])² = Σ_k p_k² − 2 p_y + 1.
    brier = (p**2).sum(axis=1) - 2 * of_label + 1
    wide, equal = equal_width(confidence, bins), equal_mass(confidence, bins)
    return CalibrationFigures(
        accuracy(p, classes),
        _mean(label_losses(p, classes)),
        _mean(brier),
        _expected_error(_Table.of(confidence, right, wide), seed),
        _expected_error(_Table.of(confidence, right, equal), seed),
        int((of_label < _LEAST).sum()),
    )


def label_losses(probabilities: Floats, labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """NLL of every image, −ln p_y in nats, shape (N,); a probability of zero counts as 708.

    Args:
        probabilities: shape (N, m).
        labels: shape (N,).
    """
    of_label = np.asarray(probabilities, dtype=np.float64)[np.arange(len(labels)), labels]
    found: NDArray[np.float64] = -np.log(np.maximum(of_label, _LEAST))
    return found


def reliability(
    probabilities: Floats, labels: NDArray[np.integer], bins: int = BINS, *, adaptive: bool = False
) -> list[dict[str, Any]]:
    """The rows of a reliability diagram: every bin that has images.

    Args:
        probabilities: shape (N, m).
        labels: shape (N,).
        bins: how many.
        adaptive: bins of equal numbers of images, instead of equal width.

    Returns:
        Of each its number ``bin``, the ``images`` in it, their mean ``confidence``, and their ``accuracy`` with
        Wilson's ``interval``.

    Raises:
        InputError: as :func:`calibration_figures`.
    """
    p = _probabilities(probabilities)
    classes = check_labels(labels, *p.shape)
    check_bins(bins)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == classes
    places = (equal_mass if adaptive else equal_width)(confidence, bins)
    rows = []
    for number in np.unique(places):
        inside = places == number
        share, count = float(right[inside].mean()), int(inside.sum())
        rows.append(
            {
                "bin": int(number),
                "images": count,
                "confidence": float(confidence[inside].mean()),
                "accuracy": share,
                "interval": list(wilson_interval(share, count)),
            }
        )
    return rows


def equal_width(confidence: Floats, bins: int) -> NDArray[np.intp]:
    """Numbers of bins ((b)/B, (b + 1)/B] from 0 to B − 1, shape (N,)."""
    return np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")


def equal_mass(confidence: Floats, bins: int) -> NDArray[np.intp]:
    """Numbers of bins between quantiles of the confidences, shape (N,); equal confidences share one."""
    edges = np.quantile(confidence, np.arange(1, bins) / bins, method="inverted_cdf")
    return np.searchsorted(np.unique(edges), confidence, side="left")


def check_bins(bins: int) -> int:
    """The number of bins.

    Raises:
        InputError: none.
    """
    if bins < 1:
        raise InputError(
            "there is no calibration error without bins",
            got=f"{bins} bins",
            expected="at least one",
            remedy="leave out bins, for 15 of them",
        )
    return bins


@dataclass(frozen=True)
class _Table:
    """What a calibration error is made of: by bin, images, their confidence and how many are right, shape (B,)."""

    images: Floats
    confidence: Floats
    right: Floats

    @classmethod
    def of(cls, confidence: Floats, right: NDArray[np.bool_], places: NDArray[np.intp]) -> "_Table":
        images = np.bincount(places).astype(np.float64)
        kept = images > 0
        of_confidence = np.bincount(places, weights=confidence)[kept]
        of_right = np.bincount(places, weights=right)[kept].astype(np.float64)
        return cls(images[kept], of_confidence / images[kept], of_right)


def _expected_error(table: _Table, seed: int) -> WithInterval:
    """ECE and its interval, as :func:`calibration_figures` says."""
    total = float(table.images.sum())
    gaps = table.images * table.confidence - table.right
    value = float(np.abs(gaps).sum() / total)
    if total < 2:
        return WithInterval(value, None)
    generator = np.random.default_rng(seed)
    shares = (table.right + _UNSEEN) / (table.images + 2 * _UNSEEN)
    images = generator.multinomial(int(total), table.images / total, size=_REPLICATES)
    right = generator.binomial(images, shares)
    chance = images * table.confidence - right - table.images * (table.confidence - shares)
    signed = chance * np.where(gaps < 0, -1.0, 1.0)
    clear = np.abs(gaps) > math.sqrt(math.log(total)) * chance.std(axis=0)
    added = np.where(clear, signed, np.abs(chance)).sum(axis=1) / total
    taken = signed.sum(axis=1) / total
    low = value - float(np.quantile(added, 0.975))
    high = value - float(np.quantile(taken, 0.025))
    return WithInterval(value, (min(value, max(0.0, low)), max(value, min(1.0, high))))


def _mean(values: NDArray[np.float64]) -> WithInterval:
    """The mean of a number an image that is never negative."""
    if len(values) < 2:
        return WithInterval(float(values.mean()), None)
    mean, (low, high) = mean_interval(values, grain=0)
    return WithInterval(mean, (max(0.0, low), high))


def _probabilities(values: Floats) -> NDArray[np.float64]:
    """Probabilities in double precision, shape (N, m)."""
    p = np.asarray(values, dtype=np.float64)
    fits = p.ndim == 2 and p.size > 0
    if not fits or not (p >= 0).all() or not (np.abs(p.sum(axis=1) - 1) <= _SUM_TOLERANCE).all():
        raise InputError(
            "these are no probabilities of classes",
            got=f"shape {p.shape}" if not fits else "rows that are negative, no numbers, or do not add up to one",
            expected="shape (N, m): at least one image, and rows of numbers from 0 to 1 that add up to one",
            remedy="give what predict_proba returns, or softmax of the logits",
        )
    return p
