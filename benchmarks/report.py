"""All results of a folder as one Markdown page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contest import median, ratios
from benchmarks.suites.settings import Settings

_BASE = "kernel"
_WORD = {"train": "Training step (value and weight gradients)", "attack": "Attack step (image gradients)"}


def write_report(settings: Settings) -> str:
    """Write ``report.md`` from whatever the folder has, and return it."""
    documents = {path.stem: json.loads(path.read_text()) for path in sorted(settings.out.glob("*.json"))}
    parts = ["# Benchmark results", *_machine(documents)]
    if "peers" in documents:
        parts += _peers(documents["peers"])
    parts += _scaling(settings.out / "scaling.csv")
    if "memory" in documents:
        parts += _memory(documents["memory"])
    if "pgd" in documents:
        parts += _pgd(documents["pgd"])
    if "sampling" in documents:
        parts += _sampling(documents["sampling"])
    if "noise" in documents:
        parts += _noise(documents["noise"])
    if "propagation" in documents:
        parts += _propagation(documents["propagation"])
    if "circuit" in documents:
        parts += _circuit(documents["circuit"])
    if "defences" in documents:
        parts += _defences(documents["defences"])
    if "devices" in documents:
        parts += _devices(documents["devices"])
    if "certificates" in documents:
        parts += _certificates(documents["certificates"])
    if "encoding" in documents:
        parts += _encoding(documents["encoding"])
    if "gpu" in documents:
        parts += _gpu(documents["gpu"])
    report = "\n\n".join(parts) + "\n"
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "report.md").write_text(report)
    return report


def _machine(documents: dict[str, Any]) -> list[str]:
    if not documents:
        return ["Nothing was measured yet."]
    signature = documents.get("peers", next(iter(documents.values())))["signature"]
    parts = [_table(["machine", ""], signature["machine"].items())]
    if any(document["signature"]["settings"]["quick"] for document in documents.values()):
        parts.append("**Made with `--quick`: tiny sizes, the numbers mean nothing.**")
    versions = documents.get("peers", {}).get("signature", {}).get("versions", {})
    if versions:
        parts.append(_table(["contestant", "version"], ((_title(key), text) for key, text in versions.items())))
    loads = [sample["load"] for each in documents.values() for row in each["rows"].values() for sample in row]
    if loads:
        parts.append(
            f"One-minute load average during the runs: {min(loads):.1f} to {max(loads):.1f} (the benchmark itself is "
            "1 of it). CPU time leaves out what other processes took; on an idle machine it equals wall time."
        )
    return parts


def _peers(document: dict[str, Any]) -> list[str]:
    facts, rows = document["facts"], document["rows"]
    parts = ["## Side by side", _setting(document)]
    for kind, title in _WORD.items():
        lines = [_contestant_line(rows, kind, row, facts) for row in _by_time(rows, kind)]
        if lines:
            head = ["", "CPU ms, median", "min to max", "wall ms", "times the kernel", "paired", "by wall", "rounds"]
            parts += [f"### {title}", _table([*head, "errors of loss and gradient"], lines)]
    notes = {name.removeprefix("note:"): text for name, text in facts.items() if name.startswith("note:")}
    notes["attack/lightning"] = "its adjoint gives no gradient with respect to the prepared state"
    silent = {_excuse(row, text): None for row, text in notes.items() if not text.startswith("agrees")}
    return [*parts, "Not in the tables:\n\n" + "\n".join(silent), *_floor(document)]


def _excuse(row: str, text: str) -> str:
    """One line for a contestant that is missing from both tables."""
    return f"- {row.partition('/')[2] if text.startswith('missing') else row}: {text}"


def _setting(document: dict[str, Any]) -> str:
    return (
        "One thread on one CPU for everybody, in one process, taking turns. A contestant is timed only if its loss and "
        f"gradients agree with the package in float64 (relative error at most {document['facts'].get('tolerance')}). "
        "*times the kernel* is the ratio of medians, *paired* the median of ratios within a round, both of CPU time."
    )


def _contestant_line(rows: dict[str, Any], kind: str, row: str, facts: dict[str, Any]) -> list[str]:
    samples, key = rows[row], row.partition("/")[2]
    cpu = [1e3 * sample["cpu"] for sample in samples]
    base = rows.get(f"{kind}/{_BASE}")
    compared = ["", "", ""]
    if base:
        of_medians, paired = ratios(samples, base)
        compared = [f"{of_medians:.3g}", f"{paired:.3g}", f"{ratios(samples, base, 'wall')[0]:.3g}"]
    errors = facts.get(f"note:{row}", "").partition("relative errors: ")[2].rstrip(")")
    return [
        _title(key),
        f"{1e3 * median(samples):.4g}",
        f"{min(cpu):.4g} to {max(cpu):.4g}",
        f"{1e3 * median(samples, 'wall'):.4g}",
        *compared,
        str(len(samples)),
        errors.replace("loss ", "").replace("gradient ", ""),
    ]


def _floor(document: dict[str, Any]) -> list[str]:
    rows, operations = document["rows"], document["facts"].get("operations", {})
    lines = []
    for kind, count in operations.items():
        base, floor = rows.get(f"{kind}/{_BASE}"), rows.get(f"{kind}/floor")
        if not base or not floor:
            continue
        of_medians, paired = ratios(base, floor)
        rate = count / min(sample["cpu"] for sample in floor) / 1e9
        seconds = f"{1e3 * median(floor):.4g}"
        lines.append([kind, f"{count / 1e9:.3f}", f"{rate:.1f}", seconds, f"{of_medians:.2f}", f"{paired:.2f}"])
    if not lines:
        return ["Floor: not measured (no C compiler)."]
    head = ["step", "10⁹ multiply-adds", "peak, 10⁹ a second", "floor, ms", "kernel / floor", "paired"]
    text = "The floor is the counted operations of the normal form (`operations.py`) at this machine's measured peak."
    return ["### Floor", text, _table(head, lines)]


def _scaling(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    parts = [
        "## Scaling",
        "![time against layers, qubits, batch and threads](scaling.png)",
        "The numbers are in `scaling.csv`.",
    ]
    for curve, head in (("layers", "L"), ("qubits", "n"), ("batch", "batch")):
        parts.append(_curve(rows, curve, head))
    if any(row["curve"] == "large" for row in rows):
        parts += ["States that leave the caches (L, batch: 50, 8; 20, 2; 10, 1):", _curve(rows, "large", "n")]
    parts.append("n = 10 are images of 28×28 pixels and n = 12 of 3×32×32 (the papers' QVC200 on both).")
    threads = [
        [str(row["x"]), "yes" if "spinning" in str(row["curve"]) else "no", str(row["step"]), _ms(row["wall_seconds"])]
        for row in rows
        if str(row["curve"]).startswith("threads")
    ]
    batch = next((row["batch"] for row in rows if row["curve"] == "threads"), "")
    text = f"Threads of the kernel, batch {batch}, wall time; with and without another process that keeps a CPU busy:"
    return [*parts, text, _table(["threads", "a CPU is busy", "step", "wall ms"], threads)]


def _curve(rows: list[dict[str, Any]], curve: str, head: str) -> str:
    rows = [row for row in rows if row["curve"] == curve]
    columns = list(dict.fromkeys((row["step"], row["contestant"]) for row in rows))
    places = list(dict.fromkeys(row["x"] for row in rows))
    cells = {(row["x"], row["step"], row["contestant"]): _ms(row["cpu_seconds"]) for row in rows}
    lines = [[str(x), *(cells.get((x, *column), "–") for column in columns)] for x in places]
    return _table([f"{head} (CPU ms)", *(f"{step}, {contestant}" for step, contestant in columns)], lines)


def _memory(document: dict[str, Any]) -> list[str]:
    facts = document["facts"].values()
    lines = [[_title(fact["contestant"]), str(fact["layers"]), str(fact["batch"]), *_mebibytes(fact)] for fact in facts]
    text = "Resident memory of a process of its own: after the model was built, and the peak of three training steps."
    return ["## Memory of a training step", text, _table(["", "L", "batch", "before, MiB", "peak, MiB"], lines)]


def _mebibytes(fact: dict[str, Any]) -> list[str]:
    if "missing" in fact:
        return ["–", f"not measured: {fact['missing']}"]
    return [f"{fact['before_mib']:.0f}", f"{fact['peak_mib']:.0f}"]


def _pgd(document: dict[str, Any]) -> list[str]:
    setting, rows = document["facts"]["setting"], document["rows"]
    lines = []
    for layers in setting["layers"]:
        samples = [rows.get(f"{name}@{layers}") for name in ("collapse", "collapsed", "simulated")]
        if all(samples):
            medians = [median(each) for each in samples]
            times = [f"{value:.3g}" for value in medians]
            lines.append([f"QVC{layers}", *times, f"{medians[2] / (medians[0] + medians[1]):.3g}"])
    ours = [rows.get(f"{name}@{setting['layers'][0]}") for name in ("collapse", "collapsed")]
    peers = [
        f"- {title}: {median(rows[row]):.3g} s, {median(rows[row]) / sum(median(each) for each in ours):.3g} times the "
        "collapse and the collapsed attack together (a step on a batch of 64, times the steps and images)"
        for title, row in (
            ("PennyLane default.qubit, torch", f"pennylane-torch@{setting['layers'][0]}"),
            ("PennyLane default.qubit, JAX", f"pennylane-jax@{setting['layers'][0]}"),
        )
        if row in rows and all(ours)
    ]
    head = ["model", "collapse once, s", "PGD collapsed, s", "PGD simulated, s", "simulated / (collapse + collapsed)"]
    text = f"PGD with {setting['steps']} steps on {setting['images']} images, CPU seconds, one thread, kernel."
    through = f"The same attack on QVC{setting['layers'][0]} through others:\n\n" + "\n".join(peers)
    return ["## A whole attack", text, _table(head, lines), *([through] if peers else [])]


def _sampling(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.sampling import TITLES

    setting, rows = document["facts"]["setting"], document["rows"]
    lines = []
    for key, title in TITLES.items():
        if key in rows:
            agreement = setting["chi_squared"].get(key)
            lines.append(
                [
                    title,
                    f"{median(rows[key]):.3g}",
                    f"{median(rows[key], 'wall'):.3g}",
                    f"{ratios(rows[key], rows['package'])[0]:.3g}",
                    "" if agreement is None else f"{agreement:.2f}",
                ]
            )
    text = (
        f"{setting['images']} images, {setting['shots']} shots, {setting['qubits']} qubits, "
        f"{setting['two_qubit_gates']} two-qubit gates on a snapshot of a 133-qubit device. Agreement: mean square "
        "difference of ⟨Z⟩ in units of its error by shots; 1 when nothing but shots differs."
    )
    return ["## Noisy sampling", text, _table(["", "CPU s", "wall s", "times the package", "agreement"], lines)]


def _noise(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.noise import TITLES

    setting, rows = document["facts"]["setting"], document["rows"]
    lines = [
        [title, f"{median(rows[key]):.3g}", f"{median(rows[key], 'wall'):.3g}"]
        for key, title in TITLES.items()
        if key in rows
    ]
    text = (
        f"QVC200 in {setting['gates']:,} native gates, depolarising noise and bit flips after every SX, X and CZ, ten "
        f"observables, one thread. Largest difference from Aer: {setting['error']:.1e}."
    )
    return ["## Noise", text, _table(["", "CPU s", "wall s"], lines)]


def _propagation(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.propagation import TITLES

    setting, rows = document["facts"]["setting"], document["rows"]
    lines = []
    for key, title in TITLES.items():
        if key in rows and "rows" in rows:
            faster = 1 / ratios(rows[key], rows["rows"])[1]
            error = setting["errors"].get(key)
            cells = [f"{1000 * median(rows[key]) / setting['images']:.3g}", f"{faster:.1f}"]
            lines.append([title, f"{median(rows[key]):.3g}", *cells, "" if error is None else f"{error:.1e}"])
    text = (
        f"{setting['images']:,} images of {setting['model']} on {setting['device']}: {setting['qubits']} qubits, "
        f"{setting['two_qubit_gates']} two-qubit gates, the device's whole noise, single precision, one thread. "
        "The cut was timed with all that is done once, the others without it, on fewer images, and multiplied up. "
        f"Processor: {document['signature']['machine']['processor']}."
    )
    head = ["", "CPU s", "CPU ms an image", "times faster than row by row", "largest difference"]
    return ["## A forecast", text, _table(head, lines)]


def _circuit(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.circuit import TITLES

    setting, rows = document["facts"]["setting"], document["rows"]
    lines = []
    for key, title in TITLES.items():
        if f"{key}/own" in rows and f"{key}/ladder" in rows:
            ladder, own = rows[f"{key}/ladder"], rows[f"{key}/own"]
            ratio = ratios(own, ladder)[1]
            lines.append([title, f"{1000 * median(ladder):.3g}", f"{1000 * median(own):.3g}", f"{ratio:.2f}"])
    text = (
        f"The ladder of {setting['num_layers']} layers on {setting['num_qubits']} qubits, batch {setting['batch']}, "
        "and the same gates as a circuit of the user's own, in turns; the same logits to the last bit."
    )
    head = ["", "ladder, CPU ms", "own circuit, CPU ms", "own by ladder, median of rounds"]
    return ["## A circuit of one's own", text, _table(head, lines)]


def _defences(document: dict[str, Any]) -> list[str]:
    parts = ["## Defences"]
    if "setting" in document["facts"]:
        parts += _training_steps(document)
    if "layers" in document["facts"]:
        parts += _noise_layers(document)
    return parts


def _training_steps(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.defences import TITLES

    setting, rows = document["facts"]["setting"], document["rows"]
    plain, lines = rows.get("clean"), []
    for key, title in TITLES.items():
        if key in rows and plain:
            lines.append([title, f"{1000 * median(rows[key]):.3g}", f"{ratios(rows[key], plain)[1]:.2f}"])
    text = (
        f"A training step of {setting['num_layers']} layers on {setting['num_qubits']} qubits, batch "
        f"{setting['batch']}, one thread: attack, loss, gradient and Adam, in turns."
    )
    return ["### A training step", text, _table(["", "CPU ms", "by plain, median of rounds"], lines)]


def _noise_layers(document: dict[str, Any]) -> list[str]:
    setting, rows = document["facts"]["layers"], document["rows"]
    lines = []
    for name, (ansatz, side, layers) in setting["cases"].items():
        line = [f"{layers} layers of {ansatz}, {side}×{side} pixels"]
        for step in ("clean", "combined"):
            plain, noisy = (rows.get(f"{step}/{kind}/{name}") for kind in ("plain", "noisy"))
            if plain and noisy:
                line += [f"{1000 * median(plain):.3g}", f"{ratios(noisy, plain)[1]:.2f}"]
        if average := rows.get(f"average/noisy/{name}"):
            lines.append([*line, f"{median(average):.2g}"])
    text = (
        f"A training step of batch {setting['batch']}, one thread: attack, loss, gradient and Adam, without noise "
        "layers, and by how much longer with them (median of rounds). *Average*: the exact average of the draws, once "
        "for given weights, two classes."
    )
    head = ["", "clean, CPU ms", "with layers", "combined, CPU ms", "with layers", "average, CPU s"]
    return ["### Noise layers", text, _table(head, lines)]


def _certificates(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.certificates import TITLES

    setting, rows = document["facts"]["setting"], document["rows"]
    lines = [[title, f"{median(rows[key]):.2g}", str(len(rows[key]))] for key, title in TITLES.items() if key in rows]
    text = (
        f"A QVC of {setting['num_layers']} layers on {setting['num_qubits']} qubits with {setting['num_classes']} "
        "classes, one thread. A certificate: the exact l2 radius with its witness, bounds in l∞ and two attacks."
    )
    return ["## Certificates", text, _table(["", "CPU s", "rounds"], lines)]


def _encoding(document: dict[str, Any]) -> list[str]:
    setting, rows = document["facts"]["setting"], document["rows"]

    def cell(who: str, layers: int, size: int) -> str:
        key = f"{who}/{layers}/{size}"
        return f"{1e3 * median(rows[key]):.2g}" if key in rows else ""

    lines = [
        [f"{size}", *(cell(who, layers, size) for layers in setting["layers"] for who in ("package", "torch"))]
        for size in setting["batches"]
    ]
    heads = [f"L = {layers}{way}" for layers in setting["layers"] for way in ("", ", torch")]
    text = (
        f"CPU ms an image to fit V-layers on {setting['num_qubits']} qubits with ten sweeps, one thread, by the number "
        "of images at a time. *torch*: the same where nothing was compiled."
    )
    return ["## Encoding by V-layers", text, _table(["images", *heads], lines)]


def _devices(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.devices import TITLES

    setting, rows, facts = document["facts"]["setting"], document["rows"], document["facts"]
    base = rows.get("exact")
    lines = [
        [
            title,
            f"{1000 * median(rows[key]):.3g}",
            f"{1000 * median(rows[key], 'wall'):.3g}",
            f"{ratios(rows[key], base)[1]:.3g}",
        ]
        for key, title in TITLES.items()
        if key in rows and base
    ]
    compared = [fact for name, fact in facts.items() if name.startswith("agreement@")]
    values = sum(fact["values"] for fact in compared)
    square = sum(fact["values"] * fact["square"] for fact in compared) / values
    text = (
        f"{setting['qubits']} qubits, {setting['two_qubit_gates']} two-qubit gates on the model of a 156-qubit device, "
        f"{setting['shots']:,} shots an image: an image, of runs of {setting['exact_images']} images exactly and "
        f"{setting['aer_images']} by Aer, in turns. Over {sum(fact['images'] for fact in compared)} images the mean "
        f"square difference of the raw ⟨Z⟩ is {square:.3f} of what shots explain (1 where nothing else differs, give "
        f"or take {(2 / values) ** 0.5:.3f})."
    )
    head = ["an image", "CPU ms", "wall ms", "times the exact run, median of rounds"]
    memory = [
        [f"{fact['images']}", f"{fact['before_mib']:.0f}", f"{fact['peak_mib']:.0f}"]
        for name, fact in facts.items()
        if name.startswith("memory@")
    ]
    peaks = _table(["images of an exact run, M3", "before, MiB", "peak, MiB"], memory)
    return ["## Simulated devices", text, _table(head, lines), peaks]


def _gpu(document: dict[str, Any]) -> list[str]:
    from benchmarks.suites.gpu import KINDS, TITLES

    device, rows = document["facts"]["device"], document["rows"]
    parts = [
        "## On a GPU",
        f"{device}. Processor of the same machine: {document['signature']['machine']['processor']}.",
    ]
    if not rows:
        return parts
    for kind in KINDS:
        found = [row.partition("/")[2].partition("@") for row in rows if row.startswith(f"{kind}/")]
        places = list(dict.fromkeys(place for _, _, place in found))
        keys = [key for key in TITLES if any(name == key for name, _, _ in found)]
        lines = [
            [place.replace("x", ", "), *(_wall_ms(rows.get(f"{kind}/{key}@{place}")) for key in keys)]
            for place in places
        ]
        parts += [f"### {_WORD[kind]}", _table(["n, L, batch (wall ms)", *(TITLES[key] for key in keys)], lines)]
    notes = [f"- {name.removeprefix('note:')}: {text}" for name, text in document["facts"].items() if "note:" in name]
    silent = [line for line in notes if ": agrees" not in line]
    return [*parts, *(["Not in the tables:\n\n" + "\n".join(silent)] if silent else [])]


def _wall_ms(samples: Any) -> str:
    return f"{1e3 * median(samples, 'wall'):.4g}" if samples else "–"


def _by_time(rows: dict[str, Any], kind: str) -> list[str]:
    found = [row for row in rows if row.startswith(f"{kind}/") and not row.endswith("/floor")]
    return sorted(found, key=lambda row: median(rows[row]))


def _ms(seconds: object) -> str:
    return f"{1e3 * float(str(seconds)):.4g}"


def _title(key: str) -> str:
    from benchmarks.peers import TITLES

    return TITLES.get(key, key)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *lines])
