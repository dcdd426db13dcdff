"""The page of a reproduction: every claim with its verdict, then every item with its pictures and commands."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.campaigns.reproduce.document import (
    VERDICTS_FILE,
    PaperVerdicts,
    ShownItem,
    ShownPicture,
    VerdictsFile,
    readable,
    verdicts_of,
)
from qaml_qiskit.campaigns.reproduce.findings import PaperFindings
from qaml_qiskit.campaigns.reproduce.pages import paper_page
from qaml_qiskit.campaigns.reproduce.pictures import draw_pictures
from qaml_qiskit.papers import VERDICTS
from qaml_qiskit.reports import REPORT_FILE, Brief, Linked, Outcome, Report, Section

#: Addresses of runs, seen from the page, by the name in the plan and the folder's.
Links = Mapping[str, Mapping[str, str]]

CLAIMS_FILE = "claims.csv"
#: Characters at which the texts of the table of claims are folded, so that all columns stand side by side.
_FOLDED = 22
#: Of claims in a terminal.
_MOST_CLAIMS = 30


def write_report(run: Run, command_line: str, found: Sequence[PaperFindings]) -> None:
    """Judge every paper's claims and write all there is about them; the metrics, last, finish the run.

    ``report.html``, ``verdicts.json``, ``claims.csv``, a page in Markdown a paper, a CSV a run of a plan, and pictures.

    Args:
        run: of the reproduction.
        command_line: that makes it again.
        found: for each paper.
    """
    documents: list[PaperVerdicts] = []
    pictures: dict[str, bytes] = {}
    for each in found:
        # Two papers may have a figure 2 each.
        prefix = "" if len(found) == 1 else f"{each.paper.name}-"
        shown: dict[str, list[ShownPicture]] = {}
        remarks: dict[str, list[str]] = {}
        for item in each.items:
            for file, png, caption in draw_pictures(each, item):
                if png is None:
                    remarks.setdefault(item, []).append(caption)
                    continue
                pictures[f"{prefix}{file}"] = png
                shown.setdefault(item, []).append(ShownPicture(file=f"{prefix}{file}", caption=caption))
        documents.append(verdicts_of(each, shown, remarks, prefix))
    title = documents[0].title if len(documents) == 1 else "Papers, claim by claim"
    report = Report(run, command_line, title)
    for each, document in zip(found, documents, strict=True):
        names = dict.fromkeys(name for item in each.items for name in each.ran(item))
        links = {
            name: {place.name: _address(place, run.path) for place in each.measured.places(name)} for name in names
        }
        _add_paper(report, document, pictures, links, named=len(documents) > 1)
        for file, name in {run.csv: run.run for item in document.items for run in item.runs}.items():
            report.csv(file, each.measured.rows(name))
        report.beside(f"{document.paper}.md", paper_page(document))
    rows = [_row(document, index) for document in documents for index in range(len(document.claims))]
    for file, png in pictures.items():
        report.beside(file, png)
    whole = VerdictsFile(papers=tuple(documents)).model_dump(mode="json")
    report.beside(VERDICTS_FILE, json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    report.csv(CLAIMS_FILE, [{**row, "over": " ".join(map(str, row["over"]))} for row in rows])
    lead = " ".join(
        document.lead if len(documents) == 1 else f"{document.title}: {document.lead}" for document in documents
    )
    report.finish(lead, rows, list(dict.fromkeys(note for document in documents for note in document.notes)))


def brief_claims(outcome: Outcome) -> Brief:
    """What a terminal shows: a line a claim, or of many claims a line an item; why is on the page and in the files."""
    several = len({row["paper"] for row in outcome.results}) > 1
    notes = (outcome.lead, *outcome.notes)
    paper = ("paper",) if several else ()
    if len(outcome.results) <= _MOST_CLAIMS:
        names = (*paper, "claim", "published", "ours", "interval", "verdict")
        return Brief([{name: readable(row[name]) for name in names} for row in outcome.results], notes=notes)
    counted: dict[tuple[str, str], Counter[str]] = {}
    for row in outcome.results:
        counted.setdefault((row["paper"], row["item"]), Counter())[row["verdict"]] += 1
    rows: list[dict[str, Any]] = [
        {**({"paper": name} if several else {}), "item": item, "claims": found.total(), **_each(found)}
        for (name, item), found in counted.items()
    ]
    return Brief(rows, notes=notes)


def _each(counted: Mapping[str, int]) -> dict[str, int]:
    return {verdict: counted.get(verdict, 0) for verdict in VERDICTS}


def _row(document: PaperVerdicts, index: int) -> dict[str, Any]:
    return {"paper": document.paper, **document.claims[index].model_dump(mode="json")}


def _add_paper(
    report: Report, document: PaperVerdicts, pictures: Mapping[str, bytes], links: Links, *, named: bool
) -> None:
    heading = f"{document.title}: items" if named else "Items"
    texts = (document.lead, document.reference) if named else (document.reference,)
    overview = [
        {**row, "item": Linked(str(row["item"]), _anchor(document, str(row["item"])))} for row in document.overview
    ]
    report.section(Section(heading, texts, overview, folded=_FOLDED))
    report.section(Section("", document.notes))
    for item in document.items:
        _add_item(report, document, item, pictures, links)


def _add_item(
    report: Report, document: PaperVerdicts, item: ShownItem, pictures: Mapping[str, bytes], links: Links
) -> None:
    texts = [item.told, *([] if item.not_run is None else [f"Not run: {item.not_run}"])]
    texts += [f"Left open: {choice.left_open}. Here: {choice.choice}." for choice in item.choices]
    rows = [
        {
            "claim": claim.claim,
            "says": claim.told,
            "published": readable(claim.published),
            "ours": readable(claim.ours),
            "interval": readable(claim.interval),
            "verdict": claim.verdict,
            "why": claim.why,
        }
        for claim in document.of_item(item.item)
    ]
    report.section(Section(item.heading, texts, rows, anchor=_anchor(document, item.item), folded=_FOLDED))
    for picture in item.pictures:
        report.section(Section("", picture=pictures[picture.file], caption=picture.caption))
    if item.remarks:
        report.section(Section("", item.remarks))
    files = {run.csv: quote(run.csv) for run in item.runs}
    files |= {text: address for run in item.runs for text, address in links.get(run.run, {}).items()}
    commands = [] if item.not_run is not None else [item.command]
    commands += [command for run in item.runs for command in run.commands]
    if commands:
        report.section(Section("", ("Rows, runs, and commands that make them:",), links=files, commands=commands))


def _address(place: Path, home: Path) -> str:
    """Of a run's page, or its folder, seen from another run."""
    page = place / REPORT_FILE if (place / REPORT_FILE).is_file() else place
    try:
        return quote(Path(os.path.relpath(page.resolve(), home.resolve())).as_posix())
    except ValueError:
        # Another drive has no way there.
        return page.resolve().as_uri()


def _anchor(document: PaperVerdicts, item: str) -> str:
    return f"{document.paper}-{item}"
