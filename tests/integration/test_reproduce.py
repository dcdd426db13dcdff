"""``qaml reproduce``: models and runs of a plan as steps, found again by what decides them; and what they measured."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import qaml_qiskit as front
from qaml_qiskit.campaigns.reproduce.carrying import Carrying
from qaml_qiskit.campaigns.reproduce.foreseeing import check_rows
from qaml_qiskit.campaigns.reproduce.planning import Planning
from qaml_qiskit.campaigns.reproduce.results import Results
from qaml_qiskit.campaigns.steps import StepPool
from qaml_qiskit.datasets import is_here
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.files import FolderLock
from qaml_qiskit.formats import npz
from qaml_qiskit.papers import PAPERS, TIERS, Measure, load_paper
from qaml_qiskit.papers.schema import Tier
from tests.integration.conftest import Finished
from tests.integration.tiny_paper import CLAIMS, NET, PLAN, Told, changed, write_paper

Qaml = Callable[..., Finished]
#: Steps of figure 1: the network and a QVC a seed, and a transfer a seed.
STEPS = {1: 3, 2: 5}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the paper and the steps of its two figures, for two seeds."""
    folder = tmp_path_factory.mktemp("done")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_paper(folder / "tiny")
        told = Told()
        front.reproduce(("tiny/fig1", "tiny/fig2"), seeds=2, out=folder / "page", progress=told)
        assert len(told.begun) == STEPS[2] + 2
        yield folder


