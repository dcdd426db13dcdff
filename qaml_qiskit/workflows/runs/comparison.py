"""Runs side by side: the work behind ``qaml runs compare``."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qaml_qiskit.artifacts import METRICS_FILE, Row, open_run
from qaml_qiskit.errors import InputError, QamlError
from qaml_qiskit.evaluation import paired_difference, paired_test
from qaml_qiskit.reports import Outcome, Report, accuracy_bars
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.runs.predictions import NamedImages, named_images, shared_images
from qaml_qiskit.workflows.runs.request import CompareRequest
from qaml_qiskit.workflows.runs.summary import Summary, summary_of

_READING = (
    "accuracy: on the test set (train), of the last stage (run, demo), or under the worst attack (attack, audit), with "
    "its 95 % interval; other commands answer with many. paired: on the images that both runs saw, how much more often "
    "the run is right than the first one, with a 95 % interval (Newcombe) and the p-value of McNemar's exact test."
)


@dataclass(frozen=True)
class _Compared:
    rows: list[Row]
    paired: list[Row]
    notes: list[str]


@takes(CompareRequest)
def compare_runs(request: CompareRequest, *, out: Path | None = None) -> Outcome:
    """Put runs side by side, and compare each with the first one on the images that both saw.

    The table ``paired`` has a row for every run behind the first that shares images with it. Runs that are unfinished
    or damaged have a row that says so. A page is kept where ``out`` names a folder, and nothing is kept otherwise.

    Raises:
        InputError: a folder that is no run.
    """
    summaries = [_summary(Path(name)) for name in request.runs]
    compared = _compare(summaries)
    if out is None:
        tables = {"paired": compared.paired} if compared.paired else {}
        return Outcome(request.command, None, compared.rows, tables, tuple(compared.notes))
    resolved = {"metrics": [_fingerprint(each.path) for each in summaries]}
    with open_run(request.command, request, resolved, out) as run:
        if not run.complete:
            report = Report(run, request.command_line(run.config), f"{len(summaries)} runs side by side")
            report.table("Runs", compared.rows, *compared.notes, file="runs.csv")
            if any(each.accuracy is not None for each in summaries):
                report.picture("accuracy.png", _picture(summaries), "Accuracy of every run; bars: 95 % intervals.")
            if compared.paired:
                report.table("Paired differences", compared.paired, file="paired.csv")
            report.finish(_lead(compared), compared.rows, compared.notes, paired=compared.paired)
    return Outcome.of(run, "paired")


def _summary(path: Path) -> Summary:
    found = summary_of(path)
    if found is None:
        raise InputError(
            f"{path} cannot be compared",
            got="a folder that is no run" if path.is_dir() else "no folder",
            expected="a run folder",
            remedy="check the path; `qaml runs list` names the runs below a folder",
        )
    return found


def _compare(summaries: Sequence[Summary]) -> _Compared:
    notes = [_READING]
    named: list[NamedImages | None] = []
    for each in summaries:
        try:
            named.append(named_images(each))
        except QamlError as error:
            named.append(None)
            notes.append(f"{error}")
        notes += [f"{each.path}: {each.damage}"] if each.damage else []
    first, paired = summaries[0], []
    for other, images in zip(summaries[1:], named[1:], strict=True):
        if named[0] is None or images is None:
            missing = first if named[0] is None else other
            notes.append(f"{other.path} is not paired: {missing.path} keeps no label for every image.")
            continue
        shared = shared_images(named[0], images)
        if isinstance(shared, str):
            notes.append(f"{other.path} is not paired with {first.path}: {shared}.")
            continue
        before, now = shared
        difference, interval = paired_difference(now, before)
        gained, lost, p_value = paired_test(now, before)
        paired.append(
            {
                "run": str(other.path),
                "against": str(first.path),
                "images": len(now),
                "accuracy": float(now.mean()),
                "accuracy_against": float(before.mean()),
                "difference": difference,
                "interval": list(interval),
                "only_run": gained,
                "only_against": lost,
                "p_value": p_value,
            }
        )
    return _Compared([each.row() for each in summaries], paired, notes)


def _picture(summaries: Sequence[Summary]) -> bytes:
    bars = {
        str(each.path): (each.accuracy, *(each.interval or (each.accuracy, each.accuracy)))
        for each in summaries
        if each.accuracy is not None
    }
    return accuracy_bars([*bars], {"accuracy": [*bars.values()]}, chance=None)


def _lead(compared: _Compared) -> str:
    apart = [row for row in compared.paired if not row["interval"][0] <= 0 <= row["interval"][1]]
    if not compared.paired:
        return f"{len(compared.rows)} runs, none of which can be paired with the first one."
    return (
        f"{len(compared.rows)} runs; {len(compared.paired)} can be paired with the first one, {len(apart)} of which "
        "differ from it by more than chance explains."
    )


def _fingerprint(path: Path) -> str:
    file = path / METRICS_FILE
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""
