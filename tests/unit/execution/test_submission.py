"""Every job is paid for once, whatever happens to answers, lists of jobs, the ledger and the folder."""

import json
import shutil
from pathlib import Path

import pytest

from qaml_qiskit.errors import ConfigurationError, DamagedFileError, UnavailableError
from qaml_qiskit.execution import LEDGER_FILE, Ledger, cancel, collect, submit
from qaml_qiskit.execution.identity import IDENTITY_FILE
from qaml_qiskit.formats import damaged
from tests.unit.execution.job_cases import CHUNKS, Service, small_workload

pytestmark = pytest.mark.usefixtures("no_pauses")

ONCE = dict.fromkeys(CHUNKS, 1)


def finish(run: Path, service: Service) -> bool:
    service.run_all()
    return collect(run, small_workload(), service, timeout=0).complete


@pytest.mark.parametrize(
    "fault", ["twin", "no answer", "wrong id", "twin, the first runs", "refused"], ids=lambda fault: fault
)
@pytest.mark.parametrize("lag", [0, 2])
def test_a_fault_of_one_submission_pays_nothing_twice(run: Path, fault: str, lag: int) -> None:
    service = Service(faults=["", fault], lag=lag)
    for _ in range(2):
        try:
            submit(run, small_workload(), service)
        except UnavailableError:
            assert fault == "refused"
    assert finish(run, service)
    assert service.runs() == ONCE


