"""Images attacked by PGD, for a prediction, a comparison or a report; told step by step.

The attack is that of ``attacking.py``. The images alone are kept, not where they are from.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run
from qaml_qiskit.attacks import AttackResult, PGDConfig
from qaml_qiskit.compute import Compute
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.studies.attacking import attacked_module


def perturb(module: nn.Module, batch: Batch, attack: PGDConfig, compute: Compute, advance: Advance) -> AttackResult:
    """As :func:`~.attacking.attacked_module`; every look at an image is a step, :func:`perturb_steps` of them."""
    with _watched(module, perturb_steps(batch, attack), advance):
        return attacked_module(module, batch, attack, compute)


def perturb_steps(batch: Batch, attack: PGDConfig) -> int:
    """How many images a model looks at during an attack: every one in each step, before and after."""
    return len(batch) * (attack.steps + 2)


@contextmanager
def _watched(module: nn.Module, total: int, advance: Advance) -> Iterator[None]:
    left = total

    def count(module: nn.Module, inputs: object, output: Tensor) -> None:
        # A wrapper may look once more than the attack does, to learn something about the model.
        nonlocal left
        steps = min(len(output), left)
        left -= steps
        advance(steps, f"attacking, {total - left} of {total}")

    hook = module.register_forward_hook(count)
    try:
        yield
    finally:
        hook.remove()


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
    told = {file: f"{Path(sources[key][0].name).name}, ε = {eps:g}" for file, (key, eps) in tasks.items()}
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
