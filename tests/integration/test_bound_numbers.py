"""Numbers in the pages are those of the files of ``runs/reference/`` that they come from; `tests/bound_numbers.py`."""

import re
import statistics
from pathlib import Path

import pytest

from qaml_qiskit import errors
from tests.bound_numbers import PAGES, REFERENCES, ROOT, Source, agrees, bound_numbers, tables_without

#: Pages on which every table of figures says where it comes from, or why it does not.
WHOLE = ("README.md", "runs/reference/README.md", "runs/reference/transfer.md", "runs/reference/huang2023.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_bound_numbers_are_those_of_their_source(page: Path) -> None:
    wrong = [str(number) for number in bound_numbers(page) if number.wrong]
    assert not wrong, "\n" + "\n".join(wrong)


def test_enough_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """A page that loses its comments is noticed."""
    count = sum(len(bound_numbers(page)) for page in PAGES)
    with capsys.disabled():
        print(f" {count} numbers of the pages are bound to their source ", end="")
    assert count >= 2700


@pytest.mark.parametrize("page", WHOLE)
def test_every_table_of_these_pages_says_where_it_comes_from(page: str) -> None:
    assert tables_without(ROOT / page) == []


TABLE = """<!-- numbers
from {}/metrics.json
columns : test_accuracy | : interval.0; : interval.1 | -
rows mnist-qvc200 | -
-->
| a | b | c | d |
|---|---|---|---|
| x | **.963** | .959 – .966 | 7 |
| y | .1 | .2 | 8 |
"""


def found(text: str, folder: Path) -> list[str]:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    return [number.wrong and f"{number.line} {number.printed} {number.wrong}" for number in bound_numbers(page)]


def test_a_table_is_compared_cell_by_cell(tmp_path: Path) -> None:
    assert found(TABLE, tmp_path) == ["", "", ""]
    assert found(TABLE.replace(".966", ".967"), tmp_path) == ["", "", "8 .967 is 0.96643"]
    assert found(TABLE.replace(".959 – ", ""), tmp_path) == ["", "8 .966 has 1 numbers for 2 sources"]
    assert found(TABLE.replace(" | -\n-->", "\n-->"), tmp_path) == ["6  has 1 rows for 2 of the table"]


def test_a_number_of_a_paragraph_is_looked_for_and_compared(tmp_path: Path) -> None:
    source = "mnist-transfer/transfer.csv source=mnist-convnet attack=pgd eps=0.1 victim=mnist-resnet18: accuracy"
    page = f"<!-- numbers\n.927 = {source}\n-->\nResNet18 keeps .927,\nthe QVC less.\n"
    assert found(page, tmp_path) == [""]
    assert found(page.replace(".927", ".928"), tmp_path) == ["4 .928 is 0.927"]
    assert found(page.replace("keeps .927", "keeps .930"), tmp_path) == ["4 .927 does not stand below its comment"]
    assert "has no source" in found(page.replace("victim=mnist-resnet18", "victim=nobody"), tmp_path)[0]
    assert "has no source" in found(page.replace(" eps=0.1", ""), tmp_path)[0]


def test_a_table_without_a_comment_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(TABLE[TABLE.index("| a") :] + "\n" + TABLE, encoding="utf-8")
    assert tables_without(page) == [1]


@pytest.mark.parametrize(
    ("printed", "value", "same"),
    [
        (".927", 0.92651, True),
        (".93", 0.9249, False),
        ("−6.5", -6.54, True),
        ("10,000", 1e4, True),
        ("1e-9", 1.2e-9, True),
        (".9885", 0.9885, True),
        (".989", 0.9885, True),
        (".988", 0.9885, True),
    ],
)
def test_a_number_agrees_as_it_is_rounded(printed: str, value: float, same: bool) -> None:
    assert agrees(printed, value) is same


def test_a_source_can_be_of_many_rows() -> None:
    count = Source().plus("count mnist-qvc200-certificates/certificates.csv predicted=@label: index")
    assert count.read() == 954
    assert Source().plus("100 * mnist-qvc200/metrics.json: test_accuracy").read() == pytest.approx(96.29)
    spread = Source().plus("spread papers/huang2023/theirs-v.csv attack=none: accuracy")
    assert spread.read() == pytest.approx(statistics.stdev([0.977, 0.977, 0.982, 0.981, 0.978]))


def test_a_cell_can_be_a_list_and_lose_its_sign() -> None:
    betas = [Source().plus(f"mean abs papers/huang2023/qnn-cn.csv epoch=: betas.{layer}").read() for layer in range(10)]
    mean = Source().plus("mean papers/huang2023/qnn-cn.csv epoch=: mean_beta").read()
    assert statistics.fmean(betas) == pytest.approx(mean, rel=1e-6)
    assert Source().plus("lowest papers/huang2023/qnn-cn.csv epoch=: betas.0").read() < 0


def test_every_page_of_results_is_in_the_gallery() -> None:
    """By its name, or by a pattern; and no line of the gallery stands for nothing."""
    gallery = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"^```{gallery}\n(.*?)^```", gallery, re.M | re.S) for line in block.split()]
    shown = {line: [*_page_folder(line).glob(line.removeprefix("results/"))] for line in lines}
    assert [line for line, pages in shown.items() if not pages] == []
    of_papers = (REFERENCES / "papers").rglob("*.md")
    pages = {*REFERENCES.glob("*.md"), *of_papers} - {REFERENCES / "README.md"}
    assert pages <= {page for pages in shown.values() for page in pages}


def _page_folder(line: str) -> Path:
    return REFERENCES if line.startswith("results/") else ROOT / "docs"


def test_the_page_of_run_folders_has_every_exit_code() -> None:
    page = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    classes = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.QamlError)
    ]
    assert classes
    for code in {kind.exit_code for kind in classes}:
        assert f"\n| {code} |" in page
