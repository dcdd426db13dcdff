"""Options into requests and back: nothing is dropped, and what a report prints parses to the request it came from."""

import inspect
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

import qaml_qiskit as qaml
from qaml_qiskit.cli import call
from qaml_qiskit.cli.app import app
from qaml_qiskit.cli.commands import COMMANDS
from qaml_qiskit.cli.options import AROUND, GIVEN, arguments, around, option_table, request_class, shown
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.registry import Named
from qaml_qiskit.workflows.request import Request
from tests.integration.conftest import Finished

Qaml = Callable[..., Finished]

REQUESTS: dict[str, list[Request]] = {
    "demo": [qaml.DemoRequest(eps=0.2, target="ideal")],
    "train": [
        qaml.TrainRequest(dataset="mnist", classes=(3, 8), layers=4, learning_rate=0.01),
        qaml.TrainRequest(model="convnet", epochs=2),
    ],
    "encode": [qaml.EncodeRequest(encoding_layers=(1, 2), threshold=0.9)],
    "resources": [qaml.ResourcesRequest(qubits=(4, 6), layers=(1, 2), encoding=("exact", "none"))],
    "frontier": [qaml.FrontierRequest(models=("a", "b"), shots=10)],
    "forecast": [qaml.ForecastRequest(models=("a", "b"), shots=(10, 20), eps=(0.05, 0.1), mitigation=("none",))],
    "run": [qaml.RunRequest(model="runs/a b", images="mine.npz", images_per_job=3)],
    "sweep": [
        qaml.SweepRequest(model="a", noise=("readout", "device"), strengths=(0.01, 0.02), encoding_noise=True),
        qaml.SweepRequest(model=("a", "b"), attack=("pgd", "fgsm"), shots=(10, 20)),
    ],
    "attack": [qaml.AttackRequest(model="a", attack=("cw",), param=("constants=[0.1,1.0]", "kappa=0.5"))],
    "transfer": [qaml.TransferRequest(sources=("a", "b@readout:0.1"), victims=("c@fake-fez",), eps=(0.1, 0.2))],
    "certify": [
        qaml.CertifyRequest(model="a", noise="readout", strength=0.1),
        qaml.CertifyRequest(model="a@fake-torino", recipe="quick"),
        qaml.CertifyRequest(model="a", shots=4000, confidence=0.9),
    ],
    "conformal": [
        qaml.ConformalRequest(model="a@readout:0.1", alpha=(0.1, 0.05), score=("adaptive", "radius"), randomised=True),
        qaml.ConformalRequest(model="a", radius=(0.0, 0.3), by_class=True, validation="mine.npz"),
    ],
    "decide": [
        qaml.DecideRequest(model="a", policy=("fixed", "fall-back"), fallback="b@fake-fez", confidence=0.9),
        qaml.DecideRequest(model="a", target="ideal", engine="sampler", round=10, shots=20, growth=2.0),
    ],
    "monitor": [qaml.MonitorRequest(stream="s.csv", clean="c.csv", rising=("score", "b"), falling="c", change=3)],
    "states": [
        qaml.StatesRequest(models=("a", "b@layers:majority:9"), sources=("c", "d"), attack="bim", param=("steps=3",)),
        qaml.StatesRequest(models=("a",), behind="encoding", images="mine.npz"),
    ],
    "tamper": [qaml.TamperRequest(model="a", part=("weights", "gates"), strengths=(0.1, 0.2), components=2)],
    "substitute": [qaml.SubstituteRequest(victim="a")],
    "export": [qaml.ExportRequest(model="a")],
    "audit": [qaml.AuditRequest(model="a", eps=0.2)],
    "calibrate": [qaml.CalibrateRequest(model="a@readout:0.1")],
    "detect": [qaml.DetectRequest(models=("a", "b"), eps=(0.1, 0.2))],
    "uncertainty": [qaml.UncertaintyRequest(models=("a", "b"))],
    "runs compare": [qaml.CompareRequest(runs=("a", "b c"))],
    "reproduce": [qaml.ReproduceRequest(items=("west2023/fig2", "huang2023"), tier="paper", seeds=5)],
    "benchmark": [qaml.BenchmarkRequest(models=("a", "net.pt2"), dataset="mnist", note="a note")],
}
#: By the names of commands; `plan` and `submit` share the request of `run`.
KINDS: dict[str, type[Request]] = {
    name: getattr(qaml, command.request) for name, command in COMMANDS.items() if command.request
}


