"""How well detectors tell attacked and odd images from clean ones: the work behind ``qaml detect``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from qaml_qiskit.artifacts import AdversarialImages, Pool, Row, Run, open_pool, open_run
from qaml_qiskit.compute import DEFAULT_COMPUTE, Compute
from qaml_qiskit.detection import Evidence, FittedDetector
from qaml_qiskit.formats import Arrays, npz
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome
from qaml_qiskit.simulation import computing
from qaml_qiskit.studies import (
    AlarmRule,
    ShownImages,
    Suspects,
    calibrated_models,
    detection_row,
    evading_images,
    gather_evidence,
    make_adversarial,
    rules_of,
    score_sets,
)
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.detect.adapting import Evasions, send_attackers
from qaml_qiskit.workflows.detect.plan import DetectPlan
from qaml_qiskit.workflows.detect.report import write_report
from qaml_qiskit.workflows.detect.request import DetectRequest

#: Sets of clean images: what detectors learn from, what sets thresholds, and the test.
_TEACHING, _JUDGING, CLEAN = "teaching", "judging", "clean"
#: Columns that people are shown.
_SHOWN = (
    *("detector", "source", "attack", "eps", "auroc", "tpr_at_1fpr", "tpr_at_5fpr"),
    *("false_alarms", "false_positives", "true_positives", "caught_of_fooled", "evasion_rate", "adaptive"),
)

Scores = dict[tuple[str, str], NDArray[np.float64]]


@takes(DetectRequest)
def detect(
    request: DetectRequest,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    backends: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    compute: Compute = DEFAULT_COMPUTE,
) -> Outcome:
    """Watch a classifier with detectors, show them clean, attacked and odd images, and count the alarms.

    Raises:
        QamlError: the request cannot be served; nothing was computed.
    """
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    plan = DetectPlan(request, data_dir, backends, compute, progress)
    resolved = {**plan.resolved, **compute.record()}
    with opening as pool, computing(compute), open_run("detect", request, resolved, out, backends=backends) as run:
        if not run.complete:
            made = make_adversarial(run, plan.cells, plan.sources, plan.batch, progress, pool)
            evidence = _evidence(run, plan, made, progress, pool)
            fitted = _fitted(plan, evidence)
            others = {(key, name): what for (key, name), what in evidence.items() if key != _TEACHING}
            scores = score_sets(run, fitted, others, progress, pool)
            rules = {
                name: rules_of(each, scores[_JUDGING, name], request.false_alarms)
                for name, each in plan.detectors.items()
            }
            evasions = send_attackers(run, plan, fitted, rules, made, progress, pool)
            rows = _rows(plan, evidence, scores, rules, evasions)
            _write_scores(run, plan, evidence, scores, rules)
            write_report(run, plan, rows, evasions.rows(rules), _by_set(plan, scores))
    return Outcome.of(run, brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    # Whatever nobody asked for, such as sources of anomalies alone, is left out, and so are the intervals.
    rows = outcome.results
    names = [name for name in _SHOWN if any(row[name] is not None for row in rows)]
    return Brief([{name: row[name] for name in names} for row in rows], {}, outcome.notes)


def _evidence(
    run: Run, plan: DetectPlan, made: Mapping[str, AdversarialImages], progress: Progress, pool: Pool
) -> dict[tuple[str, str], Evidence]:
    """What every detector sees of all sets of images."""
    sets = {
        _TEACHING: ShownImages(plan.teaching.images, "validation images"),
        _JUDGING: ShownImages(plan.judging.images, "validation images"),
        CLEAN: ShownImages(plan.batch.images, "clean images"),
    }
    for key, attacked in plan.attacked.items():
        sets[key] = ShownImages(torch.from_numpy(attacked.images(made)), key)
    for key, odd in plan.anomalies.items():
        sets[key] = ShownImages(odd.images, odd.told, odd.watched)
    return gather_evidence(run, sets, plan.models, plan.detectors, plan.how, progress, pool)


def _fitted(plan: DetectPlan, evidence: Mapping[tuple[str, str], Evidence]) -> dict[str, FittedDetector]:
    """The detectors, fitted to what was set aside for it, with models at the temperatures of the same images."""
    labels = plan.teaching.labels
    some = next(iter(plan.detectors))
    models = calibrated_models(plan.models, evidence[_TEACHING, some], labels)
    return {
        name: each.fit(models, evidence[_TEACHING, name], torch.from_numpy(labels))
        for name, each in plan.detectors.items()
    }


def _suspects(plan: DetectPlan, evidence: Mapping[tuple[str, str], Evidence]) -> dict[str, Suspects]:
    """What should raise an alarm, by the keys of the sets."""
    some = next(iter(plan.detectors))

    def wrong(key: str, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = evidence[key, some].logits[0].argmax(1).numpy() != labels
        return found

    found = {
        key: Suspects(each.attack, each.source, each.eps, wrong(key, plan.batch.labels))
        for key, each in plan.attacked.items()
    }
    for key, odd in plan.anomalies.items():
        answers = None if odd.labels is None else wrong(key, odd.labels)
        found[key] = Suspects(odd.told, wrong=answers, paired=odd.labels is not None)
    return found


def _rows(
    plan: DetectPlan,
    evidence: Mapping[tuple[str, str], Evidence],
    scores: Scores,
    rules: Mapping[str, list[AlarmRule]],
    evasions: Evasions,
) -> list[Row]:
    rows = []
    for name in plan.detectors:
        clean, judging = scores[CLEAN, name], scores[_JUDGING, name]
        for key, each in _suspects(plan, evidence).items():
            for rule in rules[name]:
                plain = evading_images(each, scores[key, name], rule)
                attacked = plan.attacked.get(key)
                best = None if attacked is None or plain is None else evasions.of(attacked, name, rule.threshold, plain)
                rows.append(detection_row(name, plan.models, each, scores[key, name], clean, judging, rule, best))
    return rows


def _by_set(plan: DetectPlan, scores: Scores) -> dict[str, dict[str, NDArray[np.float64]]]:
    """The scores of clean images and of suspects, by the name of the detector and what the set is to a reader."""
    told = {CLEAN: "clean", **{key: _told(plan, key) for key in (*plan.attacked, *plan.anomalies)}}
    return {name: {told[key]: scores[key, name] for key in told} for name in plan.detectors}


def _told(plan: DetectPlan, key: str) -> str:
    if key in plan.anomalies:
        return plan.anomalies[key].told
    each = plan.attacked[key]
    strength = "" if each.eps is None else f", ε = {each.eps:g}"
    return f"{each.attack}{strength} on {Path(each.source).name}"


def _write_scores(
    run: Run,
    plan: DetectPlan,
    evidence: Mapping[tuple[str, str], Evidence],
    scores: Scores,
    rules: Mapping[str, list[AlarmRule]],
) -> None:
    """What every detector and every model said of every image, with names enough to read it alone."""
    some = next(iter(plan.detectors))
    keys = [_JUDGING, CLEAN, *plan.attacked, *plan.anomalies]
    labelled = {_JUDGING: plan.judging, **dict.fromkeys([CLEAN, *plan.attacked], plan.batch)}
    labelled |= {key: plan.batch for key, odd in plan.anomalies.items() if odd.labels is not None}
    arrays: Arrays = {f"scores/{name}/{key}": scores[key, name] for name in plan.detectors for key in keys}
    arrays |= {f"logits/{key}": torch.stack(evidence[key, some].logits).numpy() for key in keys}
    arrays |= {f"labels/{key}": batch.labels for key, batch in labelled.items()}
    arrays |= {f"indices/{key}": batch.indices for key, batch in labelled.items()}
    arrays |= {f"thresholds/{name}": np.array([rule.threshold for rule in rules[name]]) for name in plan.detectors}
    models = np.array([model.name for model in plan.models])
    run.write("scores.npz", npz(models=models, detectors=np.array(list(plan.detectors)), sets=np.array(keys), **arrays))
