"""Audits of defences, attacker by attacker, kept in the run, and what they come to in tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, JSON, Bar, Pool, Row, Run
from qaml_qiskit.attacks import Attack, Attacker, DefenceSettings, DefenceViews, DrawnAccuracy, Encounter, Rescaling
from qaml_qiskit.attacks.auditing.defence import DefenceReport, compare_twins, meet
from qaml_qiskit.attacks.auditing.findings import Gain
from qaml_qiskit.attacks.auditing.views import NOBODY, attackers_of
from qaml_qiskit.deployments import Batch, Deployment
from qaml_qiskit.deployments.defence_views import defence_views, paired_forms
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation import computing

#: What stands for the attacker in the row that has the verdict.
WORST = "worst"


@dataclass(frozen=True)
class Defence:
    """A defence to be audited.

    Attributes:
        defended: the deployment with it.
        twin: the same without it; None where there is none to compare with.
        sources: others, whose adversarial images are tried, too.
    """

    defended: Deployment
    twin: Deployment | None = None
    sources: tuple[Deployment, ...] = ()

    @property
    def views(self) -> DefenceViews:
        """The modules behind it: fresh ones every time where they draw, so that no task depends on an earlier one."""
        return defence_views(self.defended, self.twin, self.sources)

    @property
    def everyone(self) -> list[Deployment]:
        """The defended model, its twin and the sources."""
        return [self.defended, *([] if self.twin is None else [self.twin]), *self.sources]


def audit_defences(
    run: Run,
    defence: Defence,
    attacks: Sequence[Attack],
    batch: Batch,
    settings: DefenceSettings,
    progress: Progress,
    pool: Pool = HERE,
) -> dict[str, DefenceReport]:
    """Audit a defence under every attack; what each attacker did is kept as it finishes.

    Args:
        run: keeps it.
        defence: what is audited. Its deployments compute as they are deployed.
        attacks: by which gradients are followed, with their strengths; see :func:`.audit_defence`.
        batch: the clean images.
        settings: how.
        progress: told about every attacker.
        pool: where it is done.

    Returns:
        By attack and strength, such as ``pgd-eps0.1``.
    """
    named = {f"{each.name}-eps{each.budget}": each for each in attacks}
    everybody = attackers_of(defence.views, settings.draws)
    tasks: dict[str, _Task] = {"encounters/clean": _Task(NOBODY, attacks[0])}
    for key, attack in named.items():
        tasks |= {f"encounters/{key}-{place}": _Task(each, attack) for place, each in enumerate(everybody)}
    told = {key: task.told for key, task in tasks.items()}
    work = _Meeting(defence, batch, settings)
    bar = Bar(progress, "attacking the defence", told)
    met = run.map(tasks, work, _ENCOUNTER, bar=bar, pool=pool)
    compared = run.map(
        {f"comparisons/{key}": attack for key, attack in named.items()},
        _Comparing(defence, batch, settings),
        _COMPARISON,
        bar=Bar(progress, "comparing logits"),
        pool=pool,
    )
    reports: dict[str, DefenceReport] = {}
    constant = float(np.bincount(batch.labels).max()) / len(batch)
    for key, attack in named.items():
        mine = {each: met[f"encounters/{key}-{place}"] for place, each in enumerate(everybody)}
        same, zero = compared[f"comparisons/{key}"]
        reports[key] = DefenceReport(
            {NOBODY: met["encounters/clean"], **mine},
            defence.views.is_random,
            same,
            zero,
            constant,
            settings.relevant,
            attack.name,
            float(attack.budget or 0),
        )
    return reports


def defence_rows(model: str, reports: Iterable[DefenceReport]) -> list[Row]:
    """A row an attacker at every strength, the clean images first.

    The last one of a strength is that of the worst of all attackers, with the verdict.

    Args:
        model: the name of the defended deployment.
        reports: a strength each.
    """
    rows: list[Row] = []
    for report in reports:
        met = [(attacker, each) for attacker, each in report.encounters.items() if attacker != NOBODY or not rows]
        rows += [_row(model, report, who.name, who, each.defended, each.twin) for who, each in met]
        worst = _row(model, report, WORST, None, report.worst, report.twin_worst)
        rows.append({**worst, "verdict": report.verdict})
    return rows


def gain_rows(report: DefenceReport) -> list[Row]:
    """A row a gain: on clean images, of the published kind, what is left and lost of it, the gradient's noise in it."""
    gains = {
        "clean": (report.clean_gain, None),
        "published kind": (report.published_gain, None if report.left_share is None else 1.0),
        "left": (report.left, report.left_share),
        "lost": (report.lost, None if report.left_share is None else 1 - report.left_share),
        "gradient noise": (report.gradient_noise, report.noise_share),
    }
    return [
        {"attack": report.attack, "eps": report.eps, "gain": name, **_gain_columns(gain), "share_of_published": share}
        for name, (gain, share) in gains.items()
        if gain is not None
    ]


