"""Commands against a service in trouble: they say so in one line, and when it is over every PUB has run once."""

from pathlib import Path

import numpy as np
import pytest

from tests.child import Ended
from tests.integration.hardware import CHUNKS, arguments, workspace
from tests.soak.judging import judge, secrets_in
from tests.soak.place import Place
from tests.soak.seeds import SEQUENCES, cases, generator
from tests.soak.service import TROUBLES, Trouble, Troubled

pytestmark = pytest.mark.first
FILES = ("predictions.npz", "results.csv")
#: Rounds of sending and collecting in which everything must be there once the trouble is over.
ROUNDS = 3


def commands(place: Place) -> dict[str, list[str]]:
    """What a user may do in the meantime."""
    words, run = arguments(place.folder, place.run), str(place.run)
    return {
        "plan": ["plan", *words[:-2], "--json"],
        "submit": ["submit", *words, "--submit", "--json"],
        "status": ["status", run, "--json"],
        "collect": ["collect", run, "--timeout", "2", "--json"],
        "cancel": ["cancel", run, "--json"],
        "retry": ["submit", "--retry", run, "--json"],
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    with Troubled() as server:
        place = Place(workspace(tmp_path_factory.mktemp("undisturbed") / "work"), server)
        for name in ("submit", "collect"):
            assert place.qaml(commands(place)[name]).code == 0
        return place.files(FILES)


@pytest.mark.parametrize(("name", "number"), cases(TROUBLES, SEQUENCES // len(TROUBLES)))
def test_service_in_trouble(name: str, number: int, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    random = generator(3, list(TROUBLES).index(name), number)
    with Troubled() as server:
        place = Place(workspace(tmp_path / "work"), server)
        told, ended = disturbed(place, server, TROUBLES[name], random)
        try:
            for each in ended:
                judge(each)
            server.recover()
            ended += recovered(place, told)
            assert place.files(FILES) == undisturbed, "other results"
            most = max(place.executions().values())
            assert set(place.executions()) == set(CHUNKS)
            assert most <= TROUBLES[name].paid, f"PUBs ran {place.executions()}"
            assert not secrets_in([each.out + each.err for each in ended], place.folder, server)
        except AssertionError as error:
            error.add_note("\n".join(told))
            raise
        assert not server.errors


def disturbed(
    place: Place, server: Troubled, trouble: Trouble, random: np.random.Generator
) -> tuple[list[str], list[Ended]]:
    """Some commands, the trouble beginning before one of them; with what was done, and how it ended."""
    names = ["plan", "submit", "status", "collect"] if random.random() < 0.3 else ["submit", "collect"]
    if trouble.needs or random.random() < 0.3:
        further = trouble.needs or str(random.choice(["cancel", "retry", "submit", "status"]))
        names.insert(int(random.integers(1, len(names) + 1)), further)
    begins = names.index(trouble.before) if trouble.before else int(random.integers(len(names)))
    if trouble.held or (trouble.held is None and random.random() < 0.3):
        server.hold()
    told, ended = [], []
    for index, name in enumerate(names):
        if index == begins:
            told.append(f"TROUBLE {trouble.start(server, random)}")
        ended.append(place.qaml(commands(place)[name]))
        told.append(f"qaml {name}: {ended[-1].code} {ended[-1].err.strip()[-300:]}")
    return told, ended


def recovered(place: Place, told: list[str]) -> list[Ended]:
    """Sending and collecting until everything is there."""
    ended = []
    for _ in range(ROUNDS):
        for name in ("submit", "collect", "retry"):
            ended.append(place.qaml(commands(place)[name]))
            told.append(f"then qaml {name}: {ended[-1].code} {ended[-1].err.strip()[-300:]}")
            judge(ended[-1])
            if name == "collect" and ended[-1].code == 0:
                return ended
    raise AssertionError("not complete")
