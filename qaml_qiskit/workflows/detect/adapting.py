"""The attackers of ``qaml detect`` who know the detectors: who is sent, and by which images each evades."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages, Pool, Row, Run
from qaml_qiskit.detection import FittedDetector
from qaml_qiskit.evaluation import Proportion
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies import (
    AdaptiveAttempt,
    AlarmRule,
    AttackedSet,
    AttackStrength,
    ShownImages,
    attacked_strengths,
    gather_evidence,
    make_adaptive,
    score_sets,
    strength_of,
)
from qaml_qiskit.workflows.detect.plan import DetectPlan


@dataclass(frozen=True)
class KnowingAttacker:
    """Who knows what: a detector, its threshold, a variant of the attack, and a strength."""

    detector: str
    threshold: float
    variant: str
    strength: AttackStrength

    def knows(self, detector: str, threshold: float, strength: AttackStrength) -> bool:
        """Whether this attacker knows that detector with that threshold, and attacks images of that strength."""
        return (self.detector, self.threshold, self.strength) == (detector, threshold, strength)


@dataclass(frozen=True)
class Evasions:
    """The images by which attackers evade who know the detectors.

    Attributes:
        evades: which of the images of his strength fool the watched model and raise no alarm, by attacker.
    """

    evades: Mapping[KnowingAttacker, NDArray[np.bool_]]

    def of(
        self, attacked: AttackedSet, detector: str, threshold: float, plain: NDArray[np.bool_]
    ) -> NDArray[np.bool_] | None:
        """The images of a set by which the best attacker for each evades; None where nobody was sent.

        Args:
            attacked: the set.
            detector: that watches.
            threshold: of its rule.
            plain: by which those evade who made the set and do not know the detector, shape (N,); the attackers who
                know it know these images, too.
        """
        found, sent = plain.copy(), 0
        for cell in attacked.cells.values():
            if (strength := strength_of(cell)) is None:
                return None
            rows = slice(None) if cell.rows is None else np.array(cell.rows)
            mine = [evades for who, evades in self.evades.items() if who.knows(detector, threshold, strength)]
            for evades in mine:
                found[rows] |= evades
            sent += bool(mine)
        return found if sent == len(attacked.cells) else None

    def rows(self, rules: Mapping[str, list[AlarmRule]]) -> list[Row]:
        """How often every attacker evades who knows a detector, a row each, over all images of his strength."""
        together: dict[tuple[str, float, str, float], list[NDArray[np.bool_]]] = {}
        for who, evades in self.evades.items():
            together.setdefault((who.detector, who.threshold, who.variant, who.strength.eps), []).append(evades)
        rows: list[Row] = []
        for (detector, threshold, variant, eps), parts in together.items():
            found = Proportion(int(sum(part.sum() for part in parts)), sum(map(len, parts)))
            share = {"images": found.trials, "evasion_rate": found.value, "evasion_interval": list(found.interval)}
            for rule in rules[detector]:
                if rule.threshold == threshold:
                    row = {"detector": detector, "false_alarms": rule.false_alarms, "eps": eps, "variant": variant}
                    rows.append({**row, **share})
        return rows


def send_attackers(
    run: Run,
    plan: DetectPlan,
    fitted: Mapping[str, FittedDetector],
    rules: Mapping[str, list[AlarmRule]],
    made: Mapping[str, AdversarialImages],
    progress: Progress,
    pool: Pool,
) -> Evasions:
    """Attack the watched model and every detector at once, at the strengths of those who do not know the detectors.

    Images are made through exact modules, and judged as the models are deployed: by shots where they are on targets.

    Args:
        run: keeps the images, and what the models say of them.
        plan: what was asked for.
        fitted: the detectors.
        rules: of every detector.
        made: what attackers made who do not know the detectors, by the keys of their cells.
        progress: told about every piece.
        pool: where it is done.
    """
    who: dict[str, KnowingAttacker] = {}
    attempts: dict[str, AdaptiveAttempt] = {}
    for number, (strength, cells) in enumerate(attacked_strengths(plan.attacked).items()):
        known = tuple(made[cell].images for cell in cells)
        for attacker in plan.attackers(strength.eps):
            for name, own in rules.items():
                # Rules with one threshold are one to an attacker.
                for place, threshold in enumerate(dict.fromkeys(rule.threshold for rule in own)):
                    key = f"{name}-{place}-{attacker.variant}-{number}-eps{strength.eps}"
                    told = f"{attacker.variant} with ε = {strength.eps:g} on {plan.watched.name} and {name}"
                    who[key] = KnowingAttacker(name, threshold, attacker.variant, strength)
                    attempts[key] = AdaptiveAttempt(name, threshold, attacker, strength.rows, known, told)
    if not attempts:
        return Evasions({})
    images = make_adaptive(
        run, attempts, plan.models, plan.detectors, fitted, plan.batch, plan.request.seed, progress, pool
    )
    return Evasions(_judged(run, plan, fitted, attempts, who, images, progress, pool))


def _judged(
    run: Run,
    plan: DetectPlan,
    fitted: Mapping[str, FittedDetector],
    attempts: Mapping[str, AdaptiveAttempt],
    who: Mapping[str, KnowingAttacker],
    images: Mapping[str, NDArray[np.float32]],
    progress: Progress,
    pool: Pool,
) -> dict[KnowingAttacker, NDArray[np.bool_]]:
    """By which images each attacker evades; every detector is shown its own attackers' images alone."""
    found = {}
    for name, detector in plan.detectors.items():
        mine = {key: attempt for key, attempt in attempts.items() if attempt.detector == name}
        sets = {
            f"adaptive-{key}": ShownImages(torch.from_numpy(images[key]), attempt.told) for key, attempt in mine.items()
        }
        evidence = gather_evidence(run, sets, plan.models, {name: detector}, plan.how, progress, pool)
        scores = score_sets(run, fitted, evidence, progress, pool)
        for key, attempt in mine.items():
            place = f"adaptive-{key}", name
            labels = plan.batch.labels if attempt.rows is None else plan.batch.labels[np.array(attempt.rows)]
            wrong = evidence[place].logits[0].argmax(1).numpy() != labels
            found[who[key]] = wrong & ~(scores[place] > attempt.threshold)
    return found
