"""Configuration of the documentation site; `make docs` builds it."""

import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import qaml_qiskit
from qaml_qiskit import __version__
from qaml_qiskit.cli.commands import COMMANDS, Command
from qaml_qiskit.cli.options import option_table

project = "qaml-qiskit"
author = "The qaml-qiskit developers"
copyright = author
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

# The lessons are executed with every build, each in a folder of its own; one asks where the checkout is.
os.environ["QAML_CHECKOUT"] = str(Path(__file__).parents[1])
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

html_theme = "furo"
html_title = f"qaml-qiskit {__version__}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]

myst_heading_anchors = 3

# The rooms re-export their public names from their `__init__`, so imported members are the ones to document.
autodoc_default_options = {
    "members": True,
    "imported-members": True,
    "exclude-members": "model_config",
    "member-order": "bysource",
}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

# A style sheet that the theme uses sets the root logger to INFO, and Qiskit logs every pass.
logging.getLogger("qiskit").setLevel(logging.WARNING)

_HERE = Path(__file__).parent
#: A text, which may begin with a number, and no item of a list.
_PARAGRAPH = re.compile(r"\s*(?!\d+\. )\w")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_ELSEWHERE = re.compile(r"\[([^\]]*)\]\(\.\./\.\./(?!docs/)[^)]*\)")
_LITERAL = re.compile(r"(``.*?``)")
_LONE_LETTER = re.compile(r"^(\s+\w+: )(?=[A-Za-z]\.$)")


class Options(SphinxDirective):
    """The table of a command's options, from its request: ```` ```{options} data fetch ````."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """See the parent."""
        return self.parse_text_to_nodes("\n".join(_table(COMMANDS[self.arguments[0]])))


class Gallery(SphinxDirective):
    """Cards of pages: ```` ```{gallery} ```` with a page, or a pattern of several, on every line.

    A card is its page's heading, its first picture with the alternative text, and the sentence that the page has for
    it under its heading, ``<!-- in short: … -->``, or else its first sentence.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """See the parent."""
        cards = []
        for pattern in filter(None, (line.strip() for line in self.content)):
            pages = sorted(_HERE.glob(pattern))
            if not pages:
                raise self.error(f"there is no page {pattern}")
            for page in pages:
                self.env.note_dependency(str(page))
                cards += [*_card(page, _HERE / Path(self.env.docname).parent), ""]
        return self.parse_text_to_nodes("\n".join(["`````{container} gallery", *cards, "`````"])) if cards else []


def _card(page: Path, start: Path) -> list[str]:
    """A card in MyST; ``start`` is the folder of the page that shows it."""
    text = page.read_text(encoding="utf-8").replace("../runs/reference/", "results/")
    title, rest = re.sub(r"^\s*# ", "", text).split("\n", 1)
    given = re.search(r"<!-- in short: (.*?) -->", rest, re.S)
    paragraphs = (block for block in rest.split("\n\n") if _PARAGRAPH.match(block))
    sentence = given[1] if given else next(paragraphs).split(". ")[0].rstrip(".") + "."
    picture = re.search(r"!\[([^\]]+)\]\(([^)]+\.(?:png|svg))\)", rest)
    link = os.path.relpath(page, start)
    image = f"[![{picture[1]}]({os.path.relpath(page.parent / picture[2], start)})]({link})" if picture else ""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(sentence.split()))
    return ["````{container} card", image, "", f"**[{title.strip()}]({link})**", "", plain, "````"]


class Commands(SphinxDirective):
    """Every command with what it does and its options: ```` ```{commands} ````."""

    def run(self) -> list[nodes.Node]:
        """See the parent."""
        lines = []
        for command in COMMANDS.values():
            lines += [f"## qaml {command.name}", "", command.told, "", *_table(command), ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _table(command: Command) -> list[str]:
    lines = ["| option | meaning | default |", "|---|---|---|"]
    for option, default, told in option_table(command):
        texts = (f"`{option}`", told, default)
        lines.append(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |")
    return lines


def _bring_lessons(app: Sphinx, config: object) -> None:
    """Copy the notebooks of ``examples/`` to where Sphinx looks for pages."""
    for lesson in sorted((_HERE.parent / "examples").glob("*.ipynb")):
        shutil.copyfile(lesson, _HERE / "lessons" / lesson.name)


def _bring_results(app: Sphinx, config: object) -> None:
    """Bring the pages of ``runs/reference/``, and its files that pages link to, to where Sphinx looks for pages.

    ``docs/results/`` is as deep as ``runs/reference/``, so a page's links to the documentation hold in both places.
    """
    home, place = _HERE.parent / "runs" / "reference", _HERE / "results"
    pages = sorted(home.rglob("*.md"))
    readers = (*pages, *_HERE.glob("*.md"), *(_HERE / "decisions").glob("*.md"))
    linked = (
        (page.parent / found[1]).resolve() for page in readers for found in _LINK.finditer(page.read_text("utf-8"))
    )
    wanted = {
        place / file.relative_to(home): file for file in (*pages, *linked) if file.is_file() and home in file.parents
    }
    for stale in {file for file in place.rglob("*") if file.is_file()} - wanted.keys():
        stale.unlink()
    for there, file in wanted.items():
        there.parent.mkdir(parents=True, exist_ok=True)
        if not there.exists() or there.read_bytes() != file.read_bytes():
            shutil.copyfile(file, there)


def _find_results(app: Sphinx, docname: str, source: list[str]) -> None:
    """Let a link to ``runs/reference/`` lead to the page's copy, and leave out links to what is not on the site."""
    source[0] = source[0].replace("../runs/reference/", "results/")
    if docname.startswith("results/"):
        source[0] = _ELSEWHERE.sub(r"\1", source[0])