@pytest.mark.parametrize("fault", ["", "no answer"])
def test_a_damaged_file_of_the_folder_is_no_silent_service(
    run: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(*_: object) -> None:
        raise damaged("run.json", "nothing", "the run's identifier")

    monkeypatch.setattr("qaml_qiskit.execution.submission.settle", spoilt)
    with pytest.raises(DamagedFileError, match=r"run\.json"):
        submit(run, small_workload(), Service(faults=[fault]))


def test_a_twin_is_cancelled_before_the_next_job_leaves(run: Path) -> None:
    service = Service(faults=["twin"])
    order: list[str] = []
    service.submit = _noting(service.submit, order, "submit")  # type: ignore[method-assign]
    service.cancel = _noting(service.cancel, order, "cancel")  # type: ignore[method-assign]
    submit(run, small_workload(), service)
    assert order == ["submit", "cancel", "submit", "submit"]


def test_of_two_twins_the_one_that_runs_is_kept(run: Path) -> None:
    service = Service(faults=["twin, the first runs"])
    submit(run, small_workload(), service)
    assert service.cancels == ["job1"]
    assert Ledger(run / LEDGER_FILE).records()["calibration"].job == "job0"


@pytest.mark.parametrize("damage", ["deleted", "emptied", "older", "one line lost"])
def test_a_ledger_that_lost_lines_is_made_up_from_the_service(run: Path, damage: str) -> None:
    service = Service()
    submit(run, small_workload(), service)
    ledger = run / LEDGER_FILE
    lines = ledger.read_bytes().splitlines(keepends=True)
    match damage:
        case "deleted":
            ledger.unlink()
        case "emptied":
            ledger.write_bytes(b"")
        case "older":
            ledger.write_bytes(b"".join(lines[:2]))
        case _:
            ledger.write_bytes(b"".join(line for line in lines if b"images-0001" not in line))
    submit(run, small_workload(), service)
    assert len(service.jobs) == 3
    assert finish(run, service)
    assert service.runs() == ONCE


def test_a_ledger_is_made_up_when_collecting_too(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    (run / LEDGER_FILE).unlink()
    assert finish(run, service)


def test_without_a_ledger_nothing_is_sent_while_the_service_cannot_be_asked(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    (run / LEDGER_FILE).unlink()
    service.away = 1
    with pytest.raises(UnavailableError):
        submit(run, small_workload(), service)
    assert len(service.jobs) == 3


def test_what_a_lagging_list_does_not_show_is_lost_until_it_does(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    (run / LEDGER_FILE).unlink()
    for job in service.jobs:
        job.unlisted = 3
    submit(run, small_workload(), service)
    assert len(service.jobs) == 3
    states = {record.state for record in Ledger(run / LEDGER_FILE).records().values()}
    assert states == {"lost"}
    assert finish(run, service)
    assert service.runs() == ONCE


def test_a_folder_that_lost_ledger_and_identity_is_refused(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    (run / LEDGER_FILE).unlink()
    (run / IDENTITY_FILE).unlink()
    for ask in (submit, collect):
        with pytest.raises(ConfigurationError, match="does not say as which run"):
            ask(run, small_workload(), service)
    assert len(service.jobs) == 3


def test_the_identity_is_made_again_from_the_ledger(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    (run / IDENTITY_FILE).write_bytes(b"\0")
    submit(run, small_workload(), service)
    assert json.loads((run / IDENTITY_FILE).read_text())["run"] == Ledger(run / LEDGER_FILE).run_id()
    assert len(service.jobs) == 3


def test_a_single_404_loses_nothing(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    service.run_all()
    lost = service.jobs[1]
    lost.state = "lost"
    assert not collect(run, small_workload(), service, timeout=0).complete
    assert Ledger(run / LEDGER_FILE).records()["images-0000"].state == "lost"
    # It is found again before anything is paid again.
    lost.state = "done"
    submit(run, small_workload(), service, retry=True)
    assert len(service.jobs) == 3
    assert collect(run, small_workload(), service, timeout=0).complete


def test_another_instance_is_refused_by_every_command(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    elsewhere = Service(place="other")
    with pytest.raises(ConfigurationError, match="another instance"):
        submit(run, small_workload(), elsewhere, retry=True)
    with pytest.raises(ConfigurationError, match="another instance"):
        collect(run, small_workload(), elsewhere, timeout=0)
    with pytest.raises(ConfigurationError, match="another instance"):
        cancel(run, small_workload(), elsewhere)
    assert not elsewhere.jobs
    assert {record.state for record in Ledger(run / LEDGER_FILE).records().values()} == {"submitted"}


def test_a_copy_collects_and_neither_sends_nor_cancels(run: Path, tmp_path: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    service.jobs[1].state = "failed"
    collect(run, small_workload(), service, timeout=0)
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    for attempt in (lambda: submit(copy, small_workload(), service, retry=True),):
        with pytest.raises(ConfigurationError, match="is a copy of a run"):
            attempt()
    with pytest.raises(ConfigurationError, match="is a copy of a run"):
        cancel(copy, small_workload(), service)
    submit(run, small_workload(), service, retry=True)
    assert len(service.jobs) == 4
    assert not service.cancels
    # What the original sent is found from the copy by its tags.
    service.run_all()
    assert collect(copy, small_workload(), service, timeout=0).complete
    assert collect(run, small_workload(), service, timeout=0).complete
    assert not service.cancels


def test_a_copy_that_takes_over_adopts_what_the_original_sent(run: Path, tmp_path: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    service.jobs[1].state = "failed"
    collect(run, small_workload(), service, timeout=0)
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    submit(run, small_workload(), service, retry=True)
    submit(copy, small_workload(), service, retry=True, moved=True)
    assert len(service.jobs) == 4
    assert not service.cancels
    assert Ledger(copy / LEDGER_FILE).records()["images-0000"].job == "job3"


def test_a_folder_that_was_moved_is_no_copy(run: Path, tmp_path: Path) -> None:
    service = Service(faults=["", "", "refused"])
    with pytest.raises(UnavailableError):
        submit(run, small_workload(), service)
    moved = run.rename(tmp_path / "elsewhere")
    submit(moved, small_workload(), service)
    assert finish(moved, service)
    assert service.runs() == ONCE


def test_a_job_that_completes_although_it_was_cancelled_is_collected(run: Path) -> None:
    service = Service(cancel_works=False)
    submit(run, small_workload(), service)
    cancel(run, small_workload(), service)
    submit(run, small_workload(), service, retry=True)
    assert len(service.jobs) == 3
    assert finish(run, service)
    assert service.runs() == ONCE


def test_a_cancelled_job_that_completed_later_is_found_before_a_retry(run: Path) -> None:
    service = Service()
    submit(run, small_workload(), service)
    cancel(run, small_workload(), service)
    service.jobs[0].state = "pending"
    submit(run, small_workload(), service, retry=True)
    assert [job.sent.chunk for job in service.jobs[3:]] == ["images-0000", "images-0001"]


def test_a_stored_workload_is_what_is_sent_and_another_is_refused(run: Path) -> None:
    service = Service(faults=["", "refused"])
    with pytest.raises(UnavailableError):
        submit(run, small_workload(), service)
    for other in (small_workload(0.4), small_workload(images=4), small_workload(mitigation="none")):
        with pytest.raises(ConfigurationError, match="holds other work"):
            submit(run, other, service)
    assert len(service.jobs) == 1
    # The same circuit built again is the same work, although its parameters are other objects.
    submit(run, small_workload(), service)
    assert len(service.jobs) == 3


def _noting(function, order: list[str], name: str):  # type: ignore[no-untyped-def]
    def noting(*arguments):  # type: ignore[no-untyped-def]
        order.append(name)
        return function(*arguments)

    return noting
