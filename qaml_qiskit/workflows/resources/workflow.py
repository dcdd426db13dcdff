"""What a classifier's circuit costs, before and after compilation: the work behind ``qaml resources``."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, product
from pathlib import Path

import torch
from torch import Tensor

from qaml_qiskit.artifacts import digest, open_pool, open_run
from qaml_qiskit.circuits import ANSAETZE, OwnAnsatz, is_own, named_circuit
from qaml_qiskit.deployments.images import load_images_of
from qaml_qiskit.encodings import ENCODINGS
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution import load_catalogue, load_recipe, open_target
from qaml_qiskit.models import check_size
from qaml_qiskit.noise import LAYER_END
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome
from qaml_qiskit.studies import Classifier, Counting, Grid, Preparation, count_circuits
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.resources.published import published_rows
from qaml_qiskit.workflows.resources.report import wholes_and_parts, write_report
from qaml_qiskit.workflows.resources.request import ResourcesRequest

#: Of Qiskit's circuit, with all that is compiled from it.
_BYTES_AN_ANGLE = 4000


@takes(ResourcesRequest)
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

    Tables, pictures and page are kept where ``out`` names a run folder, and nothing is kept otherwise.

    Raises:
        QamlError: an unknown or unfit target, recipe or data set; no folder is left then.
    """
    request = request.resolved()
    opening, progress = open_pool(workers, scheduler), progress or Silent()
    # Single precision is what the data sets have; circuits are fitted in double precision.
    first = load_images_of(str(request.images), request.dataset, request.loading(data_dir))[0].double()
    grid = grid_of(request, first, backends)
    if out is None:
        with opening as pool:
            rows = [row for row, _ in count_circuits(grid, progress, pool=pool)]
        found = Outcome("resources", None, rows, {"published": published_rows()})
        return replace(found, brief=partial(_brief, found))
    # Before the folder is made, so that what does not fit leaves nothing behind.
    small = [Preparation("none", each) for each in request.qubits]
    counting = Counting({each: each.circuit(first) for each in small}, grid.targets, grid.recipes, seed=0)
    for _, circuits in groupby(grid.circuits, lambda each: each.ansatz):
        widest = max(circuits, key=lambda each: each.preparation.num_qubits)
        counting.try_once(replace(widest, preparation=Preparation("none", widest.preparation.num_qubits)))
    resolved = {
        "targets": {name: target.entry.model_dump(mode="json") for name, target in grid.targets.items()},
        "recipes": {name: recipe.model_dump(mode="json") for name, recipe in grid.recipes.items()},
        "images": digest(first),
    }
    with opening as pool, open_run("resources", request, resolved, out, backends=backends) as run:
        if not run.complete:
            write_report(run, request, count_circuits(grid, progress, run, pool), grid.targets)
    return Outcome.of(run, "published", brief=_brief)


def _brief(outcome: Outcome) -> Brief:
    whole, parts = wholes_and_parts(outcome.results)
    published = outcome.tables["published"]
    short = [{name: cell for name, cell in row.items() if name not in ("remark", "source")} for row in published]
    source = f"published: {published[0]['source']}; our counts are before compilation."
    return Brief(whole, {"encoding and ansatz, each compiled alone": parts, "published": short}, (source,))


def grid_of(request: ResourcesRequest, first: Tensor, backends: Path | None) -> Grid:
    """Every circuit of a request, everywhere.

    Args:
        request: the grid.
        first: images, shape (N, C, H, W).
        backends: the backends.yaml to use.

    Raises:
        QamlError: an unknown or unfit target or recipe, or images that an encoding cannot take.
    """
    catalogue, images = load_catalogue(backends), _images(request, first)
    return Grid(
        [each for ansatz in request.ansatz for each in _classifiers(ansatz, images, request.layers)],
        images,
        {name: open_target(name, catalogue.entry(name), max(request.qubits)) for name in request.target},
        {name: load_recipe(name) for name in request.recipe},
        request.seed,
    )


def _classifiers(ansatz: str, prepared: Iterable[Preparation], layers: Sequence[int]) -> list[Classifier]:
    """An ansatz behind every encoding, with every number of layers; a circuit where it fits the qubits."""
    if not is_own(ansatz):
        widest = max(each.num_qubits for each in prepared)
        check_size(_BYTES_AN_ANGLE * ANSAETZE[ansatz](widest, max(layers)).num_parameters)
        return [Classifier(ansatz, *each) for each in product(prepared, layers)]
    own = named_circuit(ansatz)
    circuit = OwnAnsatz(own, LAYER_END)
    fitting = [each for each in prepared if each.num_qubits == circuit.num_qubits]
    if not fitting:
        raise ConfigurationError(
            f"{ansatz} does not fit the qubits",
            got=f"a circuit on {circuit.num_qubits} qubits",
            expected=f"one on {', '.join(map(str, dict.fromkeys(each.num_qubits for each in prepared)))}",
            remedy=f"give --qubits {circuit.num_qubits}",
        )
    return [Classifier(ansatz, each, circuit.num_layers, own) for each in fitting]


def _images(request: ResourcesRequest, first: Tensor) -> dict[Preparation, Tensor]:
    """Every encoding on every number of qubits, and what it takes of some images."""
    prepared = {}
    for num_qubits, name in product(request.qubits, request.encoding):
        images = first[:1] if name == "exact" else first
        if request.dataset == "digits":
            # 2^⌊n/2⌋ rows and 2^⌈n/2⌉ columns.
            size = (2 ** (num_qubits // 2), 2 ** (num_qubits - num_qubits // 2))
            images = torch.nn.functional.interpolate(images, size=size, mode="bilinear", align_corners=False)
        has_layers = name not in ("exact", "none") and ENCODINGS[name].has_layers()
        for layers in request.encoding_layers if has_layers else (None,):
            each = Preparation(name, num_qubits, layers)
            if each.encoding is not None:
                each.encoding.wanted(each.read(images))
            prepared[each] = images
    return prepared
