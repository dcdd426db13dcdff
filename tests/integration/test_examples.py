"""The lessons run, and are kept without what they print."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"
LESSONS = sorted(EXAMPLES.glob("*.ipynb"))
#: Of a whole lesson that was not yet finished.
SECONDS = 900

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def code_of(lesson: Path) -> str:
    """What its cells do, without the lines that are the notebook's own."""
    cells = nbformat.read(lesson, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return re.sub(r"^\s*[%!].*$", "", code, flags=re.M)


@each_lesson
def test_a_lesson_is_kept_without_output(lesson: Path) -> None:
    notebook = nbformat.read(lesson, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


@each_lesson
def test_a_lesson_needs_nothing_private(lesson: Path) -> None:
    for node in ast.walk(ast.parse(code_of(lesson))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        attribute = node.attr if isinstance(node, ast.Attribute) else ""
        for word in (*names, *module.split("."), attribute):
            assert not re.match(r"_[^_]", word), word


@pytest.mark.slow
@each_lesson
def test_a_lesson_runs(lesson: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # IPython warns where the home folder is not there, as in tests.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / ".ipython"))
    (tmp_path / ".ipython").mkdir()
    monkeypatch.setenv("QAML_CHECKOUT", str(EXAMPLES.parent))
    notebook = nbformat.read(lesson, as_version=4)
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}}).execute()
