"""A paper's page in Markdown, made from ``verdicts.json`` alone: nothing on it is typed."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from qaml_qiskit.campaigns.reproduce.document import JudgedClaim, PaperVerdicts, ShownItem, VerdictsFile, readable
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import fitted, json_of, read_bytes
from qaml_qiskit.reports import format_cell

#: What is no letter of a heading's anchor.
_NO_ANCHOR = re.compile(r"[^\w\- ]")


def paper_page(document: PaperVerdicts, folder: str = "", explained: str = "") -> str:
    """The page.

    Args:
        document: the verdicts.
        folder: where the files beside ``verdicts.json`` are, seen from the page; empty for the same folder.
        explained: where ``docs/verdicts.md`` is, seen from the page; empty for no link.
    """
    anchors = _anchors([_heading(item) for item in document.items])
    places = {item.item: anchor for item, anchor in zip(document.items, anchors, strict=True)}
    beside = f"{quote(folder.rstrip('/'))}/" if folder else ""
    parts = [f"# {document.title}", document.lead]
    first = next((picture for item in document.items for picture in item.pictures), None)
    if first is not None:
        parts.append(f"![{_flat(first.caption)}]({beside}{quote(first.file)})")
    parts.append(f"{document.reference}.".replace("..", "."))
    parts += ["## Items", _overview(document, places), " ".join(document.notes)]
    if explained:
        parts.append(f"[What each verdict means, and which test is used when]({explained}).")
    for item in document.items:
        parts += _item(item, document.of_item(item.item), beside)
    return "\n\n".join(parts) + "\n"


def read_verdicts(file: Path) -> list[PaperVerdicts]:
    """The papers of a ``verdicts.json``.

    Raises:
        DamagedFileError: the file is damaged, or of a version that is not known.
    """
    return [*fitted(json_of(read_bytes(file), str(file)), str(file), VerdictsFile).papers]


def write_pages(verdicts: Path, folder: Path, explained: str = "") -> list[Path]:
    """A page a paper, such as ``west2023.md``, from a kept ``verdicts.json``; links lead to the files beside that one.

    Args:
        verdicts: the file, somewhere below ``folder``.
        folder: of the pages.
        explained: where ``docs/verdicts.md`` is, seen from the pages.

    Returns:
        The pages.

    Raises:
        DamagedFileError: the file is damaged.
    """
    pages = []
    beside = verdicts.resolve().parent.relative_to(folder.resolve()).as_posix()
    for document in read_verdicts(verdicts):
        page = folder / f"{document.paper}.md"
        write_atomically(page, paper_page(document, "" if beside == "." else beside, explained))
        pages.append(page)
    return pages


def _overview(document: PaperVerdicts, places: Mapping[str, str]) -> str:
    rows = [{**row, "item": f"[{row['item']}](#{places[str(row['item'])]})"} for row in document.overview]
    return _table(list(rows[0]), [[_n(value) for value in row.values()] for row in rows]) if rows else ""


def _claims(claims: Sequence[JudgedClaim]) -> str:
    head = ("claim", "what it says", "published", "ours", "95 % interval", "verdict", "why")
    rows = [
        (
            claim.claim,
            claim.told,
            _n(claim.published),
            " → ".join(map(_n, claim.over)) or _n(claim.ours),
            _n(claim.interval),
            f"**{claim.verdict}**",
            claim.why,
        )
        for claim in claims
    ]
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(map(_flat, row))} |" for row in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


def _item(item: ShownItem, claims: Sequence[JudgedClaim], beside: str) -> list[str]:
    parts = [f"## {_heading(item)}", item.told]
    if item.not_run is not None:
        parts.append(f"**Not run:** {item.not_run}")
    if item.choices:
        parts.append("\n".join(f"- Left open: {each.left_open}. Here: {each.choice}." for each in item.choices))
    if claims:
        parts.append(_claims(claims))
    parts += [
        f"![{_flat(picture.caption)}]({beside}{quote(picture.file)})\n\n*{picture.caption}*"
        for picture in item.pictures
    ]
    parts += item.remarks
    if item.not_run is None:
        parts.append(_shell(item.command))
    if item.runs:
        folders = ", ".join(f"`{folder}`" for run in item.runs for folder in run.folders)
        rows = ", ".join(f"[{run.csv}]({beside}{quote(run.csv)})" for run in item.runs)
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


def _heading(item: ShownItem) -> str:
    return f"{item.place[:1].upper()}{item.place[1:]}"


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


def _flat(text: str) -> str:
    """On one line, and no end of a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _n(value: object) -> str:
    return format_cell(readable(value))
