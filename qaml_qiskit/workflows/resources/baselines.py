"""Gate counts that are kept, so that an upgrade cannot quietly make circuits worse: ``qaml resources --check``."""

from collections.abc import Sequence
from importlib import resources as package_files
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.deployments.images import load_images_of
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.execution.catalogue import parse_yaml
from qaml_qiskit.progress import Progress, Silent
from qaml_qiskit.reports import Brief, Outcome
from qaml_qiskit.studies import count_circuits
from qaml_qiskit.workflows.resources.request import ResourcesRequest
from qaml_qiskit.workflows.resources.workflow import grid_of

#: Counts may grow by this share before the check fails; routing is random, and a gate more or less is no news.
TOLERANCE = 0.05
_TITLES = {"two_qubit_gates": "2q", "two_qubit_depth": "2q depth", "depth": "depth"}
_COUNTS = tuple(_TITLES)


class Baseline(BaseModel):
    """A grid of compiled circuits and their counts, in the grid's order: (two-qubit gates, two-qubit depth, depth)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    grid: ResourcesRequest
    counts: tuple[tuple[int, int, int], ...]


class Baselines(BaseModel):
    """The content of transpile/baselines/counts.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    qiskit: str
    baselines: tuple[Baseline, ...]


def load_baselines() -> Baselines:
    """The baselines that ship with the package."""
    file = package_files.files("qaml_qiskit._recipes") / "baselines" / "counts.yaml"
    return parse_yaml(file.read_text(encoding="utf-8"), "transpile/baselines/counts.yaml", Baselines)


def check_resources(*, backends: Path | None = None, progress: Progress | None = None) -> Outcome:
    """Compile every circuit of the baselines again and compare the counts.

    Returns:
        A row a compiled circuit with old and new counts; ``problem`` is set when one grew by more than
        :data:`TOLERANCE`.
    """
    kept, rows = load_baselines(), list[Row]()
    for baseline in kept.baselines:
        one_image = load_images_of("1", baseline.grid.dataset, baseline.grid.loading(None))[0].double()
        grid = grid_of(baseline.grid, one_image, backends)
        counted = count_circuits(grid, progress or Silent(), counts_alone=True)
        compiled = [row for row, _ in counted if row["target"]]
        rows += [_compare(row, old) for row, old in zip(compiled, baseline.counts, strict=True)]
    worse = [row for row in rows if row["verdict"] == "worse"]
    problem = None
    if worse:
        first = worse[0]
        problem = ConfigurationError(
            f"{len(worse)} of {len(rows)} circuits compile to more than they did",
            got=f"{first['circuit']} on {first['target']} with {first['recipe']}: "
            + ", ".join(f"{first[f'new_{name}']} {name} instead of {first[f'old_{name}']}" for name in _COUNTS),
            expected=f"at most {TOLERANCE:.0%} more than with Qiskit {kept.qiskit}",
            remedy="change the recipe, or keep the new counts in transpile/baselines/counts.yaml and say why",
        )
    return Outcome("resources", None, rows, problem=problem, brief=lambda: Brief(_old_and_new(rows)))


def _old_and_new(rows: Sequence[Row]) -> list[Row]:
    """The rows of :func:`check_resources` in columns that fit a terminal, old and new count in one."""
    head = ("circuit", "target", "recipe")
    return [
        {
            **{name: row[name] for name in head},
            **{title: f"{row[f'old_{name}']} → {row[f'new_{name}']}" for name, title in _TITLES.items()},
            "verdict": row["verdict"],
        }
        for row in rows
    ]


def _compare(row: Row, old: tuple[int, int, int]) -> Row:
    layers = "" if row["encoding_layers"] is None else f" {row['encoding_layers']}"
    ansatz = "" if row["ansatz"] == "ladder" else f" of {row['ansatz']}"
    compared: Row = {
        "circuit": f"{row['encoding']}{layers}, {row['qubits']} qubits, {row['layers']} layers{ansatz}",
        "target": row["target"],
        "recipe": row["recipe"],
    }
    grown = False
    for name, before in zip(_COUNTS, old, strict=True):
        compared[f"old_{name}"], compared[f"new_{name}"] = before, row[name]
        grown = grown or row[name] > before * (1 + TOLERANCE) + 1
    compared["verdict"] = "worse" if grown else "ok"
    return compared
