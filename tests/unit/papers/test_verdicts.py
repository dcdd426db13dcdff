"""Verdicts on synthetic observations whose answer is known."""

import json
from typing import Any

import numpy as np
import pytest

from qaml_qiskit.evaluation import benjamini_hochberg
from qaml_qiskit.papers import FALSE_DISCOVERIES, VERDICTS, Observation, counts, judge
from qaml_qiskit.papers.schema import Claims
from tests.unit.papers.observed import claim, judged, measured, numbers, of, seen, trained

FIVE = (0.90, 0.91, 0.89, 0.90, 0.92)
FOUND = {
    "one": trained(0.90),
    "less": trained(0.80, seed=2),
    "close": trained(0.89, seed=3),
    "five": trained(*FIVE),
    "five-less": trained(*(share - 0.1 for share in FIVE), seed=4),
    "five-close": trained(*FIVE[::-1], seed=5),
    "two": trained(0.90, 0.60),
    "six": numbers(0.30, 0.32, 0.31, 0.33, 0.29, 0.34),
    "many": trained(0.901, images=10_000),
    "many-close": trained(0.900, images=10_000, seed=6, alike=0.99),
    "all": measured(np.ones(250)),
    "none": measured(np.zeros(250)),
    "few": trained(0.9, images=20),
    "image": measured([1.0]),
    "empty": measured([]),
    "nan": numbers(float("nan")),
    "nan-hit": Observation(np.array([0.5]), (np.array([1.0, np.nan]),), ()),
    "curve": numbers(0.95, intervals=[(0.93, 0.97)]),
    "curves": numbers(0.95, 0.96, 0.94, intervals=[(0.93, 0.97)] * 3),
    "bare": numbers(0.95),
    "bare-five": numbers(0.95, 0.94, 0.96, 0.95, 0.95),
    "gates": numbers(7800.0),
    "ragged": measured(np.ones(10), np.ones(12)),
    "other-images": trained(0.70, images=100),
}
HOLDS, FAILS, OPEN, NOT_RUN = VERDICTS

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    # Agreement with a published number.
    ("equal", {"first": of("one"), "published": {"value": 0.916, "images": 250}}, HOLDS, "Agrees within the interval"),
    ("equal", {"first": of("one"), "published": {"value": 0.74, "images": 250}}, FAILS, "0.160 higher"),
    ("equal", {"first": of("five"), "published": {"value": 0.92, "images": 250}}, HOLDS, "5 trainings"),
    ("equal", {"first": of("five"), "published": {"value": 0.74, "images": 250}}, FAILS, "higher"),
    ("equal", {"first": of("two"), "published": {"value": 0.3, "images": 250}}, OPEN, "nearly anything would agree"),
    ("equal", {"first": of("few"), "published": {"value": 0.9, "images": 250}}, OPEN, "nearly anything would agree"),
    ("equal", {"first": of("one"), "published": {"value": 0.91}}, HOLDS, "no sample size"),
    ("equal", {"first": of("one"), "published": {"value": 0.84}}, OPEN, "a share of"),
    ("equal", {"first": of("one"), "published": {"value": 0.3}}, FAILS, "even if"),
    ("equal", {"first": of("curve"), "published": {"value": 4.2}}, OPEN, "error of its own number"),
    ("equal", {"first": of("gates", exact=True), "published": {"value": 7800}}, HOLDS, "7,800 against 7,800"),
    ("equal", {"first": of("gates", exact=True), "published": {"value": 7801}}, FAILS, "7,800 against 7,801"),
    ("equal", {"first": of("bare"), "published": {"value": 0.9, "images": 250}}, OPEN, "no interval"),
    ("equal", {"first": of("all"), "published": {"value": 1.0, "images": 250}}, HOLDS, "the same"),
    ("equal", {"first": of("nan"), "published": {"value": 0.9, "images": 250}}, OPEN, "no number"),
    # Larger.
    ("larger", {"first": of("one"), "second": of("less")}, HOLDS, "not trainings"),
    ("larger", {"first": of("less"), "second": of("one")}, FAILS, "0.800 against 0.900"),
    ("larger", {"first": of("one"), "second": of("close")}, OPEN, "not told from none"),
    ("larger", {"first": of("one"), "second": of("one")}, OPEN, "not told from none"),
    ("larger", {"first": of("all"), "second": of("none")}, HOLDS, "+1.000"),
    ("larger", {"first": of("one"), "second": of("less"), "by": 0.2}, FAILS, "less than 0.2"),
    ("larger", {"first": of("one"), "second": of("less"), "by": 0.02}, HOLDS, "more than 0.02"),
    ("larger", {"first": of("one"), "second": of("less"), "by": 0.09}, OPEN, "0.09"),
    ("larger", {"first": of("five"), "second": of("five-less")}, HOLDS, "5 trainings"),
    ("larger", {"first": of("five"), "second": of("five-close")}, OPEN, "not told"),
    ("larger", {"first": of("five"), "second": of("less")}, HOLDS, "of the second only one"),
    ("larger", {"first": of("one"), "second": of("other-images")}, HOLDS, "as independent"),
    ("larger", {"first": of("image"), "second": of("image")}, OPEN, "not told"),
    ("larger", {"first": of("empty"), "second": of("one")}, OPEN, "no image"),
    ("larger", {"first": of("nan-hit"), "second": of("one")}, OPEN, "no number"),
    ("larger", {"first": of("bare"), "second": of("bare")}, OPEN, "one training"),
    ("larger", {"first": of("bare-five"), "second": of("six", column="ece")}, HOLDS, "0.950 against 0.310"),
    ("larger", {"first": of("gates", exact=True), "second": of("bare", exact=True)}, HOLDS, "nothing random"),
    ("larger", {"first": of("gates", exact=True), "second": of("gates", exact=True)}, FAILS, "nothing random"),
    ("larger", {"first": of("absent"), "second": of("one")}, NOT_RUN, "Nothing of the kind"),
    # No difference.
    ("no difference", {"first": of("many"), "second": of("many-close"), "within": 0.01}, HOLDS, "within ±0.01"),
    ("no difference", {"first": of("one"), "second": of("close"), "within": 0.01}, OPEN, "beyond ±0.01"),
    ("no difference", {"first": of("one"), "second": of("less"), "within": 0.02}, FAILS, "beyond ±0.02"),
    ("no difference", {"first": of("less"), "second": of("one"), "within": 0.02}, FAILS, "beyond ±0.02"),
    ("no difference", {"first": of("five"), "second": of("five-close"), "within": 0.1}, HOLDS, "within ±0.1"),
    # Bounds.
    ("at least", {"first": of("one"), "value": 0.8}, HOLDS, "is at least 0.8"),
    ("at least", {"first": of("one"), "value": 0.97}, FAILS, "is not at least 0.97"),
    ("at least", {"first": of("one"), "value": 0.9}, OPEN, "inside its interval"),
    ("at least", {"first": of("all"), "value": 1.0}, OPEN, "inside its interval"),
    ("at most", {"first": of("none"), "value": 0.1}, HOLDS, "is at most 0.1"),
    ("at most", {"first": of("five"), "value": 0.5}, FAILS, "is not at most 0.5"),
    ("at most", {"first": of("gates", exact=True), "value": 10_000}, HOLDS, "7,800 is at most 10000"),
    ("at most", {"first": of("six", column="ece"), "value": 0.5}, HOLDS, "not other images"),
    ("at most", {"first": of("curve"), "value": 0.9}, FAILS, "not at most"),
    ("at most", {"first": of("curves"), "value": 0.9}, FAILS, "images and 3 trainings"),
    ("at least", {"first": of("ragged"), "value": 0.9}, HOLDS, "not other images"),
    # Order.
    ("monotone", {"over": [of("one"), of("close"), of("less")], "way": "falls"}, HOLDS, "no step rises"),
    ("monotone", {"over": [of("one"), of("close"), of("less")], "way": "rises"}, FAILS, "falls"),
    ("monotone", {"over": [of("one"), of("less"), of("one"), of("none")], "way": "falls"}, FAILS, "step 2 rises"),
    ("monotone", {"over": [of("one"), of("close")], "way": "falls"}, OPEN, "not told from none"),
    ("monotone", {"over": [of("five"), of("five-close"), of("five-less")], "way": "falls"}, HOLDS, "no step rises"),
    ("monotone", {"over": [of("bare", exact=True), of("gates", exact=True)], "way": "rises"}, HOLDS, "no step falls"),
    ("monotone", {"over": [of("bare"), of("curve")], "way": "rises"}, OPEN, "no interval"),
    # What no number decides.
    ("seen", {"verdict": FAILS, "why": "The circles are ovals."}, FAILS, "The circles are ovals."),
    ("not run", {"why": "The images cannot be had here"}, NOT_RUN, "cannot be had"),
]


