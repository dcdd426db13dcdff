"""Images measured in rounds of shots: drawn from what a device would measure, or sampled on a simulated target."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.codecs import ARRAYS
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.confidence import SequentialRule, SequentialTest, Trail, measure_in_rounds
from qaml_qiskit.confidence.policies import Done
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.sampling import sample_shots
from qaml_qiskit.evaluation import LinearHead, Products, ReadoutMap
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.seeds import derived_seed

Floats = NDArray[np.float64]
#: Images between two files: what a kill can lose.
_BLOCK = 50


@dataclass(frozen=True)
class ShotScores:
    """What one shot says of the classes: a linear function of the products of Z that it read.

    Readout errors that are inverted qubit by qubit are a part of it: (r − offset)/contrast in the place of r = ±1. That
    is what mitigation averages, so the scores of endless shots are the mitigated logits.

    Attributes:
        head: from products to scores.
        products: of the n measured qubits.
        readout: the errors that are inverted; None where none are.
    """

    head: LinearHead
    products: Products
    readout: ReadoutMap | None = None

    def scores(self, bits: NDArray[np.integer]) -> Floats:
        """Of every shot, shape (…, m), from zeros and ones of shape (…, n)."""
        read = 1.0 - 2.0 * bits
        if self.readout is not None:
            read = (read - self.readout.offset) / self.readout.contrast
        values = np.stack([read[..., list(string)].prod(axis=-1) for string in self.products.strings], axis=-1)
        return np.asarray(self.head.logits(values), dtype=np.float64)

    @property
    def table(self) -> Floats:
        """The scores of every bitstring, the first qubit in the last bit, shape (2^n, m)."""
        n = self.products.num_bits
        return self.scores(np.arange(2**n)[:, None] >> np.arange(n) & 1)

    @property
    def reach(self) -> Floats:
        """How far two classes' scores can be apart in one shot, at most; shape (m, m)."""
        matrix, offset = np.asarray(self.head.matrix, float), np.asarray(self.head.offset, float)
        apart = np.abs(matrix[:, None] - matrix[None])
        return np.asarray(apart @ self._largest + np.abs(offset[:, None] - offset[None]))

    @property
    def test(self) -> SequentialTest:
        """How differences are tested: by their signs where each is −d, 0 or d in every shot, else by bets."""
        return "sign" if self.readout is None and self._is_coin else "betting"

    @property
    def _largest(self) -> Floats:
        """The largest absolute value of each product, shape (S,)."""
        if self.readout is None:
            return np.ones(len(self.products.strings))
        most = (1 + np.abs(self.readout.offset)) / self.readout.contrast
        return np.array([most[list(string)].prod() for string in self.products.strings])

    @property
    def _is_coin(self) -> bool:
        """Whether any two classes differ by one product, or by two with equal weights, and by nothing else."""
        matrix, offset = np.asarray(self.head.matrix), np.asarray(self.head.offset)
        for one, other in combinations(range(len(matrix)), 2):
            weights = np.unique(np.abs(matrix[one] - matrix[other]), return_counts=True)
            sizes = {size: count for size, count in zip(*weights, strict=True) if size}
            if offset[one] != offset[other] or len(sizes) > 1 or sum(sizes.values()) > 2:
                return False
        return True


@dataclass(frozen=True)
class _Drawn:
    """Some images, by how often each of their bitstrings is read, and where they are among all of their set."""

    frequencies: NDArray[np.floating]
    first: int
    stream: int


@dataclass(frozen=True)
class _Drawing:
    """Draws rounds of shots of some images, again and again."""

    reading: ShotScores
    rule: SequentialRule
    repetitions: int
    seed: int

    def __call__(self, block: _Drawn, advance: Advance) -> Arrays:
        chances = block.frequencies.cumsum(axis=1)
        chances /= chances[:, -1:]
        table = self.reading.table
        starts, budget, found = (0, *self.rule.rounds), self.rule.rounds[-1], []
        for repetition in range(self.repetitions):
            # Of every image by itself, so that it does not depend on the others.
            words = [self.seed, block.stream, repetition]
            numbers = np.stack(
                [
                    np.searchsorted(row, np.random.default_rng([*words, block.first + k]).random(budget), side="right")
                    for k, row in enumerate(chances)
                ]
            )

            def measure(
                number: int, rows: NDArray[np.int64], shots: int, numbers: NDArray[np.int64] = numbers
            ) -> Floats:
                return table[numbers[rows, starts[number] : starts[number] + shots]]

            found.append(measure_in_rounds(self.rule, len(chances), measure))
        return _joined_repetitions(found)


def _joined_repetitions(trails: list[Trail]) -> Arrays:
    return {name: np.concatenate([getattr(each, name) for each in trails]) for name in ("logits", "lead", "certain")}


def forecast_trails(
    run: Run,
    frequencies: Mapping[str, NDArray[np.floating]],
    reading: ShotScores,
    rule: SequentialRule,
    repetitions: int,
    seed: int,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[str, Trail]:
    """Rounds of shots drawn from the exact distributions of what a device would read; they cost nothing.

    Args:
        run: keeps what is done, block by block.
        frequencies: of every bitstring, shape (N, 2^n), by the name of a set of images; see :class:`.Prediction`.
        reading: makes scores of bitstrings.
        rule: with its rounds.
        repetitions: A.
        seed: of the shots.
        progress: told about every image.
        pool: where the blocks are computed.
    """
    tasks = {
        f"trails/{name}-{start:06d}": _Drawn(whole[start : start + _BLOCK], start, stream)
        for stream, (name, whole) in enumerate(frequencies.items())
        for start in range(0, len(whole), _BLOCK)
    }
    steps = {key: len(task.frequencies) for key, task in tasks.items()}
    bar = Bar(progress, "drawing shots", steps=steps)
    found = run.map(tasks, _Drawing(reading, rule, repetitions, seed), ARRAYS, bar=bar, pool=pool)
    trails = {}
    for stream, name in enumerate(frequencies):
        blocks = [found[key] for key, task in tasks.items() if task.stream == stream]
        whole = {part: np.concatenate([block[part] for block in blocks], axis=1) for part in blocks[0]}
        trails[name] = Trail(rule.rounds, whole["logits"], whole["lead"], whole["certain"])
    return trails


def sampled_trail(
    run: Run,
    deployment: Deployment,
    batch: Batch,
    reading: ShotScores,
    rule: SequentialRule,
    done: Done | None,
    seed: int,
    progress: Progress,
    pool: Pool = HERE,
) -> Trail:
    """Rounds of shots sampled on a simulated target: a round is a workload of the images that are still measured.

    What a killed process sampled is not sampled again: every round has a folder below ``rounds`` with its ledger, and
    which images it is about follows from the rounds before.

    Args:
        run: keeps the rounds.
        deployment: on the target.
        batch: the images.
        reading: makes scores of shots.
        rule: with its rounds.
        done: see :func:`.measure_in_rounds`.
        seed: of the sampling; every round has its own.
        progress: told about every job.
        pool: where the jobs are computed.

    Raises:
        ConfigurationError: the target is no simulator.
    """
    values = deployment.values(batch.images, progress)

    def measure(number: int, rows: NDArray[np.int64], shots: int) -> Floats:
        bits = sample_shots(
            deployment.compiled,
            values[rows],
            shots=shots,
            seed=derived_seed(seed, number),
            folder=run.path / "rounds" / f"{number:02d}",
            told=f"round {number + 1} on {deployment.compiled.target.name}",
            progress=progress,
            pool=pool,
        )
        return reading.scores(bits)

    return measure_in_rounds(rule, len(batch), measure, done)
