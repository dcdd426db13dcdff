"""Families of models, each of which is unsure in its own way: who their members are, and how sure their mean is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run
from qaml_qiskit.confidence import ShotMoments, Uncertainty, fit_pooled_temperature, fit_temperature, softmax
from qaml_qiskit.deployments import Batch
from qaml_qiskit.evaluation import factors, label_losses
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies.family_names import FamilyName
from qaml_qiskit.studies.members import AskingMembers, Member

#: λ of the Laplace approximations that are tried.
PRIORS = tuple(float(10.0 ** (power / 2)) for power in range(-2, 15))
#: Samples of the angles at each λ, to choose it by.
_TRIED_SAMPLES = 5
#: Draws of the shots, of all members together, behind which a temperature is fitted.
_FITTED_DRAWS = 64
#: The names of the two halves of the validation images.
LEARNED, FITTED = "validation-learned", "validation-fitted"


@dataclass(frozen=True)
class FamilyAnswers:
    """What the members of a family say.

    Attributes:
        logits: of every set of images, shape (K, N, m).
        one_shot: what one shot scatters of them, shape (K, N, m, m), with one row for all members where it is the same;
            no set has any where shots were not asked for or the members take none.
        temperatures: of the members, K of them, so that the mean of their probabilities is honest.
        prior: λ that was chosen; None where there is none.
    """

    logits: Mapping[str, NDArray[np.float64]]
    one_shot: Mapping[str, NDArray[np.float64]]
    temperatures: tuple[float, ...]
    prior: float | None = None

    def uncertainty(self, name: str, shots: int | None, seed: int) -> Uncertainty:
        """What the mean of the members is unsure about for a set of images.

        Args:
            name: of the set.
            shots: of every image; None for endless ones.
            seed: of the draws of the shots.
        """
        logits = self.logits[name]
        scattered = self.one_shot.get(name) if shots else None
        moments = []
        for number, (z, temperature) in enumerate(zip(logits, self.temperatures, strict=True)):
            if scattered is None or shots is None:
                moments.append(ShotMoments.exact(softmax(z, temperature)))
                continue
            covariance = scattered[min(number, len(scattered) - 1)] / shots
            generator = np.random.default_rng([seed, number])
            moments.append(ShotMoments.drawn(z, covariance, temperature, generator))
        return Uncertainty.of_moments(moments)


@dataclass(frozen=True)
class FamilyInquiry:
    """How families are asked.

    Attributes:
        run: keeps what each member says.
        work: says it.
        learned: one half of the validation images, for the priors.
        fitted: the other half, for the temperatures.
        others: names of all further sets.
        draws: members of a family that is drawn.
        models: of the ensemble.
        seed: of what is drawn of the linearised model, and of the shots behind which temperatures are fitted.
        shots: of every image; None for endless ones.
        progress: told about every member.
        pool: where they are asked.
    """

    run: Run
    work: AskingMembers
    learned: Batch
    fitted: Batch
    others: tuple[str, ...]
    draws: int
    models: int
    seed: int
    shots: int | None
    progress: Progress
    pool: Pool = HERE

    def answers(self, family: FamilyName) -> FamilyAnswers:
        """Of a family, with a temperature behind its mean."""
        if family == "laplace":
            return self._linearised()
        prior = self._prior_of_samples() if family == "laplace-samples" else None
        count = self.models if family == "ensemble" else self.draws
        found = self._asked(family, range(count), () if prior is None else (prior,))
        logits = {name: np.stack([said["logits"] for said in each]) for name, each in found.items()}
        scattered = {
            name: np.stack([said.get("one_shot", _no_scatter(said["logits"])) for said in each])
            for name, each in found.items()
            if any("one_shot" in said for said in each)
        }
        return self._with_temperatures(logits, scattered, own=family == "ensemble", prior=prior)

    def alone(self) -> FamilyAnswers:
        """Of the first model alone, at its temperature."""
        found = self._asked("ensemble", range(1), ())
        logits = {name: said["logits"][None] for name, (said,) in found.items()}
        scattered = {name: said["one_shot"][None] for name, (said,) in found.items() if "one_shot" in said}
        return self._with_temperatures(logits, scattered, own=True, prior=None)

    def _with_temperatures(
        self,
        logits: Mapping[str, NDArray[np.float64]],
        scattered: Mapping[str, NDArray[np.float64]],
        *,
        own: bool,
        prior: float | None,
    ) -> FamilyAnswers:
        """Each member's own where they are different models, else one for all; then a factor for the mean.

        The mean over the shots, too, where there are any.
        """
        values, labels = logits[FITTED], self.fitted.labels
        if own:
            temperatures = [fit_temperature(z, labels).value for z in values]
        else:
            temperatures = [fit_temperature(values.mean(axis=0), labels).value] * len(values)
        pooled = values
        if self.shots is not None and FITTED in scattered:
            pooled = scatter(values, scattered[FITTED] / self.shots, self.seed)
        factor = fit_pooled_temperature(pooled, labels, np.repeat(temperatures, len(pooled) // len(values)).tolist())
        return FamilyAnswers(logits, scattered, tuple(factor * each for each in temperatures), prior)

    def _linearised(self) -> FamilyAnswers:
        """Members of the linearised model: logits drawn with the covariance JΣJᵀ."""
        (tried,) = self._kept([Member("laplace", 0, LEARNED, PRIORS)])
        losses = [
            self._loss(_drawn(tried["logits"], covariance, self.draws, self.seed), self.learned)
            for covariance in tried["covariances"]
        ]
        prior = PRIORS[int(np.argmin(losses))]
        found = self._asked("laplace", range(1), (prior,))
        logits = {
            name: _drawn(said["logits"], said["covariances"][0], self.draws, self.seed)
            for name, (said,) in found.items()
        }
        scattered = {name: said["one_shot"][None] for name, (said,) in found.items() if "one_shot" in said}
        return self._with_temperatures(logits, scattered, own=False, prior=prior)

    def _prior_of_samples(self) -> float:
        tasks = [Member("laplace-samples", k, LEARNED, (prior,)) for prior in PRIORS for k in range(_TRIED_SAMPLES)]
        said = self._kept(tasks)
        losses = [
            self._loss(np.stack([each["logits"] for each in said[start : start + _TRIED_SAMPLES]]), self.learned)
            for start in range(0, len(said), _TRIED_SAMPLES)
        ]
        return PRIORS[int(np.argmin(losses))]

    @staticmethod
    def _loss(logits: NDArray[np.float64], batch: Batch) -> float:
        """NLL of the mean at the best temperature behind it."""
        temperature = fit_temperature(logits.mean(axis=0), batch.labels).value
        factor = fit_pooled_temperature(logits, batch.labels, [temperature] * len(logits))
        answers = FamilyAnswers({"": logits}, {}, (factor * temperature,) * len(logits))
        return float(label_losses(answers.uncertainty("", None, 0).probabilities, batch.labels).mean())

    def _asked(self, family: str, numbers: Sequence[int], priors: tuple[float, ...]) -> dict[str, list[Arrays]]:
        """What members say of all sets but the learned half, by set."""
        names = (FITTED, *self.others)
        tasks = [Member(family, number, name, priors) for name in names for number in numbers]
        said = self._kept(tasks)
        return {name: said[place * len(numbers) : (place + 1) * len(numbers)] for place, name in enumerate(names)}

    def _kept(self, members: Sequence[Member]) -> list[Arrays]:
        tasks = {each.key: each for each in members}
        told = {each.key: f"{each.source} {each.number + 1} on {each.images}" for each in members}
        bar = Bar(self.progress, "asking members", told)
        found = self.run.map(tasks, self.work, ARRAYS, bar=bar, pool=self.pool)
        return [found[each.key] for each in members]


def scatter(logits: NDArray[np.float64], covariance: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Draws of members' logits behind their shots, one member after the other, each with shots of its own.

    Args:
        logits: shape (K, N, m).
        covariance: by the shots, shape (K, N, m, m), or with one row for all members.
        seed: of the draws.

    Returns:
        Shape (K·R, N, m), with as many draws R of each as make 64 in all.
    """
    times = -(-_FITTED_DRAWS // len(logits))
    of_each = np.broadcast_to(covariance, (len(logits), *covariance.shape[1:]))
    pairs = enumerate(zip(logits, of_each, strict=True))
    return np.concatenate([_drawn(z, c, times, [seed, number]) for number, (z, c) in pairs])


def _drawn(
    logits: NDArray[np.float64], covariance: NDArray[np.float64], draws: int, seed: int | list[int]
) -> NDArray[np.float64]:
    """Normal draws around logits (N, m) with covariance (N, m, m), shape (K, N, m)."""
    generator, spread = np.random.default_rng(seed), factors(covariance)
    noise = generator.standard_normal((draws, *logits.shape))
    found: NDArray[np.float64] = logits + np.einsum("njk,dnk->dnj", spread, noise)
    return found


def _no_scatter(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """The covariance of logits (N, m) that no shot scatters, as of a network in an ensemble of circuits."""
    return np.zeros((*logits.shape, logits.shape[1]))
