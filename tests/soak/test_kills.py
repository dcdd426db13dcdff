"""Commands that are killed at random points, again on their way back, and finish as if nothing had happened."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.hardware import CHUNKS, arguments, workspace
from tests.integration.loopback.server import MANILA, Loopback
from tests.soak.judging import judge
from tests.soak.kills import Kill
from tests.soak.place import Place
from tests.soak.seeds import CHAINS, cases, generator

pytestmark = pytest.mark.first
#: A second kill comes among this many first points of the next try, which has fewer than the first.
EARLY = 20
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Scenario:
    """A command that is killed.

    Attributes:
        command: from the workspace to its arguments; ``run`` is its run folder.
        before: a command that is left in peace before it.
        after: one that follows it.
        same: files that must come out as without a kill, bit for bit.
    """

    command: Callable[[Path], list[str]]
    before: Callable[[Path], list[str]] | None = None
    after: Callable[[Path], list[str]] | None = None
    same: tuple[str, ...] = ("predictions.npz", "results.csv")


def submit(place: Path) -> list[str]:
    return ["submit", *arguments(place, place / "run"), "--submit", "--json"]


def collect(place: Path) -> list[str]:
    return ["collect", str(place / "run"), "--json"]


def train(place: Path) -> list[str]:
    return [
        *["train", "--epochs", "2", "--layers", "2", "--classes", "0,1,2", "--train-images", "200", "--json", "--out"],
        str(place / "run"),
    ]


def sweep(place: Path) -> list[str]:
    grid = "--noise depolarizing --strengths 0.01,0.02,0.03 --images images.npz --json --out"
    return ["sweep", "model", *grid.split(), str(place / "run")]


SCENARIOS = {
    "submit": Scenario(submit, after=collect),
    "collect": Scenario(collect, before=submit),
    "run": Scenario(lambda place: ["run", *arguments(place, place / "run"), "--submit", "--json"]),
    "train": Scenario(train, same=("model.safetensors", "model.json", "predictions.npz", "metrics.json")),
    "sweep": Scenario(sweep, same=("metrics.json", "sweep.csv")),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Loopback({MANILA: "manila"}) as server:
        yield Place(workspace(tmp_path / "work"), server)


@dataclass(frozen=True)
class Undisturbed:
    """What a scenario comes to when nothing happens, and how many points its command passes."""

    files: dict[str, bytes]
    points: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    known: dict[str, Undisturbed] = {}

    def of(name: str) -> Undisturbed:
        if name not in known:
            scenario, folder = SCENARIOS[name], tmp_path_factory.mktemp(name)
            with Loopback({MANILA: "manila"}) as server:
                place = Place(workspace(folder / "work"), server)
                points = play(place, scenario)
            known[name] = Undisturbed(place.files(scenario.same), points)
        return known[name]

    return of


def play(place: Place, scenario: Scenario, kills: tuple[Kill, ...] = ()) -> int:
    """The whole scenario; the number of points that the command passed in the end."""
    if scenario.before:
        assert place.qaml(scenario.before(place.folder)).code == 0
    for kill in kills:
        ended = place.qaml(scenario.command(place.folder), kill)
        if ended.code != -signal.SIGKILL:
            judge(ended, stopped=True)
    ended = place.qaml(scenario.command(place.folder))
    points = place.points
    judge(ended)
    assert ended.code == 0, ended.err
    if scenario.after:
        ended = place.qaml(scenario.after(place.folder))
        judge(ended)
        assert ended.code == 0, ended.err
    json.loads(ended.out)
    return points


@pytest.mark.parametrize(("command", "number"), cases(SCENARIOS, CHAINS))
def test_killed_command_comes_back(
    command: str, number: int, place: Place, undisturbed: Callable[[str], Undisturbed]
) -> None:
    whole = undisturbed(command)
    random = generator(1, list(SCENARIOS).index(command), number)
    points = (random.integers(1, whole.points + 1), random.integers(1, EARLY + 1))
    kills = tuple(Kill(SIGNALS[random.integers(len(SIGNALS))], int(point)) for point in points)
    play(place, SCENARIOS[command], kills)
    assert place.files(SCENARIOS[command].same) == whole.files
    if place.server.jobs:
        assert place.executions() == dict.fromkeys(CHUNKS, 1)