def test_every_request_has_an_example() -> None:
    assert {kind.command for kind in KINDS.values()} == set(REQUESTS)


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Request]:
    """What a command line is parsed to; nothing is computed, and the models need not be there."""
    asked: list[Request] = []
    monkeypatch.setattr(Request, "check", lambda self, backends=None: asked.append(self))
    monkeypatch.setattr(call, "run_command", lambda *rest, quiet: qaml.Outcome("parsed", None, []))

    def parsed(words: list[str]) -> Request:
        monkeypatch.setattr(sys, "argv", words)
        app(standalone_mode=False, prog_name="qaml")
        return asked.pop()

    return parsed


@pytest.mark.parametrize(
    ("command", "asked"), [(name, each) for name, requests in REQUESTS.items() for each in requests]
)
def test_the_command_of_a_report_parses_to_its_request(
    command: str, asked: Request, parse: Callable[[list[str]], Request]
) -> None:
    assert asked.command == command
    assert parse(shlex.split(asked.command_line())) == asked


#: Names as files have them: with spaces, dashes, commas, brackets, quotes, and bytes that are no UTF-8.
NAMES = st.one_of(
    st.text("ab -=,[]\\'\"@.\udcff", min_size=1, max_size=8),
    st.sampled_from(["constants=[[0.1,1.0],[2]]", "--", "-m", "a,b", "a\\,b", "m@readout:0.1"]),
)


def values(annotation: Any, marks: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Values of a field, as its annotation has them."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values(inner[0], (*inner[1:], *marks))
    told = [mark for mark in marks if isinstance(mark, Named)]
    if told or origin is Literal:
        return st.sampled_from(list(told[0].told() if told else inner))
    if origin in (Union, UnionType):
        return st.one_of([values(each, marks) for each in inner])
    if origin is tuple:
        return st.lists(values(inner[0]), min_size=1, max_size=3, unique=True).map(tuple)
    if annotation in (int, float):
        limits = {name: number for mark in marks for name, number in limits_of(mark)}
        low, high = limits.get("ge", limits.get("gt", 0)), limits.get("le", limits.get("lt", 1000))
        numbers = st.integers(low, min(high, 10**6)) if annotation is int else st.floats(low, min(high, 10**6))
        return numbers.filter(lambda number: number > limits.get("gt", -1) and number < limits.get("lt", 10**7))
    return {str: NAMES, bool: st.booleans(), type(None): st.none()}[annotation]


def limits_of(mark: Any) -> Iterator[tuple[str, Any]]:
    for each in mark.metadata if isinstance(mark, FieldInfo) else [mark]:
        yield from ((name, getattr(each, name)) for name in ("ge", "gt", "le", "lt") if hasattr(each, name))


@pytest.mark.parametrize("kind", [type(requests[0]) for requests in REQUESTS.values()])
def test_parsing_what_is_printed_gives_the_same_request(
    kind: type[Request], parse: Callable[[list[str]], Request]
) -> None:
    hints = get_type_hints(kind, include_extras=True)
    base = REQUESTS[kind.command][0].model_dump()
    strategies = {name: values(hints[name]) for name in kind.model_fields}

    @settings(max_examples=50, deadline=None, database=None, derandomize=True)
    @given(st.fixed_dictionaries({}, optional=strategies))
    def holds(drawn: dict[str, Any]) -> None:
        try:
            asked = kind.model_validate({**base, **drawn})
        except (ConfigurationError, InputError):  # the latter where no such model is there
            return
        checked.append(asked)
        assert parse(asked.words()) == asked

    checked: list[Request] = []
    holds()
    assert len(checked) >= 3


def test_a_printed_command_survives_a_shell() -> None:
    asked = qaml.TransferRequest(sources=(os.fsdecode(b"m'\xff -\t"), "b c"), victims=("d,e",), attacks=("fgsm",))
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {asked.command_line()}"], capture_output=True, check=True, timeout=30
    )
    assert [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]] == asked.words()


def test_the_command_of_a_report_names_the_backends_that_were_used() -> None:
    request = qaml.RunRequest(model="a")
    recorded = {"resolved": {"backends": "my devices.yaml"}}
    assert shlex.split(request.command_line(recorded)) == ["qaml", "run", "a", "--backends", "my devices.yaml"]
    assert "--backends" not in request.command_line()


