"""The page of a run: one HTML file that works offline."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jinja2

Row = Mapping[str, object]


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading, paragraphs, then a table and a picture where given.

    Attributes:
        heading: the heading.
        paragraphs: plain text, escaped when rendered.
        rows: the table; the keys of the first row are its columns.
        picture: PNG bytes, embedded in the page.
        caption: what the picture shows; also its alternative text.
    """

    heading: str
    paragraphs: Sequence[str] = ()
    rows: Sequence[Row] = ()
    picture: bytes | None = None
    caption: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page: title, a sentence that says what was found, sections, and how to get the same again."""

    title: str
    lead: str
    sections: Sequence[Section]
    command: str
    environment: Mapping[str, object] = field(default_factory=dict)

    def render(self) -> str:
        """The page as HTML, with styles and pictures inside."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("qaml_qiskit.reports", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["cell"] = format_cell
        environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
        return environment.get_template("page.html").render(page=self)


def format_cell(value: object) -> str:
    """A value as people read it: three decimals, two digits of a small one, intervals as a – b, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}" if value == 0 or abs(value) >= 0.0095 else f"{value:.2g}"
    if isinstance(value, (list, tuple)):
        return " – ".join(format_cell(item) for item in value)
    return str(value)