@pytest.fixture
def here(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which commands are given."""
    shutil.copytree(done, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def carried(folder: Path, item: str = "fig1", tier: Tier = "quick", seeds: int = 2) -> Carrying:
    return Carrying(Planning(load_paper(str(folder)), (item,), tier, seeds), StepPool(Path("runs/steps")), Told())


def test_page_has_a_verdict_for_every_claim(here: Path, qaml: Qaml) -> None:
    finished = qaml("reproduce", "tiny", "--seeds", 2, "--json", "--out", "again")
    assert finished.code == 0, finished.err
    assert finished.err == ""
    document = finished.json()
    assert (document["command"], document["run"]) == ("reproduce", "again")
    rows = {row["claim"]: row for row in document["results"]}
    assert [*rows] == ["falls", "stronger", "learns", "elsewhere"]
    assert {"published", "ours", "interval", "verdict", "why"} <= rows["falls"].keys()
    # The tier quick has no ε of .2, and the table is not run at all.
    assert rows["stronger"]["verdict"] == rows["elsewhere"]["verdict"] == "not run"
    assert rows["learns"]["published"] == pytest.approx(0.9)
    for file in ("report.html", "metrics.json", "claims.csv", "moved.csv", "net.csv"):
        assert (here / "again" / file).is_file()
    assert "95 % for other images and trainings." in (here / "again" / "tiny.md").read_text()


def test_nothing_is_computed_twice(here: Path) -> None:
    told = Told()
    front.reproduce("tiny", seeds=2, out=here / "again", progress=told)
    assert told.begun == []
    # Fewer seeds are among more. Models are trained otherwise in the tier quick, and all that is run on them follows.
    outcome = front.reproduce("tiny/fig1", tier="paper", out=here / "paper", progress=told)
    assert len(told.begun) == STEPS[1]
    assert outcome.results[1]["verdict"] != "not run"
    assert carried(here / "tiny", seeds=1).missing == {}


def test_an_interrupted_call_goes_on(done: Path, tmp_path: Path) -> None:
    paper = write_paper(tmp_path / "my papers" / "tiny")
    first, second = Told(STEPS[1] - 1), Told()
    with pytest.raises(KeyboardInterrupt):
        front.reproduce(f"{paper}/fig1", out=tmp_path / "page", progress=first)
    found = front.reproduce(f"{paper}/fig1", out=tmp_path / "page", progress=second)
    assert len(first.begun) + len(second.begun) == STEPS[1] + 1
    page = (tmp_path / "page" / "tiny.md").read_text()
    assert f"qaml reproduce '{paper}/fig1'" in page
    assert "95 % for other images." in page
    # Steps of another folder, whose runs name their models as they lay when they were run.
    undisturbed = front.reproduce(f"{done}/tiny/fig1", steps_dir=done / "runs" / "steps", out=tmp_path / "other")
    assert found.results == undisturbed.results


def test_other_processes_are_waited_for(here: Path) -> None:
    shutil.rmtree(here / "runs" / "steps")
    everything = carried(here / "tiny", seeds=1)
    [(job, planned), *_] = everything.missing.items()
    locks = here / "runs" / "steps" / ".locks"
    locks.mkdir(parents=True)
    lock = FolderLock(locks, planned.step(job, {}).fingerprint)
    waits: list[int] = []

    def wait(seconds: float) -> None:
        # All that does not need the network is done meanwhile.
        waits.append(len(everything.found))
        lock.release()

    everything.carry_out(wait)
    assert waits == [1]
    assert everything.missing == {}


def test_rows_speak_of_the_plan(here: Path) -> None:
    results = Results((found := carried(here / "tiny")).planning, found.known)
    rows = results.rows("moved")
    assert {row["seed"] for row in rows} == {0, 1}
    assert {row["victim"] for row in rows} == {"net", "qvc"}
    assert len(results.places("moved")) == len(results.command_lines("moved")) == 2
    assert results.command_lines("moved")[1].startswith("qaml transfer --seed 1 --sources runs/steps/net-")
    assert "seed" not in results.rows("net")[0]
    observed = results.observe(Measure(run="moved", row=NET))
    assert observed is not None
    assert observed.seeds == (0, 1)
    assert observed.hits is not None
    assert [hits.mean() for hits in observed.hits] == pytest.approx(observed.values)
    clean = Measure(run="moved", row={**NET, "source": None, "eps": 0})
    both = results.observe(Measure(run="moved", row=NET, minus=clean))
    assert both is not None
    assert both.hits is not None
    assert {*np.concatenate(both.hits)} <= {-1.0, 0.0, 1.0}
    trained = results.observe(Measure(model="net"))
    assert trained is not None
    assert (trained.seeds, trained.values.shape) == ((), (1,))
    assert trained.hits is not None
    assert results.observe(Measure(model="net", row={"epoch": 1}, column="loss")) is not None
    assert results.observe(Measure(run="made", row={"eps": 0.1}, column="robust_accuracy")) is None


def test_files_of_other_runs(here: Path) -> None:
    results = Results((found := carried(here / "tiny", "fig2")).planning, found.known)
    made = results.observe(Measure(run="made", row={"eps": 0.1}, column="robust_accuracy"))
    shown = results.observe(Measure(run="shown", row={"eps": 0.1}))
    assert made is not None
    assert shown is not None
    assert made.seeds == shown.seeds == ()
    assert made.hits is not None
    assert shown.hits is not None
    assert made.hits[0].tolist() == shown.hits[0].tolist()


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ({"row": {"victim": "qvc", "victim_kind": "noisy"}}, ["no row fits", "moved", "victim_kind noisy", "exact"]),
        ({"row": {"victim": "qvc"}}, ["several rows fit", "2 of 4 rows", "victim qvc"]),
        ({"row": NET, "column": "colour"}, ["no number", "colour", "accuracy"]),
        ({"row": NET, "minus": {"model": "net"}}, ["of other images", "net", "minus"]),
    ],
)
def test_a_measure_must_be_one_number(here: Path, measure: dict[str, Any], words: list[str]) -> None:
    expect = {"kind": "at least", "value": 0.5, "first": {"run": "moved", **measure}}
    write_paper(here / "tiny", PLAN, changed(CLAIMS, "claims", 1, "expect", to=expect))
    with pytest.raises(ConfigurationError) as refused:
        front.reproduce("tiny/fig1", seeds=2, out=here / "again")
    assert all(word in str(refused.value) for word in ["claim stronger", *words]), refused.value


DAMAGES = {
    "config.yaml": (b"", b"[]", b"{", b"{command: 7}", b"{command: nothing}", b"{command: transfer, eps: much}"),
    "metrics.json": (b"", b"[]", b"{}", b'{"results": 5}', b'{"results": [5]}'),
    "outcomes.npz": (b"", b"no arrays", npz(a=np.zeros(2)), npz(victims=np.zeros(2), attacks=np.zeros(1))),
}


@pytest.mark.parametrize(("file", "content"), [(file, each) for file, several in DAMAGES.items() for each in several])
def test_a_damaged_step_is_named(here: Path, qaml: Qaml, file: str, content: bytes) -> None:
    [step] = (here / "runs" / "steps").glob("moved-seed0-????????")
    (step / file).write_bytes(content)
    finished = qaml("reproduce", "tiny", "--seeds", 2, "--out", "again")
    assert finished.code == 2
    assert "moved-seed0" in finished.err or "moved, seed 0" in finished.err, finished.err
    assert not (here / "again" / "metrics.json").exists()


def reference(here: Path, step: str, name: str) -> Path:
    """One of the steps as a kept reference."""
    [found] = (here / "runs" / "steps").glob(f"{step}-????????")
    return Path(shutil.copytree(found, here / "runs" / "reference" / name))


def with_kept(weights: str) -> dict[str, Any]:
    plan = changed(PLAN, "models", "net", "kept", to={0: "tiny-net"})
    return changed(plan, "models", "net", "weights", to={0: weights})


def test_a_kept_model_serves_if_it_is_the_plans(here: Path) -> None:
    weights = front.load_model(reference(here, "net", "tiny-net")).weights
    write_paper(here / "tiny", with_kept(weights))
    told = Told()
    # The very same weights in another place: what was run on them is found, too.
    front.reproduce("tiny/fig1", seeds=2, out=here / "again", progress=told)
    assert told.begun == []
    write_paper(here / "tiny", with_kept("0" * 16))
    with pytest.raises(ConfigurationError, match=f"net have changed.*got {weights}.*expected 0{{16}}.*estore"):
        front.reproduce("tiny/fig1", seeds=2, out=here / "more")
    assert not (here / "more").exists()
    shutil.rmtree(here / "runs" / "reference")
    assert carried(here / "tiny").missing == {}


def test_a_kept_run_serves_without_its_models(here: Path) -> None:
    weights = front.load_model(reference(here, "net", "tiny-net")).weights
    made = front.attack("tiny-net", attack="fgsm", eps=0.1, images=12, out=here / "runs" / "reference" / "tiny-made")
    (here / "runs" / "reference" / "tiny-net" / "model.safetensors").unlink()
    shutil.rmtree(here / "runs" / "steps")
    plan = changed(with_kept(weights), "runs", "made", "kept", to={"quick": "tiny-made"})
    plan["items"]["fig2"]["runs"] = ["made"]
    found = carried(write_paper(here / "tiny", plan), "fig2")
    assert found.missing == {}
    results = Results(found.planning, found.known)
    assert [row["model"] for row in results.rows("made")] == ["net"]
    assert results.rows("made")[0]["robust_accuracy"] == made.robust_accuracy[0]
    other = changed(plan, "runs", "made", "fields", "images", to=13)
    told = Told()
    planning = Planning(load_paper(str(write_paper(here / "tiny", other))), ("fig2",), "quick", 1)
    assert len(Carrying(planning, StepPool(here / "runs" / "steps"), told).missing) == 2
    assert told.said == ["made is run anew: tiny-made is of another request: images"]


def test_list(here: Path, qaml: Qaml) -> None:
    finished = qaml("reproduce", "list", "tiny", "--json")
    assert finished.code == 0, finished.err
    rows = {row["item"]: row for row in finished.json()["results"]}
    assert [*rows] == ["tiny/fig1", "tiny/fig2", "tiny/table1"]
    assert {tier: rows["tiny/fig1"][tier] for tier in ("quick", "paper", "full")} == {
        "quick": "complete",
        "paper": "2 trainings, 1 run",
        "full": "2 trainings, 1 run",
    }
    assert rows["tiny/table1"]["quick"] == "not run"
    assert front.list_reproductions(["tiny"]).results == [*rows.values()]


def test_the_paper_of_the_documentation_can_be_run(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "reproduce.md").read_text(encoding="utf-8")
    plan, claims = re.findall(r"^```yaml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "plan.yaml").write_text(plan)
    (tmp_path / "claims.yaml").write_text(claims)
    for tier in TIERS:
        planning = Planning(load_paper(str(tmp_path)), ("fig1",), tier, 2)
        check_rows(planning)
        assert len(planning.jobs) == STEPS[2]


@pytest.mark.slow
def test_whole_quick_tier(tmp_path: Path) -> None:
    """Every figure and table of every paper, on few images; twenty minutes of two cores at most."""
    if not is_here("mnist") or not is_here("fashion-mnist"):
        pytest.skip("the papers' data sets are not on this machine: see `qaml data fetch`")
    outcome = front.reproduce(PAPERS, out=tmp_path / "page")
    claims = [claim.id for name in PAPERS for claim in load_paper(name).said.claims]
    assert [row["claim"] for row in outcome.results] == claims
    assert all(row["why"] for row in outcome.results)
