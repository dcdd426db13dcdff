"""The papers that the package knows, read from their files."""

from functools import cache
from importlib.resources import files

from qaml_qiskit.errors import unknown_name
from qaml_qiskit.formats import fitted, yaml_of
from qaml_qiskit.papers.schema import Claims, Paper, PaperPlan

PAPERS = ("west2023", "huang2023", "ahmed2026")


@cache
def load_paper(name: str) -> Paper:
    """A paper by its name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in PAPERS:
        raise unknown_name("there is no such paper", name, PAPERS)
    folder = files("qaml_qiskit.papers") / name
    claims, plan = (
        fitted(yaml_of((folder / file).read_bytes(), file), f"{name}/{file}", schema)
        for file, schema in (("claims.yaml", Claims), ("plan.yaml", PaperPlan))
    )
    return Paper(name=name, said=claims, plan=plan)


def find_items(asked: str) -> tuple[Paper, tuple[str, ...]]:
    """The paper and the items that ``PAPER`` or ``PAPER/ITEM`` names.

    Raises:
        ConfigurationError: there is no such paper or item; the nearest names are told.
    """
    name, _, item = asked.partition("/")
    paper = load_paper(name)
    if not item:
        return paper, tuple(paper.plan.items)
    if item not in paper.plan.items:
        raise unknown_name(f"{name} has no such item", item, paper.plan.items)
    return paper, (item,)
