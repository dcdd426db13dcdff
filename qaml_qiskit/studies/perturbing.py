"""Images attacked by PGD, for a prediction or a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run
from qaml_qiskit.attacks import AttackResult, PGDConfig
from qaml_qiskit.compute import Compute
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.pieces import looks_of, watched
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Inside, Progress
from qaml_qiskit.studies.attacking import attacked_module


def perturb(model: nn.Module, batch: Batch, attack: PGDConfig, compute: Compute, advance: Advance) -> AttackResult:
    """As :func:`~.attacking.attacked_module`; a bar takes :func:`perturb_steps`."""
    with watched(model, "attacking", perturb_steps(batch, attack), Inside(advance, counted=True)) as watching:
        return attacked_module(watching, batch, attack, compute)


def perturb_steps(batch: Batch, attack: PGDConfig) -> int:
    """How many steps of a bar an attack takes."""
    return looks_of(batch.images, attack.steps)


def perturb_everywhere(
    run: Run,
    sources: Mapping[str, tuple[Deployment, Batch]],
    strengths: Sequence[float],
    attack: PGDConfig,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[tuple[str, float], Tensor]:
    """Images of shape (N, C, H, W), attacked on each deployment: on a device, through the noise of layers and readout.

    Args:
        run: keeps them.
        sources: deployments and their images, by a key that is part of a file's name.
        strengths: of the attack.
        attack: all of it but the strength.
        progress: told about every step.
        pool: where the attacks are made.

    Returns:
        By the key and the strength.
    """
    tasks = {f"blocks/attacked-{key}-{eps:g}": (key, eps) for key, eps in product(sources, strengths)}
    told = {file: f"{sources[key][0].name}, ε = {eps:g}" for file, (key, eps) in tasks.items()}
    steps = {file: perturb_steps(sources[key][1], attack) for file, (key, _) in tasks.items()}
    bar = Bar(progress, "attacking images", told, steps)
    # One set of matrices serves all strengths.
    found = run.map(tasks, _Perturbing(sources, attack), ARRAYS, bar=bar, pool=pool, together=lambda task: task[0])
    return {tasks[file]: torch.from_numpy(kept["images"]) for file, kept in found.items()}


@dataclass(frozen=True)
class _Perturbing:
    """Attacks the images of a source with a strength."""

    sources: Mapping[str, tuple[Deployment, Batch]]
    attack: PGDConfig

    def __call__(self, task: tuple[str, float], advance: Advance) -> Arrays:
        deployment, batch = self.sources[task[0]]
        advance(0, "computing what the layers measure")
        attack = self.attack.model_copy(update={"eps": task[1]})
        return {"images": perturb(deployment.module, batch, attack, deployment.compute, advance).images.numpy()}
