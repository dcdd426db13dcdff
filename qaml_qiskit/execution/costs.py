"""What a workload will cost, before anything is sent."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qiskit.circuit import QuantumCircuit
from qiskit.transpiler import Target as ISATarget

from qaml_qiskit.circuits import gate_counts
from qaml_qiskit.errors import BudgetError, InputError
from qaml_qiskit.execution.catalogue import IBMEntry
from qaml_qiskit.execution.circuits import calibration_circuits
from qaml_qiskit.execution.compilation.tiles import split_tiles
from qaml_qiskit.execution.engines import told_engine
from qaml_qiskit.execution.splitting import MAX_EXECUTIONS, payload_bytes
from qaml_qiskit.execution.targets import Target
from qaml_qiskit.execution.workload import CALIBRATION, Workload

#: Documented estimate of the service: seconds that a job takes beside its executions.
JOB_OVERHEAD = 2.0
#: Seconds between two executions where the device does not say its own; that of IBM's devices.
REP_DELAY = 250e-6
#: Two-qubit gates are folded once and twice: three circuits of 1, 3 and 5 times the length.
ZNE_FACTORS = (1, 3, 5)
#: Counts for an error that leaves nothing, or that is no probability.
_CERTAIN = 1 - 1e-12


@dataclass(frozen=True)
class Plan:
    """The cost of a workload.

    Attributes:
        images: number of images.
        pubs: PUBs in all jobs.
        jobs: jobs.
        executions: circuits times shots.
        payload_bytes: bytes sent, about.
        circuit_seconds: duration of one execution by the target's gate times; None where it has none.
        qpu_seconds: estimated QPU time; 0 for simulated targets.
        two_qubit_gates: in the ISA circuit, those of all tiles.
        two_qubit_depth: of the ISA circuit.
        depth: of the ISA circuit.
        gate_survival: probability that no gate fails, ∏(1 − error) over the target's error rates; None without them.
            With tiles, the mean over them.
        readout_survival: the same for the measurements of one execution.
        assumptions: what the estimate rests on, a sentence each.
    """

    images: int
    pubs: int
    jobs: int
    executions: int
    payload_bytes: int
    circuit_seconds: float | None
    qpu_seconds: float
    two_qubit_gates: int
    two_qubit_depth: int
    depth: int
    gate_survival: float | None
    readout_survival: float | None
    assumptions: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The figures by name, with the assumptions as a list."""
        return {**asdict(self), "assumptions": list(self.assumptions)}

    def row(self, **head: str) -> dict[str, Any]:
        """The figures by name, behind what says which plan it is; without the assumptions."""
        figures = self.as_dict()
        figures.pop("assumptions")
        return {**head, **figures}


def plan(workload: Workload, target: Target) -> Plan:
    """Work out what a workload costs on a target. Nothing is sent."""
    settings, isa, jobs = workload.settings, workload.isa, workload.settings.jobs
    rows = sum(job.rows for job in jobs)
    runs = sum(map(workload.executions, jobs))
    calibrations = 2 * sum(job.chunk == CALIBRATION for job in jobs)
    factor, mitigation_note = _mitigation_factor(workload)
    executions = settings.shots * (factor * runs + calibrations)
    seconds = circuit_seconds(isa, target.isa)
    gates, readout = _mean_survival(workload, target.isa)
    counts = gate_counts(isa)
    qpu, notes = _qpu_seconds(workload, target, seconds)
    return Plan(
        images=rows // settings.draws,
        pubs=len(workload.image_jobs) + calibrations,
        jobs=len(jobs),
        executions=executions,
        payload_bytes=payload_bytes(isa, runs) + sum(map(_size, calibration_circuits(1, [0]))) * calibrations,
        circuit_seconds=seconds,
        qpu_seconds=qpu,
        two_qubit_gates=counts.two_qubit_gates,
        two_qubit_depth=counts.two_qubit_depth,
        depth=counts.depth,
        gate_survival=gates,
        readout_survival=readout,
        assumptions=(
            *_drawn(workload, rows),
            *_dealt(workload),
            *notes,
            *target.promises,
            *mitigation_note,
            *(f"{note}." for note in target.notes),
        ),
    )


