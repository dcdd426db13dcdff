"""What a classifier's circuit costs, before and after compilation: the work behind ``qaml resources``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from qiskit.circuit import QuantumCircuit

from qaml_qiskit.artifacts.codecs import JSON, Codec
from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.artifacts.mapping import HERE, Bar, Pool, compute_tasks
from qaml_qiskit.artifacts.opening import open_run
from qaml_qiskit.artifacts.outcome import Brief, Outcome, Row
from qaml_qiskit.artifacts.pool import open_pool
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.circuits import QubitReadout, classifier_circuit, gate_counts
from qaml_qiskit.execution import (
    Recipe,
    Target,
    circuit_seconds,
    compile_for,
    load_catalogue,
    load_recipe,
    open_target,
    survival,
)
from qaml_qiskit.execution.circuits import active_qubits
from qaml_qiskit.execution.scheduling import without_delays
from qaml_qiskit.progress import Advance, Progress, Silent
from qaml_qiskit.workflows.resources.circuits import EncodingCircuit, ansatz_circuit, encoding_circuits, first_images
from qaml_qiskit.workflows.resources.published import published_rows
from qaml_qiskit.workflows.resources.report import Cell, wholes_and_parts, write_report
from qaml_qiskit.workflows.resources.request import ResourcesRequest

#: The columns of a part that is compiled alone.
_PART = ("two_qubit_gates", "two_qubit_depth")
_KEPT: Codec[Cell] = JSON.of(lambda cell: {"row": cell[0], "pairs": cell[1]}, lambda kept: (kept["row"], kept["pairs"]))


@dataclass(frozen=True)
class _Grid:
    """Everything a row is made of."""

    ansaetze: tuple[str, ...]
    targets: Mapping[str, Target]
    recipes: Mapping[str, Recipe]
    encodings: Mapping[int, list[EncodingCircuit]]
    layers: tuple[int, ...]
    seed: int

    def circuits(self) -> Iterator["_Circuit"]:
        for ansatz, (num_qubits, encodings) in product(self.ansaetze, self.encodings.items()):
            for encoding, layers in product(encodings, self.layers):
                yield _Circuit(ansatz, num_qubits, encoding, layers)


@dataclass(frozen=True)
class _Circuit:
    """A classifier of the grid."""

    name: str
    num_qubits: int
    encoding: EncodingCircuit
    layers: int

    def ansatz(self, seed: int) -> QuantumCircuit:
        return ansatz_circuit(self.name, self.num_qubits, self.layers, seed)

    def whole(self, ansatz: QuantumCircuit) -> QuantumCircuit:
        return classifier_circuit(self.encoding.circuit, ansatz, QubitReadout(self.num_qubits, self.num_qubits))


def resources(
    request: ResourcesRequest,
    *,
    backends: Path | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Count gates and depths of every combination, as built (target and recipe empty) and compiled.

    Args:
        request: the grid.
        backends: the backends.yaml to use.
        out: a run folder for tables, pictures and page; None keeps nothing.
        data_dir: where data sets are.
        workers: compile in so many processes on this machine, with Dask.
        scheduler: compile on the workers of this Dask scheduler.
        progress: told about every compilation.

    Raises:
        QamlError: an unknown or unfit target, recipe or data set; no folder is left then.
    """
    shown, opening = progress or Silent(), open_pool(workers, scheduler)
    catalogue = load_catalogue(backends)
    widest = max(request.qubits)
    targets = {name: open_target(name, catalogue.entry(name), widest) for name in request.target}
    recipes = {name: load_recipe(name) for name in request.recipe}
    images = first_images(request, data_dir)
    if out is not None:
        for name, target, recipe in product(request.ansatz, targets.values(), recipes.values()):
            _try(name, target, recipe, widest)
    encodings = {num_qubits: encoding_circuits(request, num_qubits, images, shown) for num_qubits in request.qubits}
    grid = _Grid(request.ansatz, targets, recipes, encodings, request.layers, request.seed)
    if out is None:
        with opening as pool:
            rows = [row for row, _ in _cells(grid, shown, pool=pool)]
        found = Outcome("resources", None, rows, {"published": published_rows()})
        return replace(found, brief=partial(_brief, found))
    resolved = _resolved(grid, digest(images))
    with opening as pool, open_run("resources", request, resolved, out, backends=backends) as run:
        if not run.complete:
            write_report(run, request, _cells(grid, shown, run, pool), published_rows(), targets)
    return Outcome.of(run, "published", brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    whole, parts = wholes_and_parts(outcome.results)
    published = outcome.tables["published"]
    short = [{name: cell for name, cell in row.items() if name not in ("remark", "source")} for row in published]
    source = f"published: {published[0]['source']}; our counts are before compilation."
    return Brief(whole, {"encoding and ansatz, each compiled alone": parts, "published": short}, (source,))


def count_grid(
    request: ResourcesRequest, *, backends: Path | None = None, progress: Progress | None = None
) -> list[Row]:
    """The compiled rows of a grid, without parts and fidelities: what a comparison of counts needs."""
    shown = progress or Silent()
    catalogue = load_catalogue(backends)
    few = request.model_copy(update={"images": 1})
    images = first_images(few, None)
    grid = _Grid(
        request.ansatz,
        {name: open_target(name, catalogue.entry(name), max(request.qubits)) for name in request.target},
        {name: load_recipe(name) for name in request.recipe},
        {num_qubits: encoding_circuits(few, num_qubits, images, Silent()) for num_qubits in request.qubits},
        request.layers,
        request.seed,
    )
    return [row for row, _ in _cells(grid, shown, parts=False) if row["target"]]


def _resolved(grid: _Grid, images: str) -> dict[str, Any]:
    """What the names stood for, so that a run is not mixed with one from before an edit."""
    return {
        "targets": {name: target.entry.model_dump(mode="json") for name, target in grid.targets.items()},
        "recipes": {name: recipe.model_dump(mode="json") for name, recipe in grid.recipes.items()},
        "images": images,
    }


def _try(ansatz: str, target: Target, recipe: Recipe, num_qubits: int) -> None:
    """Compile a small circuit, so that what does not fit is told before a folder is made."""
    small = _Circuit(ansatz, num_qubits, EncodingCircuit("none", None, QuantumCircuit(num_qubits), None), 1)
    once = recipe.model_copy(update={"seeds": recipe.seeds[:1], "trials": recipe.trials and 1})
    compile_for(small.whole(small.ansatz(0)), target, once)


@dataclass(frozen=True)
class _Compilation:
    """A classifier, to be compiled for one target with one recipe."""

    circuit: _Circuit
    target: str
    recipe: str

    @property
    def told(self) -> str:
        circuit = self.circuit
        told = f"{circuit.encoding.name}, {circuit.num_qubits} qubits, {circuit.layers} layers"
        return f"{circuit.name}, {told}, {self.target}, {self.recipe}"


def _cells(
    grid: _Grid, progress: Progress, run: Run | None = None, pool: Pool = HERE, parts: bool = True
) -> list[Cell]:
    """A row and the pairs of physical qubits in use, for every circuit as built and compiled; kept in the run."""
    compiler = _Compiler(grid, parts)
    places = list(product(grid.targets, grid.recipes))
    tasks = {
        f"cells/{index:03d}-{place:02d}": _Compilation(circuit, *where)
        for index, circuit in enumerate(grid.circuits())
        for place, where in enumerate(places)
    }
    bar = Bar(progress, "compiling circuits", {key: task.told for key, task in tasks.items()})
    if run is None:
        found = dict(compute_tasks(tasks, compiler, bar=bar, pool=pool))
    else:
        found = run.map(tasks, compiler, _KEPT, bar=bar, pool=pool)
    cells: list[Cell] = []
    for index, circuit in enumerate(grid.circuits()):
        of_circuit = [found[f"cells/{index:03d}-{place:02d}"] for place in range(len(places))]
        cells += [
            ({**row, "ansatz": circuit.name}, pairs) for row, pairs in [(compiler.as_built(circuit), []), *of_circuit]
        ]
    return cells


class _Compiler:
    """Compiles circuits and their parts; a part that several circuits share is compiled once."""

    def __init__(self, grid: _Grid, parts: bool) -> None:
        self._grid = grid
        self._parts = parts
        self._known: dict[tuple[object, ...], Row] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Compiling needs no open handle of a device, which would not fit into a message.
        targets = {name: replace(target, backend=None) for name, target in self._grid.targets.items()}
        return {"_grid": replace(self._grid, targets=targets, encodings={}), "_parts": self._parts, "_known": {}}

    def __call__(self, task: _Compilation, advance: Advance) -> Cell:
        """A row, and the pairs of physical qubits in use."""
        return self._compiled(task.circuit, self._grid.targets[task.target], task.recipe)

    def as_built(self, circuit: _Circuit) -> Row:
        ansatz = circuit.ansatz(self._grid.seed)
        costs = _costs(circuit.whole(ansatz))
        parts = {**_part("encoding", _costs(circuit.encoding.circuit)), **_part("ansatz", _costs(ansatz))}
        return _row(circuit, (None, None), costs, parts if self._parts else {})

    def _compiled(self, circuit: _Circuit, target: Target, recipe: str) -> Cell:
        ansatz, encoding = circuit.ansatz(self._grid.seed), circuit.encoding
        started = perf_counter()
        isa = compile_for(circuit.whole(ansatz), target, self._grid.recipes[recipe], recipe)
        costs = {**_costs(isa, target), "compile_seconds": perf_counter() - started}
        parts: Row = {}
        if self._parts:
            for part, alone, key in (
                ("encoding", encoding.circuit, (encoding.name, encoding.layers)),
                ("ansatz", ansatz, (circuit.name, circuit.layers)),
            ):
                counted = self._alone(alone, target, recipe, (part, circuit.num_qubits, *key))
                parts.update(_part(part, counted))
        return _row(circuit, (target.name, recipe), costs, parts), _pairs(isa)

    def _alone(self, circuit: QuantumCircuit, target: Target, recipe: str, key: tuple[object, ...]) -> Row:
        key = (*key, target.name, recipe)
        if key not in self._known:
            # An empty circuit has nothing to be laid out by.
            isa = compile_for(circuit, target, self._grid.recipes[recipe], recipe) if circuit.data else circuit
            self._known[key] = _costs(isa)
        return self._known[key]


def _row(circuit: _Circuit, place: tuple[str | None, str | None], costs: Row, parts: Row) -> Row:
    encoding = circuit.encoding
    head = {
        "encoding": encoding.name,
        "encoding_layers": encoding.layers,
        "qubits": circuit.num_qubits,
        "layers": circuit.layers,
    }
    return {**head, "target": place[0], "recipe": place[1], **costs, **parts, "fidelity": encoding.fidelity}


def _costs(circuit: QuantumCircuit, target: Target | None = None) -> Row:
    """Gates and depths; on a target also the duration and the probability that nothing fails."""
    gates, readout = (None, None) if target is None else survival(circuit, target.isa)
    known = [value for value in (gates, readout) if value is not None]
    return {
        **gate_counts(without_delays(circuit)).as_dict(),
        "seconds": None if target is None else circuit_seconds(circuit, target.isa),
        "gate_survival": gates,
        "readout_survival": readout,
        "success_probability": float(np.prod(known)) if known else None,
        "compile_seconds": None,
        "physical_qubits": None if target is None else " ".join(map(str, _placed(circuit))),
    }


def _placed(isa: QuantumCircuit) -> list[int]:
    """The physical qubit of each qubit where the circuit begins, then those that routing uses besides."""
    active = active_qubits(isa)
    if isa.layout is None:
        return list(active)
    placed = isa.layout.initial_index_layout(filter_ancillas=True)
    return [*placed, *(qubit for qubit in active if qubit not in placed)]


def _pairs(isa: QuantumCircuit) -> list[list[int]]:
    pairs = {
        tuple(sorted(isa.find_bit(qubit).index for qubit in instruction.qubits))
        for instruction in isa.data
        if len(instruction.qubits) == 2 and instruction.operation.name != "barrier"
    }
    return [list(pair) for pair in sorted(pairs)]


def _part(name: str, costs: Row) -> Row:
    return {f"{name}_{column}": costs[column] for column in _PART}
