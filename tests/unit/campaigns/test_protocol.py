"""The protocol of the benchmark as data: fixed, complete, and made of requests that the commands take."""

import json

import pytest

import qaml_qiskit
from qaml_qiskit.campaigns.benchmark.contestants import read_source
from qaml_qiskit.campaigns.benchmark.protocol import Protocol, Source, filled, load_protocol, versions
from qaml_qiskit.campaigns.benchmark.request import BenchmarkRequest
from qaml_qiskit.errors import ConfigurationError, InputError

#: Of every version. It never changes: cards of one version can be compared.
FINGERPRINTS = {1: "3b430d21f9b17b33"}
#: The columns that scripts may rely on.
PROMISED = (
    "clean_accuracy",
    "robust_accuracy",
    "transfer_accuracy",
    "certified_accuracy",
    "ece",
    "device_accuracy",
    "two_qubit_gates",
)


def test_a_version_never_changes() -> None:
    assert {version: load_protocol(version).fingerprint for version in versions()} == FINGERPRINTS


def test_texts_may_be_mended_and_numbers_may_not() -> None:
    protocol = load_protocol(1)
    plain = protocol.model_dump(mode="json")
    plain["figures"]["ece"]["told"] = plain["why"] = "in other words"
    assert Protocol.model_validate(plain).fingerprint == protocol.fingerprint
    plain["data_sets"]["mnist"]["sizes"]["eps"] = 0.3
    assert Protocol.model_validate(plain).fingerprint != protocol.fingerprint


@pytest.mark.parametrize("dataset", load_protocol(1).data_sets)
def test_every_step_is_a_request_that_its_command_takes(dataset: str) -> None:
    protocol = load_protocol(1)
    words = {**protocol.on(dataset).words, "model": "digits10-linear"}
    for plan in protocol.steps.values():
        kind = getattr(qaml_qiskit, plan.command).request_class
        for fields in (plan.fields, {**plan.fields, **plan.without_record}):
            values = {name: str(value) if name == "images" else value for name, value in filled(fields, words).items()}
            request = kind.model_validate(values)
            assert all(f"{name}" in kind.model_fields for name in fields)
            assert json.dumps(request.model_dump(mode="json"))


def test_every_figure_has_a_step_and_a_size() -> None:
    protocol = load_protocol(1)
    assert tuple(protocol.figures)[: len(PROMISED)] == PROMISED
    for name, plan in protocol.figures.items():
        assert plan.step in protocol.steps
        for arena in protocol.data_sets.values():
            assert (protocol.size(name, arena) is None) == (plan.kind in ("number", "verdict"))


def test_what_stands_in_a_protocol_for_a_size() -> None:
    words = {"eps": 0.05, "target": "fake-fez"}
    assert filled({"eps": ["$eps"], "circuit": "for $target"}, words) == {"eps": [0.05], "circuit": "for fake-fez"}


def test_the_source_must_be_the_one_of_the_protocol() -> None:
    protocol = load_protocol(1)
    arena = protocol.on("digits")
    assert read_source(protocol, "digits").weights == arena.source.weights
    for named, word in (
        (Source(model="digits10-linear", weights="0" * 16), "0" * 16),
        (Source(model="gone", weights="0"), "gone"),
    ):
        other = arena.model_copy(update={"source": named})
        changed = protocol.model_copy(update={"data_sets": {**protocol.data_sets, "digits": other}})
        with pytest.raises(InputError, match=word) as refused:
            read_source(changed, "digits")
        assert "runs/reference" in refused.value.remedy


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"models": "digits10-linear", "version": 2}, "no such version of the benchmark"),
        ({"models": "digits10-linear@depolarizing:0.01"}, "the protocol brings the noise"),
        ({"models": "digits10-linear@fake-fez"}, "the protocol brings the noise"),
        ({"models": "json:best"}, "which images"),
        ({"models": "mine.nets:best", "dataset": "cifar10"}, "not defined for this data set"),
        ({"models": "digits10-linear", "dataset": "digits"}, "Leave them out"),
        ({"models": ()}, "models"),
    ],
)
def test_requests_that_no_protocol_serves(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        BenchmarkRequest.model_validate(fields)
