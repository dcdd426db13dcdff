"""What the circuits of classifiers cost as they are built and compiled, and how well they prepare their images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import torch
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Statevector, state_fidelity
from torch import Tensor

from qaml_qiskit.artifacts import HERE, JSON, Bar, Codec, Pool, Row, Run, compute_tasks
from qaml_qiskit.artifacts.mapping import Work
from qaml_qiskit.circuits import (
    ANSAETZE,
    Ansatz,
    OwnAnsatz,
    OwnCircuit,
    QubitReadout,
    classifier_circuit,
    gate_counts,
)
from qaml_qiskit.encodings import ENCODINGS, Encoding, ExactEncoding
from qaml_qiskit.execution import Recipe, Target, circuit_seconds, compile_for, survival
from qaml_qiskit.execution.circuits import pairs_in_use, placed_qubits
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.progress import Advance, Progress
from qaml_qiskit.simulation import compile_circuit, evolve

Task = TypeVar("Task")
Value = TypeVar("Value")

#: The columns of a part that is compiled alone.
_PART = ("two_qubit_gates", "two_qubit_depth")
#: Images between two files. A multiple of what a fit takes at once.
_BLOCK = 128

#: A row, and the pairs of physical qubits in use.
CountedCircuit = tuple[Row, list[list[int]]]
COUNTED: Codec[CountedCircuit] = JSON.of(
    lambda counted: {"row": counted[0], "pairs": counted[1]}, lambda kept: (kept["row"], kept["pairs"])
)


@dataclass(frozen=True)
class Preparation:
    """An encoding of a grid, or none.

    Attributes:
        name: of a registered encoding; ``exact`` for Qiskit's state preparation of the first image, ``none`` for none.
        num_qubits: n.
        layers: of an encoding with layers, else None.
    """

    name: str
    num_qubits: int
    layers: int | None = None

    @property
    def encoding(self) -> Encoding | None:
        """What prepares the images; None for none."""
        if self.name in ("exact", "none"):
            return ExactEncoding(self.num_qubits) if self.name == "exact" else None
        return ENCODINGS[self.name].on_qubits(self.num_qubits, layers=self.layers)

    def read(self, images: Tensor) -> Tensor:
        """Images as the encoding takes them: where a pixel has a qubit, the means of n stretches of the pixels."""
        if self.encoding is None or not self.encoding.qubit_a_pixel:
            return images
        return torch.nn.functional.adaptive_avg_pool1d(images.flatten(1), self.num_qubits)

    def circuit(self, images: Tensor) -> QuantumCircuit:
        """With free angles; of ``exact`` that of the first image."""
        encoding = self.encoding
        if encoding is None:
            return QuantumCircuit(self.num_qubits)
        return encoding.circuit_for(images[0]) if self.name == "exact" else encoding.circuit

    @property
    def told(self) -> str:
        """The encoding with its layers."""
        return self.name if self.layers is None else f"{self.name} {self.layers}"


@dataclass(frozen=True)
class Classifier:
    """A circuit of a grid: layers of an ansatz behind an encoding.

    Attributes:
        ansatz: a registered name, or the file of the circuit in ``own``.
        preparation: the encoding.
        layers: of a registered ansatz; of a circuit of one's own those that it marks, or 1.
        own: the circuit where the ansatz is a file.
    """

    ansatz: str
    preparation: Preparation
    layers: int
    own: OwnCircuit | None = None

    @property
    def told(self) -> str:
        """What it is to a reader."""
        prepared = self.preparation
        return f"{self.ansatz}, {prepared.name}, {prepared.num_qubits} qubits, {self.layers} layers"

    def layers_circuit(self, seed: int) -> QuantumCircuit:
        """The layers with random angles: special values would let the transpiler drop gates."""
        if self.own is not None:
            ansatz: Ansatz = OwnAnsatz(self.own, LAYER_END)
        else:
            ansatz = ANSAETZE[self.ansatz](self.preparation.num_qubits, self.layers)
        angles = np.random.default_rng([seed, self.layers]).uniform(-np.pi, np.pi, ansatz.num_parameters)
        return ansatz.circuit().assign_parameters(angles)

    def whole(self, encoding: QuantumCircuit, seed: int) -> QuantumCircuit:
        """Encoding, layers and measurements."""
        readout = QubitReadout(self.preparation.num_qubits, self.preparation.num_qubits)
        return classifier_circuit(encoding, self.layers_circuit(seed), readout)

    def row(self, place: tuple[str | None, str | None], costs: Row) -> Row:
        """The circuit, its target and recipe, and what it costs there."""
        prepared = self.preparation
        head = {"encoding": prepared.name, "encoding_layers": prepared.layers, "qubits": prepared.num_qubits}
        return {**head, "layers": self.layers, "target": place[0], "recipe": place[1], **costs}


class Counting:
    """Compiles classifiers and counts; a task is one of them with the names of a target and a recipe.

    A part that several circuits share is compiled once.

    Args:
        encodings: circuits.
        targets: by name.
        recipes: by name.
        seed: of the layers' angles.
        parts: whether encoding and ansatz are compiled alone, too.
    """

    def __init__(
        self,
        encodings: Mapping[Preparation, QuantumCircuit],
        targets: Mapping[str, Target],
        recipes: Mapping[str, Recipe],
        seed: int,
        *,
        parts: bool = True,
    ) -> None:
        self._encodings, self._targets, self._recipes = encodings, targets, recipes
        self._seed, self._parts = seed, parts
        self._known: dict[tuple[object, ...], Row] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Compiling needs no open handle of a device, which would not fit into a message.
        targets = {name: replace(target, backend=None) for name, target in self._targets.items()}
        return {**self.__dict__, "_targets": targets, "_known": {}}

    def __call__(self, task: tuple[Classifier, str, str], advance: Advance) -> CountedCircuit:
        """The row of a compiled circuit."""
        circuit, name, recipe = task
        target, started = self._targets[name], perf_counter()
        whole = circuit.whole(self._encodings[circuit.preparation], self._seed)
        isa = compile_for(whole, target, self._recipes[recipe], recipe)
        costs = {**circuit_costs(isa, target), "compile_seconds": perf_counter() - started}
        for part, alone, key in self._alone(circuit):
            if (key, name, recipe) not in self._known:
                # An empty circuit has nothing to be laid out by.
                small = compile_for(alone, target, self._recipes[recipe], recipe) if alone.data else alone
                self._known[key, name, recipe] = circuit_costs(small)
            costs |= _part(part, self._known[key, name, recipe])
        return circuit.row((name, recipe), costs), pairs_in_use(isa)

    def as_built(self, circuit: Classifier) -> CountedCircuit:
        """The row of a circuit before compilation."""
        costs = circuit_costs(circuit.whole(self._encodings[circuit.preparation], self._seed))
        for part, alone, _ in self._alone(circuit):
            costs |= _part(part, circuit_costs(alone))
        return circuit.row((None, None), costs), []

    def _alone(self, circuit: Classifier) -> Iterator[tuple[str, QuantumCircuit, tuple[object, ...]]]:
        if self._parts:
            prepared = circuit.preparation
            yield "encoding", self._encodings[prepared], (prepared,)
            yield "ansatz", circuit.layers_circuit(self._seed), (circuit.ansatz, prepared.num_qubits, circuit.layers)

    def try_once(self, circuit: Classifier) -> None:
        """Compile a circuit everywhere with one seed, so that what does not fit is told before a folder is made."""
        whole = circuit.whole(self._encodings[circuit.preparation], self._seed)
        for target, recipe in product(self._targets.values(), self._recipes.values()):
            once = {"seeds": recipe.seeds[:1], "trials": recipe.trials and 1}
            compile_for(whole, target, recipe.model_copy(update=once))


def circuit_costs(circuit: QuantumCircuit, target: Target | None = None) -> Row:
    """Gates and depths; on a target also the duration and the probability that nothing fails."""
    gates, readout = (None, None) if target is None else survival(circuit, target.isa)
    known = [value for value in (gates, readout) if value is not None]
    return {
        **gate_counts(circuit).as_dict(),
        "seconds": None if target is None else circuit_seconds(circuit, target.isa),
        "gate_survival": gates,
        "readout_survival": readout,
        "success_probability": float(np.prod(known)) if known else None,
        "compile_seconds": None,
        "physical_qubits": None if target is None else " ".join(map(str, placed_qubits(circuit))),
    }


def _part(name: str, costs: Row) -> Row:
    return {f"{name}_{column}": costs[column] for column in _PART}


def _fidelities(task: tuple[Preparation, Tensor], advance: Advance) -> list[float]:
    """Of what the circuit itself prepares of every image, without noise, not of what the encoding says about it."""
    prepared, images = task
    encoding = prepared.encoding
    assert encoding is not None
    if prepared.name == "exact":
        wanted = encoding.state(images[:1])[0].numpy()
        return [float(state_fidelity(Statevector(prepared.circuit(images)), wanted))]
    images = prepared.read(images)
    program = compile_circuit(encoding.circuit)
    zero = torch.zeros(1, 2**encoding.num_qubits, dtype=torch.complex128)
    zero[0, 0] = 1
    found = []
    for target, angles in zip(encoding.wanted(images), encoding.angles(images), strict=True):
        found.append(float((evolve(program, zero, angles)[0] @ target.to(zero.dtype)).abs() ** 2))
        advance(1)
    return found


@dataclass(frozen=True)
class Grid:
    """Circuits, and where they are compiled.

    Attributes:
        circuits: what is counted.
        images: what each of their preparations is judged by, shape (N, C, H, W).
        targets: by name.
        recipes: by name.
        seed: of the layers' angles.
    """

    circuits: Sequence[Classifier]
    images: Mapping[Preparation, Tensor]
    targets: Mapping[str, Target]
    recipes: Mapping[str, Recipe]
    seed: int


def count_circuits(
    grid: Grid, progress: Progress, run: Run | None = None, pool: Pool = HERE, *, counts_alone: bool = False
) -> list[CountedCircuit]:
    """A row and the pairs of physical qubits in use, for every circuit as built, and compiled everywhere.

    Args:
        grid: the circuits.
        progress: told about every image and every compilation.
        run: keeps fidelities and rows; None keeps nothing.
        pool: where they are computed.
        counts_alone: leave out the parts and the fidelities.
    """
    fidelity = {} if counts_alone else _mean_fidelities(grid.images, progress, run, pool)
    encodings = {prepared: prepared.circuit(each) for prepared, each in grid.images.items()}
    counting = Counting(encodings, grid.targets, grid.recipes, grid.seed, parts=not counts_alone)
    tasks = {
        f"cells/{index:03d}-{place:02d}": (circuit, *names)
        for index, circuit in enumerate(grid.circuits)
        for place, names in enumerate(product(grid.targets, grid.recipes))
    }
    told = {key: f"{circuit.told}, {target}, {recipe}" for key, (circuit, target, recipe) in tasks.items()}
    compiled = _map(run, tasks, counting, COUNTED, Bar(progress, "compiling circuits", told), pool)
    counted = []
    for index, circuit in enumerate(grid.circuits):
        places = [compiled[key] for key in tasks if key.startswith(f"cells/{index:03d}-")]
        more = {"fidelity": fidelity.get(circuit.preparation), "ansatz": circuit.ansatz}
        counted += [({**row, **more}, pairs) for row, pairs in (counting.as_built(circuit), *places)]
    return counted


def _mean_fidelities(
    images: Mapping[Preparation, Tensor], progress: Progress, run: Run | None, pool: Pool
) -> dict[Preparation, float]:
    tasks = {
        f"fidelities/{prepared.num_qubits}-{prepared.told.replace(' ', '-')}-{start:06d}": (prepared, block.clone())
        for prepared, all_images in images.items()
        if prepared.encoding is not None
        for start, block in zip(range(0, len(all_images), _BLOCK), all_images.split(_BLOCK), strict=True)
    }
    told = {key: f"{prepared.told}, {prepared.num_qubits} qubits" for key, (prepared, _) in tasks.items()}
    bar = Bar(progress, "encoding images", told, {key: len(block) for key, (_, block) in tasks.items()})
    values: dict[Preparation, list[float]] = {}
    for key, found in _map(run, tasks, _fidelities, JSON, bar, pool).items():
        values.setdefault(tasks[key][0], []).extend(found)
    return {prepared: sum(each) / len(each) for prepared, each in values.items()}


def _map(
    run: Run | None, tasks: Mapping[str, Task], work: Work[Task, Value], codec: Codec[Value], bar: Bar, pool: Pool
) -> dict[str, Value]:
    """The values of tasks in their order, kept where there is a run."""
    if run is not None:
        return run.map(tasks, work, codec, bar=bar, pool=pool)
    found = dict(compute_tasks(tasks, work, bar=bar, pool=pool))
    return {key: found[key] for key in tasks}
