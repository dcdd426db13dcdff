"""Attackers who know the detector, and the alarms that they raise all the same."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts import Pool, Row, Run
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies import (
    MIX,
    Evasive,
    Rule,
    Shown,
    Suspects,
    Watched,
    detection_row,
    evasive_attackers,
    make_evasive,
    score_sets,
    see_images,
)
from qaml_qiskit.workflows.detect.plan import CLEAN, JUDGING, DetectPlan


def evaded_rows(
    run: Run,
    plan: DetectPlan,
    watched: Watched,
    scores: Mapping[tuple[str, str], NDArray[np.float64]],
    rules: Mapping[str, list[Rule]],
    progress: Progress,
    pool: Pool,
) -> list[Row]:
    """A row a detector, rule, variant of the attacker and strength; each attacker knows what he is up against.

    Args:
        run: keeps the images, and what is said of them.
        plan: what is done.
        watched: what the attackers know.
        scores: of the sets of clean images, by their names and those of the detectors.
        rules: of every detector.
        progress: told about every attacker.
        pool: where it is done.
    """
    rows: list[Row] = []
    for name, detector in plan.detectors.items():
        teams = _teams(plan, name, rules[name])
        attackers = {key: attacker for team in teams.values() for key, attacker in team.items()}
        made = make_evasive(run, attackers, watched, plan.request.seed, progress, pool)
        sets = {key: Shown(torch.from_numpy(_images(plan, team, made)), key) for key, team in teams.items()}
        seen = see_images(run, sets, plan.models, {name: detector}, plan.how, progress, pool)
        found = score_sets(run, {name: watched.fitted[name]}, seen, progress, pool)
        clean, judging = (scores[each, name] for each in (CLEAN, JUDGING))
        for rule, (key, team) in product(rules[name], teams.items()):
            one = next(iter(team.values()))
            if one.rule.threshold != rule.threshold:
                continue
            wrong = seen[key, name].logits[0].argmax(1).numpy() != plan.batch.labels
            attack, eps = (MIX, None) if None in plan.strengths() else ("pgd", one.attack.eps)
            suspects = Suspects(attack, plan.watched.name, eps, wrong, adaptive=one.attack.variant)
            rows.append(detection_row(name, plan.models, suspects, found[key, name], clean, judging, rule))
    return rows


def _teams(plan: DetectPlan, name: str, rules: list[Rule]) -> dict[str, dict[str, Evasive]]:
    """By the key of a set the attackers, by keys, who make its images, each of other rows of the batch.

    Rules with one threshold are one to an attacker.
    """
    teams: dict[str, dict[str, Evasive]] = {}
    # Where every step differentiates the fit of a circuit to every image, a task shall take seconds all the same.
    together = 25 if any(model.encodes_slowly for model in plan.models) else 100
    for number, threshold in enumerate(dict.fromkeys(rule.threshold for rule in rules)):
        rule = next(each for each in rules if each.threshold == threshold)
        for variant, (eps, strengths) in product(plan.request.adaptive, plan.strengths().items()):
            key = f"{variant}-{name}-{number}-{eps or MIX}"
            attackers = evasive_attackers(name, rule, plan.adaptive(variant), strengths, together)
            teams[key] = {f"{key}-eps{each.attack.eps}-{each.rows[0]:06d}": each for each in attackers}
    return teams


def _images(
    plan: DetectPlan, team: Mapping[str, Evasive], made: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    images = np.empty(tuple(plan.batch.images.shape), dtype=np.float32)
    for key, attacker in team.items():
        images[list(attacker.rows)] = made[key]
    return images
