"""The pages of papers: what is on them, for people and for programs, and that one follows from the other."""

import csv
import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from qaml_qiskit.artifacts import Run, open_run
from qaml_qiskit.campaigns.reproduce.document import VERDICTS_FILE, PaperVerdicts, readable
from qaml_qiskit.campaigns.reproduce.pages import paper_page, read_verdicts, write_pages
from qaml_qiskit.campaigns.reproduce.pictures import draw_pictures
from qaml_qiskit.campaigns.reproduce.report import brief_claims, write_report
from qaml_qiskit.errors import DamagedFileError
from qaml_qiskit.papers import VERDICTS, Picture
from qaml_qiskit.reports import Outcome
from tests.unit.campaigns.paper_cases import PAPER, SAID, MadeUp, findings

KEPT = Path(__file__).parents[3] / "runs" / "reference" / "papers"


class Request(BaseModel):
    """What a run of these tests is asked for."""

    seed: int = 0


def written(folder: Path, seeds: int = 1) -> Run:
    with open_run("reproduce", Request(), out=folder) as run:
        write_report(run, "qaml reproduce nobody2020", [findings(folder, seeds)])
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("reproduced") / "run").path


@pytest.fixture(scope="module")
def document(folder: Path) -> PaperVerdicts:
    return read_verdicts(folder / VERDICTS_FILE)[0]


def test_every_claim_has_its_verdict(document: PaperVerdicts) -> None:
    verdicts = {claim.claim: claim.verdict for claim in document.claims}
    assert verdicts == {
        "fig1-resists": "holds",
        "fig1-qvc": "does not hold",
        "table1-qvc": "holds",
        "table1-close": "cannot be decided",
        "fig2-faces": "not run",
    }
    assert document.lead.startswith("5 claims: 2 held, 1 did not, 1 could not be decided, 1 not run")
    assert (sum(document.counts.values()), set(document.counts)) == (5, set(VERDICTS))
    assert "not other trainings" in " ".join(document.notes)


def test_all_forms_say_the_same(folder: Path, document: PaperVerdicts) -> None:
    page, short = (folder / "report.html").read_text(), (folder / "nobody2020.md").read_text()
    with (folder / "claims.csv").open() as file:
        rows = list(csv.DictReader(file))
    results = json.loads((folder / "metrics.json").read_text())["results"]
    for number, claim in enumerate(document.claims):
        for text in (page, short):
            assert claim.claim in text
            assert claim.verdict in text
        assert claim.why in short
        for row in (rows[number], results[number]):
            assert (row["claim"], row["verdict"], row["why"]) == (claim.claim, claim.verdict, claim.why)
            assert (float(row["ours"]) if row["ours"] not in ("", None) else None) == claim.ours
    # What the command promises of its rows.
    assert {"claim", "published", "ours", "interval", "verdict"} <= results[0].keys()


def test_every_item_has_its_section(folder: Path, document: PaperVerdicts) -> None:
    page, short = (folder / "report.html").read_text(), (folder / "nobody2020.md").read_text()
    for item in document.items:
        command = f"qaml reproduce nobody2020/{item.item} --tier paper --seeds 1"
        assert f'id="nobody2020-{item.item}"' in page
        assert f'href="#nobody2020-{item.item}"' in page
        for text in (page, short):
            assert (command in text) == (item.not_run is None)
            assert ("The images cannot be had here" in text) or item.not_run is None
        for run in item.runs:
            assert (folder / run.csv).is_file()
            assert all(line in page and line in short for line in run.commands)
        for picture in item.pictures:
            assert (folder / picture.file).read_bytes().startswith(b"\x89PNG")
            assert f"]({picture.file})" in short
    assert [len(item.pictures) for item in document.items] == [1, 1, 0]
    assert "Left open: the learning rate. Here: 0.003." in short
    # A bar in a table would end its cell.
    assert "PGD on the ConvNet | shown" in short.split("## Figure 1")[1]


def test_links_lead_to_headings_of_the_page(document: PaperVerdicts) -> None:
    twice = document.model_copy(update={"items": (*document.items, document.items[0].model_copy(update={"item": "b"}))})
    page = paper_page(twice)
    assert "(#figure-1)" in page
    assert "## Figure 1\n" in page
    # GitHub and Sphinx number headings that are alike.
    assert "[b](#figure-1-1)" in page


def test_pages_follow_from_their_verdicts(folder: Path, document: PaperVerdicts, tmp_path: Path) -> None:
    (tmp_path / VERDICTS_FILE).write_bytes((folder / VERDICTS_FILE).read_bytes())
    (page,) = write_pages(tmp_path / VERDICTS_FILE)
    text = page.read_text()
    assert page.name == "nobody2020.md"
    assert text == (folder / page.name).read_text() == paper_page(document)
    # First a sentence, then a picture.
    assert text.split("\n\n")[1] == document.lead
    assert text.split("\n\n")[2].startswith("![")
    assert "](fig1.csv)" in text


def test_pages_that_are_kept_follow_from_their_verdicts() -> None:
    kept = [(file.parent, each) for file in KEPT.glob(f"*/{VERDICTS_FILE}") for each in read_verdicts(file)]
    assert kept
    for place, each in kept:
        page = paper_page(each)
        assert (place / f"{each.paper}.md").read_text() == page, place
        beside = set(re.findall(r"\]\(([\w.-]+\.(?:csv|png))\)", page))
        assert beside <= {file.name for file in place.iterdir()}, f"{place}: a file that the page links to is not kept"


