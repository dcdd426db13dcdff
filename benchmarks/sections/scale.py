"""Cost laws, and what machines that are not here would reach by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from benchmarks.contest import median
from benchmarks.laws import Law, fit
from benchmarks.scale_sizes import Size, counts
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table

#: docs/scale.md shows what stands between them.
BEGIN, END = "<!-- scale on paper -->", "<!-- end of scale on paper -->"
WHAT = {
    "train": "a training step",
    "attack": "an attack step through the circuit",
    "collapse": "the circuit as one matrix, once a model",
    "collapsed": "an attack step with that matrix",
    "noise": "a noise: all classes, for every image",
    "certify": "certificates",
}
#: CPUs, each taken to be this one.
MACHINES = {"this core": 1, "a laptop, 8 cores": 8, "a node, 64 cores": 64, "Dask, 100 workers": 100}
GPUS = 8
#: Layers of the papers' classifier, steps of the attack, images of a batch and of an epoch.
LAYERS, STEPS, BATCH, EPOCH = 200, 40, 64, 60_000
_QUBITS = (8, 10, 12, 14, 16, 18, 20)
#: Beyond this many qubits noise and certificates take more memory than a worker has (4ⁿ numbers a class).
_DENSE = 12
#: Beyond so many a matrix of the whole circuit does not pay.
_MATRIX = 11


@dataclass(frozen=True)
class Scale:
    """The laws of a run.

    Attributes:
        results: of the suite.
    """

    results: Results

    @cached_property
    def laws(self) -> dict[str, Law]:
        """Of every kind, without the size that checks it."""
        found = {}
        for kind in WHAT:
            rows = {row: size for row, size in self.sizes(kind).items() if str(size) != self._check(kind)}
            found[kind] = fit([(counts(kind, size), median(self.results.rows[row])) for row, size in rows.items()])
        return found

    def sizes(self, kind: str) -> dict[str, Size]:
        """The measured sizes of a kind by their row."""
        rows = [row for row in self.results.rows if row.startswith(f"{kind}@")]
        return {row: Size(**self.results.facts[f"size:{row}"]) for row in rows}

    def seconds(self, kind: str, size: Size) -> float:
        """By the law."""
        return self.laws[kind].seconds(counts(kind, size))

    def checked(self, kind: str) -> tuple[Size, float, float]:
        """The size that checks the law, what the law says of it, and what was measured."""
        size = next(size for size in self.sizes(kind).values() if str(size) == self._check(kind))
        return size, self.seconds(kind, size), median(self.results.rows[f"{kind}@{size}"])

    def _check(self, kind: str) -> str:
        return str(self.results.facts[f"law:{kind}"]["check"])


def section(results: Results) -> list[str]:
    """Laws, what an hour reaches, the largest circuits, where the time goes, and communication."""
    scale = Scale(results)
    parts = [*_laws(scale), *_hour(scale), *_largest(scale), *_shares(scale), *_communication(results)]
    return ["## Scale on paper", BEGIN, *parts, END]


def _laws(scale: Scale) -> list[str]:
    lines = []
    for kind, law in scale.laws.items():
        size, told, measured = scale.checked(kind)
        terms = ", ".join(f"{_nanoseconds(value)} {term}" for term, value in law.constants.items() if value)
        error = f"{100 * law.mean_error:.0f} %, {100 * law.largest_error:.0f} %"
        place = f"n = {size.qubits}, L = {size.layers}, {size.images} images"
        check = f"{told:.2g} s, {measured:.2g} s, {100 * (told / measured - 1):+.0f} %"
        lines.append([WHAT[kind], terms, str(len(scale.sizes(kind)) - 1), error, place, check])
    head = ["", "the law", "points", "error: root mean square, largest", "checked at", "law, measured, difference"]
    text = (
        f"One thread of {scale.results.processor}. A law is a sum of counted operations times a measured constant, "
        "fitted by least squares of the relative errors to the points; the size that checks it is the largest, and was "
        "left out of the fit."
    )
    return [text, table(head, lines)]


def _hour(scale: Scale) -> list[str]:
    efficiency = _efficiency(scale.results)
    rows: list[tuple[str, float, float | None]] = []
    for n in (10, 12, 16, 20):
        seconds = scale.seconds("train", Size(n, LAYERS, BATCH)) / BATCH
        rows.append((f"images through a training step, n = {n}", seconds, _on_gpu(scale.results, "train", n)))
    for n in (10, 12, 16, 20):
        rows.append(
            (f"images through PGD-{STEPS}, n = {n}", _pgd(scale, n, 1000) / 1000, _pgd_on_gpu(scale.results, n))
        )
    rows += [(f"strengths of a noise, n = {n}", scale.seconds("noise", Size(n, LAYERS)), None) for n in (8, 10, 12)]
    rows += [
        (f"certificates of a model, n = {n}", scale.seconds("certify", Size(n, LAYERS, 1000)) / 1000, None)
        for n in (8, 10, 12)
    ]
    lines = []
    for name, seconds, gpu in rows:
        cells = [_count(3600 * _speed(cpus, efficiency) / seconds) for cpus in MACHINES.values()]
        lines.append([name, *cells, "–" if gpu is None else _count(3600 * GPUS / gpu)])
    text = (
        f"What an hour reaches, L = {LAYERS}, batches of {BATCH}, all classes, by the laws of this core. The other "
        f"machines are extrapolated: their cores are taken to be worth {100 * efficiency:.0f} % of one alone, which is "
        f"what two threads reach here, and Dask's workers to be alone. The GPUs are {GPUS} times one, at the largest "
        "batch that was measured on it, other depths in proportion; what was not measured has a dash."
    )
    return [text, table(["in an hour", *MACHINES, f"{GPUS} GPUs"], lines)]


def _largest(scale: Scale) -> list[str]:
    tasks: dict[str, tuple[Callable[[int], float], int]] = {
        f"an epoch of {EPOCH:,} images": (
            lambda n: scale.seconds("train", Size(n, LAYERS, BATCH)) * EPOCH / BATCH,
            _QUBITS[-1],
        ),
        f"PGD-{STEPS} on 1,000 images": (lambda n: _pgd(scale, n, 1000), _QUBITS[-1]),
        "ten strengths of a noise": (lambda n: 10 * scale.seconds("noise", Size(n, LAYERS)), _DENSE),
        "certificates of 1,000 images": (lambda n: scale.seconds("certify", Size(n, LAYERS, 1000)), _DENSE),
    }
    efficiency, lines = _efficiency(scale.results), []
    for name, (seconds, limit) in tasks.items():
        sizes = range(_QUBITS[0], limit + 1)
        line = []
        for cpus in MACHINES.values():
            fits = [n for n in sizes if seconds(n) / _speed(cpus, efficiency) <= 3600]
            line.append(f"{max(fits)}{' (limit)' if max(fits) == limit else ''}" if fits else f"under {_QUBITS[0]}")
        lines.append([name, *line])
    text = (
        f"The most qubits with which that is done within an hour, L = {LAYERS}. *limit*: the kernel ends at "
        f"{_QUBITS[-1]} qubits; noise and certificates were counted up to {_DENSE}."
    )
    return [text, table(["within an hour", *MACHINES], lines)]


def _shares(scale: Scale) -> list[str]:
    lines = []
    for n in (8, 10, 12):
        parts = {
            "20 epochs": 20 * scale.seconds("train", Size(n, LAYERS, BATCH)) * EPOCH / BATCH,
            f"PGD-{STEPS} on 10,000": _pgd(scale, n, 10_000),
            "50 strengths": 50 * scale.seconds("noise", Size(n, LAYERS)),
            "1,000 certificates": scale.seconds("certify", Size(n, LAYERS, 1000)),
        }
        total, worst = sum(parts.values()), max(parts, key=lambda part: parts[part])
        lines.append(
            [f"n = {n}", f"{total / 3600:.2g}", *(f"{100 * part / total:.0f} %" for part in parts.values()), worst]
        )
    text = f"A study of one model on one core: {EPOCH:,} images of training, and what its parts take of the time."
    head = ["", "hours", "20 epochs", f"PGD-{STEPS} on 10,000", "50 strengths", "1,000 certificates", "the bottleneck"]
    return [text, table(head, lines)]


def _communication(results: Results) -> list[str]:
    found = results.facts.get("dask", {})
    if "a cell, s" not in found:
        return [f"Dask: not measured, {found.get('missing', 'the run was not finished')}."]
    cell, mebibyte, images = found["a cell, s"], found["a MiB, s"], 10_000 * 784 * 4 / 2**20
    whole = cell + mebibyte * images
    return [
        f"Communication, measured with Dask on two workers of this machine: {1e3 * cell:.2g} ms a cell and "
        f"{1e3 * mebibyte:.2g} ms a MiB there. A cell with a test set of 10,000 images of 28×28 pixels, {images:.0f} "
        f"MiB, loses {_nanoseconds(whole)}. By that one scheduler keeps 100 workers busy where a cell takes more than "
        f"{100 * cell:.2g} s, and {100 * whole:.2g} s where each brings its images along; between machines a MiB takes "
        "longer."
    ]


def _pgd(scale: Scale, qubits: int, images: int) -> float:
    """The cheaper of both ways, as the package chooses: through the circuit, or collapsed where there is a matrix."""
    batches = images / BATCH
    through = STEPS * batches * scale.seconds("attack", Size(qubits, LAYERS, BATCH))
    if qubits > _MATRIX:
        return through
    once = scale.seconds("collapse", Size(qubits, LAYERS))
    return min(through, once + STEPS * batches * scale.seconds("collapsed", Size(qubits, LAYERS, BATCH)))


def _efficiency(results: Results) -> float:
    threads: Mapping[str, float] = results.facts["threads"]
    return min(threads["on 1"] / threads["on 2"] / 2, 1.0) if threads["cpus"] > 1 else 1.0


def _speed(cpus: int, efficiency: float) -> float:
    """Of so many CPUs in units of one: of Dask's workers each is alone."""
    return cpus if cpus in (1, MACHINES["Dask, 100 workers"]) else cpus * efficiency


def _on_gpu(results: Results, kind: str, qubits: int, who: str = "cuda") -> float | None:
    """Seconds an image of the largest batch that was measured on a GPU; other depths count in proportion."""
    path = results.folder / "gpu.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else {}
    found = {}
    for row, samples in rows.items():
        name, _, place = row.partition("@")
        n, layers, batch = (int(part) for part in place.split("x"))
        if name == f"{kind}/{who}" and n == qubits:
            found[batch, layers] = median(samples, "wall") * LAYERS / layers / batch
    return found[max(found)] if found else None


def _pgd_on_gpu(results: Results, qubits: int) -> float | None:
    # A frozen model that does not collapse costs as much as the circuit.
    ways = [_on_gpu(results, "attack", qubits, who) for who in ("cuda", "cuda-collapsed")]
    found = [way for way in ways if way is not None]
    return STEPS * min(found) if found else None


def _nanoseconds(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-12:.3g} ps"


def _count(number: float) -> str:
    """Two digits of a large number."""
    if number < 100:
        return f"{number:.2g}"
    digits = 10 ** (len(str(int(number))) - 2)
    return f"{round(number / digits) * digits:,}"
