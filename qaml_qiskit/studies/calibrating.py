"""What a deployment says of sets of images, as logits, and what probabilities made of them are worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Row, Run
from qaml_qiskit.confidence import Recalibration, Temperature, softmax
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.evaluation import BINS, CalibrationFigures, calibration_figures, reliability
from qaml_qiskit.execution import CountsMitigation
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Inside, Progress

Floats = NDArray[np.floating]

#: Images between two files: what a kill can lose. On a device each costs a propagation.
_BLOCK, _DEVICE_BLOCK = 1000, 20


def score_logits(
    run: Run,
    deployment: Deployment,
    sets: Mapping[str, Tensor],
    told: Mapping[str, str],
    progress: Progress,
    pool: Pool = HERE,
    mitigation: CountsMitigation = "readout",
) -> dict[str, Floats]:
    """Logits of sets of images, shape (N, m), as endless shots would give them. What is done is kept, block by block.

    Args:
        run: keeps them below ``logits/``.
        deployment: under any condition.
        sets: images of shape (N, C, H, W), by names that are names of files.
        told: what the sets are to a reader.
        progress: told about every image.
        pool: where it is done.
        mitigation: on a device, whether the readout errors stay (none), or are inverted, as both corrections of counts
            do with endless shots.
    """
    if deployment.kind == "device":
        # Made here, once: a worker gets the circuit that is there.
        _ = deployment.circuit
    size = _DEVICE_BLOCK if deployment.kind == "device" else _BLOCK
    blocks = {
        f"logits/{name}-{start:06d}": (name, images[start : start + size].clone())
        for name, images in sets.items()
        for start in range(0, len(images), size)
    }
    tasks = {key: images for key, (_, images) in blocks.items()}
    bar = Bar(
        progress,
        "scoring images",
        {key: told[name] for key, (name, _) in blocks.items()},
        {key: len(images) for key, images in tasks.items()},
    )
    found = run.map(tasks, _Scoring(deployment, mitigation), ARRAYS, bar=bar, pool=pool)
    return {
        name: np.concatenate([found[key]["logits"] for key, (of, _) in blocks.items() if of == name]) for name in sets
    }


@dataclass(frozen=True)
class _Scoring:
    """The work: images to logits."""

    deployment: Deployment
    mitigation: CountsMitigation

    def __call__(self, images: Tensor, advance: Advance) -> Arrays:
        if self.deployment.kind == "device" and self.mitigation != "none":
            strings = self.deployment.qvc.readout.bits
            z = self.deployment.moments(images, strings, advance, readout_errors=False)
            return {"logits": self.deployment.head.logits(z)}
        return {"logits": self.deployment.logits(images, Inside(advance, counted=True)).numpy()}


def sample_logits(
    run: Run,
    deployment: Deployment,
    sets: Mapping[str, Tensor],
    shots: int,
    mitigation: CountsMitigation,
    seed: int,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[str, Floats]:
    """Logits of sets of images, shape (N, m), sampled as one workload on a simulated target and mitigated.

    Args:
        run: keeps the jobs and what they answered.
        deployment: on a target.
        sets: images of shape (N, C, H, W), by name.
        shots: an image.
        mitigation: of readout errors.
        seed: of the sampling.
        progress: told about every job.
        pool: where the jobs are computed.

    Raises:
        ConfigurationError: as :meth:`.Deployment.sample`.
    """
    found = deployment.sample(sets, shots, mitigation, seed, run, progress, pool)
    stage = "raw" if mitigation == "none" else "mitigated"
    return {name: stages.logits()[stage] for name, stages in found.items()}


@dataclass(frozen=True)
class Way:
    """One way to make probabilities of logits.

    Attributes:
        stage: ``raw``, at a temperature of 1; ``trained``, at the one that belongs to the model's ideal logits; or
            ``recalibrated``, fitted to this condition.
        method: the name of a recalibration; none at a temperature of 1.
        recalibration: what was fitted; None at a temperature of 1.
    """

    stage: str
    method: str
    recalibration: Recalibration | None

    @property
    def name(self) -> str:
        """What a series of it is called."""
        return self.method if self.stage == "recalibrated" else self.stage

    @property
    def temperature(self) -> float | None:
        """T, where there is one."""
        if self.recalibration is None:
            return 1.0
        return self.recalibration.value if isinstance(self.recalibration, Temperature) else None

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Shape (N, m)."""
        return softmax(logits) if self.recalibration is None else self.recalibration.probabilities(logits)


@dataclass(frozen=True)
class Judged:
    """Probabilities of a set of images that were made in one way.

    Attributes:
        way: how.
        probabilities: shape (N, m).
        figures: what they are worth.
        rows: of the reliability diagram, in bins of equal width and of equal numbers.
    """

    way: Way
    probabilities: NDArray[np.float64]
    figures: CalibrationFigures
    rows: Mapping[str, list[Row]]

    @classmethod
    def of(cls, way: Way, logits: Floats, labels: NDArray[np.int64], bins: int = BINS, seed: int = 0) -> "Judged":
        """Judge the probabilities of N images.

        Args:
            way: how they are made.
            logits: shape (N, m).
            labels: shape (N,).
            bins: of the calibration errors.
            seed: of their intervals.
        """
        p = way.probabilities(logits)
        rows = {
            "equal width": reliability(p, labels, bins),
            "equal mass": reliability(p, labels, bins, adaptive=True),
        }
        return cls(way, p, calibration_figures(p, labels, bins=bins, seed=seed), rows)

    def row(self) -> Row:
        """Its figures, as a row of ``qaml calibrate`` without what the images are."""
        accuracy = self.figures.accuracy
        found: dict[str, Any] = {
            "images": accuracy.trials,
            "accuracy": accuracy.value,
            "interval": list(accuracy.interval),
            **self.figures.row(),
            "temperature": self.way.temperature,
        }
        return found