def limited(workload: Workload, target: Target, costs: Plan, max_seconds: float) -> Workload:
    """The workload with a limit for every job at the service, after what it costs was found to fit.

    Raises:
        InputError: ``max_seconds`` is no number of seconds.
        BudgetError: the plan exceeds it (exit code 5).
    """
    if not (math.isfinite(max_seconds) and max_seconds > 0):
        raise InputError(
            "cannot limit the QPU time",
            got=f"{max_seconds} seconds",
            expected="a positive number",
            remedy="correct --max-seconds, or leave it out",
        )
    if costs.qpu_seconds > max_seconds:
        raise BudgetError(
            "the run would cost more QPU time than allowed",
            got=f"an estimate of {costs.qpu_seconds:.0f} s",
            expected=f"at most {max_seconds:g} s",
            remedy="ask for fewer images or shots, or raise --max-seconds",
        )
    limits = [max(1, round(max_seconds)), target.entry.primitive_options.max_execution_time]
    options = workload.settings.options.model_copy(update={"max_execution_time": min(filter(None, limits))})
    return Workload(workload.isa, workload.values, workload.settings.model_copy(update={"options": options}))


def sampling_seconds(images: int, shots: int, circuit: float | None, rep_delay: float = REP_DELAY) -> float:
    """QPU seconds, about, of so many images at so many shots each on a device, without a calibration.

    Args:
        images: any number; none cost nothing.
        shots: of each image.
        circuit: seconds of one execution; None where they are not known, and then only the delays count.
        rep_delay: seconds between two executions.
    """
    executions = images * shots
    return JOB_OVERHEAD * math.ceil(executions / MAX_EXECUTIONS) + executions * (rep_delay + (circuit or 0.0))


def _drawn(workload: Workload, rows: int) -> tuple[str, ...]:
    """What the draws of an image cost."""
    draws, shots = workload.settings.draws, workload.settings.shots
    if draws == 1:
        return ()
    return (
        f"{draws} draws an image, each with {shots} shots: {rows} rows of parameter values of one circuit, {draws} "
        "times the executions of one draw.",
    )


def _dealt(workload: Workload) -> tuple[str, ...]:
    """What tiles save, and what is run beside what counts."""
    tiles, images = workload.settings.tiles, workload.settings.tile_images
    if tiles == 1:
        return ()
    if images == "all":
        return (f"Every image runs on all of {tiles} tiles at once, which costs as much as on one.",)
    surplus = sum(workload.dealing(job).surplus for job in workload.image_jobs)
    filled = f" The last ones of jobs are filled up with {surplus} rows that ran before." if surplus else ""
    return (f"{tiles} tiles run side by side, so an execution is for {tiles} images.{filled}",)


def _mitigation_factor(workload: Workload) -> tuple[int, tuple[str, ...]]:
    """Executions an image in units of the shots, and how that comes about."""
    match workload.settings.mitigation:
        case "trex":
            return 1, ("TREX also runs calibration circuits of about one image's shots a job; they are not counted.",)
        case "zne":
            note = (
                f"ZNE runs every image {len(ZNE_FACTORS)} times, with two-qubit gates at {ZNE_FACTORS} times the noise."
            )
            return len(ZNE_FACTORS), (note,)
        case _:
            return 1, ()


def device_seconds(workload: Workload, target: Target) -> float:
    """QPU seconds, about, as :func:`plan` has them; of a simulated device those of the device that it stands for."""
    return _device_seconds(workload, target, circuit_seconds(workload.isa, target.isa))[0]


def _qpu_seconds(workload: Workload, target: Target, seconds: float | None) -> tuple[float, tuple[str, ...]]:
    if not target.is_hardware:
        settings = workload.settings
        engine = told_engine(target, workload.isa, settings.engine, settings.mitigation)
        return 0.0, ("The target is simulated: no QPU time.", *(f"{told}." for told in engine))
    return _device_seconds(workload, target, seconds)


