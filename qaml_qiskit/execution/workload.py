"""What is to be run: one compiled circuit, rows of parameter values, and how they are split into jobs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qaml_qiskit.circuits.qpy_files import circuit_bytes, circuit_of
from qaml_qiskit.errors import InputError
from qaml_qiskit.evaluation import Products, ZString
from qaml_qiskit.execution.circuits import calibration_circuits
from qaml_qiskit.execution.dealing import Dealing, TileImages, deal, executions_of
from qaml_qiskit.execution.options import (
    ESTIMATED,
    Engine,
    Mitigation,
    Mode,
    PrimitiveOptions,
)
from qaml_qiskit.execution.readings.calibration import Calibration
from qaml_qiskit.files import write_atomically
from qaml_qiskit.formats import array_of, damaged, fitted, npy, object_of, read_bytes, short
from qaml_qiskit.simulation.measurements import measured_qubits

ISA_FILE = "isa.qpy"
VALUES_FILE = "values.npy"
SETTINGS_FILE = "workload.json"
#: The chunk that measures the readout error; the others are called images-0000, images-0001, …
CALIBRATION = "calibration"

_RESTORE = "restore the file from a copy: it says what was sent"


class JobSpec(BaseModel):
    """One job: rows ``start`` to ``stop`` (not included) of the values, or the readout calibration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chunk: str
    start: int = 0
    stop: int = 0

    @property
    def rows(self) -> int:
        """Rows of values that the job runs; 0 for the calibration."""
        return self.stop - self.start


