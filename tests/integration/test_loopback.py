"""The loopback server does what the tests that rely on it believe: jobs, lists, batches, calibrations, processes."""

import contextlib
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import Batch, QiskitRuntimeService, SamplerV2, Session
from qiskit_ibm_runtime.exceptions import IBMRuntimeError, RuntimeJobTimeoutError
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_sampler import Sampler

from tests.integration.loopback.client import KILL_AT, kill_at
from tests.integration.loopback.scenario import ANGLES, PRECISION, SHOTS, TIMEOUT, compiled, submit, values
from tests.integration.loopback.server import MANILA, TORINO, Loopback
from tests.tolerances import SIGMAS

pytest_plugins = ["tests.integration.loopback.fixtures"]


def test_plain_service_reads_the_device(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a client does that was told nothing: it counts its callers in a header, too."""
    monkeypatch.delenv("USAGE_DATA_OPT_OUT")
    service = QiskitRuntimeService()
    backend = service.backend(TORINO)
    assert [b.name for b in service.backends()] == [TORINO]
    assert service.least_busy().name == TORINO
    assert backend.num_qubits == backend.target.num_qubits == 133
    assert {"cz", "rz", "sx", "x", "measure"} <= set(backend.target.operation_names)
    assert backend.properties().readout_error(0) == pytest.approx(backend.target["measure"][(0,)].error)
    assert backend.configuration().backend_name == backend.properties().backend_name == TORINO
    assert backend.status().operational
    assert service.usage()["usage_remaining_seconds"] == loopback.usage_limit_seconds
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("loopback_atlantis")


@pytest.mark.parametrize("device", [TORINO, MANILA])
def test_sampler_job_is_found_by_its_tags_and_gives_its_result(loopback: Loopback, device: str) -> None:
    loopback.add_device(MANILA, "manila")
    job = submit("run", "chunk-0", device=device, max_execution_time=60)
    record = loopback.job(job.job_id())
    assert (record.tags, record.cost, record.program_id) == (["run", "chunk-0"], 60, "executor")
    assert (record.state, record.executions) == ("Queued", 0)

    (found,) = QiskitRuntimeService().jobs(job_tags=["run", "chunk-0"])
    assert found.job_id() == job.job_id()
    assert found.tags == ["run", "chunk-0"]
    result = found.result(timeout=TIMEOUT)
    circuit = compiled(QiskitRuntimeService().backend(MANILA))
    local = Sampler(AerSimulator()).run([(circuit, ANGLES)], shots=SHOTS).result()
    assert result[0].data.meas.array.shape == local[0].data.meas.array.shape
    assert result[0].data.meas.num_bits == local[0].data.meas.num_bits
    error = np.sqrt((1 - np.cos(ANGLES) ** 2) / SHOTS)
    assert (np.abs(values(found) - np.cos(ANGLES)) < SIGMAS * error).all()
    assert (values(job) == values(found)).all()
    assert record.executions == 1
    assert found.usage() == job.metrics()["usage"]["qpu_charge_time_seconds"] == loopback.quantum_seconds


def test_equal_pubs_give_equal_counts_in_every_job(small_loopback: Loopback) -> None:
    backend = QiskitRuntimeService().backend(MANILA)
    circuit = compiled(backend)
    sampler = Sampler(backend, {"twirling": {"enable_gates": True, "enable_measure": True, "num_randomizations": 4}})
    for run in (Sampler(backend).run, sampler.run):
        alone = run([(circuit, ANGLES)], shots=SHOTS).result()[0].data.meas
        second = run([(circuit, ANGLES[:1]), (circuit, ANGLES)], shots=SHOTS).result()[1].data.meas
        assert (alone.array == second.array).all()


def test_dynamical_decoupling_and_the_deprecated_sampler_run(small_loopback: Loopback) -> None:
    job = submit(dynamical_decoupling={"enable": True, "sequence_type": "XY4"})
    assert (values(job) == values(submit())).all()
    backend = QiskitRuntimeService().backend(MANILA)
    legacy = SamplerV2(backend).run([(compiled(backend), ANGLES)], shots=SHOTS).result()
    assert legacy[0].data.meas.array.shape == (3, SHOTS, 1)
    assert small_loopback.jobs[-1].program_id == "sampler"


def test_estimator_job(small_loopback: Loopback) -> None:
    backend = QiskitRuntimeService().backend(MANILA)
    circuit = compiled(backend, measured=False)
    observables = [[SparsePauliOp(label).apply_layout(circuit.layout)] for label in ("IZ", "ZI")]
    estimator = Estimator(backend, {"resilience_level": 0, "twirling": {"enable_measure": False}})
    result = estimator.run([(circuit, observables, ANGLES)], precision=PRECISION).result(timeout=TIMEOUT)
    assert (np.abs(result[0].data.evs.T - np.cos(ANGLES)) < SIGMAS * PRECISION).all()
    assert small_loopback.jobs[0].executions == 1


def test_batch_and_session(small_loopback: Loopback) -> None:
    backend = QiskitRuntimeService().backend(MANILA)
    circuit = compiled(backend)
    for mode, name in ((Batch, "batch"), (Session, "dedicated")):
        with mode(backend, max_time="10m") as session:
            sampler = Sampler(session)
            jobs = [sampler.run([(circuit, ANGLES)], shots=10) for _ in range(2)]
            assert session.status() == "In progress, accepting new jobs"
        record = small_loopback.sessions[-1]
        assert (record.mode, record.max_ttl, record.accepting_jobs) == (name, 600, False)
        assert [job.session_id for job in jobs] == [record.id] * 2
        assert len(QiskitRuntimeService().jobs(session_id=record.id)) == 2
        assert jobs[1].result(timeout=TIMEOUT)[0].data.meas.num_shots == 10
        with pytest.raises(IBMRuntimeError, match="session is closed"):
            sampler.run([(circuit, ANGLES)], shots=10)

    batch = Batch(backend)
    small_loopback.close_session(small_loopback.sessions[-1])
    with pytest.raises(IBMRuntimeError, match="400 Client Error"):
        Sampler(batch).run([(circuit, ANGLES)], shots=10)


def test_listing_filters(small_loopback: Loopback) -> None:
    small_loopback.hold()
    service = QiskitRuntimeService()
    jobs = [submit("run", f"chunk-{i % 2}", service=service).job_id() for i in range(5)]
    small_loopback.job(jobs[0]).created -= timedelta(days=2)

    def listed(**filters: object) -> list[str]:
        return [job.job_id() for job in service.jobs(**filters)]

    assert listed() == jobs[::-1]
    assert listed(descending=False) == jobs
    assert listed(job_tags=["run", "chunk-1"]) == [jobs[3], jobs[1]]
    assert listed(job_tags=["other"]) == []
    assert listed(limit=2, skip=1) == [jobs[3], jobs[2]]
    assert listed(limit=None) == jobs[::-1]
    assert listed(created_after=datetime.now() - timedelta(days=1)) == jobs[:0:-1]
    assert listed(created_before=datetime.now() - timedelta(days=1)) == jobs[:1]
    assert listed(program_id="sampler") == listed(backend_name=TORINO) == []
    service.job(jobs[0]).cancel()
    assert listed(pending=False) == jobs[:1]
    assert listed(pending=True) == jobs[:0:-1]
    service.delete_job(jobs[4])
    small_loopback.lose(jobs[3])
    assert sorted(service.job(jobs[0]).update_tags(["new", "two"])) == ["new", "two"]
    assert listed(job_tags=["new"]) == jobs[:1]
    assert listed() == jobs[2::-1]


def test_held_jobs_wait(small_loopback: Loopback) -> None:
    small_loopback.hold()
    first, second = submit(), submit()
    assert first.status() == "QUEUED"
    with pytest.raises(RuntimeJobTimeoutError):
        first.result(timeout=0.1, poll_interval=0.1)
    small_loopback.hold("Running")
    assert first.status() == "RUNNING"
    small_loopback.release(second.job_id())
    assert (first.status(), second.status()) == ("RUNNING", "DONE")
    small_loopback.release()
    assert first.status() == "DONE"


def test_calibration_history(small_loopback: Loopback) -> None:
    """A job's properties are those of its run, whatever came after; noise follows them."""
    small_loopback.noise = "readout"
    before = submit()
    z_before = values(before)
    small_loopback.change_calibration(10.0)
    after = submit()
    z_after = values(after)
    errors = [job.properties().readout_error(0) for job in (before, after)]
    assert errors[1] == pytest.approx(10 * errors[0])
    assert before.properties().last_update_date < after.properties().last_update_date
    assert QiskitRuntimeService().backend(MANILA).properties().readout_error(0) == errors[1]
    assert np.abs(z_after).sum() < np.abs(z_before).sum()


def test_process_of_its_own_is_killed_between_acceptance_and_answer(small_loopback: Loopback) -> None:
    script = f"""
from qiskit.circuit import QuantumCircuit
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.executor_sampler import Sampler
circuit = QuantumCircuit(5, 1)
circuit.measure(0, 0)
backend = QiskitRuntimeService().backend("{MANILA}")
Sampler(backend, {{"environment": {{"job_tags": ["killed"]}}}}).run([circuit])
"""
    environment = os.environ | small_loopback.environment()
    small_loopback.on("submit", lambda call: process.kill(), when="accepted")
    process = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    (job,) = QiskitRuntimeService().jobs(job_tags=["killed"])
    assert job.result(timeout=TIMEOUT)[0].data.c.get_counts() == {"0": 4096}


@pytest.mark.parametrize(
    ("point", "written"),
    [
        ("sent:1", [("intent", 0), ("sent", 0), ("intent", 1), ("sent", 1)]),
        ("before-sent:1", [("intent", 0), ("sent", 0), ("intent", 1)]),
        ("sent", [("intent", 0), ("sent", 0)]),
        ("never", [("intent", 0), ("sent", 0), ("intent", 1), ("sent", 1)]),
    ],
)
def test_kill_at_an_event(point: str, written: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    def die(process: int, number: int) -> None:
        assert (process, number) == (os.getpid(), signal.SIGKILL)
        raise SystemExit

    events: list[tuple[str, int]] = []
    monkeypatch.setattr(os, "kill", die)
    append = kill_at(lambda ledger, event, **fields: events.append((event, fields["chunk"])), point)
    with contextlib.suppress(SystemExit):
        for chunk in (0, 1):
            append(None, "intent", chunk=chunk)
            append(None, "sent", chunk=chunk)
    assert events == written


def test_client_module_runs_qaml(small_loopback: Loopback) -> None:
    environment = os.environ | small_loopback.environment() | {KILL_AT: "never"}
    command = [sys.executable, "-m", "tests.integration.loopback.client", "--help"]
    finished = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False, text=True)
    assert finished.returncode == 0, finished.stderr
    assert "Usage: qaml" in finished.stdout
