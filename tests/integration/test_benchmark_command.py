"""`qaml benchmark` as a whole: a reference and a stranger's network on the digits, by command and in Python."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import qaml_qiskit
from qaml_qiskit import BenchmarkRequest, benchmark
from qaml_qiskit.artifacts import METRICS_FILE
from qaml_qiskit.campaigns.benchmark.card import read_card
from qaml_qiskit.campaigns.benchmark.protocol import load_protocol
from qaml_qiskit.datasets import load_dataset
from tests.integration.conftest import Finished, results

Qaml = Callable[..., Finished]
pytestmark = pytest.mark.first
REFERENCE, STRANGER = "digits10-linear", "strangers.nets:trained"
CODE = """
from pathlib import Path

import torch
from torch import nn


def trained():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    network.load_state_dict(torch.load(Path(__file__).with_name("weights.pt")))
    return network
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a stranger's package: a network with some steps of training."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "strangers").mkdir()
    (folder / "strangers" / "nets.py").write_text(CODE)
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    data = load_dataset("digits").train
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(torch.from_numpy(data.images)), torch.from_numpy(data.labels))
        loss.backward()
        optimizer.step()
    torch.save(network.state_dict(), folder / "strangers" / "weights.pt")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
    for name in [name for name in sys.modules if name.startswith("strangers")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def finished(place: Path) -> Path:
    """A benchmark of both models."""
    request = BenchmarkRequest(models=(REFERENCE, STRANGER), dataset="digits", note="a stranger's network")
    benchmark(request, out=place / "runs" / "both", steps_dir=place / "runs" / "steps")
    return place / "runs" / "both"


def test_a_row_and_a_card_a_model(finished: Path) -> None:
    rows = json.loads((finished / METRICS_FILE).read_text())["results"]
    assert [row["model"] for row in rows] == [REFERENCE, STRANGER]
    arena = load_protocol(1).on("digits")
    for row in rows:
        assert 0.8 < row["clean_accuracy"] <= 1
        low, high = row["clean_accuracy_interval"]
        assert low < row["clean_accuracy"] < high
        assert row["robust_accuracy"] + row["misclassified_rate"] == pytest.approx(1)
    quantum, network = (
        read_card(finished / "cards" / f"{name}.json") for name in (REFERENCE, "strangers.nets-trained")
    )
    assert quantum.data.fingerprint == network.data.fingerprint == arena.test.fingerprint
    assert None not in [each.value for each in quantum.figures.values()]
    assert (network.model.parameters, network.note) == (64 * 32 + 32 + 32 * 10 + 10, "a stranger's network")
    absent = {name for name, each in network.figures.items() if each.value is None}
    steps = {load_protocol(1).figures[name].step for name in absent}
    assert steps == {"certify", "noise", "device"}
    assert all("not applicable" in network.figures[name].reason for name in absent)
    # What it says of itself is judged: nobody knows which images it did not learn from.
    assert network.figures["ece"] == network.figures["ece_raw"]


def test_the_figures_are_those_of_the_commands_that_the_card_names(finished: Path, qaml: Qaml, tmp_path: Path) -> None:
    card = read_card(finished / "cards" / f"{REFERENCE}.json")
    again = qaml(*card.commands["transfer"].split()[1:], "--json", "--out", tmp_path / "again")
    assert again.code == 0, again.err
    assert again.json()["results"][-1]["accuracy"] == card.figures["transfer_accuracy"].value


def test_what_was_run_is_found_and_what_was_cut_off_goes_on(finished: Path, place: Path, qaml: Qaml) -> None:
    steps = place / "runs" / "steps"
    before = {path: path.stat().st_mtime_ns for path in steps.rglob(METRICS_FILE)}
    assert len(before) == 7 + 4
    # A kill after the first steps leaves them without the rest.
    cut = next(steps.glob(f"{REFERENCE}-certify-*")) / METRICS_FILE
    told = cut.read_bytes()
    cut.unlink()
    again = qaml("benchmark", REFERENCE, "--out", place / "runs" / "one", "--steps-dir", steps, "--json")
    assert again.code == 0, again.err
    assert cut.read_bytes() == told or json.loads(cut.read_bytes())["results"] == json.loads(told)["results"]
    assert {path: path.stat().st_mtime_ns for path in before if path != cut} == {
        path: time for path, time in before.items() if path != cut
    }
    (row,) = again.json()["results"]
    assert row == json.loads((finished / METRICS_FILE).read_text())["results"][0]
    cards = [place / "runs" / run / "cards" / f"{REFERENCE}.json" for run in ("one", "both")]
    assert read_card(cards[0]).figures == read_card(cards[1]).figures


def test_strangers_send_a_card(finished: Path, qaml: Qaml, tmp_path: Path) -> None:
    folder = tmp_path / "cards"
    folder.mkdir()
    for card in (finished / "cards").iterdir():
        (folder / card.name).write_bytes(card.read_bytes())
    assert qaml("benchmark", "--verify", folder).code == 0
    table = qaml("benchmark", "--table", folder, "--json")
    assert table.code == 0, table.err
    assert {row["model"] for row in table.json()["results"]} == {REFERENCE, STRANGER}
    assert set(results(folder)) == {"benchmark.csv", f"{REFERENCE}.json", "strangers.nets-trained.json"}
    mine = folder / f"{REFERENCE}.json"
    mine.write_text(mine.read_text().replace('"audit"', '"verdict"'))
    refused = qaml("benchmark", "--verify", mine)
    assert (refused.code, "its figures" in refused.err) == (2, True)


def test_in_python_an_object_stands_for_a_name(finished: Path, place: Path) -> None:
    found = benchmark(qaml_qiskit.deploy(REFERENCE), out=place / "runs" / "object", steps_dir=place / "runs" / "steps")
    assert found.robust_accuracy == [json.loads((finished / METRICS_FILE).read_text())["results"][0]["robust_accuracy"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("{reference}", "--version", "9"), "no such version of the benchmark: got 9"),
        (("{trained}",), "a model of 3 classes of digits"),
        (("{reference}@depolarizing:0.01",), "Leave out what stands behind @"),
        (("{reference}@smoothing:0.25:100",), "smoothing"),
        (("gone",), "no such model"),
        (("pneumonia-qvc100",), "not defined for this data set"),
        (("{reference}", "{copy}"), "two models cannot have one card"),
        ((STRANGER,), "Give --dataset"),
        (("--verify", "gone.json"), "gone.json"),
        (("--verify", "{reference}.json"), "{reference}.json"),
        (("--table", "gone"), "no folder of cards"),
        (("{reference}", "--table", "gone"), "Leave them out"),
    ],
)
def test_bad_input(words: tuple[str, ...], told: str, qaml: Qaml, trained: Path, place: Path, tmp_path: Path) -> None:
    names = {"reference": REFERENCE, "trained": str(trained), "copy": str(tmp_path / REFERENCE)}
    source = Path(qaml_qiskit.__file__).parent.parent / "runs" / "reference" / REFERENCE
    (tmp_path / REFERENCE).mkdir()
    for file in source.glob("model.*"):
        (tmp_path / REFERENCE / file.name).write_bytes(file.read_bytes())
    (tmp_path / f"{REFERENCE}.json").write_text("{}")
    refused = qaml("benchmark", *(word.format(**names) for word in words))
    assert refused.code == 2
    assert told.format(**names) in refused.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("backends.yaml", "targets: {fake-fez: {kind: fake, device: FakeTorino}}\n"),
        ("transpile/line.yaml", "why: mine\noptimization_level: 0\nseeds: [3]\n"),
    ],
)
def test_a_device_of_the_same_name_is_refused(file: str, content: str, qaml: Qaml, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)
    refused = qaml("benchmark", REFERENCE)
    assert (refused.code, "is not that of version 1" in refused.err) == (2, True)
    assert not (tmp_path / "runs").exists()