def _device_seconds(workload: Workload, target: Target, seconds: float | None) -> tuple[float, tuple[str, ...]]:
    settings = workload.settings
    rep_delay = settings.options.rep_delay or _default_rep_delay(target) or REP_DELAY
    circuit = seconds or 0.0
    stretch = sum(ZNE_FACTORS) if settings.mitigation == "zne" else 1
    repeats = len(ZNE_FACTORS) if settings.mitigation == "zne" else 1
    per_run = settings.shots * (repeats * rep_delay + stretch * circuit)
    calibrations = sum(job.chunk == CALIBRATION for job in settings.jobs)
    calibration = 2 * settings.shots * (rep_delay + circuit) * calibrations
    total = JOB_OVERHEAD * len(settings.jobs) + per_run * sum(map(workload.executions, settings.jobs)) + calibration
    return total, (
        f"{JOB_OVERHEAD:g} s a job beside its executions.",
        f"{rep_delay * 1e6:g} µs between executions.",
        f"{circuit * 1e6:.3g} µs a circuit, as scheduled by the target's gate times.",
    )


def _default_rep_delay(target: Target) -> float | None:
    # Of the configuration: the handle itself asks the service when it is asked for what it does not have.
    found = (
        getattr(target.backend.configuration(), "default_rep_delay", None)
        if isinstance(target.entry, IBMEntry) and target.backend
        else None
    )
    return found if isinstance(found, int | float) and 0 < found < math.inf else None


def circuit_seconds(isa: QuantumCircuit, target: ISATarget) -> float | None:
    """Seconds of one execution, every instruction as early as possible; None where instructions have no durations."""
    if target.dt is None and not any(
        properties and properties.duration
        for name in target.operation_names
        for properties in (target[name] or {}).values()
    ):
        return None
    ends = [0.0] * isa.num_qubits
    for instruction in isa.data:
        qubits = [isa.find_bit(qubit).index for qubit in instruction.qubits]
        start = max(ends[qubit] for qubit in qubits)
        end = start + (_property(target, instruction.operation.name, qubits, "duration") or 0.0)
        for qubit in qubits:
            ends[qubit] = end
    return max(ends)


def _mean_survival(workload: Workload, target: ISATarget) -> tuple[float | None, float | None]:
    tiles = split_tiles(workload.isa, workload.settings.tiles)
    gates, readout = zip(*(survival(tile, target) for tile in tiles), strict=True)
    return _mean(gates), _mean(readout)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def survival(isa: QuantumCircuit, target: ISATarget) -> tuple[float | None, float | None]:
    """Probabilities that no gate and no measurement fails, ∏(1 − error); None where the target knows no such error."""
    logs: dict[bool, list[float]] = {True: [], False: []}
    for instruction in isa.data:
        qubits = [isa.find_bit(qubit).index for qubit in instruction.qubits]
        error = gate_error(target, instruction.operation.name, qubits)
        if error is not None:
            logs[instruction.operation.name == "measure"].append(
                math.log1p(-(error if 0 <= error < _CERTAIN else _CERTAIN))
            )
    gates, readout = (math.exp(sum(logs[key])) if logs[key] else None for key in (False, True))
    return gates, readout


def gate_error(target: ISATarget, name: str, qubits: Sequence[int]) -> float | None:
    """The probability that an instruction fails on some qubits; None where the target does not know it."""
    return _property(target, name, qubits, "error")


def pair_error(target: ISATarget, pair: tuple[int, int]) -> float | None:
    """The probability that a two-qubit gate on a pair fails; the worse one where the gate has two directions."""
    found = [gate_error(target, name, ends) for name in target.operation_names for ends in (pair, pair[::-1])]
    return max((error for error in found if error is not None), default=None)


def _property(target: ISATarget, name: str, qubits: Sequence[int], what: str) -> float | None:
    if name == "barrier" or name not in target.operation_names:
        return None
    properties = (target[name] or {}).get(tuple(qubits))
    return getattr(properties, what, None)


def _size(circuit: QuantumCircuit) -> int:
    return payload_bytes(circuit, 0)
