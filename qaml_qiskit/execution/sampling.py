"""The short way for simulated targets: compile, sample, mitigate, and keep nothing on disk."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.evaluation import ZString
from qaml_qiskit.execution.catalogue import ProviderEntry, SimulatedEntry
from qaml_qiskit.execution.circuits import active_qubits, check_isa
from qaml_qiskit.execution.collection import collect
from qaml_qiskit.execution.compilation.layout import LineUsage
from qaml_qiskit.execution.compilation.recipes import Recipe, to_isa
from qaml_qiskit.execution.engines import EngineChoice, choose_engine
from qaml_qiskit.execution.options import DEFAULT_MITIGATION, ESTIMATED, Mitigation, Mode
from qaml_qiskit.execution.readings.outcomes import read_outcomes
from qaml_qiskit.execution.readings.sampled import Sampled
from qaml_qiskit.execution.splitting import LOCAL_IMAGES_PER_JOB, build_workload
from qaml_qiskit.execution.submission import runner_for, submit
from qaml_qiskit.execution.targets import Target, real_hardware
from qaml_qiskit.execution.workload import Workload

#: Of a joint circuit of tiles: Aer holds the state of all of them at once, in every trajectory.
MOST_AER_QUBITS = 20


def compile_for(
    circuit: QuantumCircuit, target: Target, recipe: Recipe, name: str = "given", weights: LineUsage | None = None
) -> QuantumCircuit:
    """Compile a classifier circuit for a target; the parameters stay free, so it is done once for all images.

    Args:
        circuit: any.
        target: where it runs.
        recipe: how it is compiled.
        name: the recipe's.
        weights: of the parts of the circuit's line, for ``layout: margin``; see :func:`to_isa`.

    Raises:
        ConfigurationError: as :func:`to_isa`, or the recipe, called ``name``, left what the target cannot run.
    """
    isa = to_isa(circuit, target.isa, recipe, weights=weights)
    check_isa(isa, target.isa, name)
    return isa


def workload_for(isa: QuantumCircuit, values: NDArray[np.float64], target: Target, **settings: Any) -> Workload:
    """What is to be run on a target, with the options and the engine of its entry; simulated jobs are small.

    Args:
        isa: from :func:`compile_for`, with a classical register ``meas``.
        values: shape (N·J, P), a row of parameter values an image and draw, in the order of ``isa.parameters``.
        target: where it was compiled for.
        settings: the further arguments of :func:`build_workload`.

    Raises:
        QamlError: as :func:`build_workload`, and :func:`.choose_engine`.
    """
    _check_provider(target, **settings)
    limits = [None if target.is_hardware else LOCAL_IMAGES_PER_JOB, target.most_circuits]
    most = min((limit for limit in limits if limit is not None), default=None)
    how = {"options": target.entry.primitive_options, "most_per_job": most, **settings}
    chosen = choose_engine(target, isa, settings.get("mitigation", DEFAULT_MITIGATION))
    workload = build_workload(isa, values, target=target.name, engine=chosen.engine, **how)
    if isinstance(target.entry, SimulatedEntry) and workload.settings.tiles > 1:
        _check_width(workload, chosen)
    return workload


def _check_width(workload: Workload, chosen: EngineChoice) -> None:
    """Refuse tiles that Aer would simulate as one state: the exact engine follows each by itself."""
    tiles, qubits = workload.settings.tiles, len(active_qubits(workload.isa))
    if chosen.engine == "aer" and qubits > MOST_AER_QUBITS:
        raise ConfigurationError(
            f"Aer cannot simulate {tiles} tiles",
            got=f"a joint circuit of {qubits} qubits{f', and {chosen.why}' if chosen.why else ''}",
            expected=f"at most {MOST_AER_QUBITS} qubits in all tiles together, or the exact engine",
            remedy="leave the engine open, or ask for fewer tiles",
        )


def _check_provider(
    target: Target, mitigation: Mitigation = DEFAULT_MITIGATION, mode: Mode = "batch", **_: Any
) -> None:
    """Refuse what only the Runtime's primitives do."""
    if not isinstance(target.entry, ProviderEntry):
        return
    refused = f"--mitigation {mitigation}" if mitigation in ESTIMATED else "--mode session" * (mode == "session")
    if refused:
        raise ConfigurationError(
            f"target {target.name} is a provider's backend, which has no Runtime primitives",
            got=refused,
            expected="bitstrings, in jobs sent one by one: --mitigation none, readout or m3, without a session",
            remedy="leave it out, or choose another target",
        )


def sample(
    isa: QuantumCircuit,
    values: NDArray[np.float64],
    target: Target,
    *,
    shots: int,
    mitigation: Mitigation = DEFAULT_MITIGATION,
    seed: int = 0,
    images_per_job: int | None = None,
    strings: tuple[ZString, ...] = (),
    progress: Callable[[int], None] | None = None,
) -> Sampled:
    """Run a compiled circuit for a batch of images on a simulated target and wait for it.

    For devices, and for runs that survive a kill, use :func:`submit` and :func:`collect` on a run folder.

    Args:
        isa: from :func:`compile_for`, with a classical register ``meas``.
        values: shape (N, P), a row of parameter values an image, in the order of ``isa.parameters``.
        target: where it was compiled for.
        shots: shots an image, and of each calibration circuit.
        mitigation: see :data:`Mitigation`.
        seed: the same seed gives the same counts.
        images_per_job: images that are simulated together; by default 50, fewer where the shots are many.
        strings: the products of Z that are averaged, see :func:`build_workload`.
        progress: called with the number of images done since the last call.

    Raises:
        InputError: ``values`` do not fit the circuit, or fewer than one shot.
        ConfigurationError: the target is real hardware; see also :class:`ReadoutCorrection`.
    """
    if target.is_hardware:
        raise real_hardware(
            target.name,
            got="a request to run on it without a run folder",
            expected="a folder that keeps the ledger of paid jobs",
            remedy="use submit() and collect(), or `qaml run`",
        )
    workload = workload_for(
        isa,
        values,
        target,
        shots=shots,
        mitigation=mitigation,
        seed=seed,
        images_per_job=images_per_job,
        strings=strings,
    )
    with TemporaryDirectory() as folder:
        runner = runner_for(target, workload)
        submit(Path(folder), workload, runner)
        collect(Path(folder), workload, runner, progress=progress)
        result = read_outcomes(Path(folder), workload)
    assert result is not None  # a local runner answers every job or raises
    return result