def test_counts_are_shown_as_counts() -> None:
    assert [readable(value) for value in (6000.0, 1.0, 0.5, None)] == [6000, 1.0, 0.5, None]
    assert [readable(value) for value in ((6000.0, 6000.0), (0.1, 0.2))] == [None, (0.1, 0.2)]


DAMAGES: tuple[dict[str, object], ...] = (
    {"claims": "none"},
    {"claims": []},
    {"more": 1},
    {"paper": "../evil"},
    {"counts": {"holds": 5}},
)


def test_a_damaged_file_is_named(folder: Path, tmp_path: Path) -> None:
    found = json.loads((folder / VERDICTS_FILE).read_text())
    file = tmp_path / VERDICTS_FILE
    damaged = [{**found, "papers": [{**found["papers"][0], **more}]} for more in DAMAGES]
    for content in ("{}", "[]", "{", *map(json.dumps, ({**found, "version": 2}, *damaged))):
        file.write_text(content)
        with pytest.raises(DamagedFileError, match=VERDICTS_FILE):
            read_verdicts(file)


def test_a_terminal_has_a_short_table(folder: Path) -> None:
    outcome = Outcome.of(Run(folder, {"command": "reproduce"}), brief=brief_claims)
    lines = [line.text for line in outcome.lines(80)]
    assert lines[0].split() == ["claim", "published", "ours", "interval", "verdict"]
    assert max(map(len, lines[:6])) <= 80
    assert any(line.startswith("5 claims: 2 held") for line in lines)
    # Of many claims, a line an item.
    many = [{**row, "claim": f"{row['claim']}-{number}"} for row in outcome.results for number in range(9)]
    short = brief_claims(Outcome("reproduce", None, many, lead="45 claims."))
    assert short.notes[0] == "45 claims."
    assert [(row["item"], row["claims"], row["holds"]) for row in short.results] == [
        ("fig1", 18, 9),
        ("table1", 18, 9),
        ("fig2", 9, 0),
    ]


def test_two_papers_have_one_page_and_files_of_their_own(tmp_path: Path) -> None:
    other = PAPER.model_copy(update={"name": "other", "said": SAID.model_copy(update={"title": ""})})
    first = findings(tmp_path, items=("fig1",))
    second = type(first)(other, ("fig1",), "quick", 1, first.measured)
    with open_run("reproduce", Request(), out=tmp_path / "both") as run:
        write_report(run, "qaml reproduce nobody2020 other", [first, second])
    files = {file.name for file in run.path.iterdir()}
    assert {f"{paper}{end}" for paper in ("nobody2020", "other") for end in ("-fig1.csv", "-fig1.png", ".md")} <= files
    assert [each.paper for each in read_verdicts(run.path / VERDICTS_FILE)] == ["nobody2020", "other"]
    brief = brief_claims(Outcome.of(run))
    assert [row["paper"] for row in brief.results] == ["nobody2020"] * 2 + ["other"] * 2


def test_rows_that_fall_on_one_point_cost_the_picture_not_the_page(tmp_path: Path) -> None:
    class Twice(MadeUp):
        def rows(self, run: str) -> list[dict[str, object]]:
            return [*super().rows(run), {**super().rows(run)[1], "attack": "fgsm"}]

    found = findings(tmp_path)
    twice = type(found)(found.paper, ("fig1",), "paper", 1, Twice(tmp_path))
    with open_run("reproduce", Request(), out=tmp_path / "run") as run:
        write_report(run, "qaml reproduce nobody2020", [twice])
    assert not (run.path / "fig1.png").exists()
    for file in ("report.html", "nobody2020.md", VERDICTS_FILE):
        assert "fall on one point" in (run.path / file).read_text()


def test_own_pictures_are_those_of_the_run(tmp_path: Path, folder: Path) -> None:
    items = {"fig1": PAPER.plan.items["fig1"].model_copy(update={"pictures": (_own("seen.png"), _own("absent.png"))})}
    found = findings(tmp_path)
    paper = PAPER.model_copy(update={"plan": PAPER.plan.model_copy(update={"items": items})})
    (tmp_path / "fig1-0").mkdir()
    (tmp_path / "fig1-0/seen.png").write_bytes((folder / "fig1.png").read_bytes())
    drawn = list(draw_pictures(type(found)(paper, ("fig1",), "paper", 1, found.measured), "fig1"))
    assert [(file, caption) for file, _, caption in drawn] == [("fig1-1.png", "as the run drew it")]
    assert drawn[0][1] == (folder / "fig1.png").read_bytes()


def _own(file: str) -> Picture:
    return Picture(kind="own", runs=("fig1",), file=file, caption="as the run drew it")


def test_lines_need_numbers(tmp_path: Path) -> None:
    picture = PAPER.plan.items["fig1"].pictures[0].model_copy(update={"kind": "lines", "x": "victim", "series": "eps"})
    items = {"fig1": PAPER.plan.items["fig1"].model_copy(update={"pictures": (picture,)})}
    found = findings(tmp_path)
    paper = PAPER.model_copy(update={"plan": PAPER.plan.model_copy(update={"items": items})})
    [(_, png, why)] = draw_pictures(type(found)(paper, ("fig1",), "paper", 1, found.measured), "fig1")
    assert png is None
    assert "lines over victim" in why
    assert "say kind: bars" in why.lower()
