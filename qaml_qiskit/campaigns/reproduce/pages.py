"""A paper's page in Markdown, made from ``verdicts.json`` alone: nothing on it is typed."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from qaml_qiskit.campaigns.reproduce.document import JudgedClaim, PaperVerdicts, ShownItem, VerdictsFile, readable
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import fitted, json_of, read_bytes
from qaml_qiskit.reports import flat_text, format_cell, to_markdown

#: What is no letter of a heading's anchor.
_NO_ANCHOR = re.compile(r"[^\w\- ]")


def paper_page(document: PaperVerdicts) -> str:
    """The page, which lies beside the pictures and rows of its run.

    Args:
        document: the verdicts.
    """
    anchors = _anchors([item.heading for item in document.items])
    places = {item.item: anchor for item, anchor in zip(document.items, anchors, strict=True)}
    parts = [f"# {document.title}", document.lead]
    first = next((picture for item in document.items for picture in item.pictures), None)
    if first is not None:
        parts.append(f"![{flat_text(first.caption)}]({quote(first.file)})")
    parts.append(f"{document.reference}.".replace("..", "."))
    parts += ["## Items", _overview(document, places), " ".join(document.notes)]
    for item in document.items:
        parts += _item(item, document.of_item(item.item))
    return "\n\n".join(parts) + "\n"


def read_verdicts(file: Path) -> list[PaperVerdicts]:
    """The papers of a ``verdicts.json``.

    Raises:
        DamagedFileError: the file is damaged, or of a version that is not known.
    """
    return [*fitted(json_of(read_bytes(file), str(file)), str(file), VerdictsFile).papers]


def write_pages(verdicts: Path) -> list[Path]:
    """The pages of a kept ``verdicts.json`` anew, such as ``west2023.md``, beside it.

    Raises:
        DamagedFileError: the file is damaged.
    """
    pages = []
    for document in read_verdicts(verdicts):
        pages.append(verdicts.parent / f"{document.paper}.md")
        write_atomically(pages[-1], paper_page(document))
    return pages


def _overview(document: PaperVerdicts, places: Mapping[str, str]) -> str:
    return to_markdown([{**row, "item": f"[{row['item']}](#{places[str(row['item'])]})"} for row in document.overview])


def _claims(claims: Sequence[JudgedClaim]) -> str:
    return to_markdown(
        [
            {
                "claim": claim.claim,
                "what it says": claim.told,
                "published": readable(claim.published),
                "ours": " → ".join(format_cell(readable(each)) for each in claim.over) or readable(claim.ours),
                "95 % interval": readable(claim.interval),
                "verdict": f"**{claim.verdict}**",
                "why": claim.why,
            }
            for claim in claims
        ]
    )


def _item(item: ShownItem, claims: Sequence[JudgedClaim]) -> list[str]:
    parts = [f"## {item.heading}", item.told]
    if item.not_run is not None:
        parts.append(f"**Not run:** {item.not_run}")
    if item.choices:
        parts.append("\n".join(f"- Left open: {each.left_open}. Here: {each.choice}." for each in item.choices))
    if claims:
        parts.append(_claims(claims))
    parts += [
        f"![{flat_text(picture.caption)}]({quote(picture.file)})\n\n*{picture.caption}*" for picture in item.pictures
    ]
    parts += item.remarks
    if item.not_run is None:
        parts.append(_shell(item.command))
    if item.runs:
        folders = ", ".join(f"`{folder}`" for run in item.runs for folder in run.folders)
        rows = ", ".join(f"[{run.csv}]({quote(run.csv)})" for run in item.runs)
        commands = "\n".join(command for run in item.runs for command in run.commands)
        parts += (
            [f"Rows: {rows}. Runs: {folders}. The commands behind them:", _shell(commands)]
            if commands
            else [f"Rows: {rows}."]
        )
    return parts


def _shell(commands: str) -> str:
    # Not executed: a reproduction takes from minutes to days.
    lines = "\n".join(f"$ {line}" for line in commands.split("\n"))
    return f"```console\n{lines}\n```"


def _anchors(headings: Sequence[str]) -> list[str]:
    """As GitHub and MyST make them of headings: the second of two alike has a number."""
    seen: dict[str, int] = {"items": 1}
    found = []
    for heading in headings:
        plain = _NO_ANCHOR.sub("", heading.lower()).replace(" ", "-")
        count = seen.get(plain, 0)
        seen[plain] = count + 1
        found.append(f"{plain}-{count}" if count else plain)
    return found
