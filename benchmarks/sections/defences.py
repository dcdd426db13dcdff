"""Training steps of defences and of noise layers."""

from __future__ import annotations

from benchmarks.contest import median, ratios
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table
from benchmarks.suites.defences import TITLES


def section(results: Results) -> list[str]:
    """What was measured of the two tables."""
    parts = ["## Defences"]
    if "setting" in results.facts:
        parts += _training_steps(results)
    if "layers" in results.facts:
        parts += _noise_layers(results)
    return parts


def _training_steps(results: Results) -> list[str]:
    setting, rows = results.facts["setting"], results.rows
    plain, lines = rows.get("clean"), []
    for key, title in TITLES.items():
        if key in rows and plain:
            lines.append([title, f"{1000 * median(rows[key]):.3g}", f"{ratios(rows[key], plain)[1]:.2f}"])
    text = (
        f"A training step of {setting['num_layers']} layers on {setting['num_qubits']} qubits, batch "
        f"{setting['batch']}, one thread: attack, loss, gradient and Adam, in turns."
    )
    return ["### A training step", text, table(["", "CPU ms", "by plain, median of rounds"], lines)]


def _noise_layers(results: Results) -> list[str]:
    setting, rows = results.facts["layers"], results.rows
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
    return ["### Noise layers", text, table(head, lines)]
