"""From a sweep's request to its cells, with everything checked that can be checked before the first one runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.deployments.circuits import CircuitWithNoise, device_circuit, native_circuit
from qaml_qiskit.deployments.engines import seed_of
from qaml_qiskit.deployments.inputs import find_model, load_images, require_qvc
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import load_catalogue, load_recipe, open_target
from qaml_qiskit.execution.catalogue import FakeEntry, SnapshotEntry
from qaml_qiskit.models import QVC, QVCConfig, check_batch
from qaml_qiskit.noise import NoiseSpec, Placement, named_noise
from qaml_qiskit.simulation.heisenberg import memory_needed
from qaml_qiskit.simulation.heisenberg.memory import check_fits
from qaml_qiskit.workflows.sweep.cells import Cell, ModelCopy, pack
from qaml_qiskit.workflows.sweep.request import SweepRequest
from qaml_qiskit.workflows.sweep.rows import Case

#: Images a cell where they are simulated one by one: what a kill can lose.
_BLOCK = 20
#: Bytes of one of Aer's density matrices is 16·4ⁿ; it holds about so many at a time.
_COPIES = 3


@dataclass(frozen=True)
class Subject:
    """A model behind one encoding, and its images."""

    name: str
    encoding: str
    model: QVC
    images: Tensor
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class CasePlan:
    """A case with the circuits that its cells run."""

    case: Case
    subject: Subject
    where: CircuitWithNoise
    layers: CircuitWithNoise | None
    spec: NoiseSpec | None

    @property
    def told(self) -> str:
        """What it is to a reader."""
        case = self.case
        noise = "no noise" if case.noise == "none" else case.noise
        strength = f" {case.strength:g}" if case.strength else ""
        return f"{Path(case.model).name}, {case.encoding}, {noise}{strength}"


class SweepPlan:
    """All cells of a sweep.

    Args:
        request: the grid.
        data_dir: where the data sets are.
        backends: the backends.yaml of the target.

    Raises:
        QamlError: something that the request names does not exist, does not fit, or does not fit into the memory.
    """

    def __init__(self, request: SweepRequest, data_dir: Path | None, backends: Path | None) -> None:
        self.request = request
        self._backends = backends
        self.notes: list[str] = []
        self._packed: dict[tuple[str, int], bytes] = {}
        self.subjects = [subject for name in request.models for subject in _subjects(name, request, data_dir)]
        self.cases = [case for subject in self.subjects for case in self._cases(subject)]
        for case in self.cases:
            self._check(case)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What the request's names stood for, so that a folder is not continued after one has changed."""
        found: dict[str, Any] = {
            "weights": {s.name: digest(s.model.weight) for s in self.subjects},
            "images": {s.name: digest(s.images) for s in self.subjects},
        }
        if "device" in self.request.noise:
            entry = load_catalogue(self._backends).entry(self.request.target)
            found["target"] = entry.model_dump(mode="json")
            found["recipe"] = load_recipe(self.request.recipe).model_dump(mode="json")
        return found

    def cells(self, plan: CasePlan) -> Iterator[Cell]:
        """The cells of a case, one for every block of images."""
        request, subject, case = self.request, plan.subject, plan.case
        size = len(subject.images) if plan.where.inputs and request.engine == "exact" else _BLOCK
        model = ModelCopy.of(subject.model)
        for start in range(0, len(subject.images), size):
            rows = slice(start, start + size)
            # All noises and encodings have the same blocks of a model's images.
            if (subject.name, start) not in self._packed:
                self._packed[subject.name, start] = pack(subject.images[rows], subject.labels[rows])
            yield Cell(
                name=_file_name(case, start),
                told=plan.told,
                model=model,
                images=self._packed[subject.name, start],
                where=plan.where,
                layers=plan.layers,
                spec=plan.spec,
                engine=request.engine,
                attacks=tuple(attack.model_copy(update={"seed": request.seed + start}) for attack in request.attacks()),
                shots=request.shots,
                mitigation=request.mitigation,
                trajectories=request.trajectories,
                seed=seed_of(request.seed, case, start),
                case_seed=seed_of(request.seed, case),
            )

    def _cases(self, subject: Subject) -> Iterator[CasePlan]:
        request = self.request
        clean = Case(subject.name, subject.encoding)
        circuits = {placement: self._native(subject, placement) for placement in request.placement}
        first = circuits.get("gate") or next(iter(circuits.values()))
        yield CasePlan(clean, subject, *first, None)
        for noise in request.noise:
            if noise == "device":
                case = replace(clean, noise=noise, strength=None)
                yield CasePlan(case, subject, *self._device(subject), None)
                continue
            for placement in request.placement:
                for strength in request.strengths:
                    case = replace(clean, noise=noise, strength=strength, placement=placement)
                    yield CasePlan(case, subject, *circuits[placement], named_noise(noise, strength, placement))

    def _native(self, subject: Subject, placement: Placement) -> tuple[CircuitWithNoise, CircuitWithNoise | None]:
        layers = native_circuit(subject.model, placement, with_encoding=False)
        if not self.request.encoding_noise:
            return layers, None
        return native_circuit(subject.model, placement, with_encoding=True), layers

    def _device(self, subject: Subject) -> tuple[CircuitWithNoise, CircuitWithNoise | None]:
        request = self.request
        entry = load_catalogue(self._backends).entry(request.target)
        target = open_target(request.target, entry, subject.model.config.num_qubits)
        if not isinstance(entry, FakeEntry | SnapshotEntry):
            raise ConfigurationError(
                f"the target {target.name} has no device noise to sweep",
                got=f"kind {entry.kind}",
                expected="kind fake or snapshot",
                remedy="choose another --target, or a named noise such as --noise depolarizing",
            )
        made = []
        for with_encoding in (False, True) if request.encoding_noise else (False,):
            circuit, notes = device_circuit(subject.model, target, request.recipe, with_encoding=with_encoding)
            made.append(circuit)
            self.notes += [note for note in notes if note not in self.notes]
        return (made[1], made[0]) if request.encoding_noise else (made[0], None)

    def _check(self, plan: CasePlan) -> None:
        noisy = plan.where if plan.spec is None else plan.where.under(plan.spec)
        if set(self.request.mitigation) - {"none"} and (noisy.readout.contrast <= 0).any():
            raise ConfigurationError(
                "the readout cannot be inverted",
                got=f"readout errors p10 + p01 of up to {1 - noisy.readout.contrast.min():.3g}",
                expected="a sum below 1: above it the outcome says nothing about the qubit",
                remedy="leave out --mitigation",
            )
        n, m = noisy.circuit.num_qubits, len(noisy.read)
        cpu = torch.device("cpu")
        if self.request.engine == "aer-density":
            check_fits(_COPIES * 16 * 4**n, None, n, cpu)
        if self.request.engine == "exact" and not noisy.inputs:
            check_fits(memory_needed(n, 0, torch.float64, num_inputs=0), None, n, cpu)
        if self.request.attack or (self.request.engine == "exact" and noisy.inputs):
            layers = plan.layers or noisy
            width = layers.circuit.num_qubits
            check_fits(memory_needed(width, m, num_inputs=len(layers.inputs)), None, width, cpu)


