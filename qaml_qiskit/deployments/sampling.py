"""Images sampled on a simulated target."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool, compute_tasks
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.confidence import Probabilities, Temperature
from qaml_qiskit.deployments.compiled import Compiled
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import Estimates, LinearHead, ZString
from qaml_qiskit.execution import (
    Elsewhere,
    JobWork,
    Mitigation,
    Target,
    Workload,
    check_simulated,
    collect,
    read_outcomes,
    read_shots,
    runner_for,
    submit,
    with_begun_engine,
    workload_for,
)
from qaml_qiskit.execution.catalogue import IBMEntry, ProviderEntry, TargetEntry
from qaml_qiskit.progress import Progress, Silent

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Stages:
    """⟨P_s⟩ of one set of images at every stage, for the S products of Z that are read.

    Attributes:
        ideal: without noise and shots, shape (N, S); with the readout ``qubits`` they are the ⟨Z_k⟩.
        estimates: as sampled, with their errors, by stage: ``raw``, and ``mitigated`` unless nothing was.
        head: makes logits of them.
    """

    ideal: Floats
    estimates: Mapping[str, Estimates]
    head: LinearHead

    @property
    def raw(self) -> Floats | None:
        """As sampled, shape (N, S); None for a stage that there is not."""
        return self.by_name().get("raw")

    @property
    def mitigated(self) -> Floats | None:
        """After mitigation, shape (N, S)."""
        return self.by_name().get("mitigated")

    def by_name(self) -> dict[str, Floats]:
        """The stages that there are."""
        return {"ideal": self.ideal, **{name: found.values for name, found in self.estimates.items()}}

    def logits(self) -> dict[str, Floats]:
        """Logits at every stage that there is, shape (N, m)."""
        return {name: self.head.logits(values) for name, values in self.by_name().items()}

    def probabilities(self, temperature: Temperature) -> dict[str, Probabilities]:
        """Probabilities with their standard errors at every stage that there is."""
        measured = {n: Probabilities.of_estimates(e, self.head, temperature) for n, e in self.estimates.items()}
        return {"ideal": Probabilities.of_logits(self.head.logits(self.ideal), temperature), **measured}


def check_computed(target: str, entry: TargetEntry, workers: int | None, scheduler: str | None) -> None:
    """Raise ConfigurationError for workers that would have nothing to compute."""
    if isinstance(entry, IBMEntry | ProviderEntry) and (workers is not None or scheduler is not None):
        raise ConfigurationError(
            f"target {target} is {'real hardware' if entry.is_hardware else 'a backend of a provider'}",
            got=f"--workers {workers}" if workers is not None else f"--scheduler {scheduler}",
            expected="neither --workers nor --scheduler: the device runs the jobs, and nothing is computed here",
            remedy="leave it out",
        )


def computed_on(pool: Pool, target: Target, workload: Workload) -> Elsewhere | None:
    """Where the jobs of a simulated target are computed; None for this process, which uses all its cores for a job.

    The ledger and the outcomes are written by this process, whatever a worker comes to.
    """
    if pool is HERE:
        return None
    work = JobWork(target, workload)
    return lambda sent: compute_tasks(sent, work, bar=Bar(Silent(), f"sampling on {target.name}"), pool=pool)


@contextmanager
def passing_run() -> Iterator[Run]:
    """A run in a folder that goes with the block."""
    with TemporaryDirectory() as folder:
        yield Run(Path(folder), {})


def sample_values(
    compiled: Compiled,
    values: Mapping[str, NDArray[np.float64]],
    strings: tuple[ZString, ...],
    *,
    shots: int,
    mitigation: Mitigation,
    seed: int,
    run: Run,
    progress: Progress,
    draws: int = 1,
    pool: Pool = HERE,
) -> dict[str, dict[str, Estimates]]:
    """⟨P_s⟩ of several sets of images, raw and mitigated: sampled as one workload and calibrated once.

    Args:
        compiled: the circuit and its target.
        values: the circuit's parameters, shape (N·J, P), by name of the set.
        strings: the products of Z that are averaged, by classical bits.
        shots: an image.
        mitigation: see :data:`~qaml_qiskit.execution.Mitigation`.
        seed: of the sampling.
        run: keeps the workload, the ledger and the outcomes; what a killed process sampled is not sampled again.
        progress: told about every job.
        draws: J, rows of every image, over which what is sampled is averaged.
        pool: where the jobs are computed; the counts are the same everywhere.

    Raises:
        ConfigurationError: a target that is no simulator, or whose readout cannot be corrected.
    """
    stacked = np.concatenate(list(values.values()))
    how = {"shots": shots, "mitigation": mitigation, "seed": seed, "strings": strings, "draws": draws}
    workload = with_begun_engine(run.path, workload_for(compiled.isa, stacked, compiled.target, **how))
    _collect_all(compiled, workload, run.path, f"sampling on {compiled.target.name}", progress, pool)
    sampled = read_outcomes(run.path, workload)
    # Local jobs are all there, and sampled.
    assert sampled is not None
    assert sampled.raw is not None
    if sampled.barred:
        raise ConfigurationError(
            f"the readout of {compiled.target.name} cannot be corrected",
            got=sampled.barred,
            expected="readout errors that can be inverted",
            remedy="choose another target, or one with smaller readout errors",
        )
    if sampled.calibration is not None:
        run.write("calibration.json", sampled.calibration.model_dump_json(indent=2) + "\n")
    sizes = {name: len(rows) // draws for name, rows in values.items()}
    ends = np.cumsum([*sizes.values()])
    parts = {name: np.arange(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}
    return {
        name: {stage: found.images(part) for stage, found in sampled.estimates.items()} for name, part in parts.items()
    }


def sample_shots(
    compiled: Compiled,
    values: NDArray[np.float64],
    *,
    shots: int,
    seed: int,
    folder: Path,
    told: str,
    progress: Progress,
    pool: Pool = HERE,
) -> NDArray[np.uint8]:
    """What every shot read, as zeros and ones, shape (N, shots, n); nothing is mitigated.

    Args:
        compiled: the circuit and its target.
        values: the circuit's parameters, shape (N, P).
        shots: an image.
        seed: of the sampling.
        folder: keeps the workload, the ledger and the outcomes; what a killed process sampled is not sampled again.
        told: what is sampled, for the bar.
        progress: told about every job.
        pool: where the jobs are computed; the counts are the same everywhere.

    Raises:
        ConfigurationError: a target that is no simulator.
    """
    how = {"shots": shots, "mitigation": "none", "seed": seed}
    workload = with_begun_engine(folder, workload_for(compiled.isa, values, compiled.target, **how))
    _collect_all(compiled, workload, folder, told, progress, pool)
    return read_shots(folder, workload)


def _collect_all(
    compiled: Compiled, workload: Workload, folder: Path, told: str, progress: Progress, pool: Pool
) -> None:
    """Have all jobs of a workload answered by a simulated target."""
    check_simulated(compiled.target, compiled.isa, workload.settings.mitigation)
    runner = runner_for(compiled.target, workload)
    submit(folder, workload, runner)
    with progress.task(told, workload.num_images) as advance:
        elsewhere = computed_on(pool, compiled.target, workload)
        collect(folder, workload, runner, progress=lambda images: advance(images), elsewhere=elsewhere)
