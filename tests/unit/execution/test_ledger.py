"""The ledger survives kills and keeps others out."""

from pathlib import Path

import pytest

from qaml_qiskit.errors import ConfigurationError, DamagedFileError, InputError
from qaml_qiskit.execution import JobRecord, Ledger
from qaml_qiskit.execution.fingerprint import fingerprints
from tests.unit.execution.job_cases import small_workload


def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "jobs.jsonl")


def test_an_empty_ledger(tmp_path: Path) -> None:
    assert ledger(tmp_path).events() == []
    assert ledger(tmp_path).run_id() is None
    assert ledger(tmp_path).records() == {}


def test_a_run_keeps_its_identifier_and_two_runs_differ(tmp_path: Path) -> None:
    first = ledger(tmp_path).open_run("device")
    assert ledger(tmp_path).open_run("device") == first
    (tmp_path / "other").mkdir()
    assert ledger(tmp_path / "other").open_run("device") != first


def test_records_follow_the_events(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    book.append("intended", chunk="a", attempt=1)
    assert book.records()["a"] == JobRecord("a", 1, "intended")
    book.append("submitted", chunk="a", attempt=1, job="j1")
    book.append("failed", chunk="a", job="j1", reason="warm")
    assert book.records()["a"] == JobRecord("a", 1, "failed", "j1", "warm")
    # A new attempt has no job yet: the old id must not stick to it.
    book.append("intended", chunk="a", attempt=2)
    assert book.records()["a"] == JobRecord("a", 2, "intended")
    book.append("submitted", chunk="a", attempt=2, job="j2")
    book.append("collected", chunk="a", job="j2")
    assert book.records()["a"] == JobRecord("a", 2, "collected", "j2")


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_torn_last_line_is_passed_over_and_cut_off(tmp_path: Path, cut: int) -> None:
    book = ledger(tmp_path)
    book.append("intended", chunk="a", attempt=1)
    book.append("submitted", chunk="a", attempt=1, job="j1")
    book.path.write_bytes(book.path.read_bytes()[:-cut])
    assert book.records()["a"].state == "intended"
    book.append("submitted", chunk="a", attempt=1, job="j2")
    assert [event["event"] for event in book.events()] == ["intended", "submitted"]
    assert book.records()["a"].job == "j2"


def test_a_damaged_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    book = ledger(tmp_path)
    for chunk in "ab":
        book.append("intended", chunk=chunk, attempt=1)
    book.path.write_bytes(b"{" + book.path.read_bytes())
    with pytest.raises(InputError, match="line 1"):
        book.events()


@pytest.mark.parametrize("job", ["", "naïve\x00", "a/b"])
def test_an_id_that_no_service_gives_is_damage(tmp_path: Path, job: str) -> None:
    book = ledger(tmp_path)
    book.append("submitted", chunk="a", attempt=1, job=job)
    book.append("intended", chunk="b", attempt=1)
    with pytest.raises(InputError, match="line 1"):
        book.events()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        ledger(tmp_path).exclusive(),
        pytest.raises(ConfigurationError, match="second process"),
        ledger(tmp_path).exclusive(),
    ):
        pass
    with ledger(tmp_path).exclusive():
        pass


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file; the user who runs the tests may be one who can read them all."""

    def refused(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)


def test_a_ledger_that_cannot_be_read_is_named(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    book = ledger(tmp_path)
    book.append("intended", chunk="a", attempt=1)
    request.getfixturevalue("unreadable")
    with pytest.raises(DamagedFileError, match=r"cannot read .*jobs\.jsonl.*Permission denied"):
        book.events()
    with pytest.raises(DamagedFileError, match=r"cannot read .*jobs\.jsonl.*Permission denied"):
        book.append("intended", chunk="b", attempt=1)


@pytest.mark.usefixtures("unreadable")
def test_a_circuit_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match=r"cannot read .*isa\.qpy.*Permission denied"):
        fingerprints(tmp_path, small_workload())
