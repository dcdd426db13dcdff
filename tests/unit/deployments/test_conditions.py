"""How a model under a condition is written, and read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qaml_qiskit.deployments.conditions import Condition, Ideal, OnTarget, UnderNoise, parse_deployment, written
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.noise.names import NOISES

_WORDS = st.from_regex(r"[A-Za-z0-9._/-]{1,20}", fullmatch=True)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    kind = draw(st.sampled_from([Ideal, OnTarget, UnderNoise]))
    if kind is OnTarget:
        return OnTarget(draw(_WORDS))
    if kind is Ideal:
        return Ideal()
    noise = draw(st.sampled_from(list(NOISES)))
    strength = draw(st.floats(0, NOISES[noise].high))
    return UnderNoise(noise, strength, draw(st.sampled_from(["gate", "layer"])), draw(st.booleans()))


@given(_WORDS, conditions())
def test_what_is_written_is_read(model: str, condition: Condition) -> None:
    assert parse_deployment(written(model, condition)) == (model, condition)


@pytest.mark.parametrize(
    "name",
    ["mnist-qvc200", "m@depolarizing:0.001", "a@b@readout:0.1:layer:encoding", "m@fake-torino", "m@readout:1e-05"],
)
def test_what_is_read_is_written(name: str) -> None:
    assert written(*parse_deployment(name)) == name


def test_a_path_that_exists_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m@depolarizing:0.1").mkdir()
    assert parse_deployment("m@depolarizing:0.1") == ("m@depolarizing:0.1", Ideal())
    assert parse_deployment("m@depolarizing:0.1@ideal") == ("m@depolarizing:0.1", OnTarget("ideal"))


def test_the_long_form_is_the_same() -> None:
    assert parse_deployment("m", noise="readout", strength=0.1) == parse_deployment("m@readout:0.1")
    assert parse_deployment("m", target="ideal", recipe="quick") == parse_deployment("m@ideal", recipe="quick")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m@readout:much", "much"),
        ("m@readout:", "strength ''"),
        ("m@readout:0.1:encoding:layer", "strength"),
        ("m@readout:0.1:twice", "twice"),
        ("m@readout:2", "0 to 1"),
        ("m@readout:nan", "nan"),
        ("m@depolarising:0.1", "depolarizing"),
        ("m@readout:\x1b[31m", "strength"),
    ],
)
def test_what_cannot_be_read(name: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        parse_deployment(name)
    assert "\x1b" not in str(refused.value)


def test_two_conditions_at_once() -> None:
    with pytest.raises(ConfigurationError, match="two conditions"):
        parse_deployment("m@readout:0.1", noise="readout", strength=0.1)
    with pytest.raises(ConfigurationError, match="two conditions"):
        parse_deployment("m@fake-torino", target="ideal")
