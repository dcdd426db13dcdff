"""What a run leaves to its readers: CSV files, pictures, one page with all of them, and the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.reports.page import Page, Section
from qaml_qiskit.reports.tables import to_csv

REPORT_FILE = "report.html"

Row = Mapping[str, Any]


class Report:
    """Collects tables and pictures in their order on the page, and writes them all at the end.

    Args:
        run: whose report it is.
        command_line: what makes the run again, for a shell.
        title: of the page.
    """

    def __init__(self, run: Run, command_line: str, title: str) -> None:
        self._run, self._command_line, self._title = run, command_line, title
        self._sections: list[Section] = []
        self._files: dict[str, str | bytes] = {}

    def table(self, heading: str, rows: Sequence[Row], *texts: str, file: str | None = None) -> None:
        """A section with a table below some paragraphs.

        Args:
            heading: of the section.
            rows: of the table; the keys of the first one are its columns. Without any there is none.
            texts: a paragraph each.
            file: the name of a CSV file with the same rows.
        """
        self._sections.append(Section(heading, texts, rows))
        if file is not None:
            self.csv(file, rows)

    def section(self, section: Section) -> None:
        """A section of one's own making."""
        self._sections.append(section)

    def beside(self, file: str, content: str | bytes) -> None:
        """A file of the run that is no table, and that the page does not show or has in a section of its own."""
        self._files[file] = content

    def csv(self, file: str, rows: Sequence[Row]) -> None:
        """A table that is a file of the run alone, or that the page shows in another form."""
        self._files[file] = to_csv(rows)

    def picture(self, file: str, png: bytes, caption: str, heading: str | None = None) -> None:
        """A picture: in a section of its own if it has a heading, else below the last table.

        Args:
            file: its name in the run.
            png: the picture.
            caption: what it shows; also its alternative text.
            heading: of a section of its own.
        """
        self._files[file] = png
        section = self._sections.pop() if heading is None else Section(heading)
        self._sections.append(replace(section, picture=png, caption=caption))

    def write(self, lead: str) -> None:
        """Write the tables, the pictures and the page, which begins with ``lead``; the run stays unfinished."""
        for name, content in self._files.items():
            self._run.write(name, content)
        page = Page(self._title, lead, self._sections, self._command_line, _environment(self._run))
        self._run.write(REPORT_FILE, page.render())

    def finish(self, lead: str, results: Sequence[Row], notes: Sequence[str] = (), **more: object) -> None:
        """Write everything, and the metrics last, which completes the run.

        Args:
            lead: a sentence or two with what was found.
            results: the rows that the command answers with.
            notes: what a reader of the rows should know.
            more: further tables or figures of the metrics, by name.
        """
        self.write(lead)
        command = self._run.config["command"]
        self._run.finish({"command": command, "lead": lead, "results": [*results], **more, "notes": [*notes]})


def _environment(run: Run) -> dict[str, object]:
    """What the run was made with."""
    found = run.environment()
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items() if number)
    return {
        "Python": found["python"],
        "packages": packages,
        "simulator": found["engine"],
        "commit": found["git_commit"] or "not a checkout",
    }