class Settings(BaseModel):
    """Everything about a workload but its arrays and circuits.

    Attributes:
        strings: the products of Z that are averaged, by the classical bits of each; none written where it is Z of every
            classical bit.
        draws: rows of every image, one behind the other: fresh draws of what is random in the circuit or the image. No
            number is written where there is one.
        tiles: T, copies of the classifier that the circuit runs side by side; not written where there is one.
        tile_images: whether images are dealt to the tiles, or every image runs on all of them.
        engine: simulates the target. Aer is not written: it is what runs of earlier versions began with.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    shots: Annotated[int, Field(ge=1)]
    mitigation: Mitigation
    seed: int = 0
    options: PrimitiveOptions = PrimitiveOptions()
    mode: Mode = "batch"
    jobs: tuple[JobSpec, ...] = ()
    calibration: Calibration | None = None
    strings: Annotated[tuple[tuple[int, ...], ...], Field(exclude_if=lambda strings: not strings)] = ()
    draws: Annotated[int, Field(ge=1, exclude_if=lambda draws: draws == 1)] = 1
    tiles: Annotated[int, Field(ge=1, exclude_if=lambda tiles: tiles == 1)] = 1
    tile_images: Annotated[TileImages, Field(exclude_if=lambda images: images == "dealt")] = "dealt"
    engine: Annotated[Engine, Field(exclude_if=lambda engine: engine == "aer")] = "aer"


@dataclass(frozen=True)
class Workload:
    """A compiled circuit and what it is run with. Make it with :func:`build_workload`.

    Attributes:
        isa: the measured ISA circuit, with a classical register ``meas``; parameters free. With T tiles it is all of
            them side by side, see :func:`.compilation.tiles.join_tiles`: T·P parameters and T·k bits.
        values: shape (N·J, P), a row of parameter values an image and draw, in the order of ``isa.parameters``, or of
            those of one tile.
        settings: shots, mitigation, options and the split into jobs.
    """

    isa: QuantumCircuit
    values: NDArray[np.float64]
    settings: Settings

    @property
    def uses_estimator(self) -> bool:
        """Whether expectation values are asked for instead of bitstrings."""
        return self.settings.mitigation in ESTIMATED

    @cached_property
    def measured(self) -> list[int]:
        """The physical qubit behind each classical bit, of all tiles."""
        return measured_qubits(self.isa)

    @property
    def tile_qubits(self) -> list[list[int]]:
        """The physical qubits behind the bits of each tile; without tiles, :attr:`measured` alone."""
        width = len(self.measured) // self.settings.tiles
        return [self.measured[start : start + width] for start in range(0, len(self.measured), width)]

    @cached_property
    def products(self) -> Products:
        """The products of Z that are averaged, all from the same shots, by the bits of one tile."""
        width = len(self.measured) // self.settings.tiles
        return Products(self.settings.strings, width) if self.settings.strings else Products.of_bits(width)

    @property
    def num_images(self) -> int:
        """N."""
        return len(self.values) // self.settings.draws

    @property
    def image_jobs(self) -> list[JobSpec]:
        """The jobs without the calibration."""
        return [job for job in self.settings.jobs if job.chunk != CALIBRATION]

    def estimates(self, job: JobSpec) -> bool:
        """Whether a job asks the Estimator; the calibration never does."""
        return self.uses_estimator and job.chunk != CALIBRATION

    def options(self, job: JobSpec) -> PrimitiveOptions:
        """Of a job's primitive: what is meant for the classifier's gates does not reach the calibration."""
        options = self.settings.options
        return options.for_calibration() if job.chunk == CALIBRATION else options

    def mitigation(self, job: JobSpec) -> Mitigation:
        """What a job's primitive does by itself: the calibration is never mitigated."""
        return "none" if job.chunk == CALIBRATION else self.settings.mitigation

    def circuits(self, job: JobSpec) -> list[QuantumCircuit]:
        """The measured circuits of a job: |0…0⟩ and |1…1⟩ for the calibration, else the classifier."""
        if job.chunk == CALIBRATION:
            return list(calibration_circuits(self.isa.num_qubits, self.measured))
        return [self.isa]

    def dealing(self, job: JobSpec) -> Dealing:
        """Which rows run on which tile, execution by execution; without tiles, every row in its turn."""
        settings = self.settings
        how = {"draws": settings.draws, "tiles": settings.tiles}
        return deal(job.start, job.stop, **how, images=settings.tile_images)

    def executions(self, job: JobSpec) -> int:
        """How often the circuit runs for the images of a job, in units of the shots; 0 for the calibration."""
        settings = self.settings
        how = {"draws": settings.draws, "tiles": settings.tiles}
        return executions_of(job.rows, **how, images=settings.tile_images)

    def pubs(self, job: JobSpec, circuits: Sequence[QuantumCircuit]) -> list[tuple[Any, ...]]:
        """The PUBs of a job on the given measured circuits, which may be smaller relabelled copies of its own."""
        if job.chunk == CALIBRATION:
            return [(circuit,) for circuit in circuits]
        dealt = self.dealing(job).rows
        # Of the joint circuit, the parameters of tile 0, then those of tile 1, and so on.
        rows = self.values[dealt].reshape(len(dealt), -1)
        if not self.uses_estimator:
            return [(circuits[0], rows)]
        bare = circuits[0].remove_final_measurements(inplace=False)
        measured = measured_qubits(circuits[0])
        observables = [
            SparsePauliOp.from_sparse_list([("Z" * len(bits), [measured[b] for b in bits], 1)], circuits[0].num_qubits)
            for bits in self.products.strings
        ]
        return [(bare, observables, rows[:, None, :])]

    def save(self, folder: Path) -> None:
        """Write circuit, values and settings; a folder that has them already is left as it is."""
        if (folder / SETTINGS_FILE).is_file():
            return
        beside = {ISA_FILE: circuit_bytes(self.isa), VALUES_FILE: npy(self.values)}
        for name, content in beside.items():
            write_atomically(folder / name, content)
        settings = self.settings.model_dump(mode="json")
        digests = {name: _digest(content) for name, content in (*beside.items(), (SETTINGS_FILE, _plain(settings)))}
        write_atomically(folder / SETTINGS_FILE, json.dumps({**settings, "digests": digests}, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            InputError: the folder holds no workload, or a damaged one.
        """
        names = (SETTINGS_FILE, VALUES_FILE, ISA_FILE)
        if missing := [name for name in names if not (folder / name).is_file()]:
            raise InputError(
                f"{folder} holds no work for a target",
                got=f"no {', '.join(missing)}",
                expected=f"a run folder with {SETTINGS_FILE}, {VALUES_FILE} and {ISA_FILE}",
                remedy="name a folder that `qaml submit` or `qaml run` made",
            )
        paths = {name: folder / name for name in names}
        stored = object_of(read_bytes(paths[SETTINGS_FILE]), str(paths[SETTINGS_FILE]), _RESTORE)
        # Earlier versions wrote no digests.
        digests = stored.pop("digests", {})
        contents = {SETTINGS_FILE: _plain(stored)} | {n: read_bytes(paths[n]) for n in (VALUES_FILE, ISA_FILE)}
        # Before anything parses them: a damaged circuit can ask for all the memory.
        for name, content in contents.items():
            if digests and (not isinstance(digests, dict) or digests.get(name) != _digest(content)):
                raise damaged(str(paths[name]), "another content", "what was written when the run was made", _RESTORE)
        settings = fitted(stored, str(paths[SETTINGS_FILE]), Settings, _RESTORE)
        values = array_of(contents[VALUES_FILE], str(paths[VALUES_FILE]), _RESTORE)
        isa = circuit_of(contents[ISA_FILE], str(paths[ISA_FILE]), _RESTORE)
        try:
            check_tiles(isa, settings.tiles)
            check_values(isa, values, settings.shots, settings.draws, settings.tiles)
            check_strings(isa, settings.strings, settings.tiles)
        except InputError as error:
            raise damaged(str(folder), str(error.got), error.expected, _RESTORE) from error
        return cls(isa, values, settings)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _plain(settings: Mapping[str, Any]) -> bytes:
    """The settings as bytes that do not depend on how the file is set."""
    return json.dumps(settings, sort_keys=True).encode()


def check_tiles(isa: QuantumCircuit, tiles: int) -> None:
    """Raise InputError unless a circuit can be so many tiles side by side, by its parameters and bits."""
    width = len(measured_qubits(isa))
    if tiles < 1 or isa.num_parameters % tiles or width % tiles:
        raise InputError(
            "the circuit is not that many tiles side by side",
            got=f"{tiles} tiles in a circuit of {isa.num_parameters} parameters and {width} measured qubits",
            expected="at least one tile, and as many parameters and measured qubits in each",
            remedy="join the compiled tiles with join_tiles, and give their number",
        )


def check_values(isa: QuantumCircuit, values: NDArray[np.float64], shots: int, draws: int = 1, tiles: int = 1) -> None:
    """Raise InputError unless there is a shot, and a row of a tile's parameters for every draw of every image."""
    size = isa.num_parameters // tiles
    if values.ndim != 2 or values.shape[1] != size or not len(values):
        raise InputError(
            "the parameter values do not fit the circuit",
            got=f"an array of shape {values.shape}",
            expected=f"(images, {size}) with at least one image",
            remedy="encode the images with the encoding that the circuit was built with",
        )
    if draws < 1 or len(values) % draws:
        raise InputError(
            "the rows do not fit the draws",
            got=f"{len(values)} rows and {draws} draws of an image",
            expected="at least one draw, and the same number for every image",
            remedy="give a row for every draw of every image, those of an image one behind the other",
        )
    if shots < 1:
        raise InputError(
            "cannot sample the circuit", got=f"{shots} shots", expected="at least 1", remedy="ask for more shots"
        )


def check_strings(isa: QuantumCircuit, strings: tuple[ZString, ...], tiles: int = 1) -> None:
    """Raise InputError unless each product is of classical bits that a tile has, in ascending order."""
    places = {*range(len(measured_qubits(isa)) // tiles)}
    if not all(string and string == tuple(sorted({*string} & places)) for string in strings):
        raise InputError(
            "the products of Z do not fit the circuit",
            got=f"the classical bits {short(strings)}",
            expected=f"of each product its bits, ascending, from 0 to {len(places) - 1}",
            remedy="give the strings of the readout that the circuit was built with",
        )
