"""Words and papers that ``qaml reproduce`` refuses before anything is computed, and what it says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Finished
from tests.integration.tiny_paper import CLAIMS, PLAN, changed, write_paper

Qaml = Callable[..., Finished]

BAD_WORDS = {
    "no paper": (("wset2023",), ["no such paper", "west2023"]),
    "no item": (("tiny/fig11",), ["no such item", "'fig11'", "fig1"]),
    "an item alone": (("fig2",), ["behind its paper", "west2023/fig2"]),
    "a list in between": (("tiny", "list"), ["the list stands alone"]),
    "twice": (("tiny", "tiny"), ["once"]),
    "no seeds": (("tiny", "--seeds", "0"), ["--seeds", "at least 1"]),
    "no tier": (("tiny", "--tier", "quik"), ["--tier", "quick"]),
    "no word": ((), ["ITEMS", "missing"]),
}


@pytest.mark.parametrize("case", BAD_WORDS)
def test_wrong_words(qaml: Qaml, tmp_path: Path, case: str) -> None:
    write_paper(tmp_path / "tiny")
    words, told = BAD_WORDS[case]
    finished = qaml("reproduce", *words)
    assert finished.code == 2
    assert all(word in finished.err for word in told), finished.err
    assert not (tmp_path / "runs").exists()


BAD_PLANS = {
    "like itself": (("models", "pattern", "like"), ["net"], ["like itself"]),
    "like nothing": (("models", "net", "like"), ["patern"], ["patern", "perhaps pattern"]),
    "no command": (("runs", "moved", "command"), "transfr", ["no such command", "perhaps transfer"]),
    "no field": (("runs", "moved", "fields", "sauces"), [1], ["moved", "sauces"]),
    "no value": (("runs", "moved", "fields", "attacks"), ["fgms"], ["moved", "fgms", "perhaps fgsm"]),
    "no run": (("items", "fig1", "runs"), ["mooved"], ["item fig1", "no such run", "perhaps moved"]),
    "no model": (("items", "fig1", "models"), ["nett"], ["no such model", "perhaps net"]),
    "a pattern": (("runs", "moved", "fields", "victims"), ["net", "pattern"], ["never trained", "pattern"]),
    "no item": (("items", "fig9"), {}, ["claims.yaml", "fig9"]),
    "no place": (("items", "fig1", "rans"), [], ["plan.yaml", "rans"]),
    "a claim's run": (("items", "fig1", "runs"), [], ["fig1", "a claim reads", "moved"]),
    "no data": (("models", "pattern", "train"), {"dataset": "celeba"}, ["data set 'celeba'", "--data-dir"]),
    "a claim's row": (("runs", "pattern", "fields", "eps"), [0.1], ["claim stronger", "eps 0.2", "tier paper", "0.1"]),
}


@pytest.mark.parametrize("case", BAD_PLANS)
def test_wrong_plans(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.delenv("QAML_DATA_DIR", raising=False)
    path, value, words = BAD_PLANS[case]
    write_paper(tmp_path / "tiny", changed(PLAN, *path, to=value))
    finished = qaml("reproduce", "tiny/fig1")
    assert finished.code == 2
    assert all(word.lower() in finished.err.lower() for word in words), finished.err
    assert not (tmp_path / "runs").exists()


FIRST = ("claims", 0, "expect", "first")
BAD_CLAIMS = {
    "no run": ((*FIRST, "run"), "mved", ["claim falls", "no such run", "perhaps moved"]),
    "neither": (FIRST, {"row": {}}, ["claim falls", "one of run and model"]),
    "no choice": (("claims", 0, "open"), ["seads"], ["claim falls", "perhaps seeds"]),
    "two of one name": (("claims", 1, "id"), "falls", ["two claims", "falls"]),
    "no item": (("claims", 0, "item"), "fig7", ["claim falls", "no such item"]),
    "no expectation": (("claims", 0, "expect", "kind"), "better", ["claims.yaml", "kind"]),
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
def test_wrong_claims(qaml: Qaml, tmp_path: Path, case: str) -> None:
    path, value, words = BAD_CLAIMS[case]
    write_paper(tmp_path / "tiny", PLAN, changed(CLAIMS, *path, to=value))
    finished = qaml("reproduce", "tiny")
    assert finished.code == 2
    assert all(word.lower() in finished.err.lower() for word in words), finished.err