@pytest.mark.parametrize(("kind", "expect", "verdict", "word"), CASES)
def test_verdicts(kind: str, expect: dict[str, Any], verdict: str, word: str) -> None:
    found = judged(FOUND, kind=kind, **expect)
    assert (found.verdict, word in found.why) == (verdict, True), found.why
    assert found.why.endswith(".")
    assert "proof" not in found.why
    # A row is a document that any program reads.
    assert json.loads(json.dumps(found.row(), allow_nan=False))["verdict"] == verdict


@pytest.mark.parametrize(("kind", "expect", "verdict", "word"), CASES)
def test_a_difference_below_its_interval_is_never_called_one(
    kind: str, expect: dict[str, Any], verdict: str, word: str
) -> None:
    found = judged(FOUND, kind=kind, **expect)
    if found.difference_interval is None or kind in ("no difference", "monotone") or not found.covers:
        return
    low, high = found.difference_interval
    edge = expect.get("by", 0.0)
    if low < edge < high and low < high:
        assert found.verdict == (HOLDS if kind == "equal" and high - low <= 0.2 else OPEN)


def test_what_is_told_beside_the_verdict() -> None:
    found = judged(FOUND, kind="larger", first=of("five"), second=of("five-less"))
    assert (found.seeds, found.images, found.test) == (5, 250, "t over seeds and images")
    assert found.ours == pytest.approx(0.904)
    assert found.against == pytest.approx(0.804)
    assert found.difference == pytest.approx(0.1)
    assert found.effect_name == "Cohen's h"
    # All five differences have one sign: no exact test over five seeds says more.
    assert found.p_over_seeds == 2 / 2**5
    assert "6 seeds are needed" in found.remark
    single = judged(FOUND, kind="larger", first=of("one"), second=of("less"))
    assert (single.seeds, single.test, single.remark) == (1, "McNemar's exact test", "")
    six = judged(FOUND, kind="at most", first=of("six"), value=0.5)
    assert six.test == "Wilcoxon's signed ranks over seeds"
    assert six.p == 2 / 2**6


