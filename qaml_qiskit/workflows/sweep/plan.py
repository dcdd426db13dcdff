"""From a sweep's request to its cells, with everything checked that can be checked before the first one runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.deployments import Batch, Deployment, deploy, load_batch, refusals
from qaml_qiskit.deployments.engines import seed_of
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import load_catalogue, load_recipe
from qaml_qiskit.execution.catalogue import FakeEntry, SnapshotEntry
from qaml_qiskit.simulation.heisenberg import memory_needed
from qaml_qiskit.simulation.heisenberg.memory import check_fits
from qaml_qiskit.workflows.sweep.cells import Cell, pack
from qaml_qiskit.workflows.sweep.request import SweepRequest
from qaml_qiskit.workflows.sweep.rows import Case

#: Images a cell where they are simulated one by one: what a kill can lose.
_BLOCK = 20
#: Bytes of one of Aer's density matrices is 16·4ⁿ; it holds about so many at a time.
_COPIES = 3


@dataclass(frozen=True)
class CasePlan:
    """A case with the deployment and the images that its cells score."""

    case: Case
    deployment: Deployment
    batch: Batch

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
        self.models = {name: deploy(name) for name in request.models}
        self.encoded = {name: _behind_encodings(model, request) for name, model in self.models.items()}
        self.batches = {name: load_batch(request.images, [model], data_dir) for name, model in self.models.items()}
        self.cases = [
            case
            for name, deployments in self.encoded.items()
            for encoding, deployment in deployments.items()
            for case in self._cases(Case(name, encoding), deployment, self.batches[name])
        ]
        for case in self.cases:
            self._check(case)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What the request's names stood for, so that a folder is not continued after one has changed."""
        found: dict[str, Any] = {
            "weights": {name: model.weights_digest for name, model in self.models.items()},
            "images": {name: digest(batch.images) for name, batch in self.batches.items()},
        }
        if "device" in self.request.noise:
            entry = load_catalogue(self._backends).entry(self.request.target)
            found["target"] = entry.model_dump(mode="json")
            found["recipe"] = load_recipe(self.request.recipe).model_dump(mode="json")
        return found

    def cells(self, plan: CasePlan) -> Iterator[Cell]:
        """The cells of a case, one for every block of images."""
        request, case, batch = self.request, plan.case, plan.batch
        size = _BLOCK if request.encoding_noise or request.engine != "exact" else len(batch)
        for start in range(0, len(batch), size):
            rows = slice(start, start + size)
            # All noises and encodings have the same blocks of a model's images.
            if (case.model, start) not in self._packed:
                self._packed[case.model, start] = pack(batch.images[rows], batch.labels[rows])
            yield Cell(
                name=_file_name(case, start),
                told=plan.told,
                deployment=plan.deployment,
                encoding_noise=request.encoding_noise,
                images=self._packed[case.model, start],
                engine=request.engine,
                attacks=tuple(attack.model_copy(update={"seed": request.seed + start}) for attack in request.attacks()),
                shots=request.shots,
                mitigation=request.mitigation,
                trajectories=request.trajectories,
                seed=seed_of(request.seed, case, start),
                case_seed=seed_of(request.seed, case),
            )

    def _cases(self, clean: Case, model: Deployment, batch: Batch) -> Iterator[CasePlan]:
        request = self.request
        with_encoding = request.encoding_noise
        # Without noise: the same circuit as under the noises that follow.
        first = "gate" if "gate" in request.placement else request.placement[0]
        yield CasePlan(clean, model.under("depolarizing", 0, first, on_encoding=with_encoding), batch)
        for noise in request.noise:
            if noise == "device":
                yield CasePlan(replace(clean, noise=noise, strength=None), self._on_device(model), batch)
                continue
            for placement in request.placement:
                for strength in request.strengths:
                    case = replace(clean, noise=noise, strength=strength, placement=placement)
                    yield CasePlan(case, model.under(noise, strength, placement, on_encoding=with_encoding), batch)

    def _on_device(self, model: Deployment) -> Deployment:
        request = self.request
        entry = load_catalogue(self._backends).entry(request.target)
        if not isinstance(entry, FakeEntry | SnapshotEntry):
            raise refusals.needs_device_noise(request.target, entry.kind)
        return model.on(request.target, request.recipe, self._backends)

    def _check(self, plan: CasePlan) -> None:
        deployment = plan.deployment.fresh()
        noisy = deployment.circuit if self.request.encoding_noise else deployment.layers
        self.notes += [note for note in noisy.notes if note not in self.notes]
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
            layers = deployment.layers
            self.notes += [note for note in layers.notes if note not in self.notes]
            width = layers.circuit.num_qubits
            check_fits(memory_needed(width, m, num_inputs=len(layers.inputs)), None, width, cpu)


def _behind_encodings(model: Deployment, request: SweepRequest) -> dict[str, Deployment]:
    """A model behind each of the encodings, by what they are called; those that are the same only once."""
    own = model.qvc.config
    found: dict[str, Deployment] = {}
    for encoding in request.encoding:
        choices = [(own.encoding, own.encoding_layers)]
        if encoding != "own":
            has_layers = ENCODINGS[encoding].has_layers()
            choices = [(encoding, layers) for layers in (request.encoding_layers if has_layers else (None,))]
        for name, layers in choices:
            found.setdefault(f"{name}-{layers}" if layers else name, model.behind(name, layers))
    return found


def _file_name(case: Case, start: int) -> str:
    """A readable name; the digits at its end tell apart what the readable part does not."""
    strength = "" if case.strength is None else f"{case.strength:g}"
    words = (Path(case.model).name, case.encoding, case.noise, strength, case.placement or "", f"{start:05d}")
    readable = "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", word) for word in words if word)
    return f"{readable[:80]}_{seed_of(case, start):08x}"
