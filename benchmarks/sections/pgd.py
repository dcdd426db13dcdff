"""A whole attack."""

from __future__ import annotations

from benchmarks.contest import median
from benchmarks.sections.results import Results
from benchmarks.sections.tables import table


def section(results: Results) -> list[str]:
    """The package at both depths, and the attack through others."""
    setting, rows = results.facts["setting"], results.rows
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
    return ["## A whole attack", text, table(head, lines), *([through] if peers else [])]
