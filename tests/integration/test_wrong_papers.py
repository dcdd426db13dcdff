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
    "too many seeds": (("tiny", "--seeds", "1000000000"), ["--seeds", "at most 100"]),
    "no tier": (("tiny", "--tier", "quik"), ["--tier", "quick"]),
    "a list that is kept": (("list", "tiny", "--out", "page"), ["no use for --out"]),
    "a list of a tier": (("list", "tiny", "--tier", "paper"), ["no use for --tier"]),
    "two of one name": (("tiny/fig1", "other/tiny/fig2"), ["two of the name tiny"]),
    "half a paper": (("half",), ["half/claims.yaml", "no such file"]),
    "steps in a file": (("tiny", "--steps-dir", "tiny/plan.yaml"), ["steps", "tiny/plan.yaml", "--steps-dir"]),
    "steps in a run": (("tiny", "--steps-dir", "other"), ["the folder of a run"]),
    "no word": ((), ["ITEMS", "missing"]),
}


@pytest.mark.parametrize("case", BAD_WORDS)
def test_wrong_words(qaml: Qaml, tmp_path: Path, case: str) -> None:
    write_paper(tmp_path / "tiny")
    write_paper(tmp_path / "other" / "tiny", changed(PLAN, "runs", "made", "fields", "images", to=13))
    (tmp_path / "other" / "config.yaml").write_text("command: train\n")
    (write_paper(tmp_path / "half") / "claims.yaml").unlink()
    words, told = BAD_WORDS[case]
    finished = qaml("reproduce", *words)
    assert finished.code == 2
    assert all(word.lower() in finished.err.lower() for word in told), finished.err
    assert not (tmp_path / "runs").exists()


def a_file(run: object) -> list[dict[str, object]]:
    return [{"run": run, "file": "adversarial/fgsm-eps0.1.npz"}]


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
    "no place": (("items", "fig1", "rans"), [], ["plan.yaml", "unknown field items.fig1.rans"]),
    "no items": (("items",), {}, ["plan.yaml", "items"]),
    "a name that leads out": (("runs", "../made"), {"command": "attack"}, ["runs.../made", "of the form"]),
    "a name of no file": (("models", "x" * 200), {"train": {}}, ["at most 80 characters"]),
    "a picture from elsewhere": (
        ("items", "fig1", "pictures"),
        [{"kind": "own", "runs": ["moved"], "file": "../../x.png"}],
        ["pictures.0.file", "of the form"],
    ),
    "a file of no run": (
        ("runs", "shown", "fields", "adversarial"),
        a_file("mode"),
        ["shown", "no such run", "perhaps made"],
    ),
    "a file of no text": (("runs", "shown", "fields", "adversarial"), a_file([1]), ["shown", "adversarial"]),
    "a file of itself": (("runs", "shown", "fields", "adversarial"), a_file("shown"), ["shown needs shown"]),
    "files in a circle": (("runs", "made", "fields", "images"), a_file("shown")[0], ["needs shown needs"]),
    "a claim's run": (("items", "fig1", "runs"), [], ["fig1", "a claim reads", "moved"]),
    "no data": (("models", "pattern", "train"), {"dataset": "celeba"}, ["data set 'celeba'", "--data-dir"]),
    "a claim's row": (("runs", "pattern", "fields", "eps"), [0.1], ["claim stronger", "eps 0.2", "tier paper", "0.1"]),
}


@pytest.mark.parametrize("case", BAD_PLANS)
def test_wrong_plans(qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.delenv("QAML_DATA_DIR", raising=False)
    path, value, words = BAD_PLANS[case]
    write_paper(tmp_path / "tiny", changed(PLAN, *path, to=value))
    finished = qaml("reproduce", "tiny/fig2" if "file" in case else "tiny/fig1")
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
    "nothing to read": (
        ("claims", 0, "expect"),
        {"kind": "at least", "value": 0.5},
        ["no claims.0", "first", "correct"],
    ),
    "no number": (("claims", 1, "expect", "value"), float("nan"), ["claims.1", "finite"]),
    "endless": (("claims", 2, "published"), {"value": float("inf")}, ["claims.2", "finite"]),
    "half an id": (("claims", 0, "id"), "falls|<b>", ["claims.0.id", "of the form"]),
    "within nothing": (
        ("claims", 0, "expect"),
        {"kind": "no difference", "within": 0, "first": {"model": "net"}, "second": {"model": "net"}},
        ["within", "more than 0"],
    ),
    "a run two steps off": (
        (*FIRST, "minus"),
        {"run": "moved", "row": {"source": None}, "minus": {"run": "made", "row": {}}},
        ["fig1", "a claim reads", "made"],
    ),
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
def test_wrong_claims(qaml: Qaml, tmp_path: Path, case: str) -> None:
    path, value, words = BAD_CLAIMS[case]
    write_paper(tmp_path / "tiny", PLAN, changed(CLAIMS, *path, to=value))
    finished = qaml("reproduce", "tiny")
    assert finished.code == 2
    assert all(word.lower() in finished.err.lower() for word in words), finished.err
