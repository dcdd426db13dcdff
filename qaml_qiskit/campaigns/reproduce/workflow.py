"""Go through papers, item by item: the work behind ``qaml reproduce``."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.campaigns.reproduce.carrying import Carrying
from qaml_qiskit.campaigns.reproduce.findings import PaperFindings
from qaml_qiskit.campaigns.reproduce.foreseeing import check_rows
from qaml_qiskit.campaigns.reproduce.listing import listed
from qaml_qiskit.campaigns.reproduce.planning import Planning, check_data
from qaml_qiskit.campaigns.reproduce.report import brief_claims, write_report
from qaml_qiskit.campaigns.reproduce.request import ReproduceRequest
from qaml_qiskit.campaigns.reproduce.results import Results
from qaml_qiskit.campaigns.steps import STEPS_FOLDER, StepPool
from qaml_qiskit.errors import ConfigurationError, InUseError, ignored_options
from qaml_qiskit.papers import find_items, load_paper
from qaml_qiskit.papers.catalogue import paper_part
from qaml_qiskit.papers.schema import Paper
from qaml_qiskit.progress import Progress, Silent, Stopping, never
from qaml_qiskit.reports import Outcome
from qaml_qiskit.workflows.calling import takes

#: Seconds between two looks at a page that another process writes.
_PAUSE = 0.5


@takes(ReproduceRequest, lasts=lambda request, around: True)
def reproduce(
    request: ReproduceRequest,
    *,
    out: Path | None = None,
    steps_dir: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    stopping: Stopping = never,
) -> Outcome:
    """Run what a paper's figures, tables and statements need, and put what is found beside what is published.

    Every model and every run is a step in ``steps_dir``, found again by what decides its result: a call that was
    stopped goes on, and other items, papers and benchmarks take what is finished. Kept references and kept runs serve
    where the plan names them. Several processes may share a folder of steps; each takes what is free.

    Raises:
        PartialResultError: stopped; the same call goes on (exit code 6).
        QamlError: the request cannot be served, or a step failed; what was finished is kept.
    """
    if request.only_list:
        given: dict[str, object] = {} if request.is_default("tier") else {"tier": request.tier}
        given |= {} if out is None else {"out": str(out)}
        if given:
            raise ignored_options("the list, which shows every tier and keeps nothing,", given, "neither")
        return listed(request.items[1:], steps_dir or STEPS_FOLDER, request.seeds)
    progress = progress or Silent()
    around = {
        "data_dir": data_dir,
        "workers": workers,
        "scheduler": scheduler,
        "progress": progress,
        "stopping": stopping,
    }
    pool = StepPool(steps_dir or STEPS_FOLDER, around)
    plannings = plan_items(request)
    for planning in plannings.values():
        check_rows(planning)
    carryings = [Carrying(planning, pool, progress) for planning in plannings.values()]
    for each in carryings:
        check_data(each.planning, each.missing, data_dir)
    if any(each.missing for each in carryings):
        pool.check_folder()
    resolved = {"papers": {each.paper.name: _fingerprint(each.paper) for each in plannings.values()}}
    # Looked at before anything is computed; other processes may carry out the same plan meanwhile.
    with _opened(request, resolved, out) as run:
        pass
    if not run.complete:
        for each in carryings:
            each.carry_out()
        with _opened(request, resolved, run.path) as run:
            if not run.complete:
                found = [_findings(request, asked, each) for asked, each in zip(plannings, carryings, strict=True)]
                write_report(run, request.command_line(run.config), found)
    return Outcome.of(run, brief=brief_claims)


def _opened(request: ReproduceRequest, resolved: Mapping[str, Any], out: Path | None) -> Run:
    """The run of the page, as soon as no other process writes the same."""
    while True:
        try:
            return open_run("reproduce", request, resolved, out)
        except InUseError:
            time.sleep(_PAUSE)


def plan_items(request: ReproduceRequest) -> dict[str, Planning]:
    """The jobs of every paper that is asked for, by the words that named it first.

    Raises:
        ConfigurationError: an item that there is not, or a plan that does not fit.
    """
    asked: dict[str, list[str]] = {}
    papers: dict[str, Paper] = {}
    words_of: dict[str, str] = {}
    for words in request.items:
        paper, items = find_items(words)
        if papers.setdefault(paper.name, paper) != paper:
            raise ConfigurationError(
                "two papers cannot be on one page",
                got=f"two of the name {paper.name}",
                expected="papers whose folders have names of their own",
                remedy="reproduce them one by one, or rename a folder",
            )
        words_of.setdefault(paper.name, paper_part(words))
        asked.setdefault(paper.name, []).extend(items)
    return {
        words_of[name]: Planning(paper, tuple(dict.fromkeys(asked[name])), request.tier, request.seeds)
        for name, paper in papers.items()
    }


def _findings(request: ReproduceRequest, asked: str, carried: Carrying) -> PaperFindings:
    planning = carried.planning
    measured = Results(planning, carried.known)
    return PaperFindings(planning.paper, planning.items, request.tier, request.seeds, measured, asked)


def _fingerprint(paper: Paper) -> str:
    return hashlib.sha256(paper.model_dump_json().encode()).hexdigest()[:16]


def list_reproductions(papers: Sequence[str] = (), *, steps_dir: Path | None = None) -> Outcome:
    """What ``qaml reproduce list`` shows: every item of every paper, and what is there of it."""
    for name in papers:
        load_paper(name)
    return listed(tuple(papers), steps_dir or STEPS_FOLDER, 1)