def _subjects(name: str, request: SweepRequest, data_dir: Path | None) -> list[Subject]:
    """A model behind each of the encodings, those that are the same only once."""
    stored = find_model(name)
    model = require_qvc(stored, "this model has no circuit that noise could act on")
    images, labels, _ = load_images(request.images, stored.card.data, data_dir)
    check_batch(images, model.config.image_shape)
    found: dict[str, Subject] = {}
    for config in _configs(model.config, request):
        label = config.encoding + (f"-{config.encoding_layers}" if config.encoding_layers else "")
        other = model if config == model.config else ModelCopy(config, ModelCopy.of(model).weights).build()
        found.setdefault(label, Subject(name, label, other, images, labels))
    return list(found.values())


def _configs(own: QVCConfig, request: SweepRequest) -> Iterator[QVCConfig]:
    for encoding in request.encoding:
        if encoding == "own":
            yield own
            continue
        kind = ENCODINGS[encoding]
        if (needed := kind.for_images(own.image_shape, order=own.pixel_order).num_qubits) != own.num_qubits:
            raise ConfigurationError(
                "the layers cannot be run behind another encoding",
                got=f"layers on {own.num_qubits} qubits, and --encoding {encoding}, where these images need {needed}",
                expected="own, or an encoding that needs as many qubits",
                remedy="leave out --encoding",
            )
        for layers in request.encoding_layers if kind.has_layers() else (None,):
            yield QVCConfig.model_validate({**own.model_dump(), "encoding": encoding, "encoding_layers": layers})


def _file_name(case: Case, start: int) -> str:
    """A readable name; the digits at its end tell apart what the readable part does not."""
    strength = "" if case.strength is None else f"{case.strength:g}"
    words = (Path(case.model).name, case.encoding, case.noise, strength, case.placement or "", f"{start:05d}")
    readable = "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", word) for word in words if word)
    return f"{readable[:80]}_{seed_of(case, start):08x}"
