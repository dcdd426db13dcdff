"""The pages say what is true: their examples run, and the options they name exist.

A page's ```` ```python ```` blocks and the ``$ qaml …`` lines of its ```` ```console ```` blocks are executed in order,
with one namespace and one working directory. A block under ``<!-- not executed: reason -->`` is only looked at: its
commands must parse.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.main import main
from qaml_qiskit.datasets import DATASETS
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise import NOISES
from qaml_qiskit.registry import Registry

pytestmark = pytest.mark.first
ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "transpile/README.md")),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if "results" not in page.relative_to(ROOT).parts),
]
#: What was measured, by commands that take hours.
RESULTS = sorted((ROOT / "runs" / "reference").rglob("*.md"))

BLOCK = re.compile(
    r"(?P<mark><!-- not executed:(?P<reason>[^>]*)-->\n)?```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    kind: str
    body: str
    reason: str | None

    def commands(self) -> list[list[str]]:
        """The words behind ``$ qaml`` of every such line."""
        joined = self.body.replace("\\\n", " ")
        return [shlex.split(line.removeprefix("$ qaml")) for line in joined.splitlines() if line.startswith("$ qaml")]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, found.start("kind")) + 1, found["kind"], found["body"], found["reason"])
        for found in BLOCK.finditer(text)
        if found["kind"] in ("python", "console")
    ]


@pytest.fixture(autouse=True)
def no_part_stays() -> Iterator[None]:
    """What a page registers is taken away again."""
    registries: tuple[Registry[Any], ...] = (DATASETS, ENCODINGS, NOISES)
    before = [set(registry) for registry in registries]
    yield
    for registry, names in zip(registries, before, strict=True):
        for name in set(registry) - names:
            registry.remove(name)


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QAML_DATA_DIR", raising=False)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.reason is None for b in blocks(page))], ids=name)
def test_examples_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, object] = {"__name__": "example"}
    for block in blocks(page):
        if block.reason is not None:
            continue
        where = f"{name(page)}, line {block.line}"
        if block.kind == "python":
            exec(compile("\n" * block.line + block.body, where, "exec"), namespace)
            continue
        for words in block.commands():
            monkeypatch.setattr(sys, "argv", ["qaml", *words])
            with pytest.raises(SystemExit) as leave:
                main()
            assert not leave.value.code, f"{where}: qaml {shlex.join(words)}"


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.reason is not None for b in blocks(page))], ids=name)
def test_other_commands_parse(page: Path) -> None:
    for block in blocks(page):
        if block.reason is None:
            continue
        assert block.reason.strip(), f"{name(page)}, line {block.line}: no reason"
        for words in block.commands():
            parse(words)


@pytest.mark.parametrize("page", RESULTS, ids=name)
def test_commands_of_results_parse(page: Path) -> None:
    for block in blocks(page):
        for words in block.commands():
            parse(words)


def parse(words: list[str]) -> None:
    """Raise unless these are arguments that ``qaml`` takes."""
    command = typer.main.get_command(app)
    context = command.make_context("qaml", list(words[:1]), resilient_parsing=True)
    rest = words
    while hasattr(command, "resolve_command"):
        _, command, rest = command.resolve_command(context, rest)
    command.make_context("qaml", list(rest), parent=context)


def test_a_wrong_option_does_not_parse() -> None:
    parse(["data", "fetch", "mnist"])
    with pytest.raises(ConfigurationError, match="no such option"):
        parse(["train", "--no-such-option", "1"])
