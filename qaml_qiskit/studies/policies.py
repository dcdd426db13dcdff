"""What policies come to: how many images they answer, how often rightly, with how many shots and QPU seconds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.confidence import PolicyAnswers, Temperature, Trail, fit_temperature, least_lead
from qaml_qiskit.confidence.policies import Done, Policy
from qaml_qiskit.evaluation import threshold_for, wilson_interval
from qaml_qiskit.execution import sampling_seconds

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PolicyThresholds:
    """What policies take from validation images.

    Attributes:
        temperature: makes probabilities of the logits at the end of the budget.
        doubt: an image whose doubt, 1 − its highest probability, is above this is doubtful.
        lead: at which measuring stops, in standard errors; ∞ where it does not, or nobody asked for it.
    """

    temperature: Temperature
    doubt: float
    lead: float

    @classmethod
    def of(cls, trail: Trail, labels: Labels, doubtful: float, confidence: float | None) -> "PolicyThresholds":
        """From rounds of validation images, to the last one.

        Args:
            trail: of the images.
            labels: shape (N,).
            doubtful: the share of images that may count as doubtful.
            confidence: of the labels where measuring stops early; None where that is not asked for.

        Raises:
            InputError: too few images for one of the promises.
        """
        lead = np.inf if confidence is None else least_lead(trail, confidence)
        # One repetition, as a device would have it: the promise is about an image with its shots.
        logits = trail.logits[0, :, -1]
        temperature = fit_temperature(logits, labels)
        without = cls(temperature, 1.0, lead)
        return replace(without, doubt=threshold_for(without.doubts(logits), doubtful))

    def doubts(self, logits: Floats) -> Floats:
        """1 − the highest probability, of logits (…, m)."""
        flat = logits.reshape(-1, logits.shape[-1])
        return np.asarray((1 - self.temperature.probabilities(flat).max(axis=1)).reshape(logits.shape[:-1]))

    def done(self, policies: tuple[Policy, ...]) -> Done | None:
        """Which images need no further round for these policies; None where one of them measures all to the end."""
        if not {*policies} <= {"more-shots", "sequential"}:
            return None

        def all_stop(certain: NDArray[np.bool_], leads: Floats) -> NDArray[np.bool_]:
            enough = np.ones(len(certain), dtype=bool)
            if "sequential" in policies:
                enough &= certain.any(axis=1)
            if "more-shots" in policies:
                enough &= (leads >= self.lead).any(axis=1)
            return enough

        return all_stop


def policy_answers(
    policies: tuple[Policy, ...], trail: Trail, learned: PolicyThresholds, other: Labels | None
) -> dict[str, PolicyAnswers]:
    """The answers of every policy, by its name; of some with what is done about images that are not certain.

    Args:
        policies: which.
        trail: of the images.
        learned: from validation images.
        other: labels of another model, shape (N,); None for none.
    """
    fixed = trail.stopped(np.zeros(trail.certain.shape, dtype=bool))
    doubtful = learned.doubts(trail.logits[:, :, -1]) > learned.doubt
    found: dict[str, PolicyAnswers] = {}
    for policy in policies:
        match policy:
            case "fixed":
                found["fixed"] = fixed
            case "abstain":
                found["abstain"] = fixed.silent(doubtful)
            case "fall-back":
                assert other is not None
                found["fall-back"] = fixed.handed_over(doubtful, other)
            case "more-shots":
                found["more-shots"] = trail.stopped(trail.lead >= learned.lead)
            case "sequential":
                certain = trail.stopped(trail.certain)
                found["sequential"] = certain
                found["sequential, abstain"] = certain.silent(~certain.early)
                if other is not None:
                    found["sequential, fall-back"] = certain.handed_over(~certain.early, other)
    return found


@dataclass(frozen=True)
class PolicyScoring:
    """Compares answers with labels, with those of the whole budget, and with those of endless shots.

    Attributes:
        trail: of the images.
        labels: true ones, shape (N,).
        endless: those of endless shots, shape (N,).
        circuit: seconds of one execution; None where they are not known.
        confidence: 1 − δ.
        whole: whether all images were measured to the end of the budget.
    """

    trail: Trail
    labels: Labels
    endless: Labels
    circuit: float | None
    confidence: float
    whole: bool = True

    def rows(self, answers: Mapping[str, PolicyAnswers]) -> Iterator[Row]:
        """A row a policy."""
        fixed = self._seconds_of_fixed(self.trail.rounds[-1])
        for name, each in answers.items():
            shots, seconds, jobs = self._spent(each, name)
            right = each.labels == self.labels
            answered = each.answered.mean(axis=1)
            share = float((right & each.answered).sum() / max(1, each.answered.sum()))
            own = each.answered if each.by_other is None else each.answered & ~each.by_other
            yield {
                "policy": name,
                "images": self.trail.num_images,
                "repetitions": len(each.labels),
                "coverage": float(answered.mean()),
                "accuracy": share if each.answered.any() else None,
                "interval": self._interval(share, float(answered.mean())),
                "risk": 1 - share if each.answered.any() else None,
                "shots": shots,
                "times_fewer_shots": self.trail.rounds[-1] / shots,
                "jobs": jobs,
                "qpu_seconds": seconds,
                "times_fewer_seconds": fixed / seconds if seconds else None,
                "stopped_early": float(each.early.mean()),
                "by_fallback": 0.0 if each.by_other is None else float((each.by_other & each.answered).mean()),
                "unlike_budget": _share(each.labels != self._of_budget, own) if self.whole else None,
                "unlike_endless": _share(each.labels != self.endless, own),
                **self._promise(name, each),
            }

    def fixed_rows(self) -> list[Row]:
        """What a fixed number of shots gives, for those after each round: what any policy has to be better than.

        None where images were not measured to the end.
        """
        rows = []
        for place, shots in enumerate(self.trail.rounds if self.whole else ()):
            right = float((self.trail.labels[:, :, place] == self.labels).mean())
            rows.append(
                {
                    "shots": shots,
                    "accuracy": right,
                    "interval": list(wilson_interval(right, self.trail.num_images)),
                    "unlike_endless": float((self.trail.labels[:, :, place] != self.endless).mean()),
                    "qpu_seconds": self._seconds_of_fixed(shots),
                }
            )
        return rows

    @property
    def _of_budget(self) -> Labels:
        """The labels of the whole budget, shape (A, N)."""
        return self.trail.labels[..., -1]

    def _promise(self, name: str, answers: PolicyAnswers) -> Row:
        """How often early labels are wrong about what they promise, and how often they may be."""
        against = {"sequential": self.endless, "more-shots": self._of_budget if self.whole else None}.get(name)
        if against is None:
            return {"early_errors": None, "promised": None}
        # Of all images: the promise is about an image before it is measured.
        wrong = (answers.labels != against) & answers.early
        return {"early_errors": float(wrong.mean()), "promised": 1 - self.confidence}

    def _interval(self, share: float, coverage: float) -> list[float] | None:
        answered = round(coverage * self.trail.num_images)
        return list(wilson_interval(share, answered)) if answered else None

    def _seconds_of_fixed(self, shots: int) -> float:
        return sampling_seconds(self.trail.num_images, shots, self.circuit)

    def _spent(self, answers: PolicyAnswers, name: str) -> tuple[float, float, float]:
        """Mean shots an image, QPU seconds of all images, and jobs, on average over the repetitions."""
        rounds = np.array(self.trail.rounds)
        shots = float(rounds[answers.places].mean())
        if not name.startswith(("sequential", "more-shots")):
            return shots, self._seconds_of_fixed(int(rounds[-1])), 1.0
        seconds = jobs = 0.0
        for place, (before, after) in enumerate(pairwise((0, *self.trail.rounds))):
            for measured in (answers.places >= place).sum(axis=1):
                seconds += sampling_seconds(int(measured), after - before, self.circuit)
                jobs += bool(measured)
        return shots, seconds / len(answers.labels), jobs / len(answers.labels)


def _share(wrong: NDArray[np.bool_], of: NDArray[np.bool_]) -> float | None:
    return float((wrong & of).sum() / of.sum()) if of.any() else None