def test_seeds_that_only_one_of_two_has_are_left_out() -> None:
    five, three = trained(*FIVE), trained(*(share - 0.1 for share in FIVE[1:4]), seed=8)
    shifted = Observation(three.values, three.hits, (1, 2, 3))
    found = judged({"a": five, "b": shifted}, kind="larger", first=of("a"), second=of("b"))
    assert found.seeds == 3
    assert found.difference == pytest.approx(0.1)


def test_discoveries_are_controlled_over_the_page() -> None:
    found = {f"none-{number}": trained(0.9, seed=number) for number in range(30)} | {"edge": trained(0.866, seed=99)}
    many = [claim(f"c{n}", kind="larger", first=of(f"none-{n}"), second=of(f"none-{(n + 1) % 30}")) for n in range(30)]
    edge = claim("edge", kind="at least", first=of("edge"), value=0.81)
    alone = judge([edge], lambda measure: seen(found, measure))[0]
    assert alone.verdict == HOLDS
    assert alone.p == alone.q
    page = judge([*many, edge], lambda measure: seen(found, measure))
    q = benjamini_hochberg([each.p for each in page if each.p is not None])
    assert [each.q for each in page if each.p is not None] == pytest.approx(q)
    assert page[-1].p == alone.p
    assert page[-1].verdict == OPEN
    assert f"among the {len(q)} claims tested" in page[-1].why
    assert all(each.verdict == OPEN or (each.q or 0) <= FALSE_DISCOVERIES for each in page)
    assert sum(counts(page).values()) == len(page)


def test_a_page_without_tests() -> None:
    page = judge([claim("a", kind="not run", why="no data")], lambda measure: None)
    assert page[0].q is None
    assert counts(page) == {HOLDS: 0, FAILS: 0, OPEN: 0, NOT_RUN: 1}
    assert judge([], lambda measure: None) == []


def test_percent_are_refused_where_a_share_is_meant() -> None:
    said = {"id": "a", "item": "i", "told": "t", "published": {"value": 83.2, "images": 250}}
    with pytest.raises(ValueError, match=r"83.2 % as .832"):
        Claims(paper="p", items={}, claims=[{**said, "expect": {"kind": "not run", "why": "w"}}])
