"""Compiled circuits and rows of values as workloads: checked, and split into jobs that the service takes."""

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.evaluation import Products, ZString
from qaml_qiskit.execution.dealing import TileImages
from qaml_qiskit.execution.options import (
    CALIBRATED,
    DEFAULT_MITIGATION,
    ESTIMATED,
    Engine,
    Mitigation,
    Mode,
    PrimitiveOptions,
    check_mitigation,
)
from qaml_qiskit.execution.readings.calibration import Calibration
from qaml_qiskit.execution.workload import (
    CALIBRATION,
    JobSpec,
    Settings,
    Workload,
    check_strings,
    check_tiles,
    check_values,
)
from qaml_qiskit.simulation.measurements import measured_qubits

#: Images of a local job: bounds the memory for outcomes and what a kill can lose, and moves the progress bar.
LOCAL_IMAGES_PER_JOB = 50
#: The service takes 10 million executions and about 300 MB a job; half of it leaves room for what it adds itself.
MAX_EXECUTIONS = 5_000_000
MAX_PAYLOAD = 150_000_000
#: The one-qubit gates of a free angle that the Runtime's primitives can twirl.
_TWIRLED_ANGLES = {"rx", "rz"}


def build_workload(
    isa: QuantumCircuit,
    values: NDArray[np.float64],
    *,
    target: str,
    shots: int,
    mitigation: Mitigation = DEFAULT_MITIGATION,
    seed: int = 0,
    options: PrimitiveOptions | None = None,
    mode: Mode = "batch",
    images_per_job: int | None = None,
    most_per_job: int | None = None,
    calibration: Calibration | None = None,
    strings: tuple[ZString, ...] = (),
    draws: int = 1,
    tiles: int = 1,
    tile_images: TileImages = "dealt",
    engine: Engine = "aer",
) -> Workload:
    """Split a compiled circuit and its parameter values into jobs.

    Args:
        isa: a measured ISA circuit; of several tiles, all of them joined.
        values: shape (N·J, P), a row an image and draw, in the order of ``isa.parameters``, or of those of one tile.
        target: name of the target that it was compiled for.
        shots: shots a row, and of each calibration circuit.
        mitigation: see :data:`Mitigation`.
        seed: of simulators; the same seed gives the same counts.
        options: for the primitive.
        mode: how jobs are grouped at the service.
        images_per_job: None for as many as the service's limits allow.
        most_per_job: an upper bound that gives way to the service's limits, unlike ``images_per_job``.
        calibration: a readout calibration to use again; by default ``readout`` and ``m3`` measure one of their own.
        strings: the products of Z that are averaged, by the classical bits of each, ascending; by default Z of every
            classical bit. None costs a Sampler anything more.
        draws: J, rows of every image, which stay together in a job, and on a tile.
        tiles: T, copies of the classifier in ``isa``, see :func:`~qaml_qiskit.execution.compilation.tiles.join_tiles`.
        tile_images: ``dealt``, image i of a job to tile i mod T, so that one execution is for T images; or ``all``,
            every image to all tiles.
        engine: simulates the target; see :func:`.choose_engine`.

    Raises:
        InputError: ``values`` do not fit the circuit or the draws, strings of bits that it does not have, fewer than
            one shot, a single image that exceeds the limits, or a circuit that is not so many tiles.
        ConfigurationError: a mitigation that cannot be had here, or one by the Estimator with tiles.
    """
    check_mitigation(mitigation)
    check_tiles(isa, tiles)
    check_values(isa, values, shots, draws, tiles)
    check_strings(isa, strings, tiles)
    if tiles > 1 and mitigation in ESTIMATED:
        raise needs_counts(mitigation, tiles)
    _check_twirling(isa, mitigation, options)
    beside = tiles if tile_images == "dealt" else 1
    size = draws * _images_per_job(isa, shots, draws, images_per_job, most_per_job, beside)
    jobs = [
        JobSpec(chunk=f"images-{number:04d}", start=start, stop=min(start + size, len(values)))
        for number, start in enumerate(range(0, len(values), size))
    ]
    if mitigation in CALIBRATED and calibration is None:
        jobs.insert(0, JobSpec(chunk=CALIBRATION))
    settings = Settings(
        target=target,
        shots=shots,
        mitigation=mitigation,
        seed=seed,
        options=options or PrimitiveOptions(),
        mode=mode,
        jobs=tuple(jobs),
        calibration=calibration if mitigation in CALIBRATED else None,
        strings=() if strings == Products.of_bits(len(measured_qubits(isa)) // tiles).strings else strings,
        draws=draws,
        tiles=tiles,
        tile_images=tile_images if tiles > 1 else "dealt",
        engine=engine,
    )
    return Workload(isa, values, settings)


def _images_per_job(
    isa: QuantumCircuit, shots: int, draws: int, wanted: int | None, most: int | None, beside: int
) -> int:
    """Images a job; ``beside`` is how many an execution is for."""
    limit = beside * min(MAX_EXECUTIONS // (shots * draws), MAX_PAYLOAD // max(1, payload_bytes(isa, draws)))
    if limit < 1:
        too_many, drawn = shots * draws > MAX_EXECUTIONS, f" of each of {draws} draws" if draws > 1 else ""
        raise InputError(
            "a single image does not fit into a job",
            got=f"{shots} shots{drawn}" if too_many else f"{payload_bytes(isa, draws)} bytes",
            expected=f"at most {MAX_EXECUTIONS} shots" if too_many else f"at most {MAX_PAYLOAD} bytes",
            remedy=f"ask for fewer shots{' or draws' if drawn else ''}" if too_many else "use a smaller circuit",
        )
    if wanted is None:
        # Of what is simulated here, rows are what counts.
        # No job but the last has executions to fill up.
        return limit if most is None else min(limit, max(1, most // (draws * beside)) * beside)
    if not 1 <= wanted <= limit:
        raise InputError(
            "the images do not fit into jobs",
            got=f"{shots} shots an image, {wanted} images a job",
            expected=f"at most {MAX_EXECUTIONS} executions a job: 1 to {limit} images",
            remedy="ask for fewer shots or another number of images a job",
        )
    return wanted


def needs_counts(mitigation: Mitigation, tiles: int | str) -> ConfigurationError:
    """What to raise for tiles with a mitigation that averages by itself."""
    return ConfigurationError(
        f"the mitigation {mitigation} does not work with tiles",
        got=f"{tiles} tiles, and a mitigation that asks the Estimator",
        expected="a mitigation that works on the counts of each tile: none, readout or m3",
        remedy="choose one of these with --mitigation, or leave out --tiles",
    )


def payload_bytes(isa: QuantumCircuit, images: int) -> int:
    """Bytes of a job with this many rows: base64 of eight bytes a parameter, and of about 25 an instruction."""
    return 4 * (8 * isa.num_parameters * images + 25 * len(isa.data)) // 3


def _check_twirling(isa: QuantumCircuit, mitigation: Mitigation, options: PrimitiveOptions | None) -> None:
    """Refuse what the primitives would break off over.

    They twirl free angles of RX and RZ, not of U3 and others, and no RZZ whatever its angle is.
    """
    twirled = "the target's twirling" if options is not None and options.twirling is not None else None
    if mitigation in ESTIMATED:
        twirled = f"the mitigation {mitigation}"
    if options is not None and options.twirling is not None and options.twirling.gates:
        _check_pairs_can_be_twirled(isa)
    free = {instruction.name for instruction in isa.data if instruction.operation.is_parameterized()}
    if twirled and (found := sorted(free - _TWIRLED_ANGLES)):
        raise ConfigurationError(
            f"{twirled} does not work with this device's gates",
            got=f"free angles in the gates {', '.join(found)}",
            expected="free angles in RX and RZ alone, which can be twirled",
            remedy="choose the mitigation readout or none, without twirling, or another target",
        )


def _check_pairs_can_be_twirled(isa: QuantumCircuit) -> None:
    if "rzz" in isa.count_ops():
        raise ConfigurationError(
            "the target's twirling of gates does not work with fractional gates",
            got="RZZ in the compiled circuit",
            expected="CZ and the like, which Pauli gates can be twirled around",
            remedy="choose a recipe without fractional gates, such as line, or leave gates out of the entry's twirling",
        )
