"""Encoding by V-layers."""

from __future__ import annotations

from benchmarks.contest import median
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table


def section(results: Results) -> list[str]:
    """One table."""
    setting, rows = results.facts["setting"], results.rows

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
    return ["## Encoding by V-layers", text, table(["images", *heads], lines)]
