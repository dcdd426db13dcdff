"""What QVCs reach without noise: fidelity, clean accuracy, and robustness for every way to differentiate them."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from qaml_qiskit.artifacts import HERE, JSON, Bar, Pool, Row, Run
from qaml_qiskit.attacks import PGDConfig
from qaml_qiskit.deployments import Batch, Deployment, Ideal
from qaml_qiskit.deployments.pieces import in_pieces
from qaml_qiskit.evaluation import accuracy
from qaml_qiskit.models import QVC
from qaml_qiskit.progress import Advance, Inside, Progress
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies.perturbing import perturb, perturb_steps

Models = Mapping[str, tuple[Deployment, Batch]]


def score_without_noise(
    run: Run, models: Models, attack: PGDConfig, progress: Progress, pool: Pool = HERE
) -> dict[str, Row]:
    """Figures of QVCs: ``fidelity``, ``clean_accuracy``, ``robust_accuracy`` under all attacks, ``robust_RULE`` each.

    All have the same figures: of a rule that an encoding does not have, None.

    Args:
        run: keeps what is done.
        models: deployments and their images, by a key that is part of a file's name.
        attack: made once for every gradient rule of the encoding.
        progress: told about every image.
        pool: where.
    """
    encodings = {key: deployment.qvc.encoding for key, (deployment, _) in models.items()}
    rules = list(dict.fromkeys(rule for encoding in encodings.values() for rule in encoding.gradient_rules))
    tasks: dict[str, tuple[str, str | None]] = {}
    for key, encoding in encodings.items():
        tasks[f"blocks/scores-{key}"] = key, None
        tasks |= {f"blocks/robust-{key}-{rule}": (key, rule) for rule in encoding.gradient_rules}
    told = {file: f"{models[key][0].short_name}, {rule or 'clean images'}" for file, (key, rule) in tasks.items()}
    # An encoding that is fitted is fitted twice to the clean images.
    steps = {
        file: 2 * len(models[key][1]) if rule is None else perturb_steps(models[key][1], attack)
        for file, (key, rule) in tasks.items()
    }
    bar = Bar(progress, "scoring and attacking without noise", told, steps)
    found = run.map(tasks, _Scoring(models, attack), JSON, bar=bar, pool=pool)
    scores = {}
    for key in models:
        robust = {rule: np.array(found[file]) for file, (of, rule) in tasks.items() if of == key and rule is not None}
        scores[key] = {
            **found[f"blocks/scores-{key}"],
            "robust_accuracy": float(np.logical_and.reduce(list(robust.values())).mean()),
            **{
                f"robust_{rule.replace('-', '_')}": float(robust[rule].mean()) if rule in robust else None
                for rule in rules
            },
        }
    return scores


@dataclass(frozen=True)
class _Scoring:
    """A task is the key of a model, and the gradient rule of an attack."""

    models: Models
    attack: PGDConfig

    def __call__(self, task: tuple[str, str | None], advance: Advance) -> Any:
        """Which images withstand the attack; without a rule, what holds for clean images."""
        (deployment, batch), rule = self.models[task[0]], task[1]
        ideal = deployment.at(Ideal(rule=deployment.condition.rule))
        if rule is not None:
            victim = cast(QVC, copy(ideal.module))
            victim.encoding = deployment.qvc.encoding.differentiated(rule)
            return [bool(each) for each in perturb(victim, batch, self.attack, ideal.compute, advance).robust]
        inside = Inside(advance, counted=True)
        with torch.no_grad(), computing(ideal.compute):
            images = ideal.compute.placed(batch.images)
            fidelity = in_pieces(deployment.qvc.encoding.fidelity, images, "fidelity", inside).mean()
        logits = ideal.logits(batch.images, inside)
        return {"fidelity": float(fidelity), "clean_accuracy": accuracy(logits.numpy(), batch.labels).value}
