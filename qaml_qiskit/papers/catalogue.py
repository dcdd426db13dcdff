"""The papers that the package knows, and those of somebody else, read from their files."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from qaml_qiskit.errors import ConfigurationError, unknown_name
from qaml_qiskit.formats import fitted, read_bytes, yaml_of
from qaml_qiskit.papers.consistency import check_paper
from qaml_qiskit.papers.schema import Claims, Paper, PaperPlan

PAPERS = ("west2023", "huang2023", "ahmed2026")
#: What a paper's folder holds.
CLAIMS_FILE, PLAN_FILE = "claims.yaml", "plan.yaml"


def load_paper(name: str) -> Paper:
    """A paper by its name, or by the folder with its two files.

    Raises:
        ConfigurationError: there is none of that name, or its files do not fit.
    """
    if name in PAPERS:
        return _known(name)
    if (Path(name) / PLAN_FILE).is_file():
        return _read(Path(name).resolve().name, Path(name))
    raise unknown_name(
        "there is no such paper", name, PAPERS, remedy=f"choose one of these, or name a folder with a {PLAN_FILE}"
    )


def find_items(asked: str) -> tuple[Paper, tuple[str, ...]]:
    """The paper and the items that ``PAPER`` or ``PAPER/ITEM`` names, where a paper may be a folder.

    Raises:
        ConfigurationError: there is no such paper or item; the nearest names are told.
    """
    name = paper_part(asked)
    if not name:
        raise _no_paper(asked)
    paper = load_paper(name)
    if name == asked:
        return paper, tuple(paper.plan.items)
    item = asked.removeprefix(f"{name}/")
    if item not in paper.plan.items:
        raise unknown_name(f"{paper.name} has no such item", item, paper.plan.items)
    return paper, (item,)


def paper_part(asked: str) -> str:
    """PAPER of ``PAPER/ITEM``, or all where it is a paper; empty where no paper is named."""
    if asked in PAPERS or (Path(asked) / PLAN_FILE).is_file():
        return asked
    return asked.rpartition("/")[0]


def _no_paper(asked: str) -> ConfigurationError:
    """The refusal of a word without a slash that names no paper: it may be an item of one."""
    places = [f"{name}/{asked}" for name in PAPERS if asked in load_paper(name).plan.items]
    if places:
        return ConfigurationError(
            "an item is named behind its paper",
            got=repr(asked),
            expected="PAPER or PAPER/ITEM",
            remedy=f"perhaps {' or '.join(places)} is meant",
        )
    items = [f"{name}/{item}" for name in PAPERS for item in load_paper(name).plan.items]
    near = unknown_name("there is no such paper", asked, [*PAPERS, *(item.rpartition("/")[2] for item in items)])
    return ConfigurationError(
        near.what, got=near.got, expected=f"one of {', '.join(PAPERS)}, or PAPER/ITEM", remedy=near.remedy
    )


def _content(file: Traversable) -> bytes:
    return (
        read_bytes(file, f"a paper has a {CLAIMS_FILE} and a {PLAN_FILE}")
        if isinstance(file, Path)
        else file.read_bytes()
    )


@cache
def _known(name: str) -> Paper:
    return _read(name, files("qaml_qiskit.papers") / name)


def _read(name: str, folder: Traversable) -> Paper:
    said, plan = (
        fitted(yaml_of(_content(folder / file), f"{name}/{file}"), f"{name}/{file}", schema, "correct the file")
        for file, schema in ((CLAIMS_FILE, Claims), (PLAN_FILE, PaperPlan))
    )
    assert isinstance(said, Claims)
    assert isinstance(plan, PaperPlan)
    paper = Paper(name=name, said=said, plan=plan)
    check_paper(paper)
    return paper
