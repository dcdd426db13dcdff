"""From a sweep's request to its cells, with everything checked that can be checked before the first one runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts.fingerprints import digest
from qaml_qiskit.deployments import Batch, Deployment, load_batch, read_deployment, refusals
from qaml_qiskit.deployments.networks import notes_of
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.execution import load_catalogue, load_recipe
from qaml_qiskit.execution.catalogue import FakeEntry, SnapshotEntry
from qaml_qiskit.studies import readout_notes
from qaml_qiskit.studies.engines import seed_of
from qaml_qiskit.studies.sweeping import SweepCell, check_cell, pack
from qaml_qiskit.workflows.sweep.request import SweepRequest

#: Images a cell where they are simulated one by one: what a kill can lose.
_BLOCK = 20


@dataclass(frozen=True)
class Case:
    """A model under one noise: what a number of rows have in common. Seeds are made from it.

    Attributes:
        model: its name as it was given.
        encoding: what prepares the images.
        noise: the noise's name, or ``none``.
        strength: 0 without noise, None for a device's own.
        placement: None without noise, and for a device's own.
    """

    model: str
    encoding: str
    noise: str = "none"
    strength: float | None = 0.0
    placement: str | None = None

    def __str__(self) -> str:
        """What it is to a reader."""
        noise = "no noise" if self.noise == "none" else self.noise
        strength = f" {self.strength:g}" if self.strength else ""
        return f"{Path(self.model).name}, {self.encoding}, {noise}{strength}"

    def file(self, start: int) -> str:
        """A readable name for a block of images; the digits at its end tell apart what the readable part does not."""
        strength = "" if self.strength is None else f"{self.strength:g}"
        words = (Path(self.model).name, self.encoding, self.noise, strength, self.placement or "", f"{start:05d}")
        readable = "_".join(re.sub(r"[^A-Za-z0-9.-]+", "-", word) for word in words if word)
        return f"cells/{readable[:80]}_{seed_of(self, start):08x}"


@dataclass
class SweepPlan:
    """All cells of a sweep.

    Attributes:
        request: the grid.
        data_dir: where the data sets are.
        backends: the backends.yaml of the target.
        cells: by their keys in the run.
        keys: of the cells of every case, in the order of the images.
        steps: of the bar, by the cells' keys: an image that is scored or attacked is a step.
        classes: how many there are, of every model behind each of its encodings.
        notes: what was repaired in a device's noise.

    Raises:
        QamlError: something that the request names does not exist, does not fit, or does not fit into the memory.
    """

    request: SweepRequest
    data_dir: Path | None
    backends: Path | None
    cells: dict[str, SweepCell] = field(init=False, default_factory=dict)
    keys: dict[Case, list[str]] = field(init=False, default_factory=dict)
    steps: dict[str, int] = field(init=False, default_factory=dict)
    classes: list[int] = field(init=False, default_factory=list)
    notes: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Read the models and their images, and make and check the cells."""
        self.models = {name: read_deployment(name) for name in self.request.models}
        for model in self.models.values():
            model.check_exact()
        behind = {name: _behind_encodings(model, self.request) for name, model in self.models.items()}
        self.batches = {
            name: load_batch(self.request.images, [model], self.data_dir, or_all=self.request.is_default("images"))
            for name, model in self.models.items()
        }
        self.notes += [*readout_notes(self.models.values()), *notes_of(self.models.values())]
        for name, batch in self.batches.items():
            blocks = dict(self._blocks(batch))
            for encoding, deployment in behind[name].items():
                self.classes.append(deployment.num_classes)
                for case, under in self._cases(Case(name, encoding), deployment):
                    self._add(case, under, blocks)

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What the request's names stood for, so that a folder is not continued after one has changed."""
        found: dict[str, Any] = {
            "weights": {name: model.weights_digest for name, model in self.models.items()},
            "images": {name: digest(batch.images) for name, batch in self.batches.items()},
        }
        fewer = {name: len(batch) for name, batch in self.batches.items() if f"{len(batch)}" != self.request.images}
        if fewer and self.request.is_default("images"):
            found["images_taken"] = fewer
        if "device" in self.request.noise:
            entry = load_catalogue(self.backends).entry(self.request.target)
            found["target"] = entry.model_dump(mode="json")
            found["recipe"] = load_recipe(self.request.recipe).model_dump(mode="json")
        return found

    def _blocks(self, batch: Batch) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """The number of images in every block and the block itself, by its start; all cases of a model share them."""
        one_by_one = self.request.encoding_noise or self.request.engine != "exact"
        size = _BLOCK if one_by_one else len(batch)
        for start in range(0, len(batch), size):
            labels = batch.labels[start : start + size]
            yield start, (len(labels), pack(batch.images[start : start + size], labels))

    def _add(self, case: Case, deployment: Deployment, blocks: dict[int, tuple[int, bytes]]) -> None:
        """The cells of a case, of which one is checked for all."""
        request, attacks = self.request, self.request.attacks()
        self.keys[case] = [case.file(start) for start in blocks]
        for start, (count, images) in blocks.items():
            self.steps[case.file(start)] = count * (1 + len(attacks))
            self.cells[case.file(start)] = SweepCell(
                deployment=deployment,
                encoding_noise=request.encoding_noise,
                images=images,
                engine=request.engine,
                attacks=tuple(attack.model_copy(update={"seed": request.seed + start}) for attack in attacks),
                shots=request.shots,
                mitigation=request.mitigation,
                trajectories=request.trajectories,
                seed=seed_of(request.seed, case, start),
                case_seed=seed_of(request.seed, case),
            )
        self.notes += [note for note in check_cell(self.cells[self.keys[case][0]]) if note not in self.notes]

    def _cases(self, clean: Case, model: Deployment) -> Iterator[tuple[Case, Deployment]]:
        request, with_encoding = self.request, self.request.encoding_noise
        # Without noise: the same circuit as under the noises that follow.
        first = "gate" if "gate" in request.placement else request.placement[0]
        yield clean, model.under("depolarizing", 0, first, on_encoding=with_encoding)
        for noise in request.noise:
            if noise == "device":
                yield replace(clean, noise=noise, strength=None), self._on_device(model)
                continue
            for placement in request.placement:
                for strength in request.strengths:
                    case = replace(clean, noise=noise, strength=strength, placement=placement)
                    yield case, model.under(noise, strength, placement, on_encoding=with_encoding)

    def _on_device(self, model: Deployment) -> Deployment:
        request = self.request
        entry = load_catalogue(self.backends).entry(request.target)
        if not isinstance(entry, FakeEntry | SnapshotEntry):
            raise refusals.needs_device_noise(request.target, entry.kind)
        return model.on(request.target, request.recipe, self.backends)


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
