"""The pages' tables and the registries name the same parts."""

import re
from math import pi
from pathlib import Path

import pytest

from qaml_qiskit.circuits import ANSAETZE, READOUTS
from qaml_qiskit.datasets import DATASETS
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.noise import NOISES
from qaml_qiskit.registry import Registry

DOCS = Path(__file__).parents[2] / "docs"


def first_table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table whose header begins so, without header and rule."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(heading))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


@pytest.mark.parametrize(
    ("page", "heading", "registry"),
    [
        ("encodings.md", "| `--encoding` |", ENCODINGS),
        ("noise.md", "| name | strength |", NOISES),
        ("data.md", "| name | images |", DATASETS),
        ("concepts.md", "| `--readout` |", READOUTS),
        ("circuits.md", "| `--ansatz` |", ANSAETZE),
    ],
)
def test_every_part_is_in_its_table(page: str, heading: str, registry: Registry[object]) -> None:
    assert {re.findall("`(.+?)`", row[0])[0] for row in first_table(page, heading)} == set(registry)


def test_the_table_of_noises_gives_their_ranges() -> None:
    for name, *_, reach in first_table("noise.md", "| name | strength |"):
        high = NOISES[name.strip("`")].high
        assert reach == f"0 to {'π' if high == pi else f'{high:g}'}"
