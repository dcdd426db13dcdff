"""All results of a folder as one Markdown page: a section a suite, in the order of the suites."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from benchmarks.sections.results import Results
from benchmarks.sections.tables import table, title_of
from benchmarks.suites import SUITES
from benchmarks.suites.settings import Settings


def write_report(settings: Settings) -> str:
    """Write ``report.md`` from whatever the folder has, and return it."""
    paths = {name: settings.out / f"{name}.json" for name in SUITES}
    found = {name: Results.read(path) for name, path in paths.items() if path.exists()}
    parts = ["# Benchmark results", *_machine(found)]
    for name, results in found.items():
        # A section is imported when its suite was run: it asks the suite for its titles.
        parts += importlib.import_module(f"benchmarks.sections.{name}").section(results)
    report = "\n\n".join(parts) + "\n"
    settings.out.mkdir(parents=True, exist_ok=True)
    (settings.out / "report.md").write_text(report)
    return report


def _machine(found: Mapping[str, Results]) -> list[str]:
    if not found:
        return ["Nothing was measured yet."]
    first = found.get("peers", next(iter(found.values())))
    parts = [table(["machine", ""], first.signature["machine"].items())]
    if any(results.signature["settings"]["quick"] for results in found.values()):
        parts.append("**Made with `--quick`: tiny sizes, the numbers mean nothing.**")
    versions = found["peers"].signature["versions"] if "peers" in found else {}
    if versions:
        parts.append(table(["contestant", "version"], ((title_of(key), text) for key, text in versions.items())))
    loads = [sample["load"] for results in found.values() for row in results.rows.values() for sample in row]
    if loads:
        parts.append(
            f"One-minute load average during the runs: {min(loads):.1f} to {max(loads):.1f} (the benchmark itself is "
            "1 of it). CPU time leaves out what other processes took; on an idle machine it equals wall time."
        )
    return parts
