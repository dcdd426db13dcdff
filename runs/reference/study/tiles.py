"""Where copies of mnist-shallow12 go on three devices, what they would score, and what they would cost.

    python runs/reference/study/tiles.py FOLDER

writes FOLDER/tiles.csv, a row a tile, and FOLDER/tile-numbers.csv, a row a number of tiles.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qaml_qiskit.deployments import deploy, load_batch, parse_deployment
from qaml_qiskit.execution.compilation.layout import line_usage
from qaml_qiskit.execution.compilation.lines import best_lines
from qaml_qiskit.studies import Tiling, TilingSettings, placed_tile_rows, tiling_row

MODEL, RECIPE = "mnist-shallow12", "line"
IMAGES, SHOTS = 1000, 1000
PLACES = [(target, gap) for target in ("fake-fez", "fake-sherbrooke", "fake-torino") for gap in (0, 1)]


def best_first(tiling: Tiling) -> int:
    """How many lines there are when the best one is always taken next."""
    compiled = tiling.compiled
    usage, found = line_usage(compiled.circuit), best_lines(compiled.target.isa, line_usage(compiled.circuit), 1)
    for tiles in range(2, len(tiling.lines(None)) + 1):
        longer = best_lines(compiled.target.isa, usage, tiles, tiling.gap)
        # As long as lines are only added, none was chosen to leave room.
        if not {*found} < {*longer}:
            return tiles - 1
        found = longer
    return len(found)


def tables(target: str, gap: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of both tables."""
    model, condition = parse_deployment(MODEL, target=target, recipe=RECIPE)
    deployment = deploy(model, condition)
    batch = load_batch("200", [deployment], None)
    tiling = Tiling(deployment, batch, TilingSettings(IMAGES, SHOTS, gap=gap, recipe=RECIPE))
    first, most = best_first(tiling), len(tiling.lines(None))
    place, alone = {"target": target, "gap": gap}, tiling.forecast(tiling.lines(1))
    for tiles in sorted({*range(1, first + 1), most}):
        forecast = tiling.forecast(tiling.lines(tiles))
        yield "tile-numbers", {**place, **tiling_row(forecast, alone.seconds)}
        if tiles in (first, most):
            for row in placed_tile_rows(tiling, forecast.lines, forecast.tile_accuracies):
                yield "tiles", {**place, "tiles": tiles, **row}


def main(folder: Path) -> None:
    """Write both tables."""
    found: dict[str, list[dict[str, Any]]] = {}
    for place in PLACES:
        for name, row in tables(*place):
            found.setdefault(name, []).append(
                {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
            )
    for name, rows in found.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