@pytest.mark.parametrize(
    "text", ["eps: [0.1, 0.2]", "eps: 0.1,0.2", "eps: 0.1 0.2", "eps: 0.1, 0.2", "eps: '0.1, 0.2'"]
)
def test_lists_of_files_have_the_same_syntax(text: str, parse: Callable[[list[str]], Request], tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    asked = parse(["qaml", "attack", "a", "--config", str(tmp_path / "c.yaml")])
    assert asked == qaml.AttackRequest(model="a", eps=(0.1, 0.2))
    assert qaml.AttackRequest(model="a", attack="pgd") == qaml.AttackRequest(model="a")  # type: ignore[arg-type]
    assert qaml.ResourcesRequest(qubits=4).qubits == (4,)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    """And everything that a command's function takes can be said on the command line."""
    table = option_table(COMMANDS[name])
    assert all(told.endswith(".") for _, _, told in table), table
    assert len({option for option, _, _ in table}) == len(table)
    function = inspect.unwrap(getattr(qaml, COMMANDS[name].function))
    assert [*arguments(COMMANDS[name].function)] == [*inspect.signature(function).parameters]
    assert {*inspect.signature(function).parameters} <= {*AROUND, *GIVEN, "compute"}


@pytest.mark.parametrize(
    "words",
    [["0.1,0.2"], ["0.1", "--eps", "0.2"], ["0.1", "0.2"], ["0.1,", "0.2"]],
    ids=["commas", "repeated", "spaces", "both"],
)
def test_lists_have_one_syntax(words: list[str], parse: Callable[[list[str]], Request]) -> None:
    assert parse(["qaml", "attack", "a", "--eps", *words]).eps == (0.1, 0.2)  # type: ignore[attr-defined]


def test_two_values_for_one_option_are_refused(qaml: Qaml) -> None:
    finished = qaml("run", "a", "--target", "ideal", "--target", "fake-fez")
    assert finished.code == 2
    assert "--target" in finished.err
    assert "given 2 times" in finished.err


def test_a_runs_configuration_names_its_model(qaml: Qaml, trained: Path) -> None:
    arguments = ["--target", "ideal", "--images", 3, "--shots", 10, "--mitigation", "none", "--json"]
    first = qaml("run", trained, *arguments, "--out", "first").json()
    again = qaml("run", "--config", "first/config.yaml", "--out", "second", "--json").json()
    assert again["results"] == first["results"]


@pytest.mark.parametrize("given", [{"layers": 3}, {"train_noise": 0.01}, {"encoding": "angle"}])
def test_options_that_a_model_would_ignore_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="a convnet has no use for --"):
        qaml.TrainRequest(model="convnet", **given)
    with pytest.raises(ConfigurationError, match="a quadratic has no use for --"):
        qaml.TrainRequest(model="quadratic", **given)


def test_a_misspelt_field_is_named_in_python_too() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown field 'shot'.*Perhaps shots is meant"):
        qaml.RunRequest(model="a", shot=10)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="shots does not fit: got 0"):
        qaml.RunRequest(model="a", shots=0)
    with pytest.raises(ConfigurationError, match="model is missing"):
        qaml.RunRequest()  # type: ignore[call-arg]


def test_paths_may_be_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("targets: {perfect: {kind: ideal}}\n")
    request = qaml.TrainRequest(classes=(0, 1), layers=1, epochs=1, train_images=30)
    trained = qaml.train(request, out="runs/tiny").run  # type: ignore[arg-type]
    assert trained is not None
    run = qaml.RunRequest(model="runs/tiny", target="perfect", images="3", shots=10, mitigation="none")
    outcome = qaml.run(run, out="runs/on", backends="mine.yaml")  # type: ignore[arg-type]
    assert [row["stage"] for row in outcome.results] == ["ideal", "raw"]
    assert "--backends mine.yaml" in Path("runs/on/report.html").read_text()