def defence_notes(reports: Mapping[str, DefenceReport]) -> list[str]:
    """What every audit found, in sentences."""
    notes = []
    for report in reports.values():
        told = f"{report.attack} with ε = {report.eps:g}"
        notes.append(f"{told}: {report.verdict}. {report.reason}")
        if report.no_better_than_constant:
            constant = f"{told}: a model that says the same of every image is right on {report.constant:.1%} of them"
            left = f"{report.worst.value:.1%} of this one under the worst attacker are not shown to be more"
            notes.append(f"{constant}; {left}.")
        if report.rescaling is not None and not report.reason.lower().startswith("mere"):
            notes.append(f"{told}, logits beside those of the undefended model: {report.rescaling.told}.")
        if report.masked_by:
            names = ", ".join(each.told for each in report.masked_by)
            notes.append(f"{told}: gradients are masked. They are beaten by {names}.")
        if report.zero_gradients:
            notes.append(f"{told}: the gradient of {report.zero_gradients:.1%} of the images is zero or not finite.")
    return list(dict.fromkeys(notes))


def _row(
    model: str,
    report: DefenceReport,
    name: str,
    attacker: Attacker | None,
    defended: DrawnAccuracy,
    twin: DrawnAccuracy | None,
) -> Row:
    clean = attacker == NOBODY
    return {
        "model": model,
        "attacker": name,
        "draws": None if attacker is None else attacker.draws,
        "attack": "none" if clean else "square" if name == "queries" else report.attack,
        "eps": 0.0 if clean else report.eps,
        "accuracy": defended.value,
        "interval": list(defended.interval),
        "undefended_accuracy": None if twin is None else twin.value,
        "undefended_interval": None if twin is None else list(twin.interval),
        "verdict": None,
        "images": defended.correct.shape[1],
    }


def _gain_columns(gain: Gain) -> Row:
    return {"value": gain.value, "interval": list(gain.interval), "p_value": gain.p_value}


@dataclass(frozen=True)
class _Task:
    """One attacker at one strength."""

    attacker: Attacker
    attack: Attack

    @property
    def told(self) -> str:
        if self.attacker == NOBODY:
            return "clean images"
        return f"{self.attacker.told}, ε = {self.attack.budget:g}"


@dataclass(frozen=True)
class _Meeting:
    """The work: an attacker to who is right about its images."""

    defence: Defence
    batch: Batch
    settings: DefenceSettings

    def __call__(self, task: _Task, advance: Advance) -> Encounter:
        compute = self.defence.defended.compute
        images, labels = compute.placed(self.batch.images), torch.from_numpy(self.batch.labels)
        with computing(compute):
            return meet(self.defence.views, task.attacker, images, labels, task.attack, self.settings)


@dataclass(frozen=True)
class _Comparing:
    """The work: an attack to whether the defence is a rescaling, and whether its gradients vanish."""

    defence: Defence
    batch: Batch
    settings: DefenceSettings

    def __call__(self, attack: Attack, advance: Advance) -> tuple[Rescaling | None, float | None]:
        compute, eps = self.defence.defended.compute, float(attack.budget or 0)
        images, labels = compute.placed(self.batch.images), torch.from_numpy(self.batch.labels)
        with computing(compute):
            return compare_twins(self.defence.views, images, labels, eps, self.settings, self._forms)

    @cached_property
    def _forms(self) -> tuple[Tensor, Tensor] | None:
        return paired_forms(self.defence.defended, self.defence.twin)


def _arrays(met: Encounter) -> Arrays:
    found = {"defended": met.defended.correct.numpy(), "rehearsed": met.rehearsed.correct.numpy()}
    return found if met.twin is None else {**found, "twin": met.twin.correct.numpy()}


def _encounter(arrays: Arrays) -> Encounter:
    defended, rehearsed = (DrawnAccuracy(torch.from_numpy(arrays[name])) for name in ("defended", "rehearsed"))
    twin = DrawnAccuracy(torch.from_numpy(arrays["twin"])) if "twin" in arrays else None
    return Encounter(defended, rehearsed, twin)


def _compared(found: Any) -> tuple[Rescaling | None, float | None]:
    same = found["rescaling"]
    return None if same is None else Rescaling(**same), found["zero_gradients"]


_ENCOUNTER = ARRAYS.of(_arrays, _encounter)
_COMPARISON = JSON.of(
    lambda found: {"rescaling": None if found[0] is None else dict(vars(found[0])), "zero_gradients": found[1]},
    _compared,
)
