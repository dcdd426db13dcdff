"""Runs whose jobs are computed on workers: the same counts, whatever happens to the workers and to this process."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import BaseModel

distributed = pytest.importorskip("distributed")

import qaml_qiskit  # noqa: E402
from qaml_qiskit import RunRequest  # noqa: E402
from qaml_qiskit.artifacts import HERE, open_pool, open_run  # noqa: E402
from qaml_qiskit.deployments import OnTarget, deploy  # noqa: E402
from qaml_qiskit.errors import ConfigurationError  # noqa: E402
from qaml_qiskit.execution import (  # noqa: E402
    JobWork,
    SentJob,
    Workload,
    load_catalogue,
    open_target,
    standing,
)
from qaml_qiskit.execution.readings.job_results import decode  # noqa: E402
from qaml_qiskit.progress import ignore  # noqa: E402
from tests.integration.conftest import Finished  # noqa: E402
from tests.integration.hardware import workspace  # noqa: E402
from tests.integration.test_sweep_scale import Killer  # noqa: E402


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


@pytest.fixture
def in_process() -> Iterator[str]:
    """The address of a cluster of two workers in this process."""
    options = {"processes": False, "n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


class Nothing(BaseModel):
    """A request without options."""


def again(value: Any) -> Any:
    """The value after a journey to another process."""
    return pickle.loads(pickle.dumps(value))


def request(place: Path) -> RunRequest:
    images = str(place / "images.npz")
    return RunRequest(
        model=str(place / "model"), images=images, target="poor-readout", recipe="quick", shots=50, images_per_job=1
    )


def counts(run: Path) -> dict[str, bytes]:
    """What was measured, by the name of the job."""
    found = {}
    for path in (run / "outcomes").iterdir():
        with np.load(path) as arrays:
            found[path.name] = arrays["bits"].tobytes()
    return found


@pytest.mark.slow  # starts three processes; that of the sweep, through the same map, is in every suite
def test_a_killed_worker_changes_nothing(place: Path) -> None:
    here = qaml_qiskit.run(request(place), out=place / "here")
    killer = Killer()
    spread = qaml_qiskit.run(request(place), out=place / "spread", workers=2, progress=killer)
    assert killer.lost
    assert spread.results == here.results
    assert counts(place / "spread") == counts(place / "here")
    assert (place / "spread/predictions.npz").read_bytes() == (place / "here/predictions.npz").read_bytes()


def test_the_work_and_its_answers_can_be_sent(place: Path) -> None:
    run = place / "run"
    qaml_qiskit.submit(request(place), out=run)
    workload = Workload.load(run)
    entry = load_catalogue().entry("poor-readout")
    work = JobWork(open_target("poor-readout", entry, workload.isa.num_qubits), workload)
    job = workload.image_jobs[0]
    answers = [each(SentJob("", job.chunk, 1, f"local-{job.chunk}"), ignore) for each in (work, again(work))]
    here, there = (decode(workload, job, again(answer).result)["bits"] for answer in answers)
    assert np.array_equal(here, there)


def test_a_deployment_samples_the_same_on_workers(place: Path, in_process: str) -> None:
    model = deploy(str(place / "model"), OnTarget("poor-readout", "quick"))
    with np.load(place / "images.npz") as arrays:
        sets = {"clean": torch.from_numpy(arrays["images"])}
    found = []
    with open_pool(scheduler=in_process) as there:
        for name, pool in (("here", HERE), ("there", there)):
            with open_run("demo", Nothing(), out=place / name) as run:
                found.append(model.sample(sets, 50, "readout", 1, run, pool=pool)["clean"])
    assert np.array_equal(found[0].raw, found[1].raw)
    assert np.array_equal(found[0].mitigated, found[1].mitigated)


class Stopped:
    """A progress display that is interrupted when the first images are there."""

    @contextmanager
    def task(self, description: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
        def advance(steps: int, note: str = "") -> None:
            if steps and "sampling" in description:
                raise KeyboardInterrupt

        yield advance

    def say(self, message: str) -> None:
        pass


def test_a_run_that_was_interrupted_on_workers_goes_on_anywhere(place: Path, in_process: str) -> None:
    here = qaml_qiskit.run(request(place), out=place / "here")
    run = place / "cut"
    qaml_qiskit.submit(request(place), out=run)
    with pytest.raises(KeyboardInterrupt):
        qaml_qiskit.collect(run, scheduler=in_process, progress=Stopped())
    workload = Workload.load(run)
    assert 0 < len(standing(run, workload).collected) < len(workload.settings.jobs)
    assert qaml_qiskit.collect(run).results == here.results
    assert counts(run) == counts(place / "here")


def test_workers_have_nothing_to_compute_for_a_device(place: Path) -> None:
    device = request(place).model_copy(update={"target": "device"})
    with pytest.raises(ConfigurationError, match=r"real hardware: got --workers 2; expected neither.*Leave it out"):
        qaml_qiskit.run(
            device, backends=place / "backends.yaml", out=place / "run", workers=2, consent=lambda plan: True
        )
    assert not (place / "run").exists()


@pytest.mark.parametrize("command", ["run", "collect"])
def test_a_wrong_number_of_workers_is_refused_first(qaml: Callable[..., Finished], command: str) -> None:
    finished = qaml(command, "nowhere" if command == "collect" else "mnist-shallow12", "--workers", 0)
    assert finished.code == 2
    assert "--workers does not fit: got 0" in finished.err
