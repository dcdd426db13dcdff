"""Inference rules as they are written, read and refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaml_qiskit.deployments.conditions import Ideal, OnTarget, UnderNoise, parse_condition, parse_deployment, written
from qaml_qiskit.deployments.rules import (
    MOST_DRAWS,
    Filtered,
    InferenceRule,
    LayersRule,
    Smoothing,
    names_rule,
    parse_rule,
)
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.filters import Filter

RULES = st.one_of(
    st.sampled_from([LayersRule("exact"), LayersRule("off")]),
    st.builds(LayersRule, st.sampled_from(["mean", "majority"]), st.integers(1, MOST_DRAWS)),
    st.builds(Filtered, st.builds(Filter, st.just("median"), st.integers(2, 9))),
    st.builds(Filtered, st.builds(Filter, st.just("bits"), st.integers(1, 8))),
    st.builds(Smoothing, st.floats(1e-12, 1e6), st.integers(1, MOST_DRAWS)),
)
CONDITIONS = [Ideal(), OnTarget("fake-torino"), UnderNoise("depolarizing", 0.001), UnderNoise("readout", 0.1, "layer")]


@given(RULES, st.sampled_from(CONDITIONS))
def test_what_is_written_is_read(rule: InferenceRule, place: Ideal | OnTarget | UnderNoise) -> None:
    assert names_rule(str(rule))
    assert parse_rule(str(rule)) == rule
    condition = place.by(rule)
    assert parse_deployment(written("some/model", condition)) == ("some/model", condition)
    assert parse_condition(written("", condition).removeprefix("@")) == condition


def test_a_rule_stands_on_either_side_of_the_condition() -> None:
    name = "m@layers:mean:10@fake-torino"
    assert parse_deployment("m@fake-torino@layers:mean:10") == parse_deployment(name)
    assert written(*parse_deployment("m@fake-torino@layers:mean:10")) == name
    assert parse_deployment("m@layers:mean:10", target="fake-torino") == parse_deployment(name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("layers:median:10", "layers:median:10"),
        ("layers:mean", "layers:majority:DRAWS"),
        ("layers:off:3", "layers:off"),
        ("layers:mean:0", "at least one draw"),
        ("layers:mean:-1", "at least one draw"),
        ("layers:mean:many", "many"),
        ("layers:mean:1000000000", "100000 at most"),
        ("smoothing:0.1:1000000000", "100000 at most"),
        ("layers:mean:1.5", "1.5"),
        ("smoothing:0.25", "smoothing:SIGMA:DRAWS"),
        ("smoothing:-1:10", "above 0"),
        ("smoothing:0:10", "above 0"),
        ("smoothing:nan:10", "above 0"),
        ("smoothing:0.25:0", "at least one draw"),
        ("filter:median", "median:SIZE"),
        ("filter:median:1", "a window of 2 to 9 pixels"),
        ("filter:bits:9", "bits:BITS with 1 to 8"),
        ("filter:blur:3", "blur:3 is no filter"),
        ("filter:median:3:3", "is no filter"),
        ("layers:\x1b[31m", "no inference rule"),
    ],
)
def test_what_cannot_be_read(words: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        parse_deployment(f"m@{words}")
    assert "\x1b" not in str(refused.value)


def test_two_rules_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="layers:off and smoothing"):
        parse_deployment("m@layers:off@smoothing:0.1:10")
    with pytest.raises(ConfigurationError, match="two conditions"):
        parse_deployment("m@layers:off@depolarizing:0.1", target="ideal")


def test_a_target_may_be_called_as_the_first_word_of_a_rule() -> None:
    assert parse_deployment("m@layers") == ("m", OnTarget("layers"))
