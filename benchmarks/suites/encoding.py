"""Images fitted by V-layers, alone and in batches: compiled beside torch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.contest import Contestant, run_contest, say
from benchmarks.store import Store
from benchmarks.suites.session import open_store
from benchmarks.suites.settings import Settings
from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.encodings import ApproximateEncoding
from qaml_qiskit.encodings.v_layers import analytic_start, refine, v_bonds

LAYERS = (1, 2, 3, 4)
BATCHES = (1, 2, 8, 32, 500)
#: What torch fits together, and the largest batch that it is timed with.
_TORCH_CHUNK, _TORCH_BATCH = 64, 32


def run(settings: Settings) -> Store:
    """Time all sizes in turns."""
    store = open_store("encoding", settings, {})
    store.put("setting", {"num_qubits": 6 if settings.quick else 10, "layers": LAYERS, "batches": BATCHES})
    say("encoding: images by V-layers")
    with torch.no_grad():
        run_contest(list(_contestants(settings.quick)), settings.short_rounds, store)
    return store


def _contestants(quick: bool) -> Iterator[Contestant]:
    images = torch.from_numpy(load_dataset("digits").test.images).double()
    images = torch.cat([images, images])[: max(BATCHES)]
    if not quick:
        images = torch.nn.functional.interpolate(images, size=28, mode="bilinear")
    qubits = 6 if quick else 10
    for layers in LAYERS[:1] if quick else LAYERS:
        encoding = ApproximateEncoding(qubits, layers)
        for size in BATCHES[:3] if quick else BATCHES:
            some = images[:size]
            states, part = encoding.wanted(some), 1 / size
            yield Contestant(f"package/{layers}/{size}", lambda e=encoding, x=some: e.angles(x), part)
            if size <= _TORCH_BATCH:
                yield Contestant(f"torch/{layers}/{size}", lambda x=states, count=layers: _in_torch(x, count), part)


def _in_torch(states: Tensor, layers: int) -> None:
    """The fit where nothing was compiled."""
    num_qubits = states.shape[1].bit_length() - 1
    for chunk in states.split(_TORCH_CHUNK):
        refine(chunk, analytic_start(chunk, num_qubits, layers), v_bonds(num_qubits, layers), 10)
