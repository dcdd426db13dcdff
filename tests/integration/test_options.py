"""Options into requests and back: nothing is dropped, and what a report prints parses to the request it came from."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import qaml_qiskit as qaml
from qaml_qiskit.cli import main, options
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.reports.pages import command_line, named
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
    "certify": [qaml.CertifyRequest(model="a", noise="readout", strength=0.1)],
    "tamper": [qaml.TamperRequest(model="a", part=("weights", "gates"), strengths=(0.1, 0.2), components=2)],
}


class Parsed(Exception):  # noqa: N818
    """Carries what the command line was parsed to."""


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], Request]:
    build = options.build_request

    def stop(*arguments: Any) -> None:
        raise Parsed(build(*arguments))

    monkeypatch.setattr(options, "build_request", stop)
    # The models of these command lines do not exist.
    monkeypatch.setattr(options, "model_path", Path)
    main.add_commands()

    def parsed(words: list[str]) -> Request:
        from qaml_qiskit.cli.app import app

        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(Parsed) as found:
            app(standalone_mode=False, prog_name="qaml")
        return found.value.args[0]

    return parsed


@pytest.mark.parametrize(
    ("command", "asked"), [(name, each) for name, requests in REQUESTS.items() for each in requests]
)
def test_the_command_of_a_report_parses_to_its_request(
    command: str, asked: Request, parse: Callable[[list[str]], Request]
) -> None:
    line = command_line({"command": command, "resolved": {}}, asked)
    assert parse(shlex.split(line)) == asked


def test_the_command_of_a_report_names_the_backends_that_were_used() -> None:
    request = qaml.RunRequest(model="a")
    config = {"command": "run", "resolved": named(Path("my devices.yaml"))}
    assert shlex.split(command_line(config, request)) == ["qaml", "run", "a", "--backends", "my devices.yaml"]
    assert "--backends" not in command_line({"command": "run", "resolved": named(None)}, request)


@pytest.mark.parametrize(
    "words", [["0.1,0.2"], ["0.1", "--eps", "0.2"], ["0.1", "0.2"]], ids=["commas", "repeated", "spaces"]
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
    outcome = qaml.run_model(run, out="runs/on", backends="mine.yaml")  # type: ignore[arg-type]
    assert [row["stage"] for row in outcome.results] == ["ideal", "raw"]
    assert "--backends mine.yaml" in Path("runs/on/report.html").read_text()


KEPT = sorted((Path(__file__).parents[2] / "runs" / "reference").rglob("config.yaml"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.parent.name)
def test_configurations_of_kept_runs_are_still_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some of their models are too large to be kept.
    monkeypatch.setattr(options, "model_path", Path)
    kinds = {name: type(requests[0]) for name, requests in REQUESTS.items()}
    command = yaml.safe_load(file.read_text(encoding="utf-8"))["command"]
    assert options.build_request(kinds[command], {}, file)
