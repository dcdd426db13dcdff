"""Backends of other vendors: opened by a factory, sent to once, and collected as far as the vendor gives jobs back."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from qaml_qiskit.execution.provider.jobs import Note
from tests.integration.conftest import Finished
from tests.integration.hardware import CHUNKS, IMAGES, PER_JOB, arguments, predictions, workspace
from tests.integration.vendor import write_vendor
from tests.tolerances import DIFFERENT

Qaml = Callable[..., Finished]
KEY = "acme-0123456789abcdef"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_vendor(tmp_path / "vendor")
    monkeypatch.syspath_prepend(str(tmp_path / "vendor" / "packages"))
    monkeypatch.setattr("qaml_qiskit.execution.reconciliation.LOOK_AGAIN", ())
    yield workspace(tmp_path / "place")
    sys.modules.pop("acme_qiskit", None)


def entry(place: Path, function: str = "device", *, simulated: bool = False, **options: Any) -> None:
    """Make it the target called device."""
    options = {"folder": str(cloud(place)), **options}
    found = {"kind": "provider", "factory": f"acme_qiskit:{function}", "options": options}
    if simulated:
        found["simulated"] = True
    (place / "backends.yaml").write_text(yaml.safe_dump({"targets": {"device": found}}))


def cloud(place: Path) -> Path:
    return place.parent / "vendor" / "cloud"


def sent(place: Path) -> list[int]:
    """Circuits of every job that the vendor accepted."""
    file = cloud(place) / "sent.jsonl"
    return [json.loads(line)[1] for line in file.read_text().splitlines()] if file.exists() else []


#: Two circuits to calibrate, then two images a job.
EACH = [2, *[min(PER_JOB, IMAGES - start) for start in range(0, IMAGES, PER_JOB)]]


def killed(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("mitigation", ["none", "m3"])
def test_a_run_from_consent_to_predictions(qaml: Qaml, place: Path, mitigation: str) -> None:
    entry(place)
    run = place / "run"
    refused = qaml("run", *arguments(place, run, mitigation=mitigation))
    assert refused.code == 2, refused.err
    assert not run.exists()
    assert sent(place) == []
    assert qaml("run", *arguments(place, run, mitigation=mitigation), "--submit").code == 0
    assert sent(place) == (EACH if mitigation != "none" else EACH[1:])
    events = [json.loads(line) for line in (run / "jobs.jsonl").read_text().splitlines()]
    assert all(event["device"] for event in events if event["event"] == "collected")
    assert qaml("run", *arguments(place, run, mitigation=mitigation), "--submit").code == 0
    assert len(sent(place)) == len(EACH) - (mitigation == "none")


def test_what_is_sent_can_be_collected_by_another_process(qaml: Qaml, place: Path) -> None:
    entry(place)
    run = place / "run"
    assert qaml("submit", *arguments(place, run), "--submit").code == 0
    (cloud(place) / "hold").touch()
    assert qaml("collect", run, "--timeout", 0).code == 4
    assert qaml("status", run, "--json").out.count('"pending"') == len(CHUNKS)
    (cloud(place) / "hold").unlink()
    assert qaml("collect", run).code == 0
    assert sent(place) == EACH


@pytest.mark.parametrize(("limit", "prefix"), [(1, ""), (3, "arn:acme:task/")])
def test_limits_and_ids_of_any_form(qaml: Qaml, place: Path, limit: int, prefix: str) -> None:
    entry(place, limit=limit, prefix=prefix)
    run, words = place / "run", arguments(place, place / "run")
    words[words.index("--images-per-job") + 1] = "5"
    assert qaml("submit", *words, "--submit").code == 0
    assert qaml("collect", run).code == 0
    assert sent(place) == ([1] * 7 if limit == 1 else [2, 3, 2])


def test_counts_alone_are_outcomes_too(qaml: Qaml, place: Path) -> None:
    found = []
    for counts in (False, True):
        entry(place, counts=counts)
        assert qaml("run", *arguments(place, place / f"run-{counts}"), "--submit").code == 0
        found.append(predictions(place / f"run-{counts}"))
    floats = [name for name, values in found[0].items() if values.dtype.kind == "f"]
    assert floats
    assert all(np.allclose(found[0][name], found[1][name], atol=DIFFERENT) for name in floats)


def test_a_device_without_x_is_calibrated_in_its_own_gates(qaml: Qaml, place: Path) -> None:
    entry(place, gates=["rz", "sx", "cz"])
    assert qaml("run", *arguments(place, place / "run"), "--submit").code == 0


def test_a_kill_before_the_id_is_kept_sends_nothing_again_without_a_word(
    qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry(place)
    run, words = place / "run", [*arguments(place, place / "run"), "--submit"]
    with monkeypatch.context() as patch:
        patch.setattr(Note, "write", killed)
        assert qaml("submit", *words).code != 0
    assert sent(place) == EACH[:1]
    again = qaml("submit", *words)
    assert again.code == 2
    assert "may have been accepted" in again.err
    assert sent(place) == EACH[:1]
    assert qaml("submit", "--retry", run).code == 0
    assert sent(place) == [EACH[0], *EACH]
    assert qaml("collect", run).code == 0


def test_a_kill_after_the_id_is_kept_loses_nothing(qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry(place)
    run, words, write = place / "run", [*arguments(place, place / "run"), "--submit"], Note.write

    def written_then_killed(note: Note, folder: Path) -> None:
        write(note, folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Note, "write", written_then_killed)
        assert qaml("submit", *words).code != 0
    assert qaml("submit", *words).code == 0
    (run / "jobs.jsonl").unlink()
    assert qaml("submit", *words).code == 0
    assert qaml("collect", run).code == 0
    assert sent(place) == EACH


def test_jobs_that_nobody_gives_back_are_waited_for(qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry(place, "silent")
    run, words = place / "run", [*arguments(place, place / "run"), "--submit"]
    refused = qaml("submit", *words)
    assert refused.code == 2, refused.err
    assert "qaml run" in refused.err
    with monkeypatch.context() as patch:
        patch.setattr("qaml_qiskit.workflows.run.inference.finish", killed)
        assert qaml("run", *words).code != 0
    assert sent(place) == EACH
    assert qaml("collect", run).code != 0
    assert "no jobs back" in qaml("status", run, "--json").out
    assert qaml("run", *words).code != 0
    assert sent(place) == EACH
    assert qaml("submit", "--retry", run).code == 0
    assert sent(place) == [*EACH, *EACH]
    assert qaml("collect", run).code == 0


def test_a_refusal_is_told_without_the_key(qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)
    entry(place, key={"env": "ACME_KEY"})
    (cloud(place) / "refusing").touch()
    run, words = place / "run", [*arguments(place, place / "run"), "--submit"]
    refused = qaml("submit", *words)
    assert refused.code == 2, refused.err
    assert "no more credit" in refused.err
    assert KEY not in refused.err + refused.out
    (cloud(place) / "refusing").unlink()
    assert qaml("submit", *words).code == 2
    assert qaml("submit", "--retry", run).code == 0
    assert sent(place) == EACH
    assert not any(KEY.encode() in file.read_bytes() for file in run.rglob("*") if file.is_file())


def test_a_job_that_failed_is_sent_again_on_request(qaml: Qaml, place: Path) -> None:
    entry(place)
    run = place / "run"
    assert qaml("submit", *arguments(place, run), "--submit").code == 0
    (cloud(place) / "failing").touch()
    assert qaml("collect", run).code != 0
    (cloud(place) / "failing").unlink()
    assert qaml("submit", "--retry", run).code == 0
    assert qaml("collect", run).code == 0
    assert sent(place)[: len(EACH)] == EACH


def test_a_simulated_backend_asks_for_nothing(qaml: Qaml, place: Path) -> None:
    entry(place, simulated=True, limit=1)
    assert qaml("run", *arguments(place, place / "run")).code == 0
    assert sent(place) == [1] * 7


def test_the_plan_says_how_far_once_goes(qaml: Qaml, place: Path) -> None:
    words = [word for word in arguments(place, place / "run") if word not in ("--out", str(place / "run"))]
    for function, simulated, sentence in (
        ("device", False, "gives jobs back by their id"),
        ("silent", False, "gives no jobs back"),
        ("device", True, "is simulated: a job that a kill interrupted is run again"),
    ):
        entry(place, function, simulated=simulated)
        assert sentence in " ".join(qaml("plan", *words, "--json").out.split())


def test_a_budget_is_kept(qaml: Qaml, place: Path) -> None:
    entry(place)
    assert qaml("run", *arguments(place, place / "run"), "--submit", "--max-seconds", "0.5").code == 5
    assert sent(place) == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"factory": "acme_nowhere:device"}, "no module 'acme_nowhere'"),
        ({"factory": "acme_qiskit:devise"}, "no 'devise' in module acme_qiskit"),
        ({"factory": "acme_qiskit:number"}, "cannot be called"),
        ({"factory": "acme_qiskit:name"}, "a str from acme_qiskit:name"),
        ({"factory": "acme_qiskit:itself"}, "from acme_qiskit:itself"),
        ({"factory": "acme_qiskit:mute"}, "no measure"),
        ({"factory": "acme_qiskit:boundless"}, "max_circuits 'many'"),
        ({"factory": "acme_qiskit:leaving"}, "SystemExit: 0"),
        ({"factory": "acme_qiskit:interrupted"}, "KeyboardInterrupt"),
        ({"factory": "acme_qiskit:ended"}, "that was all"),
        ({"factory": "acme_qiskit:odd"}, "got Odd"),
        ({"factory": "acme_qiskit:lazy"}, "no lazy one today"),
        ({"factory": "acme_qiskit:device", "options": {"size": 3}}, "unexpected keyword argument 'size'"),
        ({"factory": "acme_qiskit:broken", "options": {"key": {"env": "ACME_KEY"}}}, "has expired"),
        ({"factory": "acme_qiskit:broken", "options": {"api_key": KEY}}, "looks like a secret"),
        ({"factory": "acme_qiskit"}, "factory"),
    ],
)
def test_what_is_no_backend_is_refused_on_one_line(
    qaml: Qaml, place: Path, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)
    options = {"folder": str(cloud(place)), **found.get("options", {})}
    target = {"kind": "provider", **found, "options": options}
    (place / "backends.yaml").write_text(yaml.safe_dump({"targets": {"device": target}}))
    refused = qaml("run", *arguments(place, place / "run"), "--submit")
    assert refused.code == 2, refused.err
    assert words in refused.err
    assert KEY not in refused.err + refused.out
    assert "Traceback" not in refused.err
    assert not (place / "run").exists()


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize(
    ("function", "words"), [("jobless", "NoneType"), ("impatient", "KeyboardInterrupt")], ids=["no-job", "interrupt"]
)
def test_a_backend_that_runs_nothing_is_told_on_one_line(
    qaml: Qaml, place: Path, function: str, words: str, simulated: bool
) -> None:
    entry(place, function, simulated=simulated)
    refused = qaml("run", *arguments(place, place / "run"), *([] if simulated else ["--submit"]))
    assert refused.code == 2, refused.err
    assert words in refused.err.splitlines()[-1]
    assert "Traceback" not in refused.err


def test_tiles_and_blame_on_another_vendors_device(qaml: Qaml, place: Path) -> None:
    entry(place, "wide")
    words = [word for word in arguments(place, place / "run") if word not in ("--out", str(place / "run"))]
    planned = qaml("plan", *words, "--tiles", "auto", "--json")
    assert planned.code == 0, planned.err
    assert len(planned.json()["tiling"]) == 2
    given = ["--target", "device", "--backends", place / "backends.yaml", "--images", place / "images.npz"]
    blamed = qaml("forecast", place / "model", *given, "--blame", "--out", place / "blamed", "--json")
    assert blamed.code == 0, blamed.err
    assert blamed.json()["blame"]


def test_a_secret_that_is_not_set_is_a_matter_of_credentials(qaml: Qaml, place: Path) -> None:
    entry(place, key={"env": "ACME_KEY"})
    assert qaml("run", *arguments(place, place / "run"), "--submit").code == 3


@pytest.mark.parametrize("words", [["--mitigation", "trex"], ["--mode", "session"]])
def test_what_only_the_runtime_does_is_refused(qaml: Qaml, place: Path, words: list[str]) -> None:
    entry(place)
    given = arguments(place, place / "run")
    if words[0] in given:
        given[given.index(words[0]) + 1] = words[1]
        words = []
    refused = qaml("run", *given, *words, "--submit")
    assert refused.code == 2, refused.err
    assert "no Runtime primitives" in refused.err


@pytest.mark.parametrize("simulated", [True, False])
def test_an_engine_is_not_for_a_provider_to_choose(qaml: Qaml, place: Path, simulated: bool) -> None:
    target = {"kind": "provider", "factory": "acme_qiskit:device", "options": {"folder": str(cloud(place))}}
    (place / "backends.yaml").write_text(yaml.safe_dump({"targets": {"device": {**target, "simulated": simulated}}}))
    refused = qaml("run", *arguments(place, place / "run"), "--engine", "exact", "--submit")
    assert refused.code == 2, refused.err
    assert "target device has no engine to choose" in refused.err


def test_targets_are_listed_without_being_opened(qaml: Qaml, place: Path) -> None:
    entry(place, "broken")
    listed = qaml("backends", "--backends", place / "backends.yaml", "--json")
    assert listed.code == 0
    assert "not opened" in listed.out
    assert "acme_qiskit:broken" in listed.out


def test_a_backend_without_error_rates_runs_and_has_no_forecast(qaml: Qaml, place: Path) -> None:
    entry(place, "vague")
    assert qaml("run", *arguments(place, place / "run"), "--submit").code == 0
    words = ["--target", "device", "--backends", place / "backends.yaml", "--images", place / "images.npz"]
    refused = qaml("forecast", place / "model", *words)
    assert refused.code == 2, refused.err
    assert "no error rate" in refused.err