def _tell_requests(app: Sphinx, config: object) -> None:
    """Let a command's signature be that of its request, and not that of the function in its source."""
    for command in COMMANDS.values():
        vars(getattr(qaml_qiskit, command.function)).pop("__wrapped__", None)


def setup(app: Sphinx) -> None:
    """Connect what the docstrings need, before and after napoleon (which has priority 500); the tables; the lessons."""
    app.connect("config-inited", _bring_lessons)
    app.connect("config-inited", _bring_results)
    app.connect("config-inited", _tell_requests)
    app.connect("source-read", _find_results)
    app.add_directive("options", Options)
    app.add_directive("commands", Commands)
    app.add_directive("gallery", Gallery)
    app.connect("autodoc-process-docstring", _escape, priority=400)
    app.connect("autodoc-process-docstring", _rejoin, priority=600)
    app.connect("autodoc-skip-member", _skip_tuple_field)
    app.connect("autodoc-skip-member", _skip_what_is_told_elsewhere)


def _escape(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Keep |0⟩ from being read as a substitution, and a description “n.” as a list; literals stay as they are."""
    lines[:] = [
        "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in _LITERAL.split(line))
        for line in (_LONE_LETTER.sub(r"\1\\", line) for line in lines)
    ]


def _rejoin(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Undo napoleon's reading of “The angles: level by level” as a type and a description; types are in signatures."""
    for field in (":type: ", ":rtype: ") if what in ("attribute", "data", "property") else (":rtype: ",):
        marked = [i for i, line in enumerate(lines) if line.startswith(field)]
        if marked:
            start = lines.pop(marked[-1]).removeprefix(field)
            head = ":returns: " if field == ":rtype: " else ""
            first = next(i for i, line in enumerate(lines) if line and line.startswith(head))
            lines[first] = f"{head}{start}: {lines[first].removeprefix(head)}"


def _skip_tuple_field(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: object) -> bool | None:
    """Leave out a named tuple's generated fields: its docstring describes them."""
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field number") else None


def _skip_what_is_told_elsewhere(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: object
) -> bool | None:
    """Leave out of the front door what has its page in a room, and everywhere what other packages document."""
    if (getattr(obj, "__module__", None) or "").startswith("qiskit."):
        return True
    if name == "get_metadata_routing" or (name.startswith("set_") and name.endswith("_request")):
        return True
    place = getattr(obj, "__module__", None) or ""
    at_the_door = app.env.docname == "rooms/frontdoor" and what == "module"
    return True if at_the_door and not place.startswith(("qaml_qiskit.workflows", "qaml_qiskit.progress")) else None