KEPT = sorted((Path(__file__).parents[2] / "runs" / "reference").rglob("config.yaml"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.parent.name)
def test_configurations_of_kept_runs_are_still_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some of their models are too large to be kept.
    monkeypatch.setattr(Request, "check", lambda self, backends: None)
    command = yaml.safe_load(file.read_text(encoding="utf-8"))["command"]
    assert call.build_request(KINDS[command], {}, file)


def test_python_can_ask_whether_everything_is_there() -> None:
    with pytest.raises(InputError, match="no such model"):
        qaml.SweepRequest(model=("nowhere", "too")).check()
    with pytest.raises(ConfigurationError, match=r"no such target.*Perhaps fake-torino"):
        qaml.DemoRequest(target="fake-torrino").check()


def test_options_that_another_function_would_ignore_are_refused(qaml: Qaml) -> None:
    beside = qaml("resources", "--check", "--qubits", 4)
    assert beside.code == 2
    assert "--qubits beside --check" in beside.err
    alone = qaml("submit", "m", "--recalibrate")
    assert alone.code == 2
    assert "--recalibrate without --retry" in alone.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sweep a --encoding own angel", "--encoding does not fit: got 'angel'; expected one of"),
        ("sweep a --noise depolarising", "Perhaps depolarizing is meant"),
        ("attack a --attack pdg", "--attack does not fit: got 'pdg'"),
        ("train --ansatz laddr", "--ansatz does not fit: got 'laddr'"),
        ("certify a --noise redout --strength 0.1", "Perhaps readout is meant"),
        ("sweep a --config c.yaml", "c.yaml: encoding does not fit: got 'angel'"),
        ("sweep a --nois x", "there is no such option: got --nois; expected one of those that `qaml sweep --help`"),
        ("swep a", "there is no such command: got 'swep'"),
        ("data lst", "Perhaps list is meant"),
        ("train --epochs", "--epochs does not fit: got no value"),
        ("sweep a --encoding-noise=3", "--encoding-noise does not fit: got a value; expected none"),
        ("attack a --param pgd.steps=0", "the attack pgd cannot have these parameters: got steps=0"),
        ("attack a --eps 2", "--eps does not fit: got 2"),
        ("run a b c", "cannot read the words of `qaml run`: got also b c; expected only MODEL"),
        ("run a --shots 1 --shots 2", "--shots is given 2 times"),
    ],
)
def test_a_word_that_is_not_known_is_refused_by_its_place(
    words: str, message: str, qaml: Qaml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("encoding: [own, angel]\n")
    refused = qaml(*words.split())
    assert refused.code == 2
    assert message in refused.err


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.request])
def test_what_decides_stands_first_and_the_seed_last(name: str) -> None:
    kind = request_class(COMMANDS[name])
    assert kind is not None
    names = {shown(kind, field): field for field in kind.model_fields}
    order = [names[option] for option, _, _ in option_table(COMMANDS[name]) if option in names]
    assert {*order} == {*kind.model_fields}
    options = [field for field in order if not kind.model_fields[field].is_required()]
    own = [field for field in options if field in kind.__annotations__ and field != "seed"]
    assert options[: len(own)] == own
    assert "seed" not in options[:-1]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_around_a_request_has_the_name_of_a_field(name: str) -> None:
    """One would hide the other, as the simulator of `Compute` once hid the engine of a sweep."""
    kind = request_class(COMMANDS[name])
    assert kind is None or not set(around(COMMANDS[name])) & set(kind.model_fields)


def test_a_run_is_asked_for_in_short_or_in_long_form(tmp_path: Path) -> None:
    (tmp_path / "m@ideal").mkdir()
    assert qaml.RunRequest(model="m@ideal").target == "fake-torino"
    short = qaml.RunRequest(model="m@fake-fez")
    assert short == qaml.RunRequest(model="m", target="fake-fez")
    with pytest.raises(ConfigurationError, match="two conditions: got ideal and fake-fez"):
        qaml.RunRequest(model="m@fake-fez", target="ideal")
    with pytest.raises(ConfigurationError, match="under a noise, which this command does not take"):
        qaml.RunRequest(model="m@readout:0.1")


@pytest.mark.parametrize("name", ["mnist-qvc200@fake-torino", "mnist-qvc200@readout:0.1"])
def test_a_command_that_takes_models_alone_says_so(name: str) -> None:
    for request in (qaml.SweepRequest(model=name), qaml.ForecastRequest(models=(name,))):
        with pytest.raises(InputError, match="names a condition, too: got the model mnist-qvc200 under"):
            request.check()
    with pytest.raises(InputError, match="there is no such model"):
        qaml.SweepRequest(model="@fake-torino").check()
