"""A substitute for a victim of which nothing but labels is known (Papernot et al. 2017, 1602.02697)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import HERE, Pool, Run
from qaml_qiskit.artifacts.training import TrainingData, fit
from qaml_qiskit.attacks.augmentation import jacobian_augmented
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.datasets import Dataset
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.freezing import differentiable, frozen
from qaml_qiskit.models import Clean, Model, ModelConfig, SubstituteCard, TrainingConfig
from qaml_qiskit.progress import Progress, Stopping, never
from qaml_qiskit.seeds import derived_seed
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies.scoring import score_images


@dataclass(frozen=True)
class Substituting:
    """How a substitute is trained.

    Attributes:
        victim: answers with labels; no more of it is used.
        config: of the substitute.
        training: of every round; its seed is that of everything.
        queries: Q, how many images the victim is asked about.
        step: λ of the augmentation.
    """

    victim: Deployment
    config: ModelConfig
    training: TrainingConfig
    queries: int
    step: float

    def sizes(self, first: int) -> list[int]:
        """How many images are known in every round: twice as many in each, until the queries are used up."""
        sizes = [first]
        while sizes[-1] < self.queries:
            sizes.append(min(2 * sizes[-1], self.queries))
        return sizes

    def rounds(
        self,
        first: Tensor,
        run: Run,
        progress: Progress,
        stopping: Stopping = never,
        pool: Pool = HERE,
        compute: Compute = DEFAULT_COMPUTE,
    ) -> Iterator[tuple[int, Model]]:
        """Ask, train and augment, round by round; each trains anew, from the same first weights.

        All images that are known are trained on, and the epoch is the one with the lowest loss on them: an attacker has
        no others. Answers, checkpoints and models are kept in the run, the last model where a training leaves its own.

        Args:
            first: the images that the attacker has, at most ``queries`` of them.
            run: keeps everything.
            progress: told about queries and steps of training.
            stopping: listens for requests to stop.
            pool: where the victim is asked.
            compute: where the substitute is trained.

        Yields:
            The number of queries so far and the substitute that was trained on their answers.

        Raises:
            PartialResultError: stopped; a checkpoint is written.
        """
        images, labels = first[:0], torch.empty(0, dtype=torch.long)
        fresh, sizes = first, self.sizes(len(first))
        for number, size in enumerate(sizes):
            answers = self.asked(f"queries{number}", fresh, run, progress, pool)
            images, labels = torch.cat([images, fresh]), torch.cat([labels, torch.from_numpy(answers)])
            last = number == len(sizes) - 1
            folder = "" if last else f"rounds/{number}/"
            data, clean = self._data(images, labels, len(first)), Clean()
            model = fit(self.config, self.training, clean, data, run, progress, stopping, folder, compute).model
            yield size, model
            if not last:
                fresh = self._augmented(model, images, labels, number, sizes[number + 1] - size)

    def asked(self, key: str, images: Tensor, run: Run, progress: Progress, pool: Pool = HERE) -> NDArray[np.int64]:
        """The victim's labels of images, shape (N,), kept in the run under a key."""
        return score_images(run, {key: images}, [self.victim], {key: key}, progress, pool)[
            key, self.victim.name
        ].predicted

    def _augmented(self, model: Model, images: Tensor, labels: Tensor, number: int, count: int) -> Tensor:
        """An image more for each that is known; where that were too many, for some of them, drawn at random."""
        generator = torch.Generator().manual_seed(derived_seed(self.training.seed, number))
        chosen = torch.randperm(len(images), generator=generator)[:count].sort().values
        with computing(DEFAULT_COMPUTE), differentiable(), frozen(model):
            return jacobian_augmented(model, images[chosen], labels[chosen], self.step)

    def _data(self, images: Tensor, labels: Tensor, first: int) -> TrainingData:
        card = self.victim.card.data
        names = tuple(map(str, card.classes))
        known = Dataset(card.dataset, images.numpy(), labels.numpy(), names)
        told = SubstituteCard(
            victim=self.victim.name, weights=self.victim.weights, queries=len(images), first=first, step=self.step
        )
        return TrainingData(known, known, known, card, substitute=told)


def first_images(batch: Batch, count: int, seed: int) -> tuple[Batch, Tensor]:
    """The images that a substitute is compared with its victim on, and those that its attacker begins with.

    Args:
        batch: clean images that the victim was not trained on.
        count: of the attacker's; at most half of them.
        seed: of the attacker's choice.

    Returns:
        The first half; and ``count`` images out of the second, shape (count, C, H, W).
    """
    half = len(batch) - len(batch) // 2
    chosen = half + np.random.default_rng(seed).permutation(len(batch) - half)[:count]
    return batch.first(half), batch.images[np.sort(chosen)]
